"""Estimates say that they are estimates, measure everything that is sent, and are learned from the bill."""

import pytest
from hypothesis import given

from labkit import claude
from labkit.messages import History, Message, assistant, user
from labkit.tokens import Meter, TokenCount, Usage, count_tokens, estimate_tokens, estimator
from tests.conversations import conversations


@given(conversations())
def test_a_history_is_the_sum_of_its_messages(history: History) -> None:
    """Estimates add up, so that running totals can be kept."""
    assert estimate_tokens(history) == sum(map(estimate_tokens, history)) == history.total(estimator())


def test_the_newer_tokenizer_is_estimated_on_the_safe_side() -> None:
    """The ratio of the two generations' characters per token, from the table: above the 30% that are documented."""
    text = "How do I sort a list of orders by date? " * 30
    older, newer = estimate_tokens(text, "claude-sonnet-4-6"), estimate_tokens(text, "claude-sonnet-5-5")
    assert newer / older == pytest.approx(4 / 2.5, rel=0.01)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "id": "t", "name": "save", "input": {"rows": "x" * 40_000}},
        {"type": "thinking", "thinking": "x" * 40_000, "signature": "s"},
        {"type": "tool_result", "tool_use_id": "t", "content": "x" * 40_000},
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "x" * 40_000}]},
        {"type": "brand_new", "payload": "x" * 40_000},
    ],
)
def test_llama_index_19_long_arguments_and_thinking_are_counted(block: dict[str, object]) -> None:
    """A tool call with 40 kB of arguments is not free: 40,000 characters are at least 10,000 estimated tokens."""
    assert estimate_tokens(Message("assistant", (block,))) >= 10_000


def test_an_image_is_not_counted_by_its_bytes() -> None:
    """A picture costs by its size in pixels, not by the length of its base64 text."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 400_000}}
    assert estimate_tokens(user([image])) < 2_000


def test_a_count_says_how_it_was_made() -> None:
    """Billed and estimated tokens are distinguished in words."""
    assert str(TokenCount(0, 12, "m")) == "12 tokens (estimated, m)"
    assert str(TokenCount(1_200, 12, "m")) == "1,212 tokens (1,200 billed + 12 estimated, m)"
    assert str(TokenCount(1_200, 0, "m")) == "1,200 tokens (billed, m)"


def test_the_meter_estimates_only_what_was_not_billed_yet() -> None:
    """After the first reply the bill is the count, and an estimate is added for the tail alone."""
    history = History([user("a" * 400), assistant("b" * 400), user("c" * 40)])
    meter = Meter.of(Usage(input_tokens=22, output_tokens=100, cache_read_input_tokens=100), history[:1])
    assert (meter.count(history).exact, meter.count(history).estimated) == (222, estimate_tokens(history[2]))
    assert Meter().count(history, beside=50).estimated == 50 + estimate_tokens(history)
    moved = meter.count(history[1:], beside=50)
    assert (moved.exact, moved.estimated) == (0, 50 + estimate_tokens(history[1:]))


def test_the_input_of_a_request_is_the_sum_of_three_fields() -> None:
    """`input_tokens` alone leaves out what was written to and read from the cache."""
    assert Usage(input_tokens=3, cache_creation_input_tokens=20, cache_read_input_tokens=900).total_input == 923


def test_the_api_counts_before_sending() -> None:
    """`count_tokens` asks, and agrees with what the request is then billed."""
    client = claude()
    history = History([user("My name is Ada."), assistant("Noted."), user("What is my name?")])
    counted = count_tokens(client, history, system="Be brief.")
    response = client.messages.create(
        model="claude-sonnet-4-6",
        max_tokens=50,
        system="Be brief.",
        messages=history.wire(),  # type: ignore[arg-type]
    )
    assert counted == response.usage.input_tokens
