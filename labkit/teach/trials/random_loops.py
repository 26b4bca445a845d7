"""Random loops that try to break a learner's function, and the smallest one found, shown as a table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from labkit.teach.cells.shown import Shown, table
from labkit.teach.checks.check import Finding
from labkit.teach.checks.probing import Answer

LOOPS = 200
"""Random loops of a check: enough to find each named mistake, and done in a tenth of a second."""


@dataclass(frozen=True)
class Broken:
    """A loop that breaks a function: the claim that does not hold, what went wrong, and the loop as rows of a table."""

    claim: str
    wrong: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]

    def finding(self) -> Finding:
        """The claim as a finding."""
        return Finding(self.claim, False, f"✗ Not yet: {self.claim}. {self.wrong}")

    def shown(self, words: bool = False) -> Shown:
        """The loop, with what is wrong about it as the caption."""
        return table(
            list(self.head), [tuple(row) for row in self.rows], f"The smallest loop that breaks it: {self.wrong}"
        )


@dataclass(frozen=True)
class LoopCourse:
    """Random loops for a function: how one is drawn, tested, made simpler and shown.

    `test` gives what is wrong in words, or nothing; an error of the function is left to the probes, which name it.
    """

    claim: str
    draw: Callable[[Random], Any]
    test: Callable[[Answer, Any], str]
    simpler: Callable[[Any], Iterator[Any]]
    head: Sequence[str]
    rows: Callable[[Answer, Any], Sequence[Sequence[object]]]

    passed = ", and no random loop breaks it"

    def prepare(self) -> None:
        """Nothing has to be loaded."""

    def failing(self, answer: Answer, claim: str) -> Broken | None:
        """The smallest loop found that breaks the function; None when none is found."""
        for number in range(LOOPS):
            drawn = self.draw(Random(f"loop {number}"))
            if self._wrong(answer, drawn):
                smallest = self._shrunk(answer, drawn)
                return Broken(self.claim, self._wrong(answer, smallest), self.head, self.rows(answer, smallest))
        return None

    def _shrunk(self, answer: Answer, drawn: Any) -> Any:
        while (smaller := next((one for one in self.simpler(drawn) if self._wrong(answer, one)), None)) is not None:
            drawn = smaller
        return drawn

    def _wrong(self, answer: Answer, drawn: Any) -> str:
        try:
            return self.test(answer, drawn)
        except Exception:
            return ""


def without_one(parts: Sequence[Any]) -> Iterator[list[Any]]:
    """Yield a list without one of its parts, each in turn."""
    for place in range(len(parts)):
        yield [*parts[:place], *parts[place + 1 :]]
