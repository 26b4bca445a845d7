"""One message of a conversation: a frozen value whose metadata never reaches the wire; labkit.messages has it too."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from labkit.blocks import Block, CheckedBlocks, checked_blocks, copied, well_formed, without_blanks

type Role = Literal["user", "assistant", "system"]
type Content = str | Sequence[Block]

ROLES = ("user", "assistant", "system")
THINKING = ("thinking", "redacted_thinking")
REFUSED = "refused"
"""The flag of the messages of a turn that Claude refused: in the transcript they stay, in no request they are sent."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its role and content as the API knows them, and metadata that stays on this machine.

    `content` is text or content blocks (dicts with a `type`). `pinned` keeps the message through every step;
    `importance` is a score from 0 to 1; `timestamp` is ISO 8601 text; `flags` are words of yours; `replaces` holds the
    messages that this one replaces after a summary or a clearing.

    Raises ValueError for an unknown role or empty content, TypeError for content that cannot be sent as JSON.
    """

    role: Role
    content: str | tuple[Block, ...]
    pinned: bool = False
    importance: float | None = None
    timestamp: str | None = None
    flags: tuple[str, ...] = ()
    replaces: tuple["Message", ...] = field(default=(), compare=False, repr=False)
    stop_reason: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse what the API would refuse, before it is part of any history."""
        if self.role not in ROLES:
            msg = f"role {self.role!r} is not one of {', '.join(map(repr, ROLES))}: set the role to one of these"
            raise ValueError(msg)
        if not (self.timestamp is None or isinstance(self.timestamp, str)):
            raise TypeError(f"timestamp {self.timestamp!r} must be text in ISO 8601, such as 2026-11-22T09:00:00+00:00")
        if isinstance(self.content, str):
            if not self.content.strip():
                raise ValueError(f"a {self.role} message needs text, but got {self.content!r}: write at least one word")
            if not self.content.isascii():
                object.__setattr__(self, "content", well_formed(self.content))
            return
        if not isinstance(self.content, CheckedBlocks):
            object.__setattr__(self, "content", checked_blocks(self.role, self.content))

    def __hash__(self) -> int:
        """Hash by role and content, so that messages can be gathered in sets whatever their blocks hold."""
        return hash(
            (
                self.role,
                self.content if isinstance(self.content, str) else json.dumps(self.content, sort_keys=True),
            )
        )

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The content as blocks: plain text becomes one text block."""
        return ({"type": "text", "text": self.content},) if isinstance(self.content, str) else self.content

    @property
    def text(self) -> str:
        """The text blocks joined by newlines; empty when there are none (never `content[0].text`)."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(str(block["text"]) for block in self.content if block["type"] == "text")

    def has(self, *types: str) -> bool:
        """True when the message holds a block of one of these types."""
        return not isinstance(self.content, str) and any(block["type"] in types for block in self.content)

    def block_types(self) -> set[str]:
        """The types of block in this message, such as text, tool_use or tool_result."""
        return {"text"} if isinstance(self.content, str) else {block["type"] for block in self.content}

    def wire(self) -> dict[str, Any]:
        """The message as the API takes it: a fresh dict of role and content, without any metadata."""
        content = self.content if isinstance(self.content, str) else [copied(block) for block in self.content]
        return {"role": self.role, "content": content}


def user(content: Content, **metadata: Any) -> Message:
    """Make a user message from text or blocks: `user("hello", pinned=True)`."""
    return Message("user", cast("str | tuple[Block, ...]", content), **metadata)


def assistant(content: Content, **metadata: Any) -> Message:
    """Make an assistant message from text or blocks."""
    return Message("assistant", cast("str | tuple[Block, ...]", content), **metadata)


def from_wire(message: Mapping[str, Any] | Message) -> Message:
    """Read a message in wire form (a dict of role and content); a Message passes through unchanged.

    Blank text blocks beside other blocks are left out. Raises ValueError for any other key: metadata has its own fields
    and would be a 400 on the wire.
    """
    if isinstance(message, Message):
        return message
    if not isinstance(message, Mapping) or not {"role", "content"} <= set(message):
        raise ValueError(f"a message is a dict with 'role' and 'content', but got {message!r}")
    if extra := sorted(set(message) - {"role", "content"}):
        raise ValueError(
            f"message has the extra key {extra[0]!r}: the API takes only 'role' and 'content'; use "
            "Message(...) for metadata"
        )
    return Message(message["role"], without_blanks(message["content"]))


def opens_exchange(message: Message, before: Message | None) -> bool:
    """True for a user message that begins a turn: not a tool_result, and not a further part of the same user turn."""
    if message.role != "user" or (before is not None and before.role != "assistant"):
        return False
    return not message.has("tool_result")


def begins_reply(message: Message, before: Message | None) -> bool:
    """True for the first message of a turn of Claude."""
    return message.role == "assistant" and (before is None or before.role != "assistant")


def must_stay(message: Message) -> bool:
    """True for a message that no step may drop: a pinned one, or a compaction block that replaces older history."""
    return message.pinned or message.has("compaction")


def has_thinking(message: Message) -> bool:
    """True when the message holds thinking, which the API binds to everything before it."""
    return message.has(*THINKING)


def without_thinking(message: Message) -> Message:
    """The message without thinking blocks, as it must be carried across a rewritten prefix.

    A message of thinking alone keeps its place with a sentence that says so, because the API refuses empty content.
    Source: Anthropic docs, Preserved thinking (read September 2026).
    """
    if not has_thinking(message):
        return message
    left = CheckedBlocks(block for block in message.blocks if block["type"] not in THINKING)
    left = left or CheckedBlocks([{"type": "text", "text": "(thinking without an answer)"}])
    return Message(
        message.role,
        left,
        message.pinned,
        message.importance,
        message.timestamp,
        message.flags,
        (message,),
        message.stop_reason,
    )
