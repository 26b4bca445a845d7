"""Exercises bound to an id: a stub to fill in, a check that names the misconception, hints in steps and a
solution.

A check runs the learner's function on a few probes, beside the reference solution and beside every known
wrong answer. What behaves like the reference is right; what behaves like a known mistake gets that mistake's
own message. The exercises themselves are in `labkit/teach/tasks`, one module a notebook.
"""

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from html import escape
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from labkit.teach import progress
from labkit.teach.checks import Finding, Outcome, WrongShape, bounded, brief
from labkit.teach.pages import framed, page
from labkit.teach.shown import Shown

type Answer = Callable[..., Any]


class NotYet(Exception):
    """The learner's function is still the stub."""


@dataclass(frozen=True)
class Probe:
    """One thing an answer must do: a claim in words, a run of the answer whose result is compared, and a
    hint at the idea.
    """

    claim: str
    run: Callable[[Answer], object]
    hint: str


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found: a headline, findings claim by claim, and the known mistake, if it is one, with
    its lesson.
    """

    ok: bool
    headline: str
    findings: tuple[Finding, ...] = ()
    mistake: str = ""
    lesson: str = ""

    def __str__(self) -> str:
        """Headline, lesson and findings, a line each."""
        return "\n".join([self.headline, *(f"  {line}".replace("\n", "\n  ") for line in self._rest())])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return page([self.headline, *self._rest()], "done" if self.ok else "open").rich

    def _rest(self) -> list[str]:
        return [self.lesson] * bool(self.lesson) + [str(finding) for finding in self.findings]


@dataclass(frozen=True, repr=False)
class Exercise:
    """One exercise. `mistakes` are wrong answers as functions; the docstring of each is the message its
    author gets.

    `covers` are ids of the curriculum, `task` says what to write, `stub` is the text of the cell to fill in.
    """

    id: str
    covers: tuple[str, ...]
    title: str
    task: str
    stub: str
    reference: Answer
    probes: tuple[Probe, ...]
    mistakes: tuple[Answer, ...]
    hints: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the learner's function is called."""
        return self.reference.__name__

    def __repr__(self) -> str:
        """Title and task."""
        return f"Exercise {self.id}: {self.title}\n{self.task}"

    def check(self, answer: object = None) -> Verdict:
        """Check an answer, or the function of the exercise's name in the notebook when none is given;
        records the attempt.
        """
        verdict = self.verdict(vars(sys.modules["__main__"]).get(self.name) if answer is None else answer)
        found = [finding.claim for finding in verdict.findings if not finding.ok]
        progress.record("attempt", self.id, ok=verdict.ok, mistake=verdict.mistake, missed=found)
        return verdict

    def verdict(self, answer: object) -> Verdict:
        """Check an answer without recording anything."""
        if not callable(answer):
            given = "nothing by that name was found" if answer is None else f"it is {brief(answer)}"
            return self._not_yet(f"write a function called {self.name} and run its cell; at the moment {given}.")
        got = _observed(self.probes, answer)
        if any(outcome.kind == "NotYet" for outcome in got):
            return self._not_yet(f"the function {self.name} still returns the three dots. {self.task}")
        expected = _observed(self.probes, self.reference)
        if all(map(_same, got, expected)):
            findings = tuple(map(_finding, self.probes, got, expected))
            return Verdict(True, f"✓ Exercise {self.id}: all {len(findings)} checks are right.", findings)
        return self._missed(got, expected)

    def hint(self, step: int | None = None) -> Shown:
        """The next hint, or the one of the step given (1 is the first); records that it was asked for."""
        asked = _hints_shown.get(self.id, 0) + 1 if step is None else step
        asked = _hints_shown[self.id] = min(max(asked, 1), len(self.hints))
        progress.record("hint", self.id, step=asked)
        more = "" if asked < len(self.hints) else " (the last one; the solution is there if you want it)"
        return page([f"Hint {asked} of {len(self.hints)}{more}: {self.hints[asked - 1]}"])

    def solution(self) -> Shown:
        """One way to write it, with why it works; records that it was asked for."""
        progress.record("solution", self.id)
        title, source = f"One solution of exercise {self.id}:", inspect.getsource(self.reference).strip()
        return Shown(f"{title}\n{source}", framed([title, f"<pre>{escape(source)}</pre>"]))

    def _not_yet(self, reason: str) -> Verdict:
        return Verdict(False, f"Not yet, exercise {self.id}: {reason}")

    def _missed(self, got: Sequence[Outcome], expected: Sequence[Outcome]) -> Verdict:
        right = sum(map(_same, got, expected))
        headline = f"✗ Exercise {self.id}: {right} of {len(self.probes)} checks are right."
        findings = _once(list(map(_finding, self.probes, got, expected)), got)
        mistake = _closest(self.mistakes, self.probes, got, expected)
        if mistake is None:
            return Verdict(False, headline, findings)
        name = mistake.__name__.replace("_", " ")
        lesson = f"This looks like \u201c{name}\u201d. {' '.join((mistake.__doc__ or '').split())}"
        return Verdict(False, headline, tuple(replace(finding, hint="") for finding in findings), name, lesson)


def exercise(id: str) -> Exercise:
    """The exercise of this id, such as "01-a"; raises KeyError that names the ids there are."""
    known = all_exercises()
    if id not in known:
        raise KeyError(f"there is no exercise {id!r}; the exercises are {', '.join(known)}")
    return known[id]


@cache
def all_exercises() -> dict[str, Exercise]:
    """Every exercise by id, in the order of the notebooks."""
    tasks = import_module("labkit.teach.tasks")
    modules = [import_module(f"{tasks.__name__}.{module.name}") for module in iter_modules(tasks.__path__)]
    found = [exercise for module in modules for exercise in module.EXERCISES]
    return {exercise.id: exercise for exercise in sorted(found, key=lambda exercise: exercise.id)}


_hints_shown: dict[str, int] = {}


def _observed(probes: Sequence[Probe], answer: Answer) -> list[Outcome]:
    """Run an answer on every probe; after one that did not end the others are not tried, and count as the same."""
    outcomes: list[Outcome] = []
    for probe in probes:
        ended = not outcomes or outcomes[-1].kind != "time"
        outcomes.append(bounded(partial(probe.run, _telling(answer))) if ended else outcomes[-1])
    return outcomes


def _telling(answer: Answer) -> Answer:
    """The answer, with the two results that are no result told apart: the stub's three dots, and a
    forgotten return.
    """

    def told(*args: Any, **named: Any) -> Any:
        """The answer's result, or an error that says why it is none."""
        result = answer(*args, **named)
        if result is ...:
            raise NotYet
        if result is None:
            raise WrongShape("gave back None; let every path end in a return")
        return result

    return told


def _finding(probe: Probe, got: Outcome, expected: Outcome) -> Finding:
    if _same(got, expected):
        return Finding(probe.claim, True, f"✓ Right: {probe.claim}.")
    if got.trouble:
        return Finding(probe.claim, False, f"✗ Not yet: {probe.claim}. {got.told()}")
    came = f"It gave {brief(got.value)}; expected {brief(expected.value)}."
    return Finding(probe.claim, False, f"✗ Not yet: {probe.claim}. {came}", probe.hint)


def _once(findings: Sequence[Finding], got: Sequence[Outcome]) -> tuple[Finding, ...]:
    """The findings, with those that fail by a trouble that was told already gathered in one line at the end."""
    told: set[str] = set()
    first: list[Finding] = []
    again: list[Finding] = []
    for finding, outcome in zip(findings, got, strict=True):
        (again if outcome.trouble and outcome.trouble in told else first).append(finding)
        told.add(outcome.trouble)
    if again:
        claims = "; ".join(finding.claim for finding in again)
        first.append(Finding(claims, False, f"✗ Not yet, for the same reason: {claims}."))
    return tuple(first)


def _closest(
    mistakes: Sequence[Answer], probes: Sequence[Probe], got: Sequence[Outcome], expected: Sequence[Outcome]
) -> Answer | None:
    """The known mistake that fails as this answer fails: the same way on the first failing probe, and on
    most others.
    """
    failing = [i for i in range(len(probes)) if not _same(got[i], expected[i])]
    best, most = None, 0
    for mistake in mistakes:
        seen = _observed(probes, mistake)
        if not _same(seen[failing[0]], got[failing[0]]):
            continue
        alike = sum(_same(one, other) for one, other in zip(seen, got, strict=True))
        if alike > most:
            best, most = mistake, alike
    return best


def _same(one: Outcome, other: Outcome) -> bool:
    """Alike when both ran into the same trouble, or when both gave equal values."""
    if one.kind or other.kind:
        return (one.kind, one.trouble) == (other.kind, other.trouble)
    return bounded(lambda: bool(one.value == other.value)).value is True
