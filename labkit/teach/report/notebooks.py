"""The stored outputs of a notebook, read for what they say about its exercises: nothing is run, and it is a claim."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from labkit.teach.exercises import all_exercises

type Claim = Literal["right", "wrong", "not yet"]
type Claims = dict[str, Claim]

_CHECKED = re.compile(r"^(✓|✗|Not yet,) [Ee]xercise ([\w-]{1,20}):", re.MULTILINE)
_SIGNS: Mapping[str, Claim] = {"✓": "right", "✗": "wrong", "Not yet,": "not yet"}


class NotANotebook(Exception):
    """Something is no notebook of this workbook; its text says why."""


def claim(claims: Claims, exercise: str, said: Claim) -> None:
    """Take what one check said into the claims; where there are two of them, one that is right counts."""
    if claims.get(exercise) != "right":
        claims[exercise] = said


def claims_in(stored: object) -> Claims:
    """For each exercise that a notebook checks, what the check's stored output says.

    Raises NotANotebook for other JSON, and for a notebook in which nothing of this workbook is checked.
    """
    if not isinstance(stored, dict) or not isinstance(stored.get("cells"), list):
        raise NotANotebook("JSON, but not a notebook of format 4")
    claims: Claims = {}
    for text in _texts(stored["cells"]):
        for sign, id in _CHECKED.findall(text):
            if id in all_exercises():
                claim(claims, id, _SIGNS[sign])
    if not claims and not any(_mentions(cell) for cell in stored["cells"]):
        raise NotANotebook("a notebook without an exercise of this workbook")
    return claims


def _texts(cells: list[Any]) -> Iterator[str]:
    for cell in cells:
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        for output in outputs if isinstance(outputs, list) else []:
            data = output.get("data") if isinstance(output, dict) else None
            yield _joined(data.get("text/plain") if isinstance(data, dict) else None)
            yield _joined(output.get("text") if isinstance(output, dict) else None)


def _joined(text: object) -> str:
    if isinstance(text, list):
        return "".join(line for line in text if isinstance(line, str))
    return text if isinstance(text, str) else ""


def _mentions(cell: object) -> bool:
    source = _joined(cell.get("source")) if isinstance(cell, dict) else ""
    return any(f'exercise("{id}")' in source for id in all_exercises())
