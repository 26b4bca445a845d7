"""Views of notebook 10: a loop call by call, with cache reads and writes, and ways to shape it side by side."""

from collections import Counter
from collections.abc import Sequence
from functools import cache

from labkit.evidence.loop_runs import audit
from labkit.evidence.loop_table import WAYS
from labkit.evidence.loops import Findings, measured
from labkit.messages import History
from labkit.steps.keep_within import KeepWithin
from labkit.steps.tool_results import ClearToolResults, ClipToolResults
from labkit.strategies import Fate, Step
from labkit.teach.cells.shown import Shown, table
from labkit.teach.charts.chart import Chart, Series, Threshold
from labkit.tokens import estimator

MODEL = "claude-sonnet-4-6"
MARKS, EACH_CALL, EVERYTHING = "within marks", "cleared on every call", "everything"
UNCLIPPED = "not clipped"
CLIPS = {UNCLIPPED: 0, "500 characters": 500, "300 characters": 300}
RUN = 12
"""Orders in the run that the widget draws: its columns can still be distinguished."""


@cache
def _found(way: str, high: int, low: int, clip: str, model: str) -> Findings:
    clipped: tuple[Step, ...] = (ClipToolResults(CLIPS[clip]),) if CLIPS[clip] else ()
    steps: dict[str, Step] = {MARKS: KeepWithin(high, high * low // 100), EACH_CALL: ClearToolResults(5, batch=1)}
    return measured(audit(RUN), (*clipped, *((steps[way],) if way in steps else ())), model)


def loop_bill(way: str, high: int, low: int, clip: str, model: str = MODEL) -> Chart:
    """The requests of a run, a column each: tokens read from the cache and tokens written to it.

    `high` is the high mark in tokens, `low` the low mark in percent of it, `clip` one of CLIPS. Raises KeyError for a
    clip that there is not. Tokens are estimates, dollars those of the table of prices.
    """
    found = _found(way, high, low, clip, model)
    read = [request.read for request in found.requests]
    return Chart(
        title=f"{len(read)} requests of one loop: {way}",
        words=_words(found, way, high, low, clip, model),
        categories=[str(place) for place in range(1, len(read) + 1)],
        series=[
            Series("cache_read", read, "read from the cache"),
            Series("current", [request.tokens - request.read for request in found.requests], "written to the cache"),
        ],
        axis="call",
        thresholds=[Threshold(high, "high mark")] if way == MARKS else [],
        top=max(6_000, found.largest * 1.05),
        source="A run that comes with labkit. Estimated tokens; list prices.",
    )


def _words(found: Findings, way: str, high: int, low: int, clip: str, model: str) -> str:
    marks = f" from {high:,} to {high * low // 100:,} tokens" if way == MARKS else ""
    over = f" {found.over(high)} of them are over {high:,} tokens." if found.over(high) else " None is over the mark."
    return (
        f"{way}{marks}, results {clip}: {len(found.requests)} requests with {found.tokens:,} tokens, "
        f"{found.read_share:.0%} of them read from the cache, ${found.dollars:.3f} on {model}.{over} The goal is in "
        f"{found.goal_share:.0%} of the requests, and {found.readable:.0%} of what later calls need from long ago can "
        "still be read."
    )


def shape(run: History) -> Shown:
    """The rounds of a run by tool: how many calls, and the characters of arguments and of results."""
    calls, given, came = Counter[str](), Counter[str](), Counter[str]()
    names: dict[str, str] = {}
    for block in (block for message in run for block in message.blocks):
        if block["type"] == "tool_use":
            names[block["id"]] = block["name"]
            calls[block["name"]] += 1
            given[block["name"]] += len(str(block["input"]))
        elif block["type"] == "tool_result":
            came[names[block["tool_use_id"]]] += len(str(block["content"]))
    rows = [(name, count, f"{given[name]:,}", f"{came[name]:,}") for name, count in calls.most_common()]
    return table(["tool", "calls", "characters of arguments", "characters of results"], rows)


def ways(run: History, share: float, models: Sequence[str]) -> tuple[Shown, dict[str, Findings]]:
    """Each way to shape a loop in a row: tokens, requests over a budget of this share of the run, cache, dollars."""
    budget = int(run.total(estimator(MODEL)) * share)
    found = {name: measured(run, steps(budget), models[0]) for name, steps in WAYS.items()}
    others = {name: [measured(run, WAYS[name](budget), model).dollars for model in models[1:]] for name in found}
    rows = [
        (
            name,
            f"{one.tokens:,}",
            one.over(budget),
            f"{one.read_share:.0%}",
            *(f"${dollars:.3f}" for dollars in (one.dollars, *others[name])),
            f"{one.readable:.0%}",
        )
        for name, one in found.items()
    ]
    head = ["way", "tokens", f"over {budget:,}", "cached", *models, "readable"]
    return table(head, rows, f"{len(run.replies())} requests, estimated tokens"), found


def fates(told: Sequence[Fate]) -> Shown:
    """The number of messages that came to each fate, with the step and the reason."""
    counts = Counter((fate.fate, fate.step, fate.why) for fate in told)
    rows = [(count, fate, step or "-", why) for (fate, step, why), count in counts.items()]
    return table(["messages", "fate", "step", "why"], rows)
