"""The processor time of a call of a loop: `python -m tests.measure.loop_speed`.

A loop grows round by round, and each request is shaped by the steps of the production preset. Says for the hundred
calls up to some rounds what one of them takes in the median, in the mean with the cuts among them, and the slowest.
"""

from statistics import mean, median
from time import process_time

from labkit.messages import Block, History, assistant, user
from labkit.steps.keep_within import KeepWithin
from labkit.steps.tool_results import ClipToolResults
from labkit.strategies import Step, apply

THOUGHT: Block = {"type": "thinking", "thinking": "hm", "signature": "s"}
ROUNDS = (200, 600, 2_000)


def times(high: int, thinks: bool) -> list[float]:
    """Microseconds of processor time of each call of a loop of 2,000 rounds."""
    steps: tuple[Step, ...] = (ClipToolResults(), KeepWithin(high))
    history, taken = History([user("Read it all.")]), list[float]()
    for place in range(ROUNDS[-1]):
        call = {"type": "tool_use", "id": f"t{place}", "name": "read", "input": {"page": f"doc/{place}.md"}}
        found = {"type": "tool_result", "tool_use_id": f"t{place}", "content": f"row-{place} value {place * 7} " * 45}
        history = history.append(assistant([*([THOUGHT] if thinks else []), call]), user([found]))
        start = process_time()
        apply(steps, history)
        taken.append(1e6 * (process_time() - start))
    return taken


def main() -> None:
    """Print the table."""
    print(f"{'budget':>8} {'thinking':>9} {'round':>6} {'median':>9} {'mean':>9} {'slowest':>10}   microseconds a call")
    for high in (20_000, 100_000):
        for thinks in (False, True):
            taken = times(high, thinks)
            for end in ROUNDS:
                hundred = taken[end - 100 : end]
                figures = f"{median(hundred):>9,.0f} {mean(hundred):>9,.0f} {max(hundred):>10,.0f}"
                print(f"{high:>8,} {thinks!s:>9} {end:>6,} {figures}")


if __name__ == "__main__":
    main()
