"""A finished message as the event stream that the API would have sent.

Evidence: recorded streams in the anthropic 2.12.0 source distribution (February 2026), a `ping` after
the first `content_block_start` included.
"""

import re
from collections.abc import Iterator

from labkit.offline.wire import Json, dumps

PARTS = 16
"""Deltas of one block at most, so that a long reply streams no slower than a short one."""
NOT_IN_DELTA = ("service_tier", "cache_creation", "inference_geo")
"""Fields of `usage` that only the first event has. Source: SDK 2.14.0, MessageDeltaUsage."""
LEAST = 24
"""Characters of a delta at least, except the last."""


def stream(message: Json, begun_usage: Json) -> Iterator[bytes]:
    """The events of a message, each as the bytes of one server-sent event; `begun_usage` is that of its first event."""
    begun = {
        **message,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": begun_usage,
    }
    for late in ("context_management", "input_transformations"):
        begun.pop(late, None)
    yield event({"type": "message_start", "message": begun})
    for index, block in enumerate(message["content"]):
        yield event({"type": "content_block_start", "index": index, "content_block": _opening(block)})
        if index == 0:
            yield event({"type": "ping"})
        for delta in _deltas(block):
            yield event({"type": "content_block_delta", "index": index, "delta": delta})
        yield event({"type": "content_block_stop", "index": index})
    yield event(_closing(message))
    yield event({"type": "message_stop"})


def event(data: Json) -> bytes:
    """One server-sent event, named by its type."""
    name: str = data["type"]
    return b"event: " + name.encode() + b"\ndata: " + dumps(data) + b"\n\n"


def _closing(message: Json) -> Json:
    delta = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    usage = {key: value for key, value in message["usage"].items() if key not in NOT_IN_DELTA}
    closing = {"type": "message_delta", "delta": delta, "usage": usage}
    late = ("context_management", "input_transformations")
    return {**closing, **{name: message[name] for name in late if name in message}}


def _opening(block: Json) -> Json:
    """The block as it opens: empty where deltas will fill it, whole where the API sends no delta."""
    if block["type"] == "compaction" and not block.get("signature"):
        return {**block, "content": None}
    empty: dict[str, Json] = {
        "text": {"text": ""},
        "tool_use": {"input": {}},
        "thinking": {"thinking": "", "signature": ""},
    }
    return {**block, **empty.get(block["type"], {})}


def _deltas(block: Json) -> Iterator[Json]:
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": part} for part in parts(block["text"]))
    elif block["type"] == "tool_use":
        yield {"type": "input_json_delta", "partial_json": ""}
        for part in parts(dumps(block["input"]).decode()):
            yield {"type": "input_json_delta", "partial_json": part}
    elif block["type"] == "compaction" and not block.get("signature"):
        yield {"type": "compaction_delta", "content": block["content"]}
    elif block["type"] == "thinking":
        yield from ({"type": "thinking_delta", "thinking": part} for part in parts(block["thinking"]))
        yield {"type": "signature_delta", "signature": block["signature"]}


def parts(text: str) -> list[str]:
    """A text in at most about PARTS pieces of whole words; joined they are the text."""
    size = max(LEAST, len(text) // PARTS)
    return re.findall(rf"(?s).{{1,{size}}}\S*\s?", text)
