"""The table of loops: `python -m labkit.evidence.loop_table FILE...` measures recorded runs of yours, step by step.

A file may hold many runs, in any form of `labkit.evidence.loop_files`; their requests are measured together. Without a
file it measures the two runs that come with labkit. Sends nothing: the requests that the API refuses are found by
asking the offline Claude to count them.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from labkit.clients import claude
from labkit.evidence.loop_files import read_runs
from labkit.evidence.loop_runs import audit, repair
from labkit.evidence.loops import Findings, measured
from labkit.messages import History, Message, Ruler
from labkit.models import DEFAULT_MODEL
from labkit.steps.keep_within import KeepWithin
from labkit.steps.tool_results import ClearToolResults, ClipToolResults
from labkit.strategies import KeepRecent, Step, apply
from labkit.tokens import count_tokens, estimator


def newest_in_blocks(budget: int, size: Ruler) -> Step:
    """Return the plainest step that holds a budget in a loop: the goal and the newest parts, cut to half at the budget.

    Nothing is said of what went. OpenHands forgets in such blocks, for the cache's sake
    (README of its SDK, read in November 2026).
    """

    def goal_and_newest(history: History) -> Sequence[Message]:
        """The goal, and the rounds since the newest cut."""
        goal, joints, cut = history.newest_start(), history.joints(), 0
        room = budget - size(history[goal])
        for end in [*history.replies(), len(history)]:
            if history[cut:end].total(size) > room:
                later = [joint for joint in joints if cut < joint < end]
                cut = next(
                    (joint for joint in later if history[joint:end].total(size) <= room // 2), (later or [cut])[-1]
                )
        return history[cut:] if cut <= goal else [history[goal], *history[cut:]]

    return goal_and_newest


WAYS: dict[str, Callable[[int], tuple[Step, ...]]] = {
    "everything": lambda budget: (),
    "a window": lambda budget: (KeepRecent(budget, size=estimator()),),
    "goal and newest": lambda budget: (newest_in_blocks(budget, estimator()),),
    "cleared on every call": lambda budget: (ClearToolResults(10, batch=1),),
    "cleared ten at a time": lambda budget: (ClearToolResults(10, batch=10),),
    "as clear_tool_uses": lambda budget: (ClearToolResults(3, batch=1, trigger=budget),),
    "within marks": lambda budget: (KeepWithin(budget),),
    "clipped, within marks": lambda budget: (ClipToolResults(), KeepWithin(budget)),
}
"""Ways to shape the requests of a loop, by the budget in tokens that some of them hold."""


def refusals(run: History, steps: Sequence[Step], model: str = DEFAULT_MODEL) -> int:
    """Return how many requests of a run the offline Claude refuses; thinking of the recording is left out of it."""
    client, refused = claude(say=lambda words: None), 0
    names = {b["name"] for m in run for b in m.blocks if b["type"] == "tool_use"}
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in sorted(names)]
    for place in run.replies():
        try:
            count_tokens(client, apply(steps, run[:place]), model=model, tools=tools)
        except Exception:
            refused += 1
    return refused


@dataclass(frozen=True, slots=True)
class Row:
    """A way with what it came to over runs: their requests, dollars a run, those over their budget, those refused."""

    way: str
    found: Findings
    dollars: float
    over: int
    refused: int


def rows(runs: Sequence[History], share: float, model: str = DEFAULT_MODEL) -> Iterator[Row]:
    """Yield each way over some runs, each run with a budget of this share of its tokens."""
    budgets = [max(int(run.total(estimator(model)) * share), 1) for run in runs]
    for name, steps in WAYS.items():
        found = [measured(run, steps(budget), model) for run, budget in zip(runs, budgets, strict=True)]
        over = sum(one.over(budget) for one, budget in zip(found, budgets, strict=True))
        refused = sum(refusals(run, steps(budget), model) for run, budget in zip(runs, budgets, strict=True))
        together = Findings(tuple(request for one in found for request in one.requests))
        yield Row(name, together, together.dollars / len(runs), over, refused)


WIDTHS = {"tokens": 12, "over": 7, "cached": 8, "dollars": 9, "goal": 6, "readable": 10, "calls": 8, "refused": 9}
HEAD = f"{'way':24}" + "".join(f"{name:>{width}}" for name, width in WIDTHS.items())


def line(row: Row) -> str:
    """Return a row of the table: tokens a request, the requests over their budget, dollars a run, and the shares."""
    found, requests = row.found, len(row.found.requests)
    return (
        f"{row.way:24}{found.tokens // requests:>12,}{row.over / requests:>7.1%}{found.read_share:>8.1%}"
        f"{row.dollars:>9.3f}{found.goal_share:>6.0%}{found.readable:>10.1%}{found.served:>8.1%}{row.refused:>9}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each file and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m labkit.evidence.loop_table", description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", help="recorded runs in JSON; without one, labkit's own two runs")
    parser.add_argument("--share", type=float, default=0.5, help="the budget, as a share of the run's tokens")
    parser.add_argument("--rounds", type=int, default=10, help="shorter runs of a file are left out")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="the model whose prices are used")
    asked = parser.parse_args(arguments)
    runs = {file: read_runs(file) for file in asked.files} or {"audit": [audit()], "repair": [repair()]}
    for name, found in runs.items():
        long = [run for run in found if len(run.replies()) >= asked.rounds]
        if not long:
            print(f"{name}: none of {len(found)} runs has {asked.rounds} requests; give --rounds a smaller number")
            continue
        print(f"{name}: {len(long)} runs, estimated tokens a request, {asked.model}, budget {asked.share:.0%}")
        print(HEAD)
        for row in rows(long, asked.share, asked.model):
            print(line(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
