"""Rows of a real study: 306 questions that GPT-4.1 answered with about 113,000 tokens and with about 270.

The three files of `context_rot_data` are those of `chroma-core/context-rot` (MIT, see LICENSE there), as published in
July 2025: questions of LongMemEval (arXiv 2410.10813), and a needle test by length. Whether an answer is right was
judged by a model, not by people.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, its answer, and what the model said with the whole history and with the relevant part alone."""

    id: str
    ask: str
    answer: str
    whole: str
    whole_right: bool
    whole_tokens: int
    part: str
    part_right: bool
    part_tokens: int


@cache
def questions() -> tuple[Asked, ...]:
    """The 306 questions, in the order of the files."""
    part = {row["custom_id"]: row for row in _rows("focused")}
    return tuple(_asked(row, part[row["custom_id"]]) for row in _rows("full"))


def _asked(whole: Mapping[str, str], part: Mapping[str, str]) -> Asked:
    return Asked(
        whole["custom_id"],
        whole["question"],
        whole["answer"],
        whole["output"],
        _right(whole),
        int(whole["token_count"]),
        part["output"],
        _right(part),
        int(part["token_count"]),
    )


@cache
def needles() -> dict[int, tuple[int, int]]:
    """For each length in tokens, how many of the needle questions were answered rightly, and how many were asked."""
    found: dict[int, tuple[int, int]] = {}
    for row in _rows("needle"):
        length = int(row["approximate_input_length"])
        right, asked = found.get(length, (0, 0))
        found[length] = right + _right(row), asked + 1
    return dict(sorted(found.items()))


def _right(row: Mapping[str, str]) -> bool:
    return row["llm_judge_output"].strip().casefold() == "true"


def _rows(name: str) -> list[dict[str, str]]:
    text = files("labkit.teach.lessons").joinpath("context_rot_data", f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines(keepends=True)))
