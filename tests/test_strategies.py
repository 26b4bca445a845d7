"""Windows, and steps that give back what is no history; what every step promises is tested in test_promises.py."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.messages import History, Message, assistant, user
from labkit.strategies import KeepRecent, StepError, apply
from labkit.tokens import estimate_tokens, estimator


def talk(turns: int) -> History:
    """A plain conversation of this many turns that ends with one more question."""
    pairs = [m for i in range(turns) for m in (user(f"question {i}"), assistant(f"answer {i}"))]
    return History([*pairs, user("and now?")])


def test_a_window_of_4_sends_3() -> None:
    """With the question pending the list is odd, so an even window holds one message fewer."""
    assert [len(apply((KeepRecent(size),), talk(10))) for size in (4, 6)] == [3, 5]


def test_a_step_takes_no_pin_away_but_may_add_to_what_is_pinned() -> None:
    """A copy of a pinned message without its pin is the message; a copy with another importance is the copy."""
    history = History([user("account 55120934", pinned=True), assistant("Noted."), *talk(1)])
    unpinned, rated = apply([_shorter(pinned=False)], history), apply([_shorter(importance=0.5)], history)
    assert (unpinned[0].pinned, unpinned[3].text) == (True, "Ok.")
    assert (rated[0].pinned, rated[0].importance) == (True, 0.5)


def _shorter(**changed: Any) -> Any:
    return lambda history: [
        replace(history[0], **changed),
        *history[1:3],
        replace(history[3], content="Ok.", replaces=(history[3],)),
        *history[4:],
    ]


def test_a_window_over_tokens_keeps_many_short_turns_or_few_long_ones() -> None:
    """One function, two rulers."""
    by_tokens = KeepRecent(200, size=estimator())
    long = History([m for i in range(9) for m in (user("why? " * 60), assistant("so " * 60))] + [user("and now?")])
    short_view, long_view = by_tokens(talk(60)), by_tokens(long)
    assert len(short_view) > 10 * len(long_view) / 3
    assert estimate_tokens(short_view) <= 200
    assert estimate_tokens(long_view) <= 200


def test_between_its_marks_a_window_keeps_its_beginning_so_that_the_cache_survives() -> None:
    """With a low mark the first message sent changes rarely; without one it changes at every turn."""

    def cuts(step: KeepRecent) -> int:
        firsts = [apply((step,), talk(turns))[0].text for turns in range(100)]
        return sum(a != b for a, b in itertools.pairwise(firsts))

    assert cuts(KeepRecent(40)) > 75
    assert cuts(KeepRecent(40, low=20)) <= 9


@given(st.integers(1, 60), st.integers(2, 40), st.data())
def test_a_window_with_marks_never_outgrows_its_limit(turns: int, limit: int, data: Any) -> None:
    """The low mark cuts deeper, never less deep."""
    low = data.draw(st.integers(1, limit))
    assert len(KeepRecent(limit, low)(talk(turns))) <= max(limit, 1)


def test_pinned_messages_stay_and_count() -> None:
    """A pinned account number survives a window that would have dropped it, with its whole exchange."""
    history = History([user("account 55120934", pinned=True), assistant("Noted."), *talk(9)])
    view = apply((KeepRecent(6),), history)
    assert [m.text for m in view[:2]] == ["account 55120934", "Noted."]
    assert len(view) <= 6


@pytest.mark.parametrize(
    ("settings", "said"),
    [((0,), "a window of 0 keeps nothing: it must be at least 1"), ((-3,), "-3 keeps nothing"), ((4, 9), "low mark 9")],
)
def test_a_window_in_which_nothing_fits_is_refused(settings: tuple[int, ...], said: str) -> None:
    """0, negative windows and a low mark above the limit say what is allowed."""
    with pytest.raises(ValueError, match=said):
        KeepRecent(*settings)


def test_a_step_that_gives_no_history_is_named() -> None:
    """A learner's function that forgets to return says so, by name."""

    def forgot_to_return(history: History) -> None:
        history[-1:]

    with pytest.raises(StepError, match=r"forgot_to_return must return a history.*NoneType"):
        apply((forgot_to_return,), talk(2))  # type: ignore[arg-type]


def test_a_step_that_rewrites_a_tool_call_away_is_refused() -> None:
    """Rounding to whole exchanges cannot repair a replaced tool_use, so it is an error and not a 400 later."""
    call = Message("assistant", ({"type": "tool_use", "id": "t1", "name": "look", "input": {}},))
    result = user([{"type": "tool_result", "tool_use_id": "t1", "content": "4"}])
    history = History([user("a"), call, result, assistant("b"), user("c")])

    def rewrite(past: History) -> History:
        return History(Message("assistant", "called", replaces=(m,)) if m is call else m for m in past)

    with pytest.raises(StepError, match="rewrite broke the tool round of t1"):
        apply((rewrite,), history)


def test_what_was_not_pruned_is_passed_on_as_it_came() -> None:
    """Nothing to cut: the very history comes back, thinking and odd blocks included."""
    odd = assistant([{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "brand_new", "x": [1]}])
    history = History([user("a"), odd, user("b")])
    assert apply((KeepRecent(10),), history) is history
