"""A transport that keeps a log of what passes through it, for sync and async clients and for streams.

Imported only when a client is made, because it loads the HTTP library.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2

from labkit.request_log import OFFLINE, Log, Sent

type Done = Callable[[Sent], None]


class Recording(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Passes requests on to `inner` and adds a `Sent` record for each to `log`, whose bytes fill up as they are read.

    A server that says of itself that it is simulated is named so, whatever it replaces.
    """

    def __init__(self, inner: Any, log: Log, source: str, done: Done | None = None) -> None:
        """Take the transport that answers, the list to fill, the name of who answers, and what is called with each
        record once its response was read to the end.
        """
        self._inner, self._log, self._source, self._done = inner, log, source, done

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Log the request, pass it on, and copy the response's bytes as they are read."""
        sent = self._noted(request, request.read())
        return self._copying(self._inner.handle_request(request), sent)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The same for an async client."""
        sent = self._noted(request, await request.aread())
        return self._copying(await self._inner.handle_async_request(request), sent)

    def _noted(self, request: httpx2.Request, body: bytes) -> Sent:
        self._log.append(sent := Sent(request.method, request.url.path, body, self._source))
        return sent

    def _copying(self, response: httpx2.Response, sent: Sent) -> httpx2.Response:
        sent.status = response.status_code
        if "(simulated)" in response.headers.get("server", ""):
            sent.source = OFFLINE
        stream = _Copied(response.stream, sent, self._done)
        return httpx2.Response(
            response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
        )

    def close(self) -> None:
        """Close the transport that answers."""
        self._inner.close()

    async def aclose(self) -> None:
        """Close the transport that answers."""
        await self._inner.aclose()


class _Copied(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    def __init__(self, stream: Any, sent: Sent, done: Done | None) -> None:
        self._stream, self._sent, self._done = stream, sent, done

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._sent.received += chunk
            yield chunk
        self._end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._sent.received += chunk
            yield chunk
        self._end()

    def _end(self) -> None:
        if self._done:
            self._done(self._sent)

    def close(self) -> None:
        """Close the stream that is copied."""
        self._stream.close()

    async def aclose(self) -> None:
        """Close the stream that is copied."""
        await self._stream.aclose()


def recording(inner: Any, log: Log | None, source: str, done: Done | None = None) -> Any:
    """`inner` with a log around it; without a log and without `done` it is `inner` itself."""
    return inner if log is None and done is None else Recording(inner, [] if log is None else log, source, done)
