"""Views of notebook 02: what the three strategies send of one conversation, on one turn and over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from labkit.costs import total_cost
from labkit.strategies import KeepRecent, Step, full_history
from labkit.teach.cells.words import counted, listed
from labkit.teach.charts.chart import Chart, Series, Threshold
from labkit.teach.lessons.race import Leg, Race, facts_of

STRATEGIES = ("all three", "full history", "sliding window", "summarization")
SOURCE = "Sizes as billed by the offline Claude (simulated; estimates). Dollars: list prices for {model}."


@dataclass(frozen=True, slots=True)
class Entrant:
    """One strategy in a race: its name with its setting, the part of the visual language it is drawn as, its requests
    and its step.
    """

    name: str
    part: str
    legs: Sequence[Leg]
    step: Step = full_history


def entrants(race: Race, window: int, threshold: int) -> tuple[Entrant, Entrant, Entrant]:
    """The three strategies with these settings: a window in messages, a threshold in tokens."""
    return (
        Entrant("full history", "history", race.full()),
        Entrant(f"window of {window}", "dropped", race.window(window), KeepRecent(window)),
        Entrant(f"summary above {threshold:,}", "summary", race.smart(threshold)),
    )


def strategy_race(race: Race, strategy: str, window: int, threshold: int, turns: int) -> Chart:
    """Input tokens of each request: of all three strategies as lines, or of one, split into its parts.

    The words give the last request, the sum over all of them, the details still in reach, and the dollars without and
    with prompt caching. The axes are those of the whole recording. Raises ValueError for a strategy or a number of
    turns that there is not.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy {strategy!r} is not one of {', '.join(STRATEGIES)}")
    if not 1 <= turns <= race.turns:
        raise ValueError(f"turns = {turns} is not between 1 and {race.turns}, the turns that were recorded")
    three = entrants(race, window, threshold)
    place = STRATEGIES.index(strategy)
    shown = three[place - 1 : place] if place else three
    return Chart(
        title=f"Input tokens of each request: {strategy if not place else shown[0].name}",
        words=_race_words(race, shown, turns),
        kind="columns" if place else "lines",
        categories=[str(turn) for turn in range(1, race.turns + 1)],
        series=_split(race, shown[0], turns) if place else [_line(race, one, turns) for one in three],
        axis="turn",
        top=max(leg.total for leg in race.full()) * 1.1,
        source=SOURCE.format(model=race.model),
    )


def _line(race: Race, one: Entrant, turns: int) -> Series:
    return Series(one.part, [leg.total if i < turns else None for i, leg in enumerate(one.legs)], one.name)


def _split(race: Race, one: Entrant, turns: int) -> list[Series]:
    parts = ("system", "summary", "history", "current")
    return [
        Series(part, [getattr(leg, part) if i < turns else None for i, leg in enumerate(one.legs)]) for part in parts
    ]


def _race_words(race: Race, shown: Sequence[Entrant], turns: int) -> str:
    bills = [race.bill(one.legs, turns) for one in shown]
    sums = [sum(usage.total_input for usage in bill) for bill in bills]
    known = [len(race.known(one.legs, turns, one.step)) for one in shown]
    plain = [f"{total_cost(bill, race.model).dollars:.2f}" for bill in bills]
    cached = [f"{total_cost(race.bill(one.legs, turns, True), race.model).dollars:.2f}" for one in shown]
    together = f"All {turns} turns together" if turns > 1 else "So far"
    first = [f"{one.legs[turns - 1].total:,} ({one.name})" for one in shown]
    return (
        f"Input tokens of request {turns}: {listed(first)}. "
        f"{together}, calls for summaries included: {listed([f'{each:,}' for each in sums])}. "
        f"Of {counted(len(facts_of(turns)), 'planted detail')} said so far, the next request carries "
        f"{listed(list(map(str, known)))}. "
        f"Cost in dollars: {listed(plain)}; with prompt caching {listed(cached)}."
    )


def sends(race: Race, turn: int, window: int, threshold: int) -> Chart:
    """The requests of the three strategies on one turn, side by side, against all that was said.

    Raises ValueError for a turn that was not recorded.
    """
    if not 1 <= turn <= race.turns:
        raise ValueError(f"turn = {turn} is not between 1 and {race.turns}, the turns that were recorded")
    three = entrants(race, window, threshold)
    legs = [one.legs[turn - 1] for one in three]
    most = legs[0].total
    rows = {part: [getattr(leg, part) for leg in legs] for part in ("system", "summary", "history", "current")}
    carried = [
        f"{one.name} sends {counted(leg.messages, 'message')} ({leg.total:,} tokens)"
        for one, leg in zip(three, legs, strict=True)
    ]
    return Chart(
        title=f"What each strategy sends on turn {turn}",
        words=f"On turn {turn}, {listed(carried)}.",
        kind="rows",
        axis="strategy",
        categories=[one.name for one in three],
        series=[Series(part, [value or None for value in values]) for part, values in rows.items()],
        notes=[f"tokens in {counted(leg.messages, 'message')}" for leg in legs],
        thresholds=[Threshold(most, "all that was said")],
        top=most * 1.05,
        height=176,
        source=SOURCE.partition(" Dollars")[0],
    )
