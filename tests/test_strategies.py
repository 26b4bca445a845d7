"""Steps shape what is sent: always valid, never empty, the newest turn and the pins kept, every message accounted
for.
"""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.messages import History, Message, assistant, exchanges, user
from labkit.strategies import KeepRecent, Step, StepError, apply, explain, full_history
from labkit.tokens import estimate_tokens, estimator
from tests.conversations import as_json, conversations


def _last_two(history: History) -> History:
    return history[-2:]


def _every_other(history: History) -> tuple[Message, ...]:
    return tuple(history)[::2]


def _nothing(history: History) -> tuple[Message, ...]:
    return ()


def _backwards(history: History) -> tuple[Message, ...]:
    return tuple(reversed(history))


def _twice(history: History) -> tuple[Message, ...]:
    return (*history, *history)


windows = st.builds(KeepRecent, st.integers(1, 12))
marked = st.integers(2, 200).flatmap(
    lambda limit: st.builds(KeepRecent, st.just(limit), st.integers(1, limit), st.just(estimator()))
)
learners = st.sampled_from([_last_two, _every_other, _nothing, _backwards, _twice, full_history])
compositions: st.SearchStrategy[list[Step]] = st.lists(st.one_of(windows, marked, learners), max_size=4)


def problems(view: History, history: History) -> list[str]:
    """What would make a view invalid, empty or wrong."""
    wrong = [] if view else ["empty"]
    wrong += [] if view and view[-1] == history[-1] else ["newest message gone"]
    wrong += [] if view and view[0].role == "user" else ["does not begin with the user"]
    wrong += [f"{m.text} unpinned" for m in history if m.pinned and not any(_same(m, kept) for kept in view)]
    calls: list[str] = []
    for message in view:
        answers = [b["tool_use_id"] for b in message.blocks if b["type"] == "tool_result"]
        wrong += [f"orphan {a}" for a in answers if a not in calls] + [
            f"unanswered {c}" for c in calls if c not in answers
        ]
        calls = [b["id"] for b in message.blocks if b["type"] == "tool_use"]
    return wrong


def _same(one: Message, other: Message) -> bool:
    return one is other or one in other.replaces


@given(compositions, conversations())
def test_every_composition_gives_a_valid_view_with_the_newest_turn_and_the_pins(
    steps: list[Step], history: History
) -> None:
    """P1 and P2: whatever the steps, a learner's clumsy ones included, what is sent can be sent."""
    before = as_json(history)
    view = apply(steps, history)
    assert problems(view, history) == []
    assert as_json(history) == before


@given(compositions, conversations())
def test_explain_accounts_for_every_message(steps: list[Step], history: History) -> None:
    """P4: one fate for each message; what is kept is what is sent."""
    fates = explain(steps, history)
    view = apply(steps, history)
    assert [f.message for f in fates] == list(history)
    assert len([f for f in fates if f.fate == "kept"]) == sum(any(_same(m, kept) for kept in view) for m in history)
    assert all(f.why for f in fates)
    assert all(f.step for f in fates if f.fate != "kept")


@given(compositions, conversations())
def test_thinking_never_stands_behind_a_changed_prefix(steps: list[Step], history: History) -> None:
    """P5: once anything was dropped, thinking is left out of all but the open tool round."""
    view = apply(steps, history)
    if view != history:
        opened = len(history) - history.newest_start() - 1 if _open(history) else 0
        assert not view[: len(view) - opened].thinking()


@given(compositions, conversations())
def test_an_open_tool_round_is_passed_on_untouched(steps: list[Step], history: History) -> None:
    """P5: nothing is pruned inside a tool round that Claude has not finished."""
    if _open(history):
        tail = history[history.newest_start() + 1 :]
        assert tuple(apply(steps, history))[-len(tail) :] == tuple(tail)


def _open(history: History) -> bool:
    return bool(history[-1].block_types() & {"tool_use", "tool_result"})


@given(conversations(), st.integers(1, 20))
def test_a_window_is_the_longest_run_of_whole_exchanges_that_fits(history: History, limit: int) -> None:
    """The cut found by bisection is the cut that a walk from the newest exchange finds."""
    plain = History([Message(m.role, m.content) for m in history])
    kept: list[Message] = []
    for part in reversed(list(exchanges(plain))):
        if kept and len(kept) + len(part) > limit:
            break
        kept = [*part, *kept]
    assert KeepRecent(limit)(plain) == tuple(kept)


def talk(turns: int) -> History:
    """A plain conversation of this many turns that ends with one more question."""
    pairs = [m for i in range(turns) for m in (user(f"question {i}"), assistant(f"answer {i}"))]
    return History([*pairs, user("and now?")])


def test_a_window_of_4_sends_3() -> None:
    """With the question pending the list is odd, so an even window holds one message fewer."""
    assert [len(apply((KeepRecent(size),), talk(10))) for size in (4, 6)] == [3, 5]


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
    """Rounding to whole exchanges cannot mend a replaced tool_use, so it is an error and not a 400 later."""
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
