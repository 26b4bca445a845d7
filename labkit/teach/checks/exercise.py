"""Exercises bound to an id: a stub to fill in, a check that names the misconception, hints in steps and a solution.

A check runs the learner's function, the reference and every known wrong answer (in labkit.teach.exercises) on probes.
What behaves like the reference is right; what behaves like a known mistake gets that mistake's own message.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache, partial
from html import escape
from typing import Any, Protocol, cast

from labkit.teach.cells.shown import Shown, framed, page
from labkit.teach.checks import answers
from labkit.teach.checks.check import BUSY, Finding, NotYet, Outcome, bounded, brief, unhurried
from labkit.teach.checks.probing import Answer as Answer
from labkit.teach.checks.probing import Probe as Probe
from labkit.teach.checks.probing import closest, finding_of, observed, observed_once, same, telling, without_repeats
from labkit.teach.checks.solutions import runnable
from labkit.teach.checks.steps import Lighter, Puzzle, blanked
from labkit.teach.record import progress

FILL_IN = "Fill in the three dots and run the cell again."

WHOLE_CHECK = 5.0
"""Processor seconds of a learner's code within all probes of one check, and again in the conversations after them."""


class Failing(Protocol):
    """Something that an answer fails at, and how it looks step by step."""

    def finding(self) -> Finding:
        """The claim that does not hold, and why."""

    def shown(self, words: bool = False) -> Shown:
        """The conversation step by step, and with `words` the fault at its end."""


class Course(Protocol):
    """Further tests after the probes, such as random conversations. `passed` ends the success message."""

    @property
    def passed(self) -> str:
        """The end of a sentence that says so."""

    def prepare(self) -> None:
        """Load what is slow to load, before the learner's time begins."""

    def failing(self, answer: Answer, claim: str) -> Failing | None:
        """The smallest thing found that an answer fails at, by preference of this claim; None when it holds out."""


@dataclass(frozen=True, repr=False)
class Verdict:
    """The result of a check: a headline, findings claim by claim, the known mistake, if it is one, with its lesson, and
    the conversation `seen` when it failed.

    `untouched` says that there is nothing to check yet, `busy` that the machine left no time to check, which counts
    as no attempt.
    """

    ok: bool
    headline: str
    findings: tuple[Finding, ...] = ()
    mistake: str = ""
    lesson: str = ""
    seen: Shown | None = None
    untouched: bool = False
    busy: bool = False

    def __str__(self) -> str:
        """Headline, lesson and findings, a line each, and what was seen."""
        lines = [self.headline, *(f"  {line}".replace("\n", "\n  ") for line in self._rest())]
        return "\n".join([*lines, *([self.seen.plain] if self.seen else [])])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        told = page([self.headline, *self._rest()], "done" if self.ok else "open").rich
        return told + (self.seen.rich if self.seen else "")

    def _rest(self) -> list[str]:
        return [self.lesson] * bool(self.lesson) + [str(finding) for finding in self.findings]


@dataclass(frozen=True, repr=False)
class Exercise:
    """One exercise. `mistakes` are wrong answers as functions; the docstring of each is the message its author gets.

    `covers` are ids of the curriculum, `task` says what to write, `stub` is the text of the cell to fill in; with
    `defect` it is code with a defect that the learner fixes. `course` are further tests after the probes, and `file` a
    file of the learner's own that may hold the answer instead of the notebook.
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
    course: Course | None = None
    defect: bool = False
    file: str = ""
    lighter: Lighter | None = None

    @property
    def name(self) -> str:
        """The name of the learner's function or class."""
        return self.reference.__name__

    @property
    def kind(self) -> str:
        """The kind of object to write: a function or a class."""
        return "class" if isinstance(self.reference, type) else "function"

    def __repr__(self) -> str:
        """Title and task."""
        return f"Exercise {self.id}: {self.title}\n{self.task}"

    def check(self, answer: object = None) -> Verdict:
        """Check an answer, or the function of the exercise's name in the notebook when none is given;
        records the attempt.
        """
        verdict, _ = self._found(answer)
        found = [
            finding.claim for finding in verdict.findings if finding.tried and not (finding.ok or verdict.untouched)
        ]
        if verdict.busy:
            return verdict
        kept = {"ok": verdict.ok, "mistake": verdict.mistake, "missed": found, "untouched": verdict.untouched}
        progress.record("attempt", self.id, **kept)
        return verdict

    def verdict(self, answer: object) -> Verdict:
        """Check an answer without recording anything."""
        if not callable(answer) or (self.kind == "class" and not isinstance(answer, type)):
            given = "nothing by that name was found" if answer is None else f"it is {brief(answer)}"
            return self._not_yet(f"write a {self.kind} called {self.name} and run its cell; at the moment {given}.")
        with self._prepared():
            return self._judged(answer)

    def complete(self, answer: Answer) -> Verdict:
        """Check the first lighter step: the solution with one blank, filled in by the learner; records the try."""
        verdict = replace(self, stub=self.blanked(), defect=True, course=None, task=FILL_IN).verdict(answer)
        return self._step("complete", verdict)

    def ordered(self, source: str) -> Verdict:
        """Check the second lighter step by running the ordered lines; records the try."""
        space = {"exercise": answers.in_notebook("exercise")}  # a class is built on the learner's earlier one
        held = bounded(lambda: exec(source, space))
        if held.trouble:
            told = f"✗ Not yet: the lines run. Your program {held.trouble.rstrip('.')}{held.where}."
            verdict = Verdict(False, "", (Finding("the lines run", False, told),))
        else:
            verdict = self.verdict(space.get(self.name))
        return self._step("order", verdict)

    def blanked(self) -> str:
        """The code of the first lighter step. Raises ValueError for an exercise without lighter steps."""
        return blanked(self._solution(), self._lighter().blank)

    def puzzle(self) -> Puzzle:
        """The lines of the second lighter step. Raises ValueError for an exercise without lighter steps."""
        return Puzzle.of(self.spelled(), self._lighter().decoys, self.id)

    def spelled(self) -> str:
        """The solution that the second step puts in order, with the imports that it needs."""
        own = self._lighter().spelled.strip()
        before = self._solution().partition(f"def {self.name}")[0] if own else ""
        return f"{before}{own}\n" if own else self._solution()

    def breaks(self, answer: object = None) -> Shown:
        """The smallest conversation found that breaks an answer, or the notebook's own; records nothing."""
        verdict = self._found(answer)[0]
        return verdict.seen or page([f"{verdict.headline} No conversation to show."])

    def usable(self) -> Answer:
        """The learner's own answer once its probes pass, and until then the solution's, so that more can be built on
        it; nothing is recorded.
        """
        probed = replace(self, course=_Probed(self.course)) if self.course else self
        verdict, answer = probed._found()
        if verdict.ok:
            more = "; random conversations are tried by its check alone" if self.course else ""
            print(f"{self.name}: your own, which passes its fixed checks{more}.")
            own: Answer = answer
            return own
        print(f"{self.name}: the solution's, until your own passes its check.")
        return self.reference

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
        title, source = f"One solution of exercise {self.id}:", self._solution()
        return Shown(f"{title}\n{source}", framed([title, f"<pre>{escape(source)}</pre>"]))

    def _solution(self) -> str:
        return runnable(self.reference, self.stub)

    def _lighter(self) -> Lighter:
        if self.lighter is None:
            raise ValueError(f"exercise {self.id} has no lighter steps: write it from its stub")
        return self.lighter

    def _step(self, step: str, verdict: Verdict) -> Verdict:
        if not verdict.busy:
            progress.record("step", self.id, step=step, ok=verdict.ok, untouched=verdict.untouched)
        if verdict.ok:
            return replace(verdict, headline=f"✓ Exercise {self.id}, {step}: right.", findings=())
        missed = [finding for finding in verdict.findings if not finding.ok][:1]
        headline = verdict.headline if verdict.untouched else f"✗ Exercise {self.id}, {step}: not yet."
        return replace(verdict, headline=headline, findings=tuple(missed))

    def _found(self, answer: object = None) -> tuple[Verdict, Any]:
        """The verdict on an answer and the answer itself: the one given, else the notebook's, else the file's."""
        if answer is not None:
            return self.verdict(answer), answer
        own = answers.in_notebook(self.name)
        verdict = self.verdict(own)
        with self._prepared():
            held = answers.in_file(self.name, self.file) if self.file else None
        if held is None or (not held.trouble and held.value is None):
            return verdict, own
        if not verdict.untouched:
            also = f" (the notebook's own; {self.file} is not looked at)"
            return replace(verdict, headline=verdict.headline + also), own
        if held.trouble:
            return self._unreadable(held), own
        verdict = self.verdict(held.value)
        return replace(verdict, headline=f"{verdict.headline} (from {self.file})"), held.value

    @contextmanager
    def _prepared(self) -> Iterator[None]:
        if self.course:
            self.course.prepare()
        with redirect_stdout(io.StringIO()) if self.course else nullcontext(), unhurried(bool(self.course)):
            yield

    def _judged(self, answer: Answer) -> Verdict:
        got = observed(self.probes, answer, WHOLE_CHECK)
        waiting = [outcome.trouble for outcome in got if outcome.kind == NotYet.__name__]
        if len(waiting) == len(got) or (waiting and self.kind == "function"):
            return self._not_yet(f"{waiting[0]}. {self.task}")
        expected = observed_once(self.probes, self.reference)
        # A reference that was stopped says nothing about the answer: the machine, not the learner, was too slow.
        if any(outcome.kind == "busy" for outcome in got) or any(outcome.unfinished for outcome in expected):
            return self._busy()
        right = list(map(same, got, expected))
        findings = without_repeats(list(map(finding_of, self.probes, got, expected)), got)
        pairs = zip(self.probes, got, right, strict=True)
        wrong = [probe.claim for probe, outcome, ok in pairs if not (ok or outcome.untried)]
        failing = None if got[-1].kind == "time" else self._failing(answer, wrong[0] if wrong else "")
        if isinstance(failing, _Stopped) and failing.outcome.kind == "busy":
            return self._busy()
        if self.defect and wrong and _as_given(self, got):
            verdict = self._not_yet(f"{self.name} still does what it did as you found it. {self.task}", failing)
        elif failing and not wrong:
            verdict = self._broken(failing, sum(right))
        elif waiting and not wrong:
            verdict = self._half(waiting[0], sum(right), findings)
        elif not all(right):
            verdict = self._missed(answer, got, expected)
        else:
            verdict = self._passed(findings)
        words = not verdict.untouched and bool(wrong)
        return replace(verdict, seen=failing.shown(words)) if failing else verdict

    def _failing(self, answer: Answer, claim: str) -> Failing | None:
        if self.course is None:
            return None
        outcome = bounded(partial(self.course.failing, telling(answer), claim), WHOLE_CHECK)
        if outcome.trouble:
            return _Stopped(outcome)
        return cast("Failing | None", outcome.value)

    def _not_yet(self, reason: str, failing: Failing | None = None) -> Verdict:
        findings = (replace(failing.finding(), hint=""),) if failing else ()
        return Verdict(False, f"Not yet, exercise {self.id}: {reason}", findings, untouched=True)

    def _busy(self) -> Verdict:
        return Verdict(False, f"Exercise {self.id}: {BUSY}.", untouched=True, busy=True)

    def _unreadable(self, held: Outcome) -> Verdict:
        finding = Finding(f"{self.file} runs", False, f"✗ Not yet: {self.file} runs. It {held.trouble}{held.where}.")
        return Verdict(False, f"✗ Exercise {self.id}: {self.file} does not run.", (finding,))

    def _passed(self, findings: tuple[Finding, ...]) -> Verdict:
        more = self.course.passed if self.course else ""
        return Verdict(True, f"✓ Exercise {self.id}: all {len(findings)} checks are right{more}.", findings)

    def _broken(self, failing: Failing, right: int) -> Verdict:
        told = f"{right} of {len(self.probes)} checks are right, but a random conversation breaks it."
        return Verdict(False, f"✗ Exercise {self.id}: {told}", (failing.finding(),))

    def _half(self, waiting: str, right: int, findings: tuple[Finding, ...]) -> Verdict:
        told = f"{right} of {len(self.probes)} checks are right, and {waiting}."
        return Verdict(False, f"Not yet, exercise {self.id}: {told}", findings)

    def _missed(self, answer: Answer, got: Sequence[Outcome], expected: Sequence[Outcome]) -> Verdict:
        borrowed, right = answers.borrowed(answer), sum(map(same, got, expected))
        headline = f"✗ Exercise {self.id}: {right} of {len(self.probes)} checks are right. {borrowed}".rstrip()
        findings = list(map(finding_of, self.probes, got, expected))
        mistake = None if borrowed else closest(self.mistakes, self.probes, got, expected)
        if mistake is None:
            return Verdict(False, headline, without_repeats(findings, got))
        held = map(same, observed_once(self.probes, mistake), expected)
        findings = [one if ok else replace(one, hint="") for one, ok in zip(findings, held, strict=True)]
        name = mistake.__name__.replace("_", " ")
        lesson = f"This looks like \u201c{name}\u201d. {' '.join((mistake.__doc__ or '').split())}"
        return Verdict(False, headline, without_repeats(findings, got), name, lesson)


@dataclass(frozen=True)
class _Probed:
    """A course that leaves it at the probes."""

    course: Course
    passed = ""

    def prepare(self) -> None:
        """As the course does."""
        self.course.prepare()

    def failing(self, answer: Answer, claim: str) -> None:
        """Nothing more is looked for."""


@dataclass(frozen=True)
class _Stopped:
    """A course that did not come to its end."""

    outcome: Outcome

    def finding(self) -> Finding:
        """The reason why it did not end."""
        claim = "every conversation comes to an end"
        return Finding(claim, False, f"✗ Not yet: {claim}. {self.outcome.sentence()}")

    def shown(self, words: bool = False) -> Shown:
        """Nothing more than that."""
        return Shown("", "")


_hints_shown: dict[str, int] = {}


@cache
def _given(stub: str, name: str) -> Answer:
    """The code that the learner was given to fix, as it runs."""
    space: dict[str, Any] = {"exercise": answers.in_notebook("exercise")}
    exec(stub, space)
    found: Answer = space[name]
    return found


def _as_given(exercise: Exercise, got: Sequence[Outcome]) -> bool:
    return all(map(same, got, observed_once(exercise.probes, _given(exercise.stub, exercise.name))))
