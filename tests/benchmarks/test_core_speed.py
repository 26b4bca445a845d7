"""The bars of P8, in CPU time beside a plain scan of the same run: `python -m pytest tests/benchmarks`.

A bar is held against the least disturbed round. Counts of work, which need no quiet machine, are in
test_promises_work.py.
"""

import sys
from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from labkit.conversation import Conversation
from labkit.manager import production
from labkit.messages import History, Message, assistant, user
from labkit.steps.pruning import Prune, by_importance
from labkit.strategies import KeepRecent, Step, apply
from labkit.tokens import Usage, estimator

TEXT = "the delivery to the harbour was late again and nobody called about it "
BILL = Usage(100, 50, requests=1)
cpu = pytest.mark.benchmark(timer=process_time, disable_gc=True)


def talk(count: int, pinned: int = 0) -> History:
    """So many messages and one more question, already measured; every so-manieth is pinned."""
    said = (
        Message("user" if i % 2 == 0 else "assistant", f"{i} {TEXT}", pinned=bool(pinned) and i % pinned == 0)
        for i in range(count)
    )
    history = History([*said, user("and now?")])
    history.total(estimator())
    return history


def scan(counts: Sequence[int]) -> Callable[[], int]:
    """The plain scan: add up cached counts, one after another."""

    def work() -> int:
        total = 0
        for count in counts:
            total += count
        return total

    return work


def least(work: Callable[[], object], rounds: int = 50) -> float:
    """Seconds of CPU time of the least disturbed of some rounds, after two to warm up."""
    taken = []
    for _ in range(rounds + 2):
        start = process_time()
        work()
        taken.append(process_time() - start)
    return min(taken[2:])


CUTS: dict[str, Callable[[int], Step]] = {
    "window": lambda half: KeepRecent(half, size=estimator()),
    "window with marks": lambda half: KeepRecent(half * 3 // 2, half, estimator()),
    "fifo": lambda half: Prune(half, estimator()),
}


@cpu
@pytest.mark.parametrize("name", CUTS)
@pytest.mark.parametrize(("count", "most"), [(10_000, 0.001), (100_000, 0.010)], ids=["10,000", "100,000"])
def test_cut_to_half(benchmark: BenchmarkFixture, name: str, count: int, most: float) -> None:
    """At most 1 ms (10 ms), and at most 2.5 times the scan."""
    history = talk(count)
    step = CUTS[name](history.total(estimator()) // 2)
    view = benchmark(apply, [step], history)
    assert view.total(estimator()) <= history.total(estimator()) * 0.5 + 50
    taken, plain = benchmark.stats.stats.min, least(scan([estimator()(message) for message in history]))
    benchmark.extra_info["scan_ms"] = plain * 1_000
    assert taken <= most
    assert taken <= 2.5 * plain


@cpu
def test_cut_to_half_around_pins(benchmark: BenchmarkFixture) -> None:
    """One message in a hundred is pinned: the kept messages are put together again, within 1 ms."""
    history = talk(10_000, pinned=100)
    benchmark(apply, [KeepRecent(history.total(estimator()) // 2, size=estimator())], history)
    assert benchmark.stats.stats.min <= 0.001


@cpu
def test_cut_to_half_by_importance(benchmark: BenchmarkFixture) -> None:
    """Every exchange is rated on every call, so this is no scan over counts: it has a separate bar."""
    history = talk(10_000)
    benchmark(apply, [Prune(history.total(estimator()) // 2, estimator(), by_importance)], history)
    assert benchmark.stats.stats.min <= 0.060


def turns(count: int, **settings: Any) -> list[float]:
    """Seconds of CPU time of each of so many turns on the preset for production: append, view, append, bill."""
    chosen, now, taken = production(**settings).settings, Conversation(), []
    for number in range(count):
        question, reply = user(f"{number}: {TEXT * 4}"), assistant(f"{number}: {TEXT * 4}")
        start = process_time()
        asked = now.said(question)
        view = chosen.view(asked)
        now = asked.said(reply).billed(BILL, view)
        taken.append(process_time() - start)
    return taken


def middle(values: Sequence[float]) -> float:
    """The median."""
    return sorted(values)[len(values) // 2]


@cpu
def test_turns_of_the_default_preset(benchmark: BenchmarkFixture) -> None:
    """At most 60 microseconds a turn, and turn 2,000 within 1.3 times turn 200."""
    runs: list[list[float]] = []
    benchmark.pedantic(lambda: runs.append(turns(2_100)), rounds=5, warmup_rounds=1)
    early, late, mean = (
        min(measure(run) for run in runs[1:])
        for measure in (
            lambda run: middle(run[150:250]),
            lambda run: middle(run[1_950:2_050]),
            lambda run: sum(run) / len(run),
        )
    )
    benchmark.extra_info.update(turn_200_us=early * 1e6, turn_2000_us=late * 1e6, mean_us=mean * 1e6)
    print(
        f"\nturn 200: {early * 1e6:.1f} us, turn 2,000: {late * 1e6:.1f} us, mean: {mean * 1e6:.1f} us", file=sys.stderr
    )
    assert mean <= 60e-6
    assert late <= 1.3 * early
