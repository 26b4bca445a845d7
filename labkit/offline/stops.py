"""The end of a reply: stop sequences, max_tokens, the window. Applied to anything that the reply function wrote.

Evidence: Anthropic docs, Context windows and Handling stop reasons, read August 2026.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labkit.offline.billing.tokens import content_tokens, fresh_text_tokens, tally_for, text_tokens
from labkit.offline.catalog import Model
from labkit.offline.signatures import shortened, thinking_of
from labkit.offline.wire import Json, ReplyLike


@dataclass(frozen=True, slots=True)
class Ending:
    """A finished reply: content, why it stopped, which stop sequence if any, output tokens (an estimate), its
    grounds, and the `stop_details` of a refusal."""

    content: list[Json]
    stop_reason: str
    stop_sequence: str | None
    output_tokens: int
    grounds: Sequence[Any] = ()
    details: Json | None = None


def finish(reply: ReplyLike, body: Json, model: Model, input_tokens: int) -> Ending:
    """Apply the request's limits to a reply.

    Evidence: Anthropic docs, Context windows, read August 2026: from Claude 4.5, input plus max_tokens may
    exceed the window, and generation ends with `model_context_window_exceeded`; Handling stop reasons, read
    August 2026, for the others.
    """
    content, found = _until_stop_sequence(list(reply.content), body.get("stop_sequences") or ())
    reason = "stop_sequence" if found else reply.stop_reason
    tally = tally_for(model)
    room, allowed = model.window - input_tokens, body["max_tokens"]
    limit = max(0, min(room, allowed))
    size = content_tokens(content, tally) + tally.frame.reply
    if size <= limit:
        return Ending(content, reason, found, size, reply.grounds)
    cut = _within(content, limit, tally.frame.version)
    stopped = "max_tokens" if allowed <= room else "model_context_window_exceeded"
    return Ending(cut, stopped, None, limit, reply.grounds)


def _until_stop_sequence(content: list[Json], sequences: Sequence[str]) -> tuple[list[Json], str | None]:
    kept: list[Json] = []
    for block in content:
        text = block.get("text", "") if block["type"] == "text" else ""
        places = [(text.find(sequence), sequence) for sequence in sequences if sequence and sequence in text]
        if places:
            place, sequence = min(places)
            return [*kept, *([{**block, "text": text[:place]}] if place else [])], sequence
        kept.append(block)
    return kept, None


def _within(content: list[Json], limit: int, version: str) -> list[Json]:
    """The blocks up to the first that does not fit, which is cut if it is thinking or text and else left out.

    Evidence: Anthropic docs, What's new in Claude Haiku 5.5, October 2026: a reply may stop after a thinking block and
    before any text.
    """
    kept: list[Json] = []
    for block in content:
        if limit <= 0 or block["type"] not in ("text", "thinking"):
            break
        words = block["text"] if block["type"] == "text" else thinking_of(block)
        size = text_tokens(words, version)
        if size > limit:
            return [*kept, *_cut(block, longest_start(words, limit, version))]
        kept.append(block)
        limit -= size
    return kept


def _cut(block: Json, start: str) -> list[Json]:
    if not start:
        return []
    return [{**block, "text": start}] if block["type"] == "text" else [shortened(block, start)]


def longest_start(text: str, limit: int, version: str) -> str:
    """The longest start of a text that has at most `limit` tokens."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if fresh_text_tokens(text[:middle], version) <= limit:
            low = middle
        else:
            high = middle - 1
    return text[:low]
