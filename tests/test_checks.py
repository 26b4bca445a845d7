"""Checks teach, and whatever a learner's code does, they neither raise nor hang."""

import _thread
import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.teach.checks.check import BUSY, Outcome, WrongShape, bounded, brief, check
from labkit.teach.checks.probing import same

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@given(VALUES, VALUES)
def test_a_claim_holds_exactly_when_the_values_are_equal(got: Any, expected: Any) -> None:
    """A claim holds exactly when both values are equal; given as a value or as a function."""
    assert check("they agree", got, expected).ok is (got == expected)
    assert check("they agree", lambda: got, expected).ok is (got == expected)


@given(VALUES, VALUES)
def test_a_finding_says_the_same_in_text_and_html(got: Any, expected: Any) -> None:
    """Words carry the verdict: a reader without colours or pictures has all of it."""
    finding = check("they agree", got, expected, hint="compare them")
    assert str(finding).startswith("✓ Right: they agree." if finding.ok else "✗ Not yet: they agree.")
    assert ("Hint: compare them" in str(finding)) is not finding.ok
    assert ("Not yet" in finding._repr_html_()) is not finding.ok


def test_a_finding_shows_what_came_and_what_was_expected() -> None:
    """Both values stand in the sentence, so that a learner can see how far off they are."""
    finding = check("a window of 2 keeps one exchange", [1, 2, 3], [1, 2], hint="drop whole exchanges")
    assert "It gave [1, 2, 3]; expected [1, 2]." in finding.sentence


def boom() -> object:
    """Stop with an error."""
    return 1 / 0


def leave() -> object:
    """Try to end the whole process."""
    sys.exit(3)


def recurse() -> object:
    """Never come to an end, downwards."""
    return recurse()


class Unshowable:
    """A value whose repr and comparison both fail."""

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Fail."""
        raise RuntimeError("no repr")

    def __eq__(self, other: object) -> bool:
        """Fail."""
        raise RuntimeError("no comparison")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (boom, "stopped with ZeroDivisionError: division by zero"),
        (leave, "stopped with SystemExit: 3"),
        (recurse, "stopped with RecursionError"),
        (Unshowable, "stopped with RuntimeError: no comparison"),
    ],
)
def test_an_error_is_a_finding_that_names_it(code: Callable[[], object], words: str) -> None:
    """Errors, `sys.exit`, endless recursion and values that cannot be compared become words."""
    finding = check("it works", code, expected=2, hint="look at the division")
    assert not finding.ok
    assert words in finding.sentence
    assert "Hint: look at the division" in str(finding)


def test_an_error_names_the_learners_own_line() -> None:
    """The line shown is the learner's, not one inside a library that it called."""
    finding = check("it works", lambda: int("four"))
    assert 'lambda: int("four")' in finding.sentence


def endless() -> object:
    """A plain endless loop."""
    while True:
        pass


def stubborn() -> object:
    """An endless loop that swallows every error thrown into it."""
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(0)


def asleep() -> object:
    """A wait that nothing can interrupt from outside."""
    time.sleep(3)
    return None


@pytest.mark.parametrize("code", [endless, stubborn, asleep])
def test_code_that_does_not_end_is_stopped(code: Callable[[], object]) -> None:
    """The time limit holds for busy loops, for loops that catch everything, and for long waits.

    Code that waits looks like code that a busy machine does not run, so a check may also ask for another try.
    """
    finding = check("it ends", code, seconds=0.2)
    assert not finding.ok
    assert "still running after 0.2 seconds" in finding.sentence or BUSY in finding.sentence


def test_the_learners_own_stop_button_gets_through() -> None:
    """A KeyboardInterrupt of the notebook is not swallowed, and the code behind it is stopped too."""
    rounds = [0]

    def counting() -> object:
        while True:
            rounds[0] += 1

    threading.Timer(0.1, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        bounded(counting, seconds=5)
    stopped_at = rounds[0]
    time.sleep(0.1)
    assert rounds[0] == stopped_at > 0


def test_brief_text_is_short_and_the_same_on_every_run() -> None:
    """Addresses are left out, long values are cut, and a failing repr does not fail the check."""
    assert brief(object()) == "<object object>"
    assert len(brief(["word" * 100] * 100)) < 400
    assert "Unshowable" in brief(Unshowable())


def test_a_wrong_shape_is_described_without_an_error_name() -> None:
    """A checker's own complaint about the kind of answer reads as a sentence."""
    outcome = bounded(lambda: (_ for _ in ()).throw(WrongShape("gave back a list")))
    assert outcome.sentence() == "Your code gave back a list."


@pytest.mark.parametrize("kind", ["time", "busy"])
def test_two_results_that_were_cut_off_are_not_the_same(kind: str) -> None:
    """A reference and an answer that both ran into the limit say nothing about each other."""
    stopped = Outcome(trouble="was stopped", kind=kind)
    assert not same(stopped, stopped)
    assert same(
        Outcome(trouble="stopped with KeyError", kind="KeyError"),
        Outcome(trouble="stopped with KeyError", kind="KeyError"),
    )
    assert same(Outcome(4), Outcome(4))


def test_a_process_that_is_held_up_does_not_use_up_the_limit() -> None:
    """A check in a process that is stopped for most of the time ends with the code's own result."""
    code = (
        "import os, signal, time\n"
        "from labkit.teach.checks.check import check\n"
        "def count():\n"
        "    # stopped by itself, so that the stops come within the check however busy the machine is\n"
        "    for number in range(300_000):\n"
        "        if number % 100_000 == 50_000:\n"
        "            os.kill(os.getpid(), signal.SIGSTOP)\n"
        "    return 300_000\n"
        "began = time.monotonic()\n"
        "found = check('it ends', count, 300_000, seconds=0.5)\n"
        "print(found.ok, time.monotonic() - began > 1)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        while child.poll() is None:
            time.sleep(0.6)
            child.send_signal(signal.SIGCONT)
        assert child.stdout.read() == "True True\n"


def fail_to_start(thread: threading.Thread) -> None:
    """Refuse a second thread, in the words of a browser's Python."""
    raise RuntimeError("can't start new thread")


def calls_on() -> object:
    """Call functions for ever, and catch whatever stops one of them."""
    while True:
        try:
            endless()
        except BaseException:
            continue


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that starts no second thread, as a browser's does."""
    monkeypatch.setattr(threading.Thread, "start", fail_to_start)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("code", [endless, stubborn, asleep, calls_on, lambda: sum(1 for _ in iter(int, 1))])
def test_code_that_does_not_end_is_stopped_in_one_thread_too(code: Callable[[], object]) -> None:
    """Without a second thread the code stops itself; time.sleep and Python's callbacks are then as before."""
    sleep, began = time.sleep, time.monotonic()
    finding = check("it ends", code, seconds=0.05)
    assert "was still running after 0.2 seconds" in finding.sentence
    assert time.monotonic() - began < 2.5, "asleep() waits for 3 seconds when nothing stops it"
    assert time.sleep is sleep
    assert all(sys.monitoring.get_tool(tool) != "labkit" for tool in range(6))


@pytest.mark.usefixtures("one_thread")
@given(VALUES, VALUES)
def test_a_claim_is_held_in_one_thread_as_in_two(got: Any, expected: Any) -> None:
    """Code that ends has the same verdict where no second thread can be started."""
    assert check("they agree", lambda: got, expected).ok is (got == expected)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("code", "words"), [(boom, "ZeroDivisionError"), (leave, "SystemExit: 3"), (recurse, "RecursionError")]
)
def test_an_error_is_named_in_one_thread_too(code: Callable[[], object], words: str) -> None:
    """An error, a `sys.exit` and an endless recursion are named, and no limit is spoken of."""
    assert f"stopped with {words}" in check("it works", code).sentence


@pytest.mark.usefixtures("one_thread")
def test_a_pause_within_the_limit_is_a_pause() -> None:
    """A short sleep takes its time and the code goes on after it."""
    began = time.monotonic()
    assert check("it ends", lambda: time.sleep(0.05), None).ok
    assert time.monotonic() - began >= 0.05


def test_another_thread_is_left_alone_by_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the learner's code is stopped: a thread that computes meanwhile goes on."""
    ended, rounds = threading.Event(), [0]

    def counting() -> None:
        """Count until the test is over, with pauses, which must not pause the limit."""
        while not ended.is_set():
            rounds[0] += 1
            time.sleep(0)

    other = threading.Thread(target=counting)
    other.start()
    monkeypatch.setattr(threading.Thread, "start", fail_to_start)
    assert not check("it ends", endless, seconds=0.05).ok
    before = rounds[0]
    time.sleep(0.05)
    ended.set()
    other.join()
    assert rounds[0] > before
