"""A log of requests and replies: one record per request, kept by the client's own transport.

The evidence behind every wire view: exact bytes, no headers, so never a key. `labkit.logging_transport` fills it.
Taught in notebook 01.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from labkit.redaction import Redact, clean, clean_data
from labkit.tokens import Usage

OFFLINE = "offline (simulated)"
LIVE = "live"


@dataclass(slots=True)
class Sent:
    """One request as it left the machine, and what came back.

    `sent` and `received` are the exact bytes of the two bodies (no header is kept, so never a key); `status` is the
    HTTP status, 0 when no answer came; `source` says which Claude answered: `offline (simulated)`, `live`, or
    `replayed, recorded ...`.
    """

    method: str
    path: str
    sent: bytes
    source: str
    status: int = 0
    received: bytearray = field(default_factory=bytearray)

    @property
    def request(self) -> dict[str, Any]:
        """The request's body, read as JSON; empty for a request without a body."""
        return json.loads(self.sent) if self.sent else {}

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages that the request carried."""
        return list(self.request.get("messages", []))

    @property
    def reply(self) -> dict[str, Any]:
        """The response's body as JSON; for a stream, the message that its events so far make."""
        text = _text(self.received)
        return _message_of(events(text)) if is_stream(text) else json.loads(text or "{}")

    @property
    def usage(self) -> Usage:
        """The tokens that the response billed; nothing when it was an error."""
        billed = self.reply.get("usage")
        return Usage.of_wire(billed) if billed else Usage()


type Log = list[Sent]


def redacted_log(log: Log, redact: Redact) -> Log:
    """A copy of a log to keep or to send on, with `redact` applied to every text of every request and reply.

    The words of a streamed reply are put together first, because a piece of a secret cannot be recognized.
    """
    return [
        replace(
            sent,
            sent=cleaned_body(_text(sent.sent), redact).encode(),
            received=bytearray(cleaned_body(_text(sent.received), redact).encode()),
        )
        for sent in log
    ]


def cleaned_body(text: str, redact: Redact) -> str:
    """The body of a request, a response or a stream with `redact` applied to its texts; JSON stays readable as JSON."""
    if is_stream(text):
        return _cleaned_stream(text.split("\n"), redact)
    try:
        return _as_json(clean(json.loads(text), redact)) if text else ""
    except ValueError:
        return redact(text)


def is_stream(text: str) -> bool:
    """True for a body of server-sent events."""
    return text.startswith((":", "event:", "data:"))


def events(text: str) -> list[dict[str, Any]]:
    """The events of a stream, as JSON values; one that was cut off is left out."""
    found = (_event(line) for line in text.split("\n"))  # other line ends, such as U+2028, may stand inside a text
    return [event for event in found if event]


PIECES = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
    "compaction_delta": "content",
}
"""The places in a stream's events that carry a piece of a longer text, by type; as in the anthropic SDK 2.12.0."""


def _text(body: bytes | bytearray) -> str:
    return bytes(body).decode(errors="replace")  # a stream that was left may end inside a character


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("data:"):
        return None
    try:
        event = json.loads(line[5:])
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _as_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: only an escape can carry it
        return json.dumps(value)
    return text


def _cleaned_stream(lines: list[str], redact: Redact) -> str:
    found = {place: event for place, line in enumerate(lines) if (event := _event(line))}
    for event in found.values():
        if event.get("type") != "content_block_delta" or not _piece(event):
            event |= clean(event, redact)
    for (_, name), pieces in _texts_in_pieces(found.values()).items():
        _clean_pieces(pieces, name, redact)
    for place, line in enumerate(lines):
        if place in found:
            lines[place] = f"data: {_as_json(found[place])}"
        elif line.startswith("data:"):  # half a secret may stand in what was cut off
            lines[place] = ": an event that was cut off"
        else:
            lines[place] = redact(line)
    return "\n".join(lines)


def _piece(event: Mapping[str, Any]) -> str | None:
    return PIECES.get(event.get("delta", {}).get("type", ""))


def _texts_in_pieces(found: Iterable[dict[str, Any]]) -> dict[tuple[int, str], list[dict[str, Any]]]:
    """For each block of a stream and each of its texts the events' parts that hold a piece of the text, in order."""
    texts: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for event in found:
        block = event.get("content_block", {})
        fields = [
            field for field in ("text", "thinking", "content") if block.get(field) and isinstance(block[field], str)
        ]
        if event.get("type") == "content_block_delta" and (field := _piece(event)):
            fields, block = [field], event["delta"]
        for field in fields:
            texts.setdefault((event.get("index", 0), field), []).append(block)
    return texts


def _clean_pieces(pieces: list[dict[str, Any]], name: str, redact: Redact) -> None:
    whole = "".join(piece.get(name) or "" for piece in pieces)
    hidden = _clean_input(whole, redact) if name == "partial_json" else redact(whole)
    if hidden != whole:  # where nothing was hidden, the pieces stay as they came
        for place, piece in enumerate(pieces):
            piece[name] = "" if place else hidden


def _clean_input(text: str, redact: Redact) -> str:
    try:
        given = json.loads(text)
    except ValueError:
        return redact(text)
    hidden = clean_data(given, redact)
    return text if _as_json(hidden) == _as_json(given) else _as_json(hidden)


def _message_of(found: Iterable[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for event in found:
        kind = event.get("type")
        if kind == "message_start":
            message = event["message"]
        elif kind == "content_block_start":
            message["content"].append(event["content_block"])
        elif kind == "content_block_delta":
            _add_piece(message["content"][-1], event["delta"])
        elif kind == "message_delta":
            message |= event["delta"]
            message["usage"] |= {key: value for key, value in event["usage"].items() if value is not None}
        elif kind == "error":
            message["error"] = event["error"]
    return message


def _add_piece(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    field = PIECES.get(delta["type"])
    if field in ("text", "thinking", "content"):
        block[field] = (block.get(field) or "") + (delta.get(field) or "")
