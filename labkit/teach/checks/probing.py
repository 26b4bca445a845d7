"""An answer compared with the reference: probes, their outcomes, and the known mistake that it looks like."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from labkit.teach.checks.check import SECONDS, Finding, NotYet, Outcome, WrongShape, bounded, brief

type Answer = Callable[..., Any]

_seen: dict[tuple[tuple["Probe", ...], Answer], list[Outcome]] = {}


@dataclass(frozen=True)
class Probe:
    """One thing an answer must do: a claim in words, a run of the answer whose result is compared, and a
    hint at the idea.
    """

    claim: str
    run: Callable[[Answer], object]
    hint: str


def observed(probes: Sequence[Probe], answer: Answer, seconds: float = 1e9) -> list[Outcome]:
    """Run an answer on every probe, for so many seconds in all; after one that did not end the others are not tried,
    and count as the same. Seconds are the processor's: a busy machine fails nobody.
    """
    outcomes: list[Outcome] = []
    deadline = time.process_time() + seconds
    for probe in probes:
        ended = not outcomes or not outcomes[-1].unfinished
        left = min(SECONDS, max(deadline - time.process_time(), 0.1))
        outcomes.append(_tried(probe, answer, left) if ended else outcomes[-1])
    return outcomes


def observed_once(probes: tuple[Probe, ...], answer: Answer) -> list[Outcome]:
    """The outcomes of a reference or a known mistake, observed once; not kept when the machine was too slow for it."""
    if (probes, answer) not in _seen:
        seen = observed(probes, answer)
        if any(outcome.unfinished for outcome in seen):
            return seen
        _seen[probes, answer] = seen
    return _seen[probes, answer]


class Watched:
    """An answer whose last call is remembered: its arguments, and its result once there is one.

    The stub's three dots and a forgotten return raise errors of different kinds.
    """

    def __init__(self, answer: Answer) -> None:
        """Take the answer; nothing was called yet."""
        self.answer, self.called, self.results = answer, "", list[object]()

    def __call__(self, *args: Any, **named: Any) -> Any:
        """The answer's result, or an error that says why it is none."""
        self.called = ", ".join([*map(_given, args), *(f"{name}={_given(value)}" for name, value in named.items())])
        self.results.clear()
        result = self.answer(*args, **named)
        if result is ...:
            raise NotYet(f"the function {getattr(self.answer, '__name__', 'given')}")
        if result is None:
            raise WrongShape("gave back None: end each path in a return, or in a raise where an error has to go on")
        self.results.append(result)
        return result


def _given(value: object) -> str:
    """An argument in words; of an absolute path the name alone, because a check works in a folder of its day."""
    if isinstance(value, str) and Path(value).is_absolute():
        return brief(Path(value).name)
    return brief(value)


def telling(answer: Answer) -> Answer:
    """The answer as its calls are watched; a class as it is, because it is watched where its methods are called."""
    return answer if isinstance(answer, type) else Watched(answer)


def _tried(probe: Probe, answer: Answer, seconds: float) -> Outcome:
    """The outcome of one probe; an error in reading a result is put on the result's form, not on the learner's code."""
    watched = telling(answer)
    outcome = bounded(partial(probe.run, watched), seconds)
    if not isinstance(watched, Watched):
        return outcome
    errors = outcome.kind and not (outcome.untried or outcome.unfinished or outcome.kind in ("WrongShape", "Broken"))
    if errors and watched.results:
        trouble = f"gave back {brief(watched.results[0])}, which does not have the form that was asked for"
        outcome = Outcome(trouble=trouble, kind="WrongShape")
    return replace(outcome, called=watched.called)


def finding_of(probe: Probe, got: Outcome, expected: Outcome) -> Finding:
    """The finding for a probe: a claim that holds or does not yet, with the expected outcome."""
    if same(got, expected):
        return Finding(probe.claim, True, f"✓ Right: {probe.claim}.")
    if got.untried:
        return _untried(probe.claim, got)
    if got.trouble:
        hint = probe.hint if got.kind == "Broken" else ""
        return Finding(probe.claim, False, f"✗ Not yet: {probe.claim}. {got.sentence()}", hint)
    called = f" Called with {got.called}." if got.called else ""
    came = f"It gave {brief(got.value)}; expected {brief(expected.value)}.{called}"
    return Finding(probe.claim, False, f"✗ Not yet: {probe.claim}. {came}", probe.hint)


def _untried(claims: str, outcome: Outcome) -> Finding:
    told = "Not yet" if outcome.kind == NotYet.__name__ else "Not tried"
    return Finding(claims, False, f"○ {told}: {claims} ({outcome.trouble}).", tried=False)


def without_repeats(findings: Sequence[Finding], got: Sequence[Outcome]) -> tuple[Finding, ...]:
    """The findings, with a trouble that was named already gathered in one line at the end, and untried claims in one
    line for each reason.
    """
    told: set[str] = set()
    first: list[Finding] = []
    again: list[Finding] = []
    untried: dict[Outcome, list[str]] = {}
    for finding, outcome in zip(findings, got, strict=True):
        if outcome.untried:
            untried.setdefault(outcome, []).append(finding.claim)
            continue
        (again if outcome.trouble and outcome.trouble in told else first).append(finding)
        told.add(outcome.trouble)
    if again:
        claims = "; ".join(finding.claim for finding in again)
        first.append(Finding(claims, False, f"✗ Not yet, for the same reason: {claims}."))
    return (*first, *(_untried("; ".join(claims), outcome) for outcome, claims in untried.items()))


def closest(
    mistakes: Sequence[Answer], probes: tuple[Probe, ...], got: Sequence[Outcome], expected: Sequence[Outcome]
) -> Answer | None:
    """The known mistake that fails as this answer fails: the same way on the first failing probe, and of those that do
    the one that is alike on the most probes.
    """
    failing = [i for i in range(len(probes)) if not (got[i].untried or same(got[i], expected[i]))]
    if not failing:
        return None
    best, most = None, 0
    for mistake in mistakes:
        seen = observed_once(probes, mistake)
        if not same(seen[failing[0]], got[failing[0]]):
            continue
        alike = sum(same(one, other) for one, other in zip(seen, got, strict=True))
        if alike > most:
            best, most = mistake, alike
    return best


def same(one: Outcome, other: Outcome) -> bool:
    """True when both ran into the same trouble, or both gave equal values; two that were stopped may have differed."""
    if one.unfinished or other.unfinished:
        return False
    if one.kind or other.kind:
        return (one.kind, one.trouble) == (other.kind, other.trouble)
    return bounded(lambda: bool(one.value == other.value)).value is True
