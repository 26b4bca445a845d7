"""The end of a turn, and the part of its response that is kept: blocks that may be sent again, or an error with the
bill.

A turn ends with a reply, with tool calls, cut off, refused, or paused; `turn` sends a paused one back.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.conversation import Conversation
from labkit.messages import Content, History, assistant
from labkit.settings import Settings
from labkit.tokens import Usage

if TYPE_CHECKING:
    from anthropic.types import Message as Response

WRITTEN_ONLY: Mapping[str, tuple[str, ...]] = {
    "char_location": ("file_id",),
    "content_block_location": ("file_id",),
    "page_location": ("file_id",),
    "text": ("parsed_output",),
}
"""Fields that a response has and a request must not have, by the type of the block or citation that holds them.

Source: anthropic SDK 2.14.0, the response models of `ContentBlock` beside the TypedDicts of `ContentBlockParam`; a test
compares them. `parsed_output` is what the SDK itself adds to a text.
"""
SENT_AS_NULL = ("document_title", "title")
"""Fields of a citation that a request must have, if only as null; every other null is left out. Same source."""
WORDLESS = ("thinking", "redacted_thinking")
"""Blocks that say nothing to the reader: a reply of these alone cannot end a turn.

Source: the API's own words, "The final block in an assistant message cannot be `thinking`", quoted in public issue
trackers (2026). The words are not verified.
"""

CUT = {
    "max_tokens": "it has as many tokens as max_tokens allows; give more, or ask for the rest",
    "model_context_window_exceeded": "the window was full; send less, or ask for the rest",
}
"""The stop reasons of a reply that is not whole, and what to do, in words."""


class TurnFailed(RuntimeError):
    """A turn that came to no reply which can be kept, although it was billed; the manager keeps the bill.

    `stop_reason` says how the response ended. `conversation` is what to go on from, without the bill; None means what
    it was before the turn.
    """

    def __init__(self, said: str, stop_reason: str | None, conversation: Conversation | None = None) -> None:
        """Take what happened and what to do next, in words."""
        super().__init__(said)
        self.stop_reason, self.conversation = stop_reason, conversation


class EmptyReply(TurnFailed):
    """The response held no content that could be kept; the conversation stays as it was. Says the stop_reason."""


class IncompleteReply(TurnFailed):
    """The response ended before its last event, so nobody knows what is missing; the conversation stays as it was."""


class CutCall(TurnFailed):
    """The reply was cut off inside a tool call, whose input is incomplete; the conversation stays as it was."""


class Refused(TurnFailed):
    """Claude refused the turn: it left the working history, and the transcript has it with the flag `refused`.

    `details` is what the API said of the refusal, such as its category.
    """

    def __init__(self, said: str, conversation: Conversation, details: Any = None) -> None:
        """Take what happened, the conversation to go on from, and what the API said."""
        super().__init__(said, "refusal", conversation)
        self.details = details


class CutOffWarning(UserWarning):
    """A reply was cut off, at max_tokens or at the end of the window; what came of it is kept."""


def whole(response: "Response") -> list[dict[str, Any]]:
    """The blocks of a response that may be sent again. Raises IncompleteReply for one that did not end."""
    if response.stop_reason is None:
        raise broken_off()
    return sendable(response.content or ())


def broken_off() -> IncompleteReply:
    """The error for a response that ended before its end."""
    return IncompleteReply(
        "the reply broke off before its end, without an error: the conversation is as it was before, and a stream "
        "keeps what came in `partial`; ask again",
        None,
    )


def absorbed(
    settings: Settings, asked: Conversation, response: "Response", view: History, said: list[dict[str, Any]]
) -> Conversation:
    """The conversation with a reply in it: its blocks, how it ended, and its usage.

    Warns with CutOffWarning when the reply was cut off. Raises EmptyReply, CutCall or Refused when it cannot be kept.
    """
    reason, stamp = str(response.stop_reason), settings.clock() if settings.clock else None
    if reason == "refusal":
        raise _refusal(asked.refused(said, timestamp=stamp), response)
    if not says_something(said):
        thought = ", only thinking" if said else ""
        more = "; give more max_tokens, thinking needs room too" if reason == "max_tokens" else ""
        raise EmptyReply(
            f"the reply has no content{thought} (stop_reason {reason!r}): the conversation is as it was before{more}",
            reason,
        )
    if tool := cut_call(said, reason):
        raise CutCall(
            f"the reply was cut off ({reason}) inside its call of {tool!r}, whose input is incomplete: nothing of it "
            "is kept, the conversation is as it was before; give more max_tokens (now "
            f"{settings.max_tokens:,}) and ask again",
            reason,
        )
    if reason in CUT:
        warnings.warn(f"the reply was cut off: {CUT[reason]}; what came is kept", CutOffWarning, stacklevel=2)
    reply = assistant(_plain(said), timestamp=stamp, stop_reason=reason)
    return asked.said(reply).billed(Usage.of(response.usage), view)


def _refusal(conversation: Conversation, response: "Response") -> Refused:
    details = getattr(response, "stop_details", None)
    given = [getattr(details, name, None) for name in ("category", "explanation")]
    because = "".join(f", {words}" for words in given if words)
    return Refused(
        f"Claude refused this turn (stop_reason 'refusal'{because}): no later request carries it, so that the next "
        "question is answered, and the transcript keeps it, flagged 'refused'; ask for something else, or otherwise",
        conversation,
        details,
    )


def _plain(content: Sequence[dict[str, Any]]) -> Content:
    only = content[0]
    if len(content) == 1 and only["type"] == "text" and not only.get("citations"):
        return str(only["text"])
    return content


def sendable(content: Iterable[Any]) -> list[dict[str, Any]]:
    """The blocks of a response, as dicts that a later request may carry: without blank texts and unsendable fields."""
    blocks = [_taken(block.to_dict(mode="json")) for block in content]
    return [block for block in blocks if block["type"] != "text" or block["text"].strip()]


def says_something(blocks: Iterable[Mapping[str, Any]]) -> bool:
    """True when the reply holds more than thinking: words, a call, a result, or a block unknown to labkit."""
    return any(block["type"] not in WORDLESS for block in blocks)


def cut_call(blocks: list[dict[str, Any]], stop_reason: str | None) -> str:
    """The name of the tool in whose call the reply was cut off; empty where it was not.

    Only the last block can be incomplete. Source: Anthropic docs, Handling stop reasons (read August 2026): a cut call
    is to be asked for again with more max_tokens.
    """
    return str(blocks[-1]["name"]) if stop_reason in CUT and blocks and blocks[-1]["type"] == "tool_use" else ""


def _taken(value: Any) -> Any:
    if isinstance(value, list):
        return [_taken(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    unsendable = WRITTEN_ONLY.get(str(value.get("type")), ())
    return {
        key: item if key == "input" else _taken(item)
        for key, item in value.items()
        if key not in unsendable and (item is not None or key in SENT_AS_NULL)
    }
