"""Streams, async, overflow and changes by hand: every way through a turn keeps the same promises."""

import asyncio
from typing import Any

import anthropic
import pytest

from labkit import (
    AsyncConversationManager,
    ConversationManager,
    KeepRecent,
    OfflineClaude,
    TokenBudget,
    async_claude,
    claude,
)
from labkit.budgets import BudgetExceeded
from labkit.messages import assistant, user
from labkit.request_log import Log

WINDOW = {"claude-sonnet-4-6": 600}
WORDS = "the delivery to the harbour was late again and nobody called about it "


def talked(turns: int, **settings: Any) -> ConversationManager:
    """A manager whose conversation already has this many long turns."""
    said = [m for i in range(turns) for m in (user(f"q{i} {WORDS * 3}"), assistant(f"a{i} {WORDS * 3}"))]
    return ConversationManager(messages=said, **settings)


def test_a_stream_gives_the_words_and_then_the_conversation() -> None:
    """Reading to the end is the same as sending."""
    streamed, sent = ConversationManager(), ConversationManager()
    reply = "".join(streamed.stream("My name is Ada."))
    assert reply == sent.send("My name is Ada.")
    assert streamed.messages == sent.messages
    assert streamed.usage == sent.usage


def test_input_too_long_is_pruned_and_tried_once() -> None:
    """J4: the 400 with both numbers, one smaller request, and the transcript whole."""
    log: Log = []
    manager = talked(8, client=claude(log=log, offline=OfflineClaude(windows=WINDOW)), max_tokens=50)
    assert manager.send("and now?")
    assert [sent.status for sent in log] == [400, 200]
    assert len(log[1].messages) < len(log[0].messages)
    assert len(manager.transcript) == 18


def test_one_oversized_message_is_tried_once_and_named() -> None:
    """No retry can save it: the SDK's own error comes through, with a note that names the largest part."""
    log: Log = []
    manager = talked(2, client=claude(log=log, offline=OfflineClaude(windows=WINDOW)), max_tokens=50)
    before = manager.conversation
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        manager.send(WORDS * 80)
    assert len(log) == 2
    assert manager.conversation is before
    alone = ConversationManager(client=claude(offline=OfflineClaude(windows=WINDOW)), max_tokens=50)
    with pytest.raises(anthropic.BadRequestError) as caught:
        alone.send(WORDS * 80)
    assert "nothing more can be left out" in caught.value.__notes__[0]


def test_a_reply_cut_off_at_the_window_is_tried_once_more() -> None:
    """Input plus max_tokens beyond the window is accepted, and the reply ends where the window does."""
    log: Log = []
    offline = OfflineClaude(windows={"claude-sonnet-4-6": 800}, reply=WORDS * 20)
    manager = talked(8, client=claude(log=log, offline=offline), max_tokens=400)
    manager.send("and now?")
    assert [sent.reply["stop_reason"] for sent in log] == ["model_context_window_exceeded", "end_turn"]
    assert manager.usage.requests == 2


def test_any_other_refusal_is_not_tried_again() -> None:
    """Pruning does not repair a request that is wrong for another reason."""
    log: Log = []
    manager = talked(3, client=claude(log=log), request={"temperature": 0.2})
    before = manager.conversation
    with pytest.raises((anthropic.BadRequestError, TypeError)):
        manager.send("hi")
    assert len(log) <= 1
    assert manager.conversation is before


def test_a_budget_is_checked_before_anything_is_sent() -> None:
    """P2: what must be sent and cannot fit is named, and nothing left the machine."""
    log: Log = []
    manager = talked(0, client=claude(log=log), budget=TokenBudget(window=1_000, reply=400))
    with pytest.raises(BudgetExceeded, match="largest: message 0"):
        manager.send(WORDS * 60)
    assert log == []


def test_the_estimate_is_exact_after_a_reply_but_for_the_tail() -> None:
    """P6: what was billed is counted as billed; the API agrees."""
    manager = ConversationManager()
    manager.send("My name is Ada.")
    before = manager.conversation
    assert manager.estimate().estimated == 0
    assert abs(manager.estimate("What is my name?").tokens - manager.count("What is my name?")) <= 3
    assert manager.conversation is before


def test_editing_a_message_forks() -> None:
    """The later messages belong to another branch, which is given back whole."""
    manager = talked(4)
    before = manager.edit(4, "another question")
    assert [m.text for m in manager.transcript[-1:]] == ["another question"]
    assert len(manager.transcript) == 5
    assert len(before.transcript) == 8


def test_an_edited_question_is_asked_again() -> None:
    """Edit and resend: one request that ends with the new words and carries nothing of what followed the old ones."""
    log: Log = []
    manager, talk = talked(2, client=claude(log=log)), AsyncConversationManager(messages=talked(2).messages)
    for one in (manager, talk):
        one.edit(2, "another question")
    expected = [*talked(1).messages, user("another question").wire()]
    assert manager.count() > 0
    reply = manager.send()
    assert log[-1].messages == expected
    assert manager.messages == [*expected, assistant(reply).wire()]
    asyncio.run(talk.send())
    assert talk.messages == manager.messages
    manager.edit(2, "another question")
    assert "".join(manager.stream()) == reply
    assert log[-1].messages == expected


def test_a_message_after_an_edited_question_belongs_to_its_turn() -> None:
    """Both stand in the one request that is sent, and no window tells them apart."""
    log: Log = []
    manager = talked(2, client=claude(log=log), steps=(KeepRecent(1),))
    manager.edit(2, "My order is A-1047.")
    assert "A-1047" in manager.send("What is my order number?")
    assert [sent["role"] for sent in log[-1].messages] == ["user", "user"]
    assert manager.conversation.turns == 2


def test_without_a_message_something_must_wait_for_a_reply() -> None:
    """Sending nothing after a reply, or at the start, is refused before anything is sent."""
    for manager in (ConversationManager(), talked(1)):
        before = manager.conversation
        for ask in (manager.send, manager.stream, manager.count):
            with pytest.raises(ValueError, match="nothing waits for a reply"):
                ask()
        assert manager.conversation is before


def test_changes_by_hand_give_back_what_was() -> None:
    """Remove, rewind and mark, each of which can be taken back."""
    manager = talked(4)
    first = manager.remove(0)
    assert manager.transcript[0].text.startswith("a0")
    manager.conversation = first
    manager.rewind(2)
    assert manager.conversation.turns == 2
    manager.mark(0, pinned=True, importance=0.9, flags=("decision",))
    assert manager.transcript[0].pinned
    assert manager.messages[0]["content"] == first.history.wire()[0]["content"]
    with pytest.raises(TypeError, match="'tokens' is not metadata"):
        manager.mark(0, tokens=4)


def test_a_fork_goes_its_own_way() -> None:
    """Two managers, one past."""
    manager = talked(2)
    other = manager.fork()
    other.send("this way")
    assert len(manager.transcript) == 4
    assert len(other.transcript) == 6


def test_messages_are_stamped_and_the_stamp_stays_here() -> None:
    """E6: the time is metadata."""
    manager = ConversationManager(clock=lambda: "2026-11-22T09:00:00+00:00")
    manager.send("hi")
    assert [m.timestamp for m in manager.transcript] == ["2026-11-22T09:00:00+00:00"] * 2
    assert all(set(m) == {"role", "content"} for m in manager.get_messages())


def test_async_turns_are_the_same_turns() -> None:
    """The same requests and the same conversation as the sync manager's."""

    async def run(log: Log) -> AsyncConversationManager:
        manager = AsyncConversationManager(client=async_claude(log=log), token_threshold=250, recent_turns_to_keep=1)
        for note in ("one", "two", "three", "four"):
            await manager.send(f"Note {note}: {WORDS * 5}")
        return manager

    async_log: Log = []
    log: Log = []
    manager = asyncio.run(run(async_log))
    same = ConversationManager(client=claude(log=log), token_threshold=250, recent_turns_to_keep=1)
    for note in ("one", "two", "three", "four"):
        same.send(f"Note {note}: {WORDS * 5}")
    assert [sent.sent for sent in async_log] == [sent.sent for sent in log]
    assert manager.messages == same.messages
    assert manager.summary == same.summary is not None


def test_async_streams_can_be_left_and_one_turn_runs_at_a_time() -> None:
    """Cancelled, it changes nothing; a second turn at the same time is refused."""

    async def run() -> None:
        client = OfflineClaude(reply="one two three four five six seven eight").async_client()
        manager = AsyncConversationManager(client=client)
        before = manager.conversation
        stream = manager.stream("count")
        words = aiter(stream)
        await anext(words)
        with pytest.raises(RuntimeError, match="a turn is under way"):
            await manager.send("at the same time")
        await words.aclose()
        assert manager.conversation is before
        assert stream.partial
        assert "".join([text async for text in manager.stream("count")]).endswith("eight")
        assert len(manager.transcript) == 2

    asyncio.run(run())
