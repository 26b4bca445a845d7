"""The table of loops: `python -m labkit.evidence.loop_table FILE...` measures recorded runs of yours, step by step.

Without a file it measures the two runs that come with labkit. Sends nothing: the requests that the API refuses are
found by asking the offline Claude to count them.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

from labkit.clients import claude
from labkit.evidence.loop_runs import audit, repair
from labkit.evidence.loops import Findings, measured, read_run
from labkit.messages import History
from labkit.models import DEFAULT_MODEL
from labkit.steps.keep_within import KeepWithin
from labkit.steps.tool_results import ClearToolResults, ClipToolResults
from labkit.strategies import KeepRecent, Step, apply
from labkit.tokens import count_tokens, estimator

WAYS: dict[str, Callable[[int], tuple[Step, ...]]] = {
    "everything": lambda budget: (),
    "a window": lambda budget: (KeepRecent(budget, size=estimator()),),
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


def rows(run: History, share: float, model: str = DEFAULT_MODEL) -> Iterator[tuple[str, Findings, int]]:
    """Yield each way with what it came to, and the requests over a budget of this share of the run's tokens."""
    budget = max(int(run.total(estimator(model)) * share), 1)
    for name, steps in WAYS.items():
        found = measured(run, steps(budget), model)
        yield name, found, found.over(budget)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each run and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m labkit.evidence.loop_table", description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", help="recorded runs in JSON; without one, labkit's own two runs")
    parser.add_argument("--share", type=float, default=0.5, help="the budget, as a share of the run's tokens")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="the model whose prices are used")
    asked = parser.parse_args(arguments)
    runs = {file: read_run(file) for file in asked.files} or {"audit": audit(), "repair": repair()}
    for name, run in runs.items():
        print(f"{name}: {len(run.replies())} requests, estimated tokens, {asked.model}, budget {asked.share:.0%}")
        print(
            f"{'way':24}{'tokens':>10}{'over':>6}{'cached':>8}{'dollars':>9}{'goal':>6}{'readable':>10}{'refused':>9}"
        )
        budget = max(int(run.total(estimator(asked.model)) * asked.share), 1)
        for way, found, over in rows(run, asked.share, asked.model):
            figures = (
                f"{found.tokens:>10,}{over:>6}{found.read_share:>8.1%}{found.dollars:>9.3f}{found.goal_share:>6.0%}"
            )
            print(f"{way:24}{figures}{found.readable:>10.1%}{refusals(run, WAYS[way](budget), asked.model):>9}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
