"""Questions and predictions as data: read from a TOML file a notebook, shown by `quiz` and `predict`.

For every option a question says why it is right or wrong. The kinds are in `kinds`; the numbers that change from try to
try, and the answers that labkit works out, in `numbers`.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from labkit.teach.cells.shown import Shown, as_html, framed
from labkit.teach.questions.entries import question_from
from labkit.teach.questions.kinds import Option, Question

ALL = "all"
"""The name under which the questions of all notebooks are asked together."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A question about what a cell will show, asked before it runs: choices that name outcomes, or a number in `unit`.

    `own` asks for the reason in the learner's own words after the outcome; empty where nothing is asked.
    """

    id: str
    ask: str
    why: str
    options: tuple[Option, ...] = ()
    unit: str = ""
    own: str = ""


def as_page(questions: Iterable[Question]) -> Shown:
    """Questions and options as text, the answers folded away: for GitHub, for nbconvert, for a notebook without a
    kernel.
    """
    texts, parts = [], []
    for number, question in enumerate(questions, 1):
        ask = f"{number}. {question.ask}{question.hint}"
        texts.append(f"{ask}\n   {'  '.join(question.lines())}")
        choices = "<br>".join(map(as_html, question.lines()))
        answers = "<br>".join(map(as_html, question.answers()))
        folded = f"<details><summary>The answer, and why</summary>{answers}</details>"
        parts.append(f'<div style="margin-bottom:1em"><strong>{as_html(ask)}</strong><br>{choices}{folded}</div>')
    return Shown("\n".join(texts), framed(parts))


@cache
def questions_of(notebook: str, seed: int = 0) -> tuple[Question, ...]:
    """The knowledge check of a notebook, named by its number ("01"), or of all; raises KeyError when there is none.

    Seed 0 asks as written. Any other seed draws other numbers, and shows options in another order.
    """
    if notebook == ALL:
        return tuple(question for number in names() for question in questions_of(number, seed))
    return tuple(question_from(entry, seed) for entry in _data(notebook).get("question", []))


@cache
def entries() -> dict[str, Mapping[str, Any]]:
    """The data of every question by its id, as written."""
    return {entry["id"]: entry for number in names() for entry in _data(number).get("question", [])}


@cache
def predictions() -> dict[str, Prediction]:
    """Every prediction by id."""
    entries = [entry for number in names() for entry in _data(number).get("prediction", [])]
    return {entry["id"]: _prediction(entry) for entry in entries}


@cache
def names() -> dict[str, str]:
    """The names of the notebooks that have questions, such as 01_statelessness, by their numbers, in order."""
    found = sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))
    return {name[:2]: name for name in found}


def _folder() -> Any:
    return files("labkit.teach.questions")


@cache
def _data(notebook: str) -> Mapping[str, Any]:
    if notebook not in names():
        raise KeyError(f"there are no questions for notebook {notebook!r}; there are some for {', '.join(names())}")
    return tomllib.loads(_folder().joinpath(f"{names()[notebook]}.toml").read_text("utf-8"))


def _prediction(entry: Mapping[str, Any]) -> Prediction:
    options = tuple(Option(option["text"], is_=option["is"]) for option in entry.get("option", []))
    return Prediction(entry["id"], entry["ask"], entry["why"], options, entry.get("unit", ""), entry.get("own", ""))
