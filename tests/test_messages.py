"""Messages are frozen values, histories share a log, and a history is cut only between exchanges."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.messages import History, Message, assistant, exchanges, from_wire, join, one_message, user
from tests.conversations import as_json, conversations, texts


@given(conversations())
def test_exchanges_partition_a_history_and_join_puts_it_together_again(history: History) -> None:
    """Cutting at every exchange and joining gives the same messages."""
    parts = list(exchanges(history))
    assert join(parts) == history
    assert all(part[0].role == "user" for part in parts)


@given(conversations())
def test_a_tool_round_is_never_cut_in_two(history: History) -> None:
    """Each tool_result is in the same exchange as the tool_use that it answers."""
    for part in exchanges(history):
        called = [b["id"] for m in part for b in m.blocks if b["type"] == "tool_use"]
        answered = [b["tool_use_id"] for m in part for b in m.blocks if b["type"] == "tool_result"]
        assert called == answered


@given(conversations(), texts, texts)
def test_two_histories_that_grow_from_one_never_see_each_other(history: History, one: str, two: str) -> None:
    """A fork is free: the older value and both branches keep what they had."""
    before = as_json(history)
    left = history.append(assistant(one))
    right = history.append(assistant(two), user(one))
    assert as_json(history) == before
    assert left[-1].text == one
    assert len(left) == len(history) + 1
    assert [m.text for m in right[-2:]] == [two, one]


@given(conversations(), conversations(), st.integers(0, 30), st.booleans())
def test_a_history_knows_if_it_begins_another(history: History, other: History, end: int, shared: bool) -> None:
    """A history begins another when that one has more messages behind it, whether they share a log or are alike."""
    whole, part = history if shared else History(list(history)), history[:end]
    assert part.begins(whole)
    assert whole.begins(part) == (len(part) == len(whole))
    for one in (other, whole[1:], History(list(whole)[1:])):
        assert one.begins(whole) == (tuple(one) == tuple(whole)[: len(one)]) or not one


@given(conversations(), st.integers(-9, 30), st.integers(-9, 30))
def test_a_slice_is_what_the_slice_of_a_tuple_is(history: History, low: int, high: int) -> None:
    """Slicing, lengths, totals and positions agree with plain tuples."""
    part = history[low:high]
    assert part == tuple(history)[low:high]
    assert len(part) == part.total(one_message) == len(tuple(history)[low:high])
    starts = set(history.starts())
    places = range(len(history))[low:high]
    assert [i for i, place in enumerate(places) if place in starts] == list(part.starts())


@pytest.mark.parametrize("content", ["", " ", "\n\t", [], [{"type": "text", "text": " "}]])
def test_content_without_words_is_refused(content: Any) -> None:
    """The API refuses empty and blank content, so a message is never made of it."""
    with pytest.raises(ValueError, match=r"user message needs|text block 0 is empty"):
        user(content)


def test_an_unknown_role_is_refused_with_the_roles_that_are_allowed() -> None:
    """The error names what was given and what is allowed."""
    with pytest.raises(ValueError, match=r"role 'human' is not one of 'user', 'assistant', 'system'"):
        Message("human", "hello")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "block",
    [{"type": "image", "source": {1, 2}}, {"type": "x", "n": float("nan")}, {"text": "no type"}, "text", 7],
)
def test_a_block_that_cannot_be_sent_is_refused(block: Any) -> None:
    """Content blocks are checked when the message is made, not when it is sent."""
    with pytest.raises(TypeError, match="block 0"):
        user([block])


def test_metadata_never_reaches_the_wire() -> None:
    """The wire form has a role and a content, whatever else the message knows."""
    message = user("hi", pinned=True, importance=0.9, timestamp="2026-11-22", flags=("decision",))
    assert message.wire() == {"role": "user", "content": "hi"}


def test_the_wire_form_is_a_copy() -> None:
    """Changing what was handed out changes nothing inside."""
    message = user([{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "4"}]}])
    message.wire()["content"][0]["content"][0]["text"] = "changed"
    assert json.dumps(message.wire()).count("changed") == 0


def test_an_extra_key_is_refused_because_the_api_would_refuse_it() -> None:
    """Metadata inside a wire dict is an error that says where it belongs."""
    with pytest.raises(ValueError, match=r"extra key 'importance'.*metadata"):
        from_wire({"role": "user", "content": "hi", "importance": 1})


def test_text_is_found_behind_a_thinking_block() -> None:
    """Text is chosen by type; the first block may be thinking, or there may be no text at all."""
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    assert assistant([thinking, {"type": "text", "text": "Four."}]).text == "Four."
    assert assistant([thinking]).text == ""


def test_two_user_messages_in_a_row_are_one_turn() -> None:
    """The API merges them, so they are never cut apart."""
    talk = History([user("a"), user("b"), assistant("c"), user("d")])
    assert [len(part) for part in exchanges(talk)] == [3, 1]


def test_messages_before_the_first_user_turn_are_their_own_group() -> None:
    """A conversation may begin with an assistant message that carries a compaction block."""
    talk = History([assistant([{"type": "compaction", "content": "before"}]), user("a"), assistant("b")])
    assert [len(part) for part in exchanges(talk)] == [1, 2]
    assert talk.staying() == [0]


def test_a_history_reads_well_in_a_cell() -> None:
    """Its repr says how long it is and how it begins."""
    assert repr(History([user("hello")])) == "History(1 messages: user: 'hello')"


@given(conversations())
def test_each_message_finds_its_exchange(history: History) -> None:
    """Found by bisection, it is the part that a walk would give."""
    place = 0
    for part in exchanges(history):
        assert all(history.exchange_at(place + i) == part for i in range(len(part)))
        place += len(part)


def test_a_timestamp_is_text() -> None:
    """It is saved as JSON, so a number or a datetime is refused where it is made."""
    with pytest.raises(TypeError, match="timestamp 5 must be text"):
        user("hi", timestamp=5)
