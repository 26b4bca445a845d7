"""Costs are the table's prices times the tokens, computed by hand here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.costs import Cost, cost, total_cost
from labkit.models import known
from labkit.tokens import Usage

BILLS = [
    ("claude-sonnet-4-6", Usage(1_000, 500, 0, 0, 1), False, 1_000 * 3e-6 + 500 * 15e-6),
    (
        "claude-sonnet-4-6",
        Usage(200, 300, 1_000, 9_000, 1),
        False,
        200 * 3e-6 + 1_000 * 3.75e-6 + 9_000 * 0.3e-6 + 300 * 15e-6,
    ),
    ("claude-sonnet-5-5", Usage(0, 10, 2_000, 0, 1), True, 2_000 * 4e-6 + 10 * 10e-6),
    ("claude-haiku-5-5", Usage(100_000, 0, 0, 0, 1), False, 100_000 * 0.1e-6),
    ("claude-haiku-5-5", Usage(100_001, 10, 0, 0, 1), False, 100_001 * 0.5e-6 + 10 * 2.5e-6),
]


@pytest.mark.parametrize(("model", "usage", "hour", "dollars"), BILLS)
def test_bills_computed_by_hand(model: str, usage: Usage, hour: bool, dollars: float) -> None:
    """Plain, cached, hour-long and long-prompt requests."""
    assert cost(usage, model, hour).dollars == pytest.approx(dollars)


@given(st.lists(st.builds(Usage, *[st.integers(0, 50_000)] * 4), max_size=5))
def test_a_conversation_costs_what_its_requests_cost(usages: list[Usage]) -> None:
    """The parts add up, in any grouping."""
    whole = total_cost(usages)
    assert whole.dollars == pytest.approx(sum(cost(usage).dollars for usage in usages))
    assert total_cost([]) == Cost()


def test_reading_the_cache_is_cheaper_than_reading_afresh_on_every_model() -> None:
    """Where a read price is known."""
    fresh, cached = Usage(input_tokens=10_000), Usage(cache_read_input_tokens=10_000)
    rows = [row for row in known().values() if row.prices.cache_read is not None]
    assert len(rows) > 10
    assert all(cost(cached, row).dollars <= 0.1 * cost(fresh, row).dollars + 1e-12 for row in rows)


def test_a_price_that_was_not_found_is_not_invented() -> None:
    """The error names the model and the date of the table."""
    with pytest.raises(ValueError, match="cache reads of claude-fable-5-2"):
        cost(Usage(cache_read_input_tokens=1), "claude-fable-5-2")
