"""`asked_in_public()`: questions that people ask about long conversations, with links to the cells that answer them."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from labkit.teach.cells.shown import Shown
from labkit.teach.results.scores import section
from labkit.teach.results.syllabus import notebook_of, notebooks, objectives


@cache
def public_questions() -> tuple[dict[str, Any], ...]:
    """The questions as data: `ask`, and the `rows` of the curriculum that answer it."""
    text = files("labkit.teach").joinpath("common_questions.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["question"])


def asked_in_public() -> Shown:
    """The questions with their answers' places, as a list."""
    lines = [(one["ask"], [(_place(row), section(row)) for row in one["rows"]]) for one in public_questions()]
    plain = [f"- {ask} {', '.join(place for place, _ in places)}" for ask, places in lines]
    rich = [f"- {ask} {', '.join(f'[{place}]({link})' for place, link in places)}" for ask, places in lines]
    return Shown("\n".join(plain), "\n".join(rich), "text/markdown")


def _place(row: str) -> str:
    number = objectives()[row].notebook
    return f"{int(notebook_of(number))} · {notebooks()[number]}"
