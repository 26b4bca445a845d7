"""The promises of every manager: sync and async, sent and streamed, whatever fails, and wherever it is stopped."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import anthropic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labkit
from labkit import AsyncConversationManager, ConversationManager, KeepRecent, OfflineClaude, async_claude, claude
from labkit.manager_state import Shell
from labkit.messages import History
from labkit.offline import Fault, Reply
from labkit.request_log import Log
from labkit.tokens import estimator
from labkit.turn import SummaryWarning
from tests.peers import chat, is_summary_request

LONG = "the delivery to the harbour was late again and nobody called about it " * 3
SMART = {"token_threshold": 150, "recent_turns_to_keep": 2}


def sent(offline: OfflineClaude, log: Log, questions: Sequence[str], **more: Any) -> tuple[Shell, list[str]]:
    """A sync manager that sent these questions, and the replies."""
    manager = ConversationManager(client=claude(log=log, offline=offline, max_retries=0), **more)
    return manager, [manager.send(question) for question in questions]


def streamed(offline: OfflineClaude, log: Log, questions: Sequence[str], **more: Any) -> tuple[Shell, list[str]]:
    """The same with every reply read as it came."""
    manager = ConversationManager(client=claude(log=log, offline=offline, max_retries=0), **more)
    return manager, ["".join(manager.stream(question)) for question in questions]


def sent_async(offline: OfflineClaude, log: Log, questions: Sequence[str], **more: Any) -> tuple[Shell, list[str]]:
    """The same in async code."""
    manager = AsyncConversationManager(client=async_claude(log=log, offline=offline, max_retries=0), **more)

    async def talk() -> list[str]:
        return [await manager.send(question) for question in questions]

    return manager, asyncio.run(talk())


def streamed_async(offline: OfflineClaude, log: Log, questions: Sequence[str], **more: Any) -> tuple[Shell, list[str]]:
    """The same in async code, with every reply read as it came."""
    manager = AsyncConversationManager(client=async_claude(log=log, offline=offline, max_retries=0), **more)

    async def talk() -> list[str]:
        return ["".join([word async for word in manager.stream(question)]) for question in questions]

    return manager, asyncio.run(talk())


type Way = Callable[..., tuple[Shell, list[str]]]
WAYS: tuple[Way, ...] = (sent, streamed, sent_async, streamed_async)
every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


def with_summaries(kind: str) -> OfflineClaude:
    """A simulated Claude that answers every question, and whose summaries are of this kind."""
    said = {"fine": "in short", "empty": " ", "grows": LONG * 30, "refusal": "No.", "max_tokens": "in sh"}

    def write(request: Any) -> Reply:
        if not is_summary_request(request):
            return Reply([{"type": "text", "text": "Noted."}])
        if kind == "raises":
            raise RuntimeError("no summary today")
        return Reply([{"type": "text", "text": said[kind]}], kind if kind in ("refusal", "max_tokens") else "end_turn")

    return OfflineClaude(reply=write)


@every_way
@pytest.mark.parametrize("kind", ["raises", "empty", "grows", "refusal", "max_tokens"])
def test_whatever_happens_to_a_summary_nothing_is_lost(way: Way, kind: str) -> None:
    """P3: every turn is answered, every word is kept, requests carry the newest turns, every token is counted."""
    log: Log = []
    questions = [f"Note {place}: {LONG}" for place in range(9)]
    with pytest.warns(SummaryWarning, match="nothing is lost"):
        manager, replies = way(with_summaries(kind), log, questions, **SMART)
    assert replies == ["Noted."] * 9
    assert [m.text for m in manager.transcript] == [text for q in questions for text in (q, "Noted.")]
    assert manager.conversation.history == manager.transcript
    assert manager.summary is None
    chats = [one for one in log if not is_summary_request(one.request)]
    assert [len(one.messages) for one in chats] == [1, 3, 5] + [3] * 6
    asked = 2 if kind in ("grows", "max_tokens") else 1  # one more with twice the room, where the first was cut off
    assert len(log) - len(chats) == 3 * asked
    assert manager.usage.total_input == sum(one.usage.total_input for one in log)
    assert manager.usage.output_tokens == sum(one.usage.output_tokens for one in log)


@every_way
def test_a_summary_is_made_and_counted_in_every_way(way: Way) -> None:
    """The same summaries, the same history, the same bill, sent or streamed, sync or async."""
    log: Log = []
    questions = [f"Note {place}: {LONG}" for place in range(9)]
    manager, replies = way(with_summaries("fine"), log, questions, **SMART)
    assert replies == ["Noted."] * 9
    assert set(manager.summary_history) == {"in short"}
    assert len(manager.transcript) == 18
    assert manager.messages[0]["content"] == "[Conversation summary: in short]"
    assert manager.usage.total_input == sum(one.usage.total_input for one in log)
    assert [fate.fate for fate in manager.explain()].count("dropped") == 0


@every_way
@pytest.mark.parametrize("fault", [400, 401, 429, 529, "connection_reset", "read_timeout"])
def test_an_error_leaves_the_conversation_as_it_was(way: Way, fault: int | str) -> None:
    """P3 and P7: the SDK's own error, no phantom question, and the next turn works."""
    offline, log = OfflineClaude(reply="Noted."), list[Any]()
    manager, _ = way(offline, log, ["one"])
    before = manager.conversation
    offline.faults.add(fault)
    with pytest.raises(anthropic.APIError):
        again(way, manager, "two")
    assert manager.conversation is before
    assert again(way, manager, "three") == "Noted."
    assert [m.text for m in manager.transcript] == ["one", "Noted.", "three", "Noted."]


def again(way: Way, manager: Any, question: str) -> str:
    """One more turn of a manager, in the same way."""
    if way is sent:
        return str(manager.send(question))
    if way is streamed:
        return "".join(manager.stream(question))

    async def turn() -> str:
        if way is sent_async:
            return str(await manager.send(question))
        return "".join([word async for word in manager.stream(question)])

    return asyncio.run(turn())


COUNTED = "one two three four five six seven eight, " * 6 + "nine"


@pytest.mark.parametrize("pieces", range(1, 7))
def test_a_stream_can_be_left_after_any_piece(pieces: int) -> None:
    """Left, closed or broken by the reader's own error, it changes nothing, says what came, and the next turn works."""
    manager = ConversationManager(client=OfflineClaude(reply=COUNTED).client())
    manager.send("hello")
    before = manager.conversation

    def left(stop: Callable[[], None]) -> str:
        stream = manager.stream("count")
        with suppress(ZeroDivisionError):
            for count, _ in enumerate(stream, 1):
                if count == pieces:
                    stop()
                    break
        return stream.partial

    def fails() -> None:
        raise ZeroDivisionError

    for stop in (lambda: None, fails):
        partial = left(stop)
        assert partial
        assert COUNTED.startswith(partial)
        assert manager.conversation is before
    assert manager.send("again") == COUNTED


def test_a_stream_that_breaks_in_the_middle_changes_nothing() -> None:
    """The error comes through, the partial reply is there, and nothing else is different."""
    offline = OfflineClaude(reply=COUNTED)
    manager = ConversationManager(client=offline.client(max_retries=0))
    manager.send("hello")
    before = manager.conversation
    for after in range(1, 6):
        offline.faults.add(Fault("mid_stream", after=after))
        stream = manager.stream("count")
        with pytest.raises(anthropic.APIError):
            list(stream)
        assert COUNTED.startswith(stream.partial)
        assert manager.conversation is before
    assert "".join(manager.stream("count")) == COUNTED


def test_an_async_stream_that_is_left_does_not_block_the_next_turn() -> None:
    """A loop that is left by `break` is a turn that is over: the next one begins at once."""

    async def talk() -> None:
        manager = AsyncConversationManager(client=OfflineClaude(reply=COUNTED).async_client())
        before = manager.conversation
        async for _ in manager.stream("count"):
            break
        assert manager.conversation is before
        assert await manager.send("again") == COUNTED
        assert len(manager.transcript) == 2

    asyncio.run(talk())


def test_a_cancelled_task_leaves_the_conversation_as_it_was() -> None:
    """Cancelled while it waits, a turn was never there; the next one works, and so does a fork made meanwhile."""

    async def talk() -> None:
        client = OfflineClaude(reply=COUNTED).async_client()
        manager = AsyncConversationManager(client=client)
        before = manager.conversation
        turn = asyncio.create_task(manager.send("count"))
        await asyncio.sleep(0)
        other = manager.fork()
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert manager.conversation is before
        assert await manager.send("again") == await other.send("again") == COUNTED

    asyncio.run(talk())


def test_a_reader_that_is_cancelled_leaves_the_conversation_as_it_was() -> None:
    """A task that reads a stream is cancelled between two pieces: nothing changed, and the words so far are there."""

    async def talk() -> None:
        manager = AsyncConversationManager(client=OfflineClaude(reply=COUNTED).async_client())
        before, stream = manager.conversation, manager.stream("count")

        async def read() -> None:
            async for _ in stream:
                await asyncio.sleep(0)

        reading = asyncio.create_task(read())
        while not stream.partial:
            await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert manager.conversation is before
        assert COUNTED.startswith(stream.partial)
        assert stream.partial != COUNTED
        assert await manager.send("again") == COUNTED

    asyncio.run(talk())


def test_another_history_in_the_place_of_the_old_one_keeps_facts_and_bills() -> None:
    """Setting `messages` replaces what was said; what was spent was spent, and a case fact stays word for word."""
    manager = ConversationManager(client=OfflineClaude(reply="Noted.").client())
    manager.add_fact("Account 55120934.", source="message 1")
    manager.send("hello")
    spent = manager.usage
    manager.messages = chat(2)[:-1].wire()
    assert manager.usage == spent
    assert "Account 55120934." in manager.next_request()["system"]
    assert manager.last_input_tokens == 0
    assert manager.send("and now?") == "Noted."


def test_nothing_that_is_done_during_a_turn_is_lost_in_silence() -> None:
    """A turn, a fact or a mark in the middle of another turn is refused, because the reply would put it aside."""
    manager = ConversationManager(client=OfflineClaude(reply=COUNTED).client(), messages=chat(2)[:-1])
    stream = iter(manager.stream("count"))
    next(stream)
    meanwhile: list[Callable[[], object]] = [
        lambda: manager.send("at the same time"),
        lambda: list(manager.stream("at the same time")),
        lambda: manager.add_fact("Account 55120934.", source="message 1"),
        lambda: manager.mark(0, pinned=True),
        lambda: manager.rewind(1),
        lambda: manager.add_user_message("and"),
        lambda: setattr(manager, "messages", []),
    ]
    for change in meanwhile:
        with pytest.raises(RuntimeError, match="a turn is under way"):
            change()
    assert manager.fork().send("on another branch") == COUNTED
    list(stream)
    assert [m.text for m in manager.transcript[-2:]] == ["count", COUNTED]
    manager.add_fact("Account 55120934.", source="message 1")
    assert manager.send("again") == COUNTED


def test_a_stream_is_about_the_conversation_at_the_time_it_is_read() -> None:
    """Made before another turn and read after it, it goes on from there, and both turns are kept."""
    manager = ConversationManager(client=OfflineClaude(reply="Noted.").client())
    stream = manager.stream("first asked")
    manager.send("first sent")
    assert "".join(stream) == "Noted."
    assert [m.text for m in manager.transcript] == ["first sent", "Noted.", "first asked", "Noted."]


def stopped_at(line: int, work: Callable[[], object]) -> bool:
    """Do some work and stop it, as a cell is stopped, before that line of labkit's own code; False if it ended."""
    home, reached = str(Path(labkit.__file__).parent), 0

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal reached
        if event == "line":
            reached += 1
            if reached == line:
                sys.settrace(None)
                raise KeyboardInterrupt
        return count

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        inside = frame.f_code.co_filename.startswith(home) and "offline" not in frame.f_code.co_filename
        return count if inside else None

    sys.settrace(enter)
    try:
        work()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return False


@pytest.mark.parametrize("way", [sent, streamed], ids=lambda way: way.__name__)
def test_a_turn_can_be_stopped_anywhere(way: Way) -> None:
    """Before any line of a turn with a summary: the turn is there whole or not at all, and the next one works."""
    line, stopped = 1, 0
    while True:
        manager, _ = way(with_summaries("fine"), [], [f"Note {place}: {LONG}" for place in range(2)], **SMART)
        manager.mark(2, pinned=True)
        before = manager.conversation
        if not stopped_at(line, lambda: again(way, manager, f"Note 3: {LONG}")):  # noqa: B023 - called at once
            break
        stopped += 1
        is_whole(manager.transcript)
        is_whole(manager.conversation.history)
        assert len(manager.transcript) in (len(before.transcript), len(before.transcript) + 2)
        assert manager.usage.requests >= before.usage.requests
        assert again(way, manager, "and now?") == "Noted."
        is_whole(manager.transcript)
        assert manager.conversation.turns == len(manager.transcript) // 2
        line += 1 + line // 40
    assert stopped > 60
    assert manager.summary == "in short"


def is_whole(history: History) -> None:
    """Fail unless a history alternates and knows the same of itself as one that is made again of its messages."""
    fresh = History(tuple(history))
    assert [m.role for m in history] == ["user", "assistant"] * (len(history) // 2)
    assert history.starts() == fresh.starts()
    assert history.staying() == fresh.staying()
    assert history.total(estimator()) == fresh.total(estimator())


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 30), st.integers(1, 400))
def test_a_window_in_a_manager_sends_what_it_says_it_sends(turns: int, limit: int) -> None:
    """P4 and P6: what is explained as kept is what was sent, and the estimate of it is near what is billed."""
    manager = ConversationManager(
        client=OfflineClaude(reply="It was late again.").client(), steps=[KeepRecent(limit, size=estimator())]
    )
    for place in range(turns):
        manager.send(f"Note {place}: {LONG[:90]}")
    kept = [fate.message.wire() for fate in manager.explain() if fate.fate == "kept"]
    assert kept == manager.get_messages()
