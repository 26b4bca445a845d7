"""Conversation keeping as it is often written first, so that a test can be seen to fail on it.

Own code throughout: each function or method is the short version that comes to mind, and its docstring says what is
wrong with it. Messages are dicts in wire form, as in such code. Nothing outside the tests uses this.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anthropic

type Wire = list[dict[str, Any]]


def last(messages: Wire, count: int) -> Wire:
    """The newest messages, without a leading reply: it may begin with a tool result whose call is gone."""
    window = messages[-count:]
    return window[1:] if window and window[0]["role"] == "assistant" else window


def last_as_they_are(messages: Wire, count: int) -> Wire:
    """The newest messages: it may begin with a reply, or with a tool result."""
    return messages[-count:]


def that_fit(messages: Wire, limit: int, size: Callable[[dict[str, Any]], int]) -> Wire:
    """The newest messages within a budget: nothing at all when the newest alone is too large."""
    kept: Wire = []
    for message in reversed(messages):
        if sum(map(size, [message, *kept])) > limit:
            break
        kept.insert(0, message)
    return kept


def that_fit_or_last(messages: Wire, limit: int, size: Callable[[dict[str, Any]], int]) -> Wire:
    """The same with a way out, the newest message: which may be a tool result alone."""
    return that_fit(messages, limit, size) or messages[-1:]


def from_a_question(messages: Wire, count: int) -> Wire:
    """The newest messages from a question on: nothing when one question led to many tool rounds."""
    window = messages[-count:]
    while window and not isinstance(window[0]["content"], str):
        window = window[1:]
    return window


def from_the_first_call(messages: Wire, count: int) -> Wire:
    """The newest messages, back to the call of the first result: another result may still have lost its call."""
    start = len(messages) - count
    wanted = next((b["tool_use_id"] for b in blocks(messages[start]) if b["type"] == "tool_result"), None)
    while wanted and wanted not in [b.get("id") for b in blocks(messages[start])]:
        start -= 1
    return messages[start:]


def pinned_and_last(messages: Wire, pinned: Sequence[int], count: int) -> Wire:
    """Pinned messages and the newest ones: the pinned questions stand without their replies."""
    return [messages[place] for place in pinned if place < len(messages) - count] + messages[-count:]


def first_system_and_last(messages: Wire, count: int) -> Wire:
    """The first system message and the newest others: a second system message is lost."""
    systems = [message for message in messages if message["role"] == "system"]
    others = [message for message in messages if message["role"] != "system"]
    return systems[:1] + others[-count:]


def with_results_cleared(messages: Wire, keep: int, sentence: str = "[cleared]") -> Wire:
    """All but the newest tool results emptied: the line moves on every turn, and the prompt cache with it."""
    places = [i for i, m in enumerate(messages) if any(b["type"] == "tool_result" for b in blocks(m))]
    gone = set(places[: len(places) - keep])
    return [
        {**m, "content": [{**b, "content": sentence} for b in blocks(m)]} if i in gone else m
        for i, m in enumerate(messages)
    ]


def words(message: dict[str, Any]) -> int:
    """Tokens of a message by its text alone: tool calls, results and thinking weigh nothing."""
    return sum(len(block.get("text", "")) // 4 for block in blocks(message))


def blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A message's content as blocks."""
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def summarized(messages: Wire, keep: int, summary: str) -> Wire:
    """A summary before the newest messages: the cut may lie between a call and its result."""
    return [{"role": "user", "content": f"Summary: {summary}"}, *messages[-keep:]]


class Manager:
    """A manager of twenty lines: a window for its requests, a summary when it grows, a file for its messages.

    It leaves a question behind when anything but an API error stops a turn, forgets before it has a summary, takes an
    error for a summary, nests one summary in the next, and loads without its settings.
    """

    def __init__(self, client: anthropic.Anthropic, threshold: int = 100_000, keep: int = 4) -> None:
        """Take the client, the tokens above which it summarizes, and how many messages stay."""
        self.client, self.threshold, self.keep = client, threshold, keep
        self.messages: Wire = []

    def ask(self, messages: Wire) -> Any:
        """Send messages and take the first block's text."""
        reply: Any = self.client.messages.create(model="claude-sonnet-4-6", max_tokens=200, messages=messages)  # type: ignore[arg-type]
        self.used = reply.usage.input_tokens
        return reply.content[0].text

    def send(self, text: str) -> str:
        """One turn."""
        self.messages.append({"role": "user", "content": text})
        try:
            reply = self.ask(self.messages)
        except anthropic.APIError:
            self.messages.pop()
            raise
        self.messages.append({"role": "assistant", "content": reply})
        if self.used > self.threshold:
            self.summarize()
        return str(reply)

    def summarize(self) -> None:
        """Forget the older messages, then ask what they said."""
        old, self.messages = self.messages[: -self.keep], self.messages[-self.keep :]
        said = "\n".join(f"{m['role']}: {m['content']}" for m in old)
        try:
            summary = self.ask([{"role": "user", "content": f"Summarize:\n{said}"}])
        except anthropic.APIError as error:
            summary = str(error)
        self.messages.insert(0, {"role": "user", "content": f"Earlier: {summary}"})

    def save(self, path: Path) -> None:
        """Write the messages over what is there."""
        with path.open("w", encoding="utf-8") as file:
            json.dump(self.messages, file)

    @classmethod
    def load(cls, path: Path, client: anthropic.Anthropic) -> "Manager":
        """Read the messages back, into a manager with the usual settings."""
        manager = cls(client)
        manager.messages = json.loads(path.read_text("utf-8"))
        return manager


class Memory:
    """A memory whose `get` makes room: what it leaves out is gone for good."""

    def __init__(self, messages: Wire) -> None:
        """Take the messages, the caller's own list."""
        self.messages = messages

    def get(self, count: int) -> Wire:
        """The newest messages; the others are deleted, from the caller's list too."""
        del self.messages[:-count]
        return self.messages
