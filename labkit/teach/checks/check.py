"""Checks that teach: a claim, what came back, what was expected, and a hint at its idea.

A check never throws at the learner and never hangs: an error in the learner's code becomes part of the
finding, and code that does not end is stopped. Checks grade what a learner controls (a request, a state, a
number), never the words of a reply.
"""

import ctypes
import math
import re
import reprlib
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.teach.cells.shown import page
from labkit.teach.checks.deadline import finished

SECONDS = 2.0
"""Processor seconds that a learner's code may use within one check."""

PATIENCE = 5
"""A learner's code that waits instead of computing is stopped after this many times its processor seconds."""

SPELL = 0.1
"""Seconds for which a check waits at a time, so that the notebook's stop button is heard in between."""

SLOWER = 4
"""The factor by which code in a browser may take longer: a bare loop that is watched took 4.5 times as long."""

BUSY = "this machine was too busy to run it; run the check again"

type Clock = Callable[[], float]

LEARNER = "learner's code"
"""The name of the thread in which a learner's code runs."""

_OTHERS = tuple(
    str(Path(place).resolve())
    for place in (Path(__file__).parents[2], sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"))
)
_short = reprlib.Repr(maxlevel=4, maxdict=4, maxlist=5, maxtuple=5, maxstring=48, maxother=80)


class Untried(Exception):
    """Nothing came of which a claim could hold; the text is a clause that says why."""


class NotYet(Untried):
    """The learner's function or method is still the stub."""

    def __init__(self, name: str) -> None:
        """Take its name in words."""
        super().__init__(f"{name} still returns the three dots")


class WrongShape(TypeError):
    """An answer is not of the kind that was asked for; its text is a clause that goes on after "Your code"."""


class Broken(WrongShape):
    """An answer is of the right kind and goes against a claim, in a way that the claim's own hint helps with."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a learner's code: a value, or the trouble it ran into.

    `trouble` is a clause in words, empty when all went well, and `where` the learner's own line; `kind` names
    the error's type, or is "time" when the limit was hit, "busy" when the machine left no time to run the code.
    `called` are the arguments of the last call, in words.
    """

    value: object = None
    trouble: str = ""
    where: str = ""
    kind: str = ""
    called: str = field(default="", compare=False)

    @property
    def untried(self) -> bool:
        """True if the check could not be attempted; `trouble` says why."""
        return self.kind in (Untried.__name__, NotYet.__name__, "busy")

    @property
    def unfinished(self) -> bool:
        """True if the code was stopped at a limit, so that its result is unknown."""
        return self.kind in ("time", "busy")

    def sentence(self) -> str:
        """The trouble as a sentence."""
        return f"Your code {self.trouble.rstrip('.')}{self.where}."


@dataclass(frozen=True, repr=False)
class Finding:
    """One claim about a learner's work: whether it holds yet, a sentence that says so, and a hint if it
    does not; not `tried` when nothing came of which it could hold.
    """

    claim: str
    ok: bool
    sentence: str
    hint: str = ""
    tried: bool = True

    def __str__(self) -> str:
        """The sentence, with the hint on the next line."""
        return f"{self.sentence}\n  Hint: {self.hint}" if self.hint else self.sentence

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return page([str(self)], "done" if self.ok else "open").rich


def check(claim: str, got: object, expected: object = True, hint: str = "", *, seconds: float = SECONDS) -> Finding:
    """Hold a claim against a value and say in words whether it is right.

    `got` is a value, or a function without arguments that is run for at most `seconds`. It is right when it equals
    `expected`. Whatever goes wrong in it (an error, `sys.exit`, an endless loop) is a finding, never an exception.
    """
    outcome = bounded(lambda: _compared(got() if callable(got) else got, expected), seconds)
    if outcome.kind == "busy":
        return Finding(claim, False, f"○ Not tried: {claim} ({BUSY}).", tried=False)
    if outcome.trouble:
        return Finding(claim, False, f"✗ Not yet: {claim}. {outcome.sentence()}", hint)
    same, came_back = outcome.value if isinstance(outcome.value, tuple) else (False, "")
    if same:
        return Finding(claim, True, f"✓ Right: {claim}.")
    return Finding(claim, False, f"✗ Not yet: {claim}. It gave {came_back}; expected {brief(expected)}.", hint)


def bounded(action: Callable[[], object], seconds: float = SECONDS) -> Outcome:
    """Run a learner's code for at most so many processor seconds and return its outcome.

    Processor seconds, because a machine that is busy with other work must not fail anybody. An interrupt, which is the
    learner's own stop button, goes through.
    """
    done: list[Outcome] = []
    clocks: list[Clock] = []
    ended = threading.Event()
    context = copy_context()

    def run() -> None:
        """Run the action in this context and say when it has ended."""
        with suppress(SystemExit):
            clocks.append(_processor_clock())
            done.append(context.run(caught, action))
        ended.set()

    thread = threading.Thread(target=run, daemon=True, name=LEARNER)
    try:
        thread.start()
    except RuntimeError:  # a browser's Python has one thread
        return _in_this_thread(action, seconds * SLOWER)
    try:
        limit = _wait(ended, clocks, seconds)
    finally:
        _stop(thread, ended)
    return limit or (done[0] if done else _endless(seconds))


def _in_this_thread(action: Callable[[], object], seconds: float) -> Outcome:
    done: list[Outcome] = []
    context = copy_context()
    if finished(lambda: done.append(context.run(caught, action)), seconds):
        return done[0]
    return _endless(seconds)


def _endless(seconds: float) -> Outcome:
    told = f"was still running after {round(seconds, 1):g} seconds and was stopped; look for an endless loop"
    return Outcome(trouble=told, kind="time")


@contextmanager
def unhurried(asked: bool = True) -> Iterator[None]:
    """Let pauses in a learner's code take no time, if `asked`: nobody wants to wait for a check."""
    real: Any = time.sleep

    def pause(seconds: float) -> None:
        """Sleep, unless it is the learner's code that wants to."""
        real(0 if threading.current_thread().name == LEARNER else seconds)

    pausing: Any = pause if asked else real
    time.sleep = pausing
    try:
        yield
    finally:
        time.sleep = real


def brief(value: object) -> str:
    """A value as short text that is the same on every run, even when its own `__repr__` fails."""
    try:
        return re.sub(r" at 0x[0-9a-f]+", "", _short.repr(value))
    except Exception:
        return f"a {type(value).__name__} that cannot be shown"


def _compared(got: object, expected: object) -> tuple[bool, str]:
    return bool(got == expected), brief(got)


def caught(action: Callable[[], object]) -> Outcome:
    """Run a learner's code and give what it came to, whatever it raised; it may take as long as it likes."""
    try:
        return Outcome(action())
    except Untried as error:
        return Outcome(trouble=str(error), kind=type(error).__name__)
    except WrongShape as error:
        return Outcome(trouble=str(error), kind="Broken" if isinstance(error, Broken) else "WrongShape")
    except BaseException as error:
        said, kind = str(error).strip().split("\n")[0].rstrip("."), type(error).__name__
        return Outcome(trouble=f"stopped with {kind}{': ' if said else ''}{said}", where=_line(error), kind=kind)


def _line(error: BaseException) -> str:
    """The line in which the error arose, if that line is the learner's own."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _own(frame.filename):
            return f" in line {frame.lineno}: {frame.line}" if frame.line else ""
    return ""


def _own(filename: str) -> bool:
    return not filename.startswith(("<frozen", *_OTHERS))


def _wait(ended: threading.Event, clocks: list[Clock], seconds: float) -> Outcome | None:
    """Wait for the end of the code; the outcome where a limit came first.

    Spells are counted, not the clock: a process that was held up for a minute has had one spell.
    """
    for _ in range(math.ceil(PATIENCE * seconds / SPELL)):
        if ended.wait(min(seconds, SPELL)):
            return None
        if clocks and clocks[0]() >= seconds:
            return _endless(seconds)
    return Outcome(trouble=BUSY, kind="busy") if _starved() else _endless(seconds)


def _processor_clock() -> Clock:
    """A clock of the processor seconds of this thread, which other threads can read.

    Where the system has none (macOS, Windows), the clock of the whole process.
    """
    if not hasattr(time, "pthread_getcpuclockid"):
        start = time.process_time()
        return lambda: time.process_time() - start
    # The thread asks for its own clock: the id of a thread that has ended is not safe to ask with.
    clock = time.pthread_getcpuclockid(threading.get_ident())

    def used() -> float:
        """Seconds so far; 0 once the thread has ended."""
        try:
            return time.clock_gettime(clock)
        except OSError:
            return 0.0

    return used


def _starved() -> bool:
    """True if this process gets less than half a processor: 20 ms of work take more than 40 ms on the clock."""
    began, until = time.perf_counter(), time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    return time.perf_counter() - began > 0.04


def _stop(thread: threading.Thread, ended: threading.Event) -> None:
    """Raise SystemExit inside a thread until it ends; one that sits in a long system call is left to end by itself.

    An event says so, because a `join` that is interrupted takes the thread for ended in Python 3.12.
    """
    for _ in range(20):
        if ended.is_set() or thread.ident is None:
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
        ended.wait(0.02)
