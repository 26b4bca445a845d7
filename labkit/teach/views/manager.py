"""The dashboard of notebook 06: what strategies sent turn by turn, measured on real runs, those of the learner among
them.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from labkit.clients import claude
from labkit.costs import total_cost
from labkit.request_log import Sent
from labkit.teach.cells.words import counted, listed
from labkit.teach.charts.chart import Chart, Series
from labkit.teach.lessons.race import facts_of
from labkit.teach.trials.run import lent, started

MEASURES = ("tokens of each turn", "tokens so far", "dollars so far")
PARTS = ("history", "dropped", "summary", "current", "facts", "reply")
"""The looks of strategies, in the order in which they are given; so many fit in one picture."""


@dataclass(frozen=True, slots=True)
class TurnBill:
    """The figures of one turn: its requests, calls for summaries among them, their input tokens, their price in
    thousandths of a dollar, and how many of the details planted so far its own request carried.
    """

    requests: int
    tokens: int
    price: float
    known: int


def by_turn(send: Callable[[str], object], talk: Iterable[str], log: Sequence[Sent]) -> list[TurnBill]:
    """Send what the user has to say, turn by turn, and measure what each turn added to the log."""
    turns = list[TurnBill]()
    for words in talk:
        before = len(log)
        send(words)
        turns.append(_turn(log[before:], len(turns) + 1))
    return turns


def rehearse(kind: type, talk: Iterable[str], **settings: Any) -> list[TurnBill]:
    """Run a new manager of a class through a talk, offline, and measure its turns.

    The class may be the learner's own: it takes its client, and spells its settings, in any way that the checks take.
    """
    log: list[Sent] = []
    client = claude(log=log)
    with lent(kind, client):
        return by_turn(started(kind, settings, client).send, talk, log)


def _turn(requests: Sequence[Sent], number: int) -> TurnBill:
    body = requests[0].request
    text = json.dumps([body.get("system"), body["messages"]], ensure_ascii=False)
    usages = [sent.usage for sent in requests]
    return TurnBill(
        requests=len(requests),
        tokens=sum(usage.total_input for usage in usages),
        price=total_cost(usages, str(body["model"])).dollars * 1_000,
        known=sum(fact.detail in text for fact in facts_of(number)),
    )


def dashboard(
    runs: Mapping[str, Sequence[TurnBill]], show: str, turns: int, strategies: Sequence[str] | None = None
) -> Chart:
    """One line for each strategy: input tokens of each turn, or tokens or thousandths of a dollar added up over turns.

    `runs` gives the turns for each name; `strategies` are the names to draw, all when left out. The words give the last
    turn shown, the sums, and how many planted details its request carries. The axes are those of all runs. Raises
    ValueError for a measure, a name or a number of turns that there is not, and for more runs than there are colours.
    """
    whole = _checked(runs, show, turns)
    names = tuple(runs) if strategies is None else tuple(strategies)
    if strange := [name for name in names if name not in runs]:
        raise ValueError(f"no run is called {strange[0]!r}: there are {', '.join(runs)}")
    lines = {name: _values(run, show) for name, run in runs.items()}
    return Chart(
        title=f"Dashboard: {show}",
        words=_words({name: runs[name][:turns] for name in runs if name in names}, turns),
        kind="lines",
        categories=[str(turn) for turn in range(1, whole + 1)],
        series=[
            Series(part, [value if place < turns else None for place, value in enumerate(lines[name])], name)
            for part, name in zip(PARTS, runs, strict=False)
            if name in names
        ],
        axis="turn",
        unit="$ x 0.001" if show == MEASURES[2] else "tokens",
        top=max(max(line) for line in lines.values()) * 1.1,
        source="As billed by the Claude that answered. The offline one is simulated: its counts are estimates.",
    )


def _checked(runs: Mapping[str, Sequence[TurnBill]], show: str, turns: int) -> int:
    if show not in MEASURES:
        raise ValueError(f"show = {show!r} is not one of {', '.join(MEASURES)}")
    if not 1 <= len(runs) <= len(PARTS):
        raise ValueError(f"a dashboard shows 1 to {len(PARTS)} runs, but got {len(runs)}")
    lengths = sorted({len(run) for run in runs.values()})
    if len(lengths) > 1:
        raise ValueError(f"all runs need the same number of turns, but they have {', '.join(map(str, lengths))}")
    if not 1 <= turns <= lengths[0]:
        raise ValueError(f"turns = {turns} is not between 1 and {lengths[0]}, the turns that were run")
    return lengths[0]


def _values(run: Sequence[TurnBill], show: str) -> list[float]:
    each = [turn.price if show == MEASURES[2] else float(turn.tokens) for turn in run]
    return each if show == MEASURES[0] else list(accumulate(each))


def _words(runs: Mapping[str, Sequence[TurnBill]], turns: int) -> str:
    if not runs:
        return "No strategy is chosen: tick one or more of them to see what they sent."
    last = [f"{run[-1].tokens:,} ({name})" for name, run in runs.items()]
    sums = [f"{sum(turn.tokens for turn in run):,}" for run in runs.values()]
    asked = [str(sum(turn.requests for turn in run)) for run in runs.values()]
    dollars = [f"{sum(turn.price for turn in run) / 1_000:.3f}" for run in runs.values()]
    return (
        f"Input tokens of turn {turns}: {listed(last)}. All turns so far: {listed(sums)} tokens in {listed(asked)} "
        f"requests, for {listed(dollars)} dollars. Of {counted(len(facts_of(turns)), 'planted detail')} said so "
        f"far, the request of turn {turns} carries {listed([str(run[-1].known) for run in runs.values()])}."
    )
