"""Budgets add up, shares are shares, and an overflow is distinguished from every other error."""

import anthropic
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.budgets import BudgetExceeded, Overflow, TokenBudget, allocate, check, classify, excess
from labkit.messages import History, assistant, user


def test_the_planning_formula() -> None:
    """System 1,500, message 800 and reply 4,096 of a 200,000 window, with 40,000 of history used, leave 153,604."""
    budget = TokenBudget(window=200_000, system=1_500, message=800, reply=4_096)
    assert budget.left_after(40_000) == 153_604


@given(*[st.integers(0, 10_000)] * 5)
def test_the_parts_of_a_window_add_up_to_it(system: int, message: int, reply: int, tools: int, thinking: int) -> None:
    """Nothing of the window is lost or counted twice."""
    budget = TokenBudget(100_000, system, message, reply, tools, thinking)
    parts = system + message + reply + tools + thinking
    assert budget.history + parts == 100_000
    assert TokenBudget(parts or 1, system, message, reply, tools, thinking).history == (0 if parts else 1)


def test_a_budget_without_room_names_its_parts() -> None:
    """The error holds the whole sum, in digits with separators."""
    with pytest.raises(
        ValueError, match=r"system 2,000 \+ message 0 \+ reply 4,096 > window 5,000: 1,096 tokens too many"
    ):
        TokenBudget(window=5_000, system=2_000)


@pytest.mark.parametrize("parts", [{"window": 0}, {"window": -1}, {"system": -5}, {"tools": -1}])
def test_negative_parts_are_refused(parts: dict[str, int]) -> None:
    """The part is named with what is allowed."""
    with pytest.raises(ValueError, match=f"{next(iter(parts))} .*give "):
        TokenBudget(**parts)


def test_a_budget_for_a_model_has_its_window() -> None:
    """The table knows the windows: a million tokens for the default model."""
    assert TokenBudget.for_model("claude-haiku-4-5").window == 200_000
    assert TokenBudget.for_model(system=100).window == 1_000_000


@given(st.integers(1, 1_000_000))
def test_shares_use_the_whole_window(window: int) -> None:
    """20, 50, 20 and 10 percent, and no token is lost to rounding."""
    shared = allocate(window)
    assert sum(shared.values()) == window
    assert all(tokens >= 0 for tokens in shared.values())


def test_the_shares_of_200_000() -> None:
    """The production split in tokens."""
    assert allocate(200_000) == {"system": 40_000, "history": 100_000, "message": 40_000, "reply": 20_000}


@pytest.mark.parametrize("shares", [{"history": 0.5}, {"history": 1.5, "reply": -0.5}])
def test_shares_that_are_not_shares_are_refused(shares: dict[str, float]) -> None:
    """They must be 0 or more and add up to 100%."""
    with pytest.raises(ValueError, match="add up to 100%"):
        allocate(1_000, shares)


def test_what_cannot_fit_is_named() -> None:
    """P2: the error says which parts are largest and by how much the whole is too long."""
    view = History([user("short"), assistant("fine"), user("long " * 4_000)])
    with pytest.raises(BudgetExceeded, match=r"message 2 \(user, 5,003\).*Shorten one"):
        check(view, TokenBudget(window=4_000, reply=1_000))
    check(view, TokenBudget(window=10_000, reply=1_000))


def refusal(message: str, status: int = 400) -> anthropic.APIStatusError:
    """The SDK's error for a response like this."""
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    request = httpx2.Request("POST", "http://offline/v1/messages")
    return anthropic.BadRequestError(message, response=httpx2.Response(status, json=body, request=request), body=body)


CASES = [
    ("prompt is too long: 203052 tokens > 200000 maximum", Overflow.INPUT_TOO_LONG),
    ("input length and `max_tokens` exceed context limit: 198981 + 21333 > 200000, decrease", Overflow.INPUT_TOO_LONG),
    ("messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound", Overflow.THINKING_BINDING),
    ("messages.1.content.0: Invalid `data` in `redacted_thinking` block", Overflow.THINKING_BINDING),
    (
        "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified",
        Overflow.THINKING_BINDING,
    ),
    ("messages: at least one message is required", Overflow.OTHER),
    ("messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t1", Overflow.OTHER),
]


@pytest.mark.parametrize(("message", "kind"), CASES)
def test_an_overflow_is_distinguished_from_other_errors_of_its_type(message: str, kind: Overflow) -> None:
    """All are invalid_request_error; only three of the four cases are worth another try."""
    assert classify(refusal(message)) is kind


def test_the_numbers_are_read_from_the_error() -> None:
    """Both numbers, sent and allowed, are read for the one retry."""
    assert excess(refusal(CASES[0][0])) == (203_052, 200_000)
    assert excess(refusal(CASES[5][0])) is None
