"""The cost in US dollars of a request, a log or a plan, from the one dated table of prices.

A cost is never more exact than the tokens it is made from: offline these are estimates. `Plan` and `Strategy` foretell
the bills of a conversation that is not held yet. Taught in notebooks 02, 03 and 08.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Protocol

from labkit.models import DEFAULT_MODEL, Model, Prices, find
from labkit.tokens import Usage

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars by what they were paid for: input read afresh, cache writes, cache reads, output. Costs add up."""

    input: float = 0.0
    cache_writes: float = 0.0
    cache_reads: float = 0.0
    output: float = 0.0

    @property
    def dollars(self) -> float:
        """All of it together."""
        return self.input + self.cache_writes + self.cache_reads + self.output

    def __add__(self, other: "Cost") -> "Cost":
        """Both together, part by part."""
        return Cost(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def __str__(self) -> str:
        """Dollars with as many places as a single request needs."""
        return f"${self.dollars:,.4f}"


def cost(usage: Usage, model: str | Model = DEFAULT_MODEL, hour: bool = False) -> Cost:
    """The dollars of one request by the table: `usage` is that of a single request, because long prompts may have
    another price.

    `hour` says that its cache writes were made to live for an hour rather than five minutes. Raises ValueError where
    the table has no price for what was used.
    """
    row = find(model)
    prices = _prices(row, usage)
    if usage.cache_read_input_tokens and prices.cache_read is None:
        raise ValueError(f"no price for cache reads of {row.id} was found (table of {row.as_of}): choose another model")
    write = prices.cache_write_1h if hour else prices.cache_write_5m
    return Cost(
        usage.input_tokens * prices.input / MILLION,
        usage.cache_creation_input_tokens * write / MILLION,
        usage.cache_read_input_tokens * (prices.cache_read or 0.0) / MILLION,
        usage.output_tokens * prices.output / MILLION,
    )


def total_cost(usages: Iterable[Usage], model: str | Model = DEFAULT_MODEL, hour: bool = False) -> Cost:
    """The dollars of a conversation: the sum over its requests, one usage each (`sent.usage for sent in log`)."""
    return sum((cost(usage, model, hour) for usage in usages), Cost())


def at_most(input_tokens: int, max_tokens: int, model: str | Model = DEFAULT_MODEL) -> Cost:
    """The most dollars that one request can cost, to be said before it is sent: all input written to the cache (which
    is more expensive than reading it), and all `max_tokens` written, as thinking or as the answer.
    """
    return cost(Usage(0, max_tokens, input_tokens, 0, 1), model)


def billed(usage: Mapping[str, Any]) -> list[Usage]:
    """The bills of a response, one Usage for each pass: the `iterations` of a compaction, else the usage itself.

    `usage` is the field of a response as a dict. A compaction reports 0 at the top and its bill in `iterations`.
    Source: SDK 2.12.0, BetaUsage.
    """
    return [Usage.of_wire(one) for one in usage.get("iterations") or (usage,)]


class Answered(Protocol):
    """A request with its response, such as a client's log holds."""

    @property
    def request(self) -> dict[str, Any]:
        """The body that was sent."""

    @property
    def reply(self) -> dict[str, Any]:
        """The body that came back."""


def log_cost(log: Iterable[Answered]) -> Cost:
    """The dollars of the requests in a client's log, each by the prices of its model; compactions are counted in full,
    errors and requests without a bill cost nothing.
    """
    bills = [(usage, sent.request["model"]) for sent in log for usage in billed(sent.reply.get("usage") or {})]
    return sum((cost(usage, model) for usage, model in bills if usage != Usage(requests=1)), Cost())


def thinking_cost(log: Iterable[Answered]) -> Cost:
    """The part of `log_cost` that paid for thinking: output that a reader never sees, or sees in part.

    Thinking is billed as output and reported in `output_tokens_details`. Source: SDK 2.14.0, Usage.
    """
    thought = [
        (details.get("thinking_tokens") or 0, sent.request["model"])
        for sent in log
        if (details := (sent.reply.get("usage") or {}).get("output_tokens_details"))
    ]
    return sum((cost(Usage(output_tokens=tokens), model) for tokens, model in thought), Cost())


def _prices(row: Model, usage: Usage) -> Prices:
    if row.long_prompt and row.long_prompt_over and usage.total_input > row.long_prompt_over:
        return row.long_prompt
    return row.prices


type Caching = Literal["none", "automatic", "system prompt", "system prompt and end"]
CACHING: tuple[Caching, ...] = ("none", "automatic", "system prompt")
"""Nothing cached; one breakpoint that moves along with the end; one that stays after the system prompt."""

BOTH: Caching = "system prompt and end"
"""The breakpoints of a manager with steps: one after the system prompt, and one that moves along with the end."""

SUMMARY_ASK = 100
"""Tokens of the instruction that asks for a summary, in a plan: labkit's own has about as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A conversation to be foretold: how many turns, and the tokens of system prompt, one message and one reply.

    `thinking` is the tokens that the model thinks before one reply: 0 where thinking is off. It is billed as output,
    and again as input of every later request, on models that keep the thinking of all turns.
    """

    turns: int = 50
    system: int = 2_000
    message: int = 150
    reply: int = 350
    thinking: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no conversation."""
        if self.turns < 1 or self.message < 1 or min(self.system, self.reply, self.thinking) < 0:
            raise ValueError(f"{self}: give at least 1 turn and 1 token a message, and nothing below 0")

    def counted_by(self, model: str | Model) -> "Plan":
        """The same texts in the tokens of another model: an estimate, by `times_older` of the two tokenizers.

        The plan itself is taken to be in tokens of the default model's generation.
        """
        more = find(model).generation.times_older / find(DEFAULT_MODEL).generation.times_older
        sizes = {name: round(getattr(self, name) * more) for name in ("system", "message", "reply", "thinking")}
        return replace(self, **sizes)


@dataclass(frozen=True, slots=True)
class Strategy:
    """The turns that a request carries: all of them, or at most `high`; then they are cut down to `low` (left out:
    `high`, a window that slides on every turn) and grow again.

    With `summary` tokens, the turns that were cut are replaced by a summary of that size, written by a separate request
    after each cut. Raises ValueError for marks that mean nothing.
    """

    high: int | None = None
    low: int | None = None
    summary: int = 0

    def __post_init__(self) -> None:
        """Refuse marks in the wrong order."""
        if self.high is not None and not 1 <= (self.low or self.high) <= self.high:
            raise ValueError(f"a window of {self.high} turns with a low mark of {self.low}: give 1 <= low <= high")

    def first(self, turn: int) -> int:
        """The first turn that the request of this turn still carries, both counted from 1."""
        if self.high is None or turn <= self.high:
            return 1
        block = self.high - (self.low or self.high) or 1
        return 1 + -(-(turn - self.high) // block) * block


def planned(
    plan: Plan, strategy: Strategy, caching: Caching = "none", model: str | Model = DEFAULT_MODEL
) -> list[list[Usage]]:
    """The bills of a conversation that follows a plan, turn by turn; a turn with a call for a summary has two.

    All sizes are taken as they are, in tokens of `model`, and turns as less than five minutes apart. Where no figure
    for the shortest prefix that is cached was found, every prefix counts as long enough. Thinking that was written
    before a cut is left out after it, as labkit's steps do. Raises ValueError for another kind of caching.
    """
    if caching not in (*CACHING, BOTH):
        raise ValueError(f"caching {caching!r} is not one of {', '.join(CACHING)}")
    row, bills, before, sent, last_cut = find(model), list[list[Usage]](), 1, 0, 1
    for turn in range(1, plan.turns + 1):
        first = strategy.first(turn)
        cut = first - before
        last_cut = turn if cut else last_cut
        thought = plan.thinking * (turn - last_cut) if _keeps_thinking(row) else 0
        total = plan.system + (strategy.summary if first > 1 else 0) + thought
        total += (turn - first) * (plan.message + plan.reply) + plan.message
        usage = _split(total, caching, plan, plan.system if turn > 1 else 0, 0 if cut else sent, row.cache_minimum or 0)
        told = cut * (plan.message + plan.reply) + (strategy.summary if before > 1 else 0) + SUMMARY_ASK
        asked = [Usage(told, strategy.summary, 0, 0, 1)] if cut and strategy.summary else []
        bills.append([*asked, usage])
        before, sent = first, total
    return bills


def _keeps_thinking(row: Model) -> bool:
    """Say whether the thinking of all turns stays in the prompt; a model without a figure counts as one that does."""
    return row.thinking is None or row.thinking.keeps == "all"


def planned_costs(
    plan: Plan, strategy: Strategy, caching: Caching = "none", model: str | Model = DEFAULT_MODEL
) -> list[Cost]:
    """The cost of each planned turn; a summary is charged to the turn that follows it."""
    return [total_cost(turn, model) for turn in planned(plan, strategy, caching, model)]


def _split(total: int, caching: Caching, plan: Plan, beginning: int, sent: int, least: int) -> Usage:
    """The bill of a request of `total` tokens, of which the `beginning` alone, or all that was `sent` before, can be
    read again from the cache, which takes no prefix shorter than `least`.
    """
    written = plan.thinking + plan.reply
    again = {"none": 0, "automatic": sent, "system prompt": beginning, BOTH: sent or beginning}[caching]
    mark = {"none": 0, "automatic": total, "system prompt": plan.system, BOTH: total}[caching]
    if not mark or mark < least:
        return Usage(total, written, 0, 0, 1)
    read = again if again >= least else 0
    return Usage(total - mark, written, mark - read, read, 1)
