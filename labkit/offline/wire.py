"""The values on the wire: an HTTP request, an HTTP response, the reply between them, and the API's error."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs

type Json = dict[str, Any]

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The error type of each status. Source: Anthropic docs, Errors, read August 2026; 409 and 504 also in the
SDK 2.12.0 types."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it arrives: the path without its query, header names in lower case, the body as bytes."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        """The header's value, or an empty string."""
        return self.headers.get(name, "")

    def parameters(self) -> dict[str, list[str]]:
        """The query string, taken apart."""
        return parse_qs(self.query, keep_blank_values=True) if self.query else {}


@dataclass(slots=True)
class HttpResponse:
    """One answer: status, headers, and the body whole or as the chunks of an event stream.

    `grounds` are what the simulated reply rests on; they never cross the wire.
    """

    status: int
    headers: dict[str, str]
    body: bytes | Iterator[bytes]
    grounds: Sequence[Any] = ()


class ReplyLike(Protocol):
    """The result of a reply function: content blocks, a stop reason, and the grounds it rests on."""

    @property
    def content(self) -> Sequence[Json]:
        """The content blocks, as the API would send them."""

    @property
    def stop_reason(self) -> str:
        """ "end_turn", "tool_use" or "pause_turn"."""

    @property
    def grounds(self) -> Sequence[Any]:
        """The messages and sentences of the request that the reply rests on."""


class ApiError(Exception):
    """An error as the API words it: status, message, and where the API sends one, a machine-readable code."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str = "",
        headers: Mapping[str, str] | None = None,
        named: bool = True,
        **details: Any,
    ) -> None:
        """Take the status (one of ERROR_TYPES), the words, and the optional error_code with its further details.

        An error that is not `named` comes from a place before the API and knows no request id.
        """
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self.named = named
        self.details: Json = {"error_code": code, **details} if code else {}

    def body(self, request_id: str) -> Json:
        """The error body. Shape: Anthropic docs, Errors, read August 2026; `details` in the SDK 2.12.0 error types."""
        error: Json = {"type": ERROR_TYPES[self.status], "message": self.message}
        if self.details:
            error["details"] = self.details
        return {"type": "error", "error": error, "request_id": request_id if self.named else None}


def dumps(value: Any) -> bytes:
    """JSON as the API sends it: compact, in UTF-8; half of a surrogate pair, which UTF-8 cannot hold, stays escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def blocks_of(content: Any) -> Sequence[Json]:
    """Content as blocks: a string is shorthand for one text block (SDK 2.12.0, messages docstring)."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content or ()


def turn_numbers(messages: Sequence[Json]) -> list[int]:
    """Return the number of each message's turn: a user message without a tool result begins the next one.

    A tool loop is one turn. Evidence: Anthropic docs, Thinking (Thinking with tool use), read August 2026.
    """
    number, numbers = 0, []
    for message in messages:
        results = any(block["type"] == "tool_result" for block in blocks_of(message.get("content")))
        number += message["role"] == "user" and not results
        numbers.append(number)
    return numbers
