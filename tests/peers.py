"""Conversations in which other projects' bugs were reported, and the ways to send them: shared by test_peers_*.py."""

import sys
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

import anthropic

from labkit import OfflineClaude
from labkit.messages import History, Message, assistant, user
from labkit.offline import Reply
from labkit.summarization import SUMMARIZER_SYSTEM
from tests.conversations import TOOL
from tests.naive import Wire

CLIENT = OfflineClaude(reply="ok", log_limit=1).client(max_retries=0)
LEGACY = OfflineClaude(reply="ok", log_limit=1, platform="bedrock-legacy").client(max_retries=0)


def refusal(messages: History | Wire, client: anthropic.Anthropic = CLIENT, **more: Any) -> str:
    """The words with which the offline API refuses a request with these messages; nothing when it accepts it."""
    wire = messages.wire() if isinstance(messages, History) else messages
    request: dict[str, Any] = {"model": "claude-sonnet-4-6", "max_tokens": 64, "tools": [TOOL], "messages": wire}
    try:
        client.messages.create(**request | more)
    except anthropic.APIStatusError as error:
        body: Any = error.body
        return str(body["error"]["message"])
    return ""


def call(*ids: str, **arguments: Any) -> Message:
    """A reply that calls the tool once for each id."""
    asked = arguments or {"q": "889"}
    return assistant([{"type": "tool_use", "id": name, "name": "look_up", "input": asked} for name in ids])


def result(*ids: str, said: Any = "shipped") -> Message:
    """The results of those calls."""
    return user([{"type": "tool_result", "tool_use_id": name, "content": said} for name in ids])


def tool_talk(turns: int, said: Any = "shipped") -> History:
    """So many turns with a tool round each, and one more question."""
    parts = [
        (user(f"Where is order {i}?"), call(f"t{i}"), result(f"t{i}", said=said), assistant(f"Order {i} has shipped."))
        for i in range(turns)
    ]
    return History([*(message for part in parts for message in part), user("And the last one?")])


def agent(rounds: int, said: Any = "shipped") -> History:
    """One question that led to so many tool rounds, the last of them not yet answered in words."""
    parts = [(call(f"t{i}"), result(f"t{i}", said=said)) for i in range(rounds)]
    return History([user("Check every order."), *(message for part in parts for message in part)])


def chat(turns: int, text: str = "the delivery was late again") -> History:
    """So many turns of words and one more question."""
    parts = [(user(f"Question {i}: {text}?"), assistant(f"Answer {i}: {text}.")) for i in range(turns)]
    return History([*(message for part in parts for message in part), user("And now?")])


def is_summary_request(request: Mapping[str, Any]) -> bool:
    """True for a request that asks for a summary."""
    return request.get("system") == SUMMARIZER_SYSTEM


def summarizing(summary: Callable[[str], str], reply: str = "Noted.") -> OfflineClaude:
    """A simulated Claude whose summaries are `summary` of what it was shown, and whose other replies are `reply`."""

    def write(request: Mapping[str, Any]) -> Reply:
        shown = str(request["messages"][-1]["content"])
        words = summary(shown) if is_summary_request(request) else reply
        return Reply([{"type": "text", "text": words}])

    return OfflineClaude(reply=write)


def calls_made(work: Callable[[], object], of: CodeType | None = None) -> int:
    """Count the Python functions that a piece of work calls, or its calls of one of them."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call" and of in (None, frame.f_code)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count
