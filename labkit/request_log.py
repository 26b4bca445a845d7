"""What left this machine and what came back: one record per request, kept by the client's own transport.

The evidence behind every wire view: exact bytes, no headers, so never a key. `labkit.logging_transport` fills it.
Taught in notebook 01.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from labkit.redaction import Redact, clean
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
        """The response's body as JSON; for a stream, the final message's role, content and usage put together."""
        text = bytes(self.received).decode()
        return _read_stream(text) if text.startswith("event:") else json.loads(text or "{}")

    @property
    def usage(self) -> Usage:
        """The tokens that the response billed; nothing when it was an error."""
        billed = self.reply.get("usage")
        return Usage.of_wire(billed) if billed else Usage()


type Log = list[Sent]


def redacted_log(log: Log, redact: Redact) -> Log:
    """A copy of a log to keep or to send on, with `redact` applied to every text of every request and reply."""
    return [
        replace(sent, sent=_clean(sent.sent, redact), received=bytearray(_clean(sent.received, redact))) for sent in log
    ]


def _clean(body: bytes | bytearray, redact: Redact) -> bytes:
    text = bytes(body).decode()
    if not text or text.startswith("event:"):
        return redact(text).encode()
    return json.dumps(clean(json.loads(text), redact), ensure_ascii=False).encode()


def _read_stream(text: str) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for line in text.split("\n"):  # other line ends, such as U+2028, may stand inside a text
        if not line.startswith("data:"):
            continue
        event = json.loads(line[5:])
        if event["type"] == "message_start":
            message = event["message"]
        elif event["type"] == "content_block_start":
            message["content"].append(event["content_block"])
        elif event["type"] == "content_block_delta" and event["delta"]["type"] == "text_delta":
            message["content"][-1]["text"] += event["delta"]["text"]
        elif event["type"] == "message_delta":
            message |= event["delta"]
            message["usage"] |= {key: value for key, value in event["usage"].items() if value is not None}
        elif event["type"] == "error":
            message["error"] = event["error"]
    return message
