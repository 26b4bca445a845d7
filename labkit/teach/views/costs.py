"""Views of notebook 08 on money: what a conversation would cost, by model, strategy and caching, turn by turn."""

from collections.abc import Iterable, Mapping, Sequence

from labkit.costs import CACHING, Caching, Cost, Plan, Strategy, planned, planned_costs
from labkit.models import Model, find
from labkit.teach.cells.words import counted
from labkit.teach.charts.chart import Chart, Series

MANY = 10_000
"""The number of conversations of the second figure."""

STRATEGIES: Mapping[str, Strategy] = {
    "full history": Strategy(),
    "window of 5": Strategy(5),
    "window of 20 cut to 5": Strategy(20, 5),
    "summary above 20": Strategy(20, 5, summary=300),
}
"""The strategies that can be compared; the summary replaces the turns that the window of 20 leaves out."""

ALL = "all four"
SOURCE = "Planned: 150 tokens asked, {:,} thought and 350 answered a turn. Windows in turns. List prices of {}."
KINDS = {"input": "history", "cache_writes": "current", "cache_reads": "cache_read", "output": "reply"}
LABELS = {
    "input": "input read afresh",
    "cache_writes": "cache writes",
    "cache_reads": "cache reads",
    "output": "output",
}


def what_if(model: str, turns: int, system: int, strategy: str, caching: Caching, thinking: int = 0) -> Chart:
    """The cost of `turns` turns of 150 tokens asked and 350 answered after a system prompt of `system` tokens, with
    `thinking` tokens before each answer.

    With all four strategies, a row for each, split by what is paid for; with one of them, a column for each turn.
    Values are dollars for 10,000 conversations. The scale depends on the model and the sizes, not on strategy or
    caching, so that these can be compared by eye. Sizes are tokens of Claude 3 to 4.6; for a newer model the same text
    is counted by its own tokenizer (estimated). Raises ValueError for a strategy or a kind of caching that there is
    not.
    """
    if strategy != ALL and strategy not in STRATEGIES:
        raise ValueError(f"strategy {strategy!r} is not one of {', '.join((ALL, *STRATEGIES))}")
    row = find(model)
    plan = Plan(turns=turns, system=system, thinking=thinking).counted_by(row)
    source = SOURCE.format(thinking, row.as_of)
    if strategy == ALL:
        return _side_by_side(row, plan, caching, source)
    bill = planned_costs(plan, STRATEGIES[strategy], caching, row)
    return Chart(
        title=f"Each turn in dollars for {MANY:,} conversations: {strategy}",
        words=_words_on_one(row, plan, strategy, caching),
        categories=[str(turn) for turn in range(1, turns + 1)],
        series=_split(bill),
        axis="turn",
        unit="dollars",
        top=_top(each.dollars for mode in CACHING for each in planned_costs(plan, STRATEGIES[strategy], mode, row)),
        source=source,
    )


def _side_by_side(row: Model, plan: Plan, caching: Caching, source: str) -> Chart:
    sums = {name: sum(planned_costs(plan, one, caching, row), Cost()) for name, one in STRATEGIES.items()}
    every = (dollars(planned_costs(plan, one, mode, row)) for one in STRATEGIES.values() for mode in CACHING)
    return Chart(
        title=f"{counted(plan.turns, 'turn')} in dollars for {MANY:,} conversations, caching: {caching}",
        words=_words_on_all(row, plan, sums, caching),
        kind="rows",
        categories=list(sums),
        series=_split(list(sums.values())),
        axis="strategy",
        unit="dollars",
        notes=[f"{_money(each.dollars)} for one" for each in sums.values()],
        top=_top(every),
        height=196,
        source=source,
    )


def _top(amounts: Iterable[float]) -> float:
    """The end of the scale: a little above the most expensive, for as many conversations."""
    return 1.1 * MANY * max(amounts)


def dollars(bill: Sequence[Cost]) -> float:
    """The cost of all turns of one conversation together."""
    return sum(each.dollars for each in bill)


def _split(bill: Sequence[Cost]) -> list[Series]:
    return [Series(part, [getattr(each, kind) * MANY for each in bill], LABELS[kind]) for kind, part in KINDS.items()]


def _words_on_all(row: Model, plan: Plan, sums: Mapping[str, Cost], caching: Caching) -> str:
    said = ", ".join(f"{name} {_money(each.dollars)}" for name, each in sums.items())
    many = ", ".join(_many(each.dollars) for each in sums.values())
    best = min(sums, key=lambda name: sums[name].dollars)
    words = f"{row.name}, {counted(plan.turns, 'turn')}, caching: {caching}. One conversation costs: {said}."
    return f"{words} {MANY:,} of them: {many}. The cheapest is the {best}.{_doubts(row, plan, caching)}"


def _words_on_one(row: Model, plan: Plan, strategy: str, caching: Caching) -> str:
    every = {
        (name, mode): dollars(planned_costs(plan, each, mode, row))
        for name, each in STRATEGIES.items()
        for mode in CACHING
    }
    other: Caching = "automatic" if caching == "none" else "none"
    one, less = every[strategy, caching], every[strategy, other]
    contrast = "With automatic caching" if caching == "none" else "Without caching"
    best = min(every, key=lambda choice: every[choice])
    cheapest = "It is the cheapest choice here" if best == (strategy, caching) else _cheapest(*best, every[best])
    return (
        f"{row.name}, {counted(plan.turns, 'turn')}, {strategy}, caching: {caching}: {_money(one)} for one "
        f"conversation, {_many(one)} for {MANY:,}. {contrast} it would be {_money(less)} for one. "
        f"{cheapest}.{_doubts(row, plan, caching)}"
    )


def _cheapest(strategy: str, caching: Caching, amount: float) -> str:
    return f"The cheapest choice here is the {strategy}, caching: {caching}, at {_money(amount)}"


def _doubts(row: Model, plan: Plan, caching: Caching) -> str:
    """The prices in use that were not read at their source, and thinking that the plan leaves out, as sentences."""
    usages = [usage for turn in planned(plan, Strategy(), caching, row) for usage in turn]
    used = {
        "cache_write_5m": any(usage.cache_creation_input_tokens for usage in usages),
        "cache_read": any(usage.cache_read_input_tokens for usage in usages),
    }
    names = {"cache_write_5m": "cache writes", "cache_read": "cache reads"}
    doubted = [names[field] for field, there in used.items() if there and field in row.unverified]
    prices = f" Not confirmed by Anthropic's own pages: the price of {' and of '.join(doubted)}." if doubted else ""
    return prices + _left_out(row, plan)


def _left_out(row: Model, plan: Plan) -> str:
    if plan.thinking or row.thinking is None or row.thinking.default == "disabled":
        return ""
    when = "on every turn" if row.thinking.always_on else "unless a request switches it off"
    return f" No thinking is planned, and {row.name} thinks {when}."


def _money(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 0.1 else f"${amount:,.4f}"


def _many(amount: float) -> str:
    return f"${amount * MANY:,.0f}"
