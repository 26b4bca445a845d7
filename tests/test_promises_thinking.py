"""P1 and P5 on a model that binds thinking to what was sent before it, with thinking that is really signed."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import ConversationManager, OfflineClaude
from labkit.offline import Reply
from tests.conversations import TOOL
from tests.peers import call, is_summary_request, result
from tests.promises import STEPS

LONG = "the delivery to the harbour was late again and nobody called about it " * 3
OPERATIONS = ("ask", "ask", "ask", "use a tool", "use two tools", "rewind", "remove", "edit", "pin", "fork", "again")
MONOTONE = ("window", "window in tokens", "window with marks", "fifo", "clear", "turns")


@pytest.mark.filterwarnings("ignore::labkit.turn.SummaryWarning")
@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 99)), min_size=4, max_size=12),
    st.lists(st.tuples(st.sampled_from(MONOTONE), st.integers(0, 999)), max_size=2),
    st.sampled_from([None, 80]),
)
def test_on_a_model_that_binds_thinking_no_request_is_refused(
    operations: Sequence[tuple[str, int]], steps: Sequence[tuple[str, int]], threshold: int | None
) -> None:
    """P1 and P5: signed thinking, tool rounds, steps, summaries, changes by hand: the API takes each request."""
    offline = OfflineClaude(reply=thinking_with_tools)
    manager = ConversationManager(
        model="claude-opus-5-5",
        client=offline.client(max_retries=0),
        steps=[STEPS[name](number) for name, number in steps],
        tools=[TOOL],
        token_threshold=threshold,
        recent_turns_to_keep=1,
        request={"thinking": {"type": "adaptive"}},
    )
    for operation, number in operations:
        manager = done(manager, operation, number)
    assert {exchange.status for exchange in offline.requests} <= {200}


def done(manager: ConversationManager, operation: str, number: int) -> ConversationManager:
    """The manager after one more operation; what does not apply to its conversation is left out."""
    length, turns = len(manager.transcript), manager.conversation.turns
    if operation in ("rewind", "remove", "edit", "pin") and not length:
        return manager
    if operation == "fork":
        return manager.fork()
    if operation == "rewind":
        manager.rewind(number % (turns + 1))
    elif operation == "remove":
        manager.remove(number % length)
    elif operation == "edit":
        place = manager.transcript.starts()[number % turns] if turns else 0
        manager.edit(place, "Say that again?")
        manager.remove(place)
    elif operation == "pin":
        manager.mark(number % length, pinned=True)
    else:
        asked = {"use a tool": "Use 1.", "use two tools": "Use 2."}.get(
            operation, "Say: late again. " * (number % 9 + 1)
        )
        manager.send(asked)
        while calls := [b["id"] for b in manager.transcript[-1].blocks if b["type"] == "tool_use"]:
            manager.send(result(*calls).content)
    return manager


SERIALS = itertools.count()


def thinking_with_tools(request: Any) -> Reply:
    """A reply that calls as many tools as it is asked to, and then one more, before it answers."""
    newest = request["messages"][-1]["content"]
    serial = f"{next(SERIALS):08}"
    if isinstance(newest, str) and newest.startswith("Use "):
        ids = [f"toolu_{serial}_{place}" for place in range(int(newest[4]))]
        return Reply([dict(block) for block in call(*ids).blocks], "tool_use")
    if isinstance(newest, list) and len(newest) == 2:
        return Reply([dict(call(f"toolu_{serial}").blocks[0])], "tool_use")
    return Reply([{"type": "text", "text": "late again" if is_summary_request(request) else "It was late again."}])


THINKS = {"model": "claude-opus-5-5", "request": {"thinking": {"type": "adaptive"}}, "tools": [TOOL]}


def test_thinking_that_was_refused_once_is_left_out_from_then_on() -> None:
    """A conversation whose beginning was lost elsewhere: one refusal, one more try, and none on the turns behind it."""
    offline = OfflineClaude(reply="It was late again.")
    manager = ConversationManager(client=offline.client(max_retries=0), **THINKS)
    for question in ("one", "two", "three"):
        manager.send(question)
    other = ConversationManager(client=offline.client(max_retries=0), messages=manager.messages[2:], **THINKS)
    offline.requests.clear()
    for question in ("four", "five"):
        assert other.send(question) == "It was late again."
    assert [exchange.status for exchange in offline.requests] == [400, 200, 200]
    assert len(other.transcript.thinking()) == 4


def test_an_overflow_in_a_tool_round_is_cured_by_one_more_try() -> None:
    """The messages before the round are shortened, and the round's thinking, which was bound to them, goes too."""
    offline = OfflineClaude(reply=thinking_with_tools, windows={"claude-opus-5-5": 2_000})
    manager = ConversationManager(client=offline.client(max_retries=0), max_tokens=200, **THINKS)
    for place in range(5):
        manager.send(f"Note {place}: {LONG * 3}")
    manager.send("Use 1.")
    offline.requests.clear()
    calls = [str(block["id"]) for block in manager.transcript[-1].blocks if block["type"] == "tool_use"]
    manager.send(result(*calls, said="late " * 600).content)
    assert [exchange.status for exchange in offline.requests] == [400, 200]
    assert len(manager.transcript) == 14
