"""Questions and predictions as data: read from a TOML file a notebook, graded here, shown by `quiz` and
`predict`.

For every option a question says why it is right or wrong. Kinds: `one` of several, `several` of several, and
a `number` with its unit and tolerance, where the likely wrong numbers have their own explanation.
"""

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from labkit.teach.pages import as_html, framed
from labkit.teach.shown import Shown

KINDS = ("one", "several", "number")
LETTERS = "abcdefghij"


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose, whether it is right, and why. In a prediction, `is_` is the outcome that it
    stands for.
    """

    text: str
    right: bool = False
    why: str = ""
    is_: object = None


@dataclass(frozen=True, slots=True)
class Slip:
    """A wrong number that a known slip leads to, and the explanation for whoever gives it."""

    value: float
    why: str


@dataclass(frozen=True, slots=True)
class Graded:
    """A graded answer: right or not, a sentence that says so, and for each option (or for the number) why.

    As long as the answer is not right, only what was chosen is explained (the other notes are empty).
    """

    right: bool
    sentence: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a knowledge check. `covers` are ids of the curriculum; `answer` and `tolerance` are in
    `unit`.
    """

    id: str
    covers: tuple[str, ...]
    kind: str
    ask: str
    options: tuple[Option, ...] = ()
    answer: float = math.nan
    tolerance: float = 0.0
    unit: str = ""
    why: str = ""
    slips: tuple[Slip, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a question that could not be answered or explained, naming its id."""
        right = sum(option.right for option in self.options)
        problems = {
            f"kind {self.kind!r} is not one of {', '.join(KINDS)}": self.kind not in KINDS,
            "a number needs an answer and a why": self.kind == "number" and (math.isnan(self.answer) or not self.why),
            "exactly one option must be right": self.kind == "one" and right != 1,
            "at least one option must be right": self.kind == "several" and right < 1,
            "every option needs a why": not all(option.why for option in self.options),
            f"it needs 2 to {len(LETTERS)} options": self.kind != "number"
            and not 2 <= len(self.options) <= len(LETTERS),
        }
        if found := [problem for problem, there in problems.items() if there]:
            raise ValueError(f"question {self.id}: {found[0]}")

    def grade(self, given: object) -> Graded:
        """Grade an answer: places of options (from 0) for choices, a number or its text for a number;
        never raises.
        """
        if self.kind == "number":
            return self._grade_number(given)
        chosen = _places(given, len(self.options))
        if not chosen:
            return Graded(False, "Nothing is chosen yet: choose an answer, then check.")
        right = {place for place, option in enumerate(self.options) if option.right}
        if chosen == right:
            return Graded(True, "✓ Right.", self.notes())
        notes = tuple(_note(option) if place in chosen else "" for place, option in enumerate(self.options))
        missed, extra = len(right - chosen), len(chosen - right)
        partly = f" {missed} right one{'s' * (missed != 1)} missing, {extra} wrong one{'s' * (extra != 1)} chosen."
        return Graded(False, f"✗ Not right yet.{partly if self.kind == 'several' else ''}", notes)

    def _grade_number(self, given: object) -> Graded:
        value = as_number(given)
        if value is None:
            return Graded(False, f"That is not a number: write it in digits, in {self.unit}.")
        if abs(value - self.answer) <= self.tolerance:
            return Graded(True, "✓ Right.", self.notes())
        for slip in self.slips:
            if abs(value - slip.value) <= self.tolerance:
                return Graded(False, "✗ Not right yet.", (slip.why,))
        way = "too small" if value < self.answer else "too large"
        return Graded(False, f"✗ Not right yet: {value:,.10g} {self.unit} is {way}.")

    def answers(self) -> list[str]:
        """The whole answer in lines of text, for readers without a kernel."""
        if self.kind == "number":
            return [*self.notes(), *(f"Not {slip.value:,.10g}: {slip.why}" for slip in self.slips)]
        return [f"{letter}) {note}" for letter, note in zip(LETTERS, self.notes(), strict=False)]

    def notes(self) -> tuple[str, ...]:
        """For each option whether it is right and why; for a number the answer and why."""
        if self.kind == "number":
            return (f"{self.answer:,.10g} {self.unit}: {self.why}",)
        return tuple(map(_note, self.options))

    def lines(self) -> list[str]:
        """What there is to choose or to write, in lines of text."""
        if self.kind == "number":
            return [f"(a number, in {self.unit})"]
        return [f"{letter}) {option.text}" for letter, option in zip(LETTERS, self.options, strict=False)]

    def public(self) -> dict[str, Any]:
        """The question as a browser may see it: without the key."""
        options = [option.text for option in self.options]
        return {"id": self.id, "kind": self.kind, "ask": self.ask, "options": options, "unit": self.unit}


@dataclass(frozen=True, slots=True)
class Prediction:
    """A question about what a cell will show, asked before it runs: choices that stand for outcomes, or a
    number in `unit`.
    """

    id: str
    ask: str
    why: str
    options: tuple[Option, ...] = ()
    unit: str = ""


def as_number(given: object) -> float | None:
    """Read a number as people write it, such as 153604 or "153,604 tokens"; None when there is none."""
    if isinstance(given, bool):
        return None
    if isinstance(given, int | float):
        return float(given) if math.isfinite(given) else None
    try:
        value = float(str(given).split()[0].replace(",", "").replace("_", ""))
    except (ValueError, IndexError):
        return None
    return value if math.isfinite(value) else None


def as_page(questions: Iterable[Question]) -> Shown:
    """Questions and options as text, the answers folded away: for GitHub, for nbconvert, for a notebook
    without a kernel.
    """
    texts, parts = [], []
    for number, question in enumerate(questions, 1):
        several = " (several may be right)" if question.kind == "several" else ""
        ask = f"{number}. {question.ask}{several}"
        texts.append(f"{ask}\n   {'  '.join(question.lines())}")
        choices = "<br>".join(map(as_html, question.lines()))
        answers = "<br>".join(map(as_html, question.answers()))
        folded = f"<details><summary>The answer, and why</summary>{answers}</details>"
        parts.append(f'<div style="margin-bottom:1em"><strong>{as_html(ask)}</strong><br>{choices}{folded}</div>')
    return Shown("\n".join(texts), framed(parts))


@cache
def questions_of(notebook: str) -> tuple[Question, ...]:
    """The knowledge check of a notebook, named by its number ("01"); raises KeyError when there is none."""
    return tuple(_question(entry) for entry in _data(notebook).get("question", []))


@cache
def predictions() -> dict[str, Prediction]:
    """Every prediction by id."""
    entries = [entry for number in numbers() for entry in _data(number).get("prediction", [])]
    return {entry["id"]: _prediction(entry) for entry in entries}


@cache
def numbers() -> tuple[str, ...]:
    """The numbers of the notebooks that have questions, in order."""
    return tuple(sorted(entry.name[:2] for entry in _folder().iterdir() if entry.name.endswith(".toml")))


def _folder() -> Any:
    return files("labkit.teach").joinpath("questions")


@cache
def _data(notebook: str) -> Mapping[str, Any]:
    for entry in _folder().iterdir():
        if entry.name.startswith(f"{notebook}_") and entry.name.endswith(".toml"):
            return tomllib.loads(entry.read_text("utf-8"))
    raise KeyError(f"there are no questions for notebook {notebook!r}; there are some for {', '.join(numbers())}")


def _question(entry: Mapping[str, Any]) -> Question:
    rest = {key: value for key, value in entry.items() if key not in ("option", "slip")}
    options = tuple(Option(**option) for option in entry.get("option", []))
    slips = tuple(Slip(**slip) for slip in entry.get("slip", []))
    return Question(**{**rest, "covers": tuple(entry["covers"])}, options=options, slips=slips)


def _prediction(entry: Mapping[str, Any]) -> Prediction:
    options = tuple(Option(option["text"], is_=option["is"]) for option in entry.get("option", []))
    return Prediction(entry["id"], entry["ask"], entry["why"], options, entry.get("unit", ""))


def _note(option: Option) -> str:
    return f"{'Right' if option.right else 'Wrong'}: {option.why}"


def _places(given: object, many: int) -> set[int]:
    chosen = given if isinstance(given, list | tuple | set | frozenset) else [given]
    return {place for place in chosen if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < many}
