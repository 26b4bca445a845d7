"""Faults on request: what goes wrong with the next requests, or how the next replies end, queued by a test or a lesson.

Evidence: Anthropic docs, Errors, Streaming messages and Handling stop reasons, read August 2026; SDK 2.14.0, the
retries of its base client and RefusalStopDetails.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from labkit.offline.billing import usage
from labkit.offline.billing.usage import LIMITS, ORGANIZATION
from labkit.offline.events import event
from labkit.offline.wire import ERROR_TYPES, ApiError, HttpResponse

RETRY_AFTER_MS = 20
"""Milliseconds that a fault asks the SDK to wait, so that its own retries end within a lesson's patience."""
RATE_LIMIT = LIMITS["input-tokens"]
"""Input tokens a minute that a simulated rate limit names."""
SPEND = "spend_limit"
SPENT = (
    "You have reached your API usage limits: your organization has crossed its monthly API usage threshold, set based "
    "on your organization's API tier. You will regain access on 2027-01-01 at 00:00 UTC."
)
"""Words of the 429 that no retry helps. Source: Anthropic docs, Rate limits, read August 2026, but for the date."""
WORDS = {
    400: "Error",
    401: "invalid x-api-key",
    402: "Your credit balance is too low to access the Anthropic API.",
    403: "Your API key does not have permission to use the specified resource.",
    404: "Not found",
    409: "The request conflicts with the current state of the resource.",
    413: "Request exceeds the maximum size",
    429: "",
    500: "Internal server error",
    504: "The request timed out while processing.",
    529: "Overloaded",
}
"""Words of each simulated error. Verified: 401 (GitHub free-claude-api#14), 413 (GitHub
anthropic-sdk-python#938), 429 (recorded in the anthropic 2.12.0 sdist, February 2026), 529 (GitHub
claude-code#45063, April 2026); the others are paraphrases of the Anthropic docs, Errors, read August 2026."""
BROKEN = ("connection_reset", "read_timeout", "mid_stream")
"""Faults that are not an error body: the connection breaks, no answer comes in time, or a stream ends in an
error event."""

ENDINGS = ("refusal", "pause_turn", "max_tokens")
"""Endings of the next reply, all with status 200: declined, paused in a server tool, or cut off at half its length."""
CATEGORIES = ("cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms")
"""Categories of a refusal. Source: SDK 2.14.0, RefusalStopDetails."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: an HTTP status of ERROR_TYPES, one of BROKEN, or one of ENDINGS.

    `retry_after_ms` is how long the SDK is asked to wait; `after` is how many events of a stream get through before a
    fault in mid-stream. A refusal names its `category`; one that `sticks` meets every later request too that still
    carries the refused user message. Raises ValueError for an unknown kind or category.
    """

    kind: int | str
    retry_after_ms: int = RETRY_AFTER_MS
    after: int = 4
    category: str | None = "general_harms"
    sticks: bool = False

    def __post_init__(self) -> None:
        """Refuse a kind that is neither a status nor a name, and a category that the API does not have."""
        if self.kind not in (*WORDS, SPEND, *BROKEN, *ENDINGS):
            known = ", ".join([*map(str, WORDS), SPEND, *BROKEN, *ENDINGS])
            raise ValueError(f"a fault of kind {self.kind!r} is unknown: choose one of {known}")
        if self.category is not None and self.category not in CATEGORIES:
            known = ", ".join(CATEGORIES)
            raise ValueError(f"a refusal of category {self.category!r} is unknown: choose one of {known}, or None")


@dataclass(slots=True)
class Faults:
    """The queue of faults: each hits one request, in order; when it is empty nothing goes wrong."""

    queue: deque[Fault] = field(default_factory=deque)

    def add(self, *kinds: int | str | Fault) -> None:
        """Queue faults by kind: `faults.add(529, 529)` lets two requests fail and the third succeed."""
        self.queue.extend(kind if isinstance(kind, Fault) else Fault(kind) for kind in kinds)

    def clear(self) -> None:
        """Forget all that was queued."""
        self.queue.clear()

    def __len__(self) -> int:
        return len(self.queue)

    def next(self) -> Fault | None:
        """Take the next fault off the queue; an ending stays there until a reply is due."""
        return self.queue.popleft() if self.queue and self.queue[0].kind not in ENDINGS else None

    def ending(self) -> Fault | None:
        """Take the next fault off the queue if it is how a reply ends."""
        return self.queue.popleft() if self.queue and self.queue[0].kind in ENDINGS else None


class Broken(Exception):
    """The connection fails instead of answering; `kind` is "connection_reset" or "read_timeout"."""

    def __init__(self, kind: str) -> None:
        """Take which way it fails."""
        super().__init__(kind)
        self.kind = kind


def strike(fault: Fault, model: str) -> None:
    """Raise what the fault does instead of an answer; a fault in mid-stream does nothing yet."""
    if fault.kind in ("connection_reset", "read_timeout"):
        raise Broken(str(fault.kind))
    if fault.kind == SPEND:
        raise ApiError(429, SPENT, "enforced_spend_limit_reached")
    if isinstance(fault.kind, int):
        words = rate_limit_words(model) if fault.kind == 429 else WORDS[fault.kind]
        raise ApiError(fault.kind, words, headers=_headers(fault))


def rate_limit_words(model: str) -> str:
    """The message of a 429. Evidence: recorded in the anthropic 2.12.0 sdist, February 2026."""
    return (
        f"This request would exceed your organization's rate limit of {RATE_LIMIT:,} input tokens "
        f"per minute (org: {ORGANIZATION}, model: {model}). For details, refer to: "
        "https://docs.claude.com/en/api/rate-limits. You can see the response headers for current usage. "
        "Please reduce the prompt length or the maximum tokens requested, or try again later. You may also "
        "contact sales at https://claude.com/contact-sales to discuss your options for a rate limit increase."
    )


def _headers(fault: Fault) -> dict[str, str]:
    status = int(fault.kind)
    retry = status in (409, 429) or status >= 500
    headers = {"x-should-retry": "true" if retry else "false"}
    if retry:
        headers["retry-after-ms"] = str(fault.retry_after_ms)
    if status == 429:
        spent = {"input_tokens": RATE_LIMIT, "cache_creation_input_tokens": 0, "output_tokens": 0}
        headers |= {"retry-after": str(max(1, fault.retry_after_ms // 1000)), **usage.headers(spent)}
    return headers


def break_stream(response: HttpResponse, fault: Fault) -> HttpResponse:
    """The response with its stream cut after a few events by an error event; a whole body is left as it is.

    Evidence: Anthropic docs, Streaming messages, read August 2026: HTTP 200, then `event: error`.
    """
    if isinstance(response.body, bytes):
        return response
    response.body = _cut(response.body, fault.after)
    return response


def _cut(chunks: Iterable[bytes], after: int) -> Iterator[bytes]:
    for number, chunk in enumerate(chunks):
        if number == after:
            break
        yield chunk
    yield event({"type": "error", "error": {"type": ERROR_TYPES[529], "message": WORDS[529]}})
