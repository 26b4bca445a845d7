"""Check every promise over many random conversations: `python -m tests.measure.long_run --conversations 100000`.

Each conversation goes through every step of labkit and two random compositions, one of them with a learner's clumsy
functions in it; each request that comes of it is sent to the offline Claude, unless the very same one was sent just
before. It tells how far it is, and ends with status 1 and the smallest conversation that breaks a promise, if it finds
one.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from labkit.strategies import Step
from tests.conversations import Case, cases
from tests.promises import CLUMSY, STEPS, broken_promises, requests_sent

BATCH = 2_000
numbers = st.integers(0, 9_999)
own = st.lists(st.tuples(st.sampled_from(tuple(STEPS)), numbers), max_size=4)
clumsy = st.lists(st.sampled_from(tuple(CLUMSY)), min_size=1, max_size=2)


@dataclass
class Tally:
    """The counts so far: conversations, views of them, and requests that were sent."""

    conversations: int = 0
    views: int = 0
    requests: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(self.conversations + other.conversations, self.views + other.views, self.requests + other.requests)


def batch(number: int, size: int = BATCH) -> Tally:
    """Check so many conversations; the number decides which. Raises AssertionError for the smallest broken one."""
    tally, sent = Tally(), requests_sent()

    @seed(number)
    @settings(
        max_examples=size,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(), numbers, own, clumsy)
    def check(case: Case, setting: int, steps: Sequence[tuple[str, int]], mistakes: Sequence[str]) -> None:
        """Every step alone, a composition of labkit's own, and one with mistakes in it."""
        composed = [STEPS[name](value) for name, value in steps]
        runs: list[tuple[list[Step], bool]] = [([make(setting)], True) for make in STEPS.values()]
        runs += [(composed, True), ([*(CLUMSY[name] for name in mistakes), *composed], False)]
        for chosen, own_only in runs:
            tally.views += 1
            if wrong := broken_promises(case, chosen, own_only):
                raise AssertionError("; ".join(wrong))
        tally.conversations += 1

    check()
    tally.requests = requests_sent() - sent
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as many batches as it takes; returns the exit status."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--conversations", type=int, default=100_000, help="how many to check (default: 100000)")
    parser.add_argument("--seed", type=int, default=0, help="which ones: another number, other conversations")
    parser.add_argument("--workers", type=int, default=1, help="how many processes share the work (default: 1)")
    asked = parser.parse_args(arguments)
    begun, done, failed = time.monotonic(), Tally(), 0
    sizes = [min(BATCH, asked.conversations - start) for start in range(0, asked.conversations, BATCH)]
    print(progress(done, asked.conversations, failed, 0), end="", flush=True)
    with ProcessPoolExecutor(asked.workers) as pool:
        running = [pool.submit(batch, asked.seed * 1_000_000 + place, size) for place, size in enumerate(sizes)]
        for finished in as_completed(running):
            try:
                done += finished.result()
            except Exception as error:
                failed += 1
                print(f"\n{error}\n{''.join(getattr(error, '__notes__', []))}", file=sys.stderr)
            print(f"\r{progress(done, asked.conversations, failed, time.monotonic() - begun)}", end="", flush=True)
    print()
    return 1 if failed else 0


def progress(done: Tally, wanted: int, failed: int, seconds: float) -> str:
    """The state of the run, in one line."""
    return (
        f"{done.conversations:,} of {wanted:,} conversations, {done.views:,} views, {done.requests:,} requests to the "
        f"offline Claude, {failed} broken, {seconds / 60:.1f} minutes"
    )


if __name__ == "__main__":
    sys.exit(main())
