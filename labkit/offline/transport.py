"""OfflineClaude: the far side of the wire, reached in process through the real SDK's own transport."""

import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx2

from labkit.offline.api import handle
from labkit.offline.catalog import Catalog
from labkit.offline.faults import Broken, Faults
from labkit.offline.service import PLATFORMS, Clock, ReplyFunction, Service, fixed_reply, standard_reply
from labkit.offline.state import MemoryState, State
from labkit.offline.wire import HttpRequest, HttpResponse, Json

if TYPE_CHECKING:
    import anthropic

SECRET_HEADERS = frozenset({"authorization", "x-api-key", "proxy-authorization", "cookie"})
LOG_LIMIT = 100_000
BROKEN = {"connection_reset": httpx2.ReadError, "read_timeout": httpx2.ReadTimeout}
BASE_URL = "https://api.anthropic.com"


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, whole, as they crossed the wire; headers that could hold a key are left out."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    answer: bytes
    grounds: tuple[Any, ...] = ()

    @cached_property
    def request(self) -> Json:
        """The request's body as JSON; empty when there is none or it is not JSON."""
        return _object(self.body)

    @cached_property
    def response(self) -> Json:
        """The answer's body as JSON; empty for an event stream."""
        return _object(self.answer)


def _object(body: bytes) -> Json:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class OfflineClaude:
    """A simulated Claude that answers as the Messages API would, from the request alone, without network or key.

    `reply` writes the words: a function from request to reply, or a text that is always given. `windows` sets
    classroom windows in tokens by model id: window, cache minimum and compaction trigger shrink together, and
    the Models API tells. `platform` "bedrock-legacy" shows the old rule that the first message is the user's.
    `log_limit` is how many requests `requests` keeps, the latest. `faults.add(529)` lets the next request
    fail, `clock.advance(300)` lets five minutes pass; `state` may be shared with others, and `listener` hears
    of each exchange. Raises ValueError for an unknown platform or model.
    """

    def __init__(
        self,
        *,
        reply: ReplyFunction | str | None = None,
        windows: Mapping[str, int] | None = None,
        platform: str = "claude-api",
        log_limit: int = LOG_LIMIT,
        state: State | None = None,
        listener: Callable[["Exchange"], None] | None = None,
    ) -> None:
        """Set up the service; nothing is loaded before the first request."""
        if platform not in PLATFORMS:
            raise ValueError(f"platform {platform!r} is unknown: choose one of {', '.join(PLATFORMS)}")
        self.clock = Clock()
        self.faults = Faults()
        self._listener = listener
        self.requests: deque[Exchange] = deque(maxlen=log_limit)
        writer = fixed_reply(reply) if isinstance(reply, str) else reply or standard_reply()
        self.service = Service(writer, Catalog(windows), state or MemoryState(self.clock), platform, self.faults)

    def client(self, **sdk_arguments: Any) -> "anthropic.Anthropic":
        """A real anthropic.Anthropic whose requests are answered here; any argument of the SDK's client may
        be given."""
        import anthropic

        http_client = httpx2.Client(transport=self.transport())
        return anthropic.Anthropic(**{**_defaults(), "http_client": http_client, **sdk_arguments})

    def async_client(self, **sdk_arguments: Any) -> "anthropic.AsyncAnthropic":
        """A real anthropic.AsyncAnthropic whose requests are answered here."""
        import anthropic

        http_client = httpx2.AsyncClient(transport=self.transport())
        return anthropic.AsyncAnthropic(**{**_defaults(), "http_client": http_client, **sdk_arguments})

    def transport(self) -> "OfflineTransport":
        """The httpx2 transport, sync and async, for a client of your own."""
        return OfflineTransport(self)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer one HTTP request and keep both on the log."""
        try:
            response = handle(request, self.service)
        except Broken as fault:
            self._keep(request, HttpResponse(0, {}, b""), fault.kind.encode())
            raise
        if not isinstance(response.body, bytes):
            chunks = list(response.body)
            response.body = iter(chunks)
            self._keep(request, response, b"".join(chunks))
        else:
            self._keep(request, response, response.body)
        return response

    def _keep(self, request: HttpRequest, response: HttpResponse, answer: bytes) -> None:
        shown = {name: value for name, value in request.headers.items() if name not in SECRET_HEADERS}
        parts = (request.method, request.path, request.query, shown, request.body)
        exchange = Exchange(*parts, response.status, answer, tuple(response.grounds))
        self.requests.append(exchange)
        if self._listener:
            self._listener(exchange)


def _defaults() -> dict[str, Any]:
    return {"api_key": "offline", "base_url": BASE_URL}


class OfflineTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Carries the SDK's requests to an OfflineClaude instead of a network."""

    def __init__(self, claude: OfflineClaude) -> None:
        """Take the OfflineClaude that answers."""
        self.claude = claude

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request of a synchronous client."""
        return self._respond(request, request.read())

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request of an asynchronous client."""
        return self._respond(request, await request.aread())

    def _respond(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        url = request.url
        headers = {name.lower(): value for name, value in request.headers.items()}
        arrived = HttpRequest(request.method, url.path, url.query.decode("ascii", "replace"), headers, body)
        try:
            answer = self.claude.answer(arrived)
        except Broken as fault:
            raise BROKEN[fault.kind](fault.kind.replace("_", " "), request=request) from None
        content = answer.body
        if isinstance(content, bytes):
            return httpx2.Response(answer.status, headers=answer.headers, content=content, request=request)
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Chunks(content), request=request)


class _Chunks(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """An event stream, readable by both kinds of client."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
