"""What requests cost in US dollars, from the one dated table of prices. Taught in notebooks 02, 03 and 08.

A cost is never more exact than the tokens it is made from: offline these are estimates.
"""

from collections.abc import Iterable
from dataclasses import dataclass

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
        return Cost(
            self.input + other.input,
            self.cache_writes + other.cache_writes,
            self.cache_reads + other.cache_reads,
            self.output + other.output,
        )

    def __str__(self) -> str:
        """Dollars with as many places as a single request needs."""
        return f"${self.dollars:,.4f}"


def cost(usage: Usage, model: str | Model = DEFAULT_MODEL, hour: bool = False) -> Cost:
    """What one request costs by the table: `usage` is that of a single request, because long prompts may have a price
    of their own.

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
    """What a conversation costs: the sum over its requests, one usage each (`sent.usage for sent in log`)."""
    return sum((cost(usage, model, hour) for usage in usages), Cost())


def _prices(row: Model, usage: Usage) -> Prices:
    if row.long_prompt and row.long_prompt_over and usage.total_input > row.long_prompt_over:
        return row.long_prompt
    return row.prices
