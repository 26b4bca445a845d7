"""The kinds of question of a knowledge check, one class each with the same few methods: `grade`, `notes`, `lines`,
`answers`, `in_words` and `public`.

An answer is given in places as they are shown, from 0. What is graded, and kept, is the same answer in places of the
question as it is written, so that answers given in different orders can be counted together.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from labkit.teach.cells.words import counted

LETTERS = "abcdefghij"


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose, whether it is right, and why. In a prediction, `is_` is the outcome that it predicts;
    `role` is the speaker where the option is a message, and `array` the messages where it is a list of them.
    """

    text: str
    right: bool = False
    why: str = ""
    is_: object = None
    role: str = ""
    array: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Slip:
    """A wrong number that a known slip leads to, and the explanation for whoever gives it."""

    value: float
    why: str


@dataclass(frozen=True, slots=True)
class Graded:
    """A graded answer: right or not, a sentence that says so, and for each option as shown (or for the number) why.

    As long as the answer is not right, only what was chosen is explained (the other notes are empty). `given` is the
    answer in places of the question as written, None when there is none.
    """

    right: bool
    sentence: str
    notes: tuple[str, ...] = ()
    given: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The fields of every kind. `covers` are ids of the curriculum, `shown` is the order of the options."""

    id: str
    covers: tuple[str, ...]
    ask: str
    options: tuple[Option, ...] = ()
    shown: tuple[int, ...] = ()
    kind: ClassVar[str] = ""
    hint: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Refuse a question that could not be answered or explained, naming its id."""
        if not self.shown:
            object.__setattr__(self, "shown", tuple(range(len(self.options))))
        if found := [problem for problem, there in self._problems().items() if there]:
            raise ValueError(f"question {self.id}: {found[0]}")

    def _problems(self) -> dict[str, bool]:
        return {
            "every option needs a why": not all(option.why for option in self.options),
            f"it needs 2 to {len(LETTERS)} options": not 2 <= len(self.options) <= len(LETTERS),
            "each option has to be shown once": sorted(self.shown) != [*range(len(self.options))],
        }

    def grade(self, given: object) -> Graded:
        """Grade an answer, whatever it is; never raises."""
        raise NotImplementedError

    def notes(self) -> tuple[str, ...]:
        """For each option as shown (or for the number) what is right, and why."""
        return tuple(self._note(place) for place in self.shown)

    def _note(self, place: int) -> str:
        option = self.options[place]
        return f"{'Right' if option.right else 'Wrong'}: {option.why}"

    def lines(self) -> list[str]:
        """The options, or the blank to fill in, in lines of text."""
        return [f"{letter}) {self.options[p].text}" for letter, p in zip(LETTERS, self.shown, strict=False)]

    def answers(self) -> list[str]:
        """The whole answer in lines of text, for readers without a kernel."""
        return [f"{letter}) {note}" for letter, note in zip(LETTERS, self.notes(), strict=False)]

    def in_words(self, given: object) -> str:
        """An answer as it was kept, in words; for an instructor who reads what was answered."""
        places = given if isinstance(given, list | tuple) else [given]
        return " · ".join(self.options[place].text for place in _allowed(places, len(self.options)))

    def public(self) -> dict[str, Any]:
        """The question as a browser may see it: without the key."""
        texts = [self.options[place].text for place in self.shown]
        return {"id": self.id, "kind": self.kind, "ask": self.ask, "hint": self.hint, "options": texts}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralOf(Question):
    """Choose all options that are right."""

    kind: ClassVar[str] = "several"
    hint: ClassVar[str] = " (several may be right)"
    nothing: ClassVar[str] = "Nothing is chosen yet: choose an answer, then check."

    def _problems(self) -> dict[str, bool]:
        at_least = {"at least one option must be right": not any(option.right for option in self.options)}
        return at_least | Question._problems(self)

    def grade(self, given: object) -> Graded:
        """Right when exactly the right options are chosen, given as places."""
        places = given if isinstance(given, list | tuple | set | frozenset) else [given]
        chosen = {self.shown[place] for place in _allowed(places, len(self.options))}
        if not chosen:
            return Graded(False, self.nothing)
        kept = self._kept(sorted(chosen))
        right = {place for place, option in enumerate(self.options) if option.right}
        if chosen == right:
            return Graded(True, "✓ Right.", self.notes(), kept)
        notes = tuple(self._note(place) if place in chosen else "" for place in self.shown)
        return Graded(False, f"✗ Not right yet.{self._partly(chosen, right)}", notes, kept)

    def _kept(self, chosen: list[int]) -> Any:
        return chosen

    def _partly(self, chosen: set[int], right: set[int]) -> str:
        missed, extra = counted(len(right - chosen), "right one"), counted(len(chosen - right), "wrong one")
        return f" {missed} missing, {extra} chosen."


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf(SeveralOf):
    """Choose the one option that is right."""

    kind: ClassVar[str] = "one"
    hint: ClassVar[str] = ""

    def _problems(self) -> dict[str, bool]:
        many = sum(option.right for option in self.options)
        return {"exactly one option must be right": many != 1} | Question._problems(self)

    def _kept(self, chosen: list[int]) -> Any:
        return chosen[0] if len(chosen) == 1 else chosen

    def _partly(self, chosen: set[int], right: set[int]) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked(SeveralOf):
    """Mark the messages of a conversation that meet a certain fate: `mark` says which, `rest` what the others meet.

    Where the key was computed, `history` is the conversation and `steps` are what was run on it.
    """

    mark: str
    rest: str
    history: Sequence[Any] = ()
    steps: tuple[Any, ...] = ()
    kind: ClassVar[str] = "messages"
    hint: ClassVar[str] = ""
    nothing: ClassVar[str] = "Nothing is marked yet: mark the messages, then check."

    def _note(self, place: int) -> str:
        option = self.options[place]
        fate = self.mark if option.right else self.rest
        return f"{fate[:1].upper()}{fate[1:]}: {option.why}"

    def lines(self) -> list[str]:
        """The messages, numbered, each with its speaker."""
        return [f"[{n}] {option.role}: {option.text}" for n, option in enumerate(self.options, 1)]

    def answers(self) -> list[str]:
        """The fate of each message with its reason; those with the same reason are grouped."""
        numbers: dict[str, str] = {}
        for n, note in enumerate(self.notes(), 1):
            numbers[note] = f"{numbers.get(note, '')}[{n}] "
        return [f"{which}{note}" for note, which in numbers.items()]

    def public(self) -> dict[str, Any]:
        """The messages with their speakers, and the words for marked and unmarked ones."""
        roles = [option.role for option in self.options]
        return {**Question.public(self), "roles": roles, "mark": self.mark, "rest": self.rest}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered(Question):
    """Put steps in order; the options are written in the right one, and shown in another."""

    kind: ClassVar[str] = "order"
    hint: ClassVar[str] = " (put them in order)"

    def _problems(self) -> dict[str, bool]:
        given_away = self.shown == tuple(range(len(self.options)))
        return Question._problems(self) | {"the steps may not be shown in the right order": given_away}

    def grade(self, given: object) -> Graded:
        """Right when all stand in order, given as the places of the steps as shown, first step first."""
        places = given if isinstance(given, list | tuple) else []
        order = [self.shown[place] for place in _allowed(places, len(self.options))]
        if sorted(order) != [*range(len(self.options))]:
            return Graded(False, "Not all steps have a place yet: put all of them in order, then check.")
        if order == sorted(order):
            return Graded(True, "✓ Right.", self.notes(), order)
        stand = next(place for place, step in enumerate(order) if place != step)
        first = (
            f"the first {stand} are in their place" if stand > 1 else "the first one is in its place" if stand else ""
        )
        sentence = f"✗ Not right yet: {first or 'another step comes first'}."
        notes = tuple(f"Not here: {self.options[p].why}" if p == order[stand] else "" for p in self.shown)
        return Graded(False, sentence, notes, order)

    def _note(self, place: int) -> str:
        return f"Place {place + 1}: {self.options[place].why}"

    def answers(self) -> list[str]:
        """The steps in order, each with the reason for its place."""
        return [f"{place}. {option.text} ({option.why})" for place, option in enumerate(self.options, 1)]

    def in_words(self, given: object) -> str:
        """The steps in the order in which they were put."""
        return Question.in_words(self, given).replace(" · ", " → ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Question):
    """Give a number: `answer` and `tolerance` are in `unit`; `slips` are likely wrong numbers, each explained."""

    answer: float
    unit: str
    why: str
    tolerance: float = 0.5
    slips: tuple[Slip, ...] = ()
    kind: ClassVar[str] = "number"

    def _problems(self) -> dict[str, bool]:
        near = [slip.value for slip in self.slips if abs(slip.value - self.answer) <= self.tolerance]
        return {
            "a number needs an answer and a why": math.isnan(self.answer) or not self.why,
            f"the slip {near[:1]} counts as right": bool(near),
        }

    def grade(self, given: object) -> Graded:
        """Right within the tolerance; a number, or its text as people write it."""
        value = as_number(given)
        if value is None:
            return Graded(False, f"That is not a number: write it in digits, in {self.unit}.")
        if abs(value - self.answer) <= self.tolerance:
            return Graded(True, "✓ Right.", self.notes(), given)
        for slip in self.slips:
            if abs(value - slip.value) <= self.tolerance:
                return Graded(False, "✗ Not right yet.", (slip.why,), given)
        way = "too small" if value < self.answer else "too large"
        return Graded(False, f"✗ Not right yet: {value:,.10g} {self.unit} is {way}.", given=given)

    def notes(self) -> tuple[str, ...]:
        """The answer, and why."""
        return (f"{self.answer:,.10g} {self.unit}: {self.why}",)

    def lines(self) -> list[str]:
        """The blank to fill in."""
        return [f"(a number, in {self.unit})"]

    def answers(self) -> list[str]:
        """The answer and why, and what is wrong with each likely slip."""
        return [*self.notes(), *(f"Not {slip.value:,.10g}: {slip.why}" for slip in self.slips)]

    def in_words(self, given: object) -> str:
        """The number as it was written, with its unit."""
        return f"{given} {self.unit}"

    def public(self) -> dict[str, Any]:
        """The question, and the unit."""
        return {**Question.public(self), "unit": self.unit}


KINDS: Mapping[str, type[Question]] = {cls.kind: cls for cls in (OneOf, SeveralOf, Number, Ordered, Marked)}
"""The kinds by the name that they have in the data."""


def as_number(given: object) -> float | None:
    """Read a number as people write it, such as 153604 or "153,604 tokens"; None when there is none."""
    if isinstance(given, bool):
        return None
    if isinstance(given, int | float):
        return float(given) if math.isfinite(given) else None
    try:
        value = float(str(given).removeprefix("$").split()[0].replace(",", "").replace("_", ""))
    except (ValueError, IndexError):
        return None
    return value if math.isfinite(value) else None


def _allowed(places: Iterable[object], many: int) -> list[int]:
    return [place for place in places if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < many]
