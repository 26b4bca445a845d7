"""A transport that keeps a log of what passes through it, for sync and async clients and for streams.

Imported only when a client is made, because it loads the HTTP library.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2

from labkit.sent import Log, Sent


class Recording(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Passes requests on to `inner` and adds a `Sent` record for each to `log`, whose bytes fill up as they are
    read.
    """

    def __init__(self, inner: Any, log: Log, source: str) -> None:
        """Take the transport that answers, the list to fill, and the name of who answers."""
        self._inner, self._log, self._source = inner, log, source

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Log the request, pass it on, and copy the response's bytes as they are read."""
        sent = self._noted(request, request.read())
        return _copying(self._inner.handle_request(request), sent)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The same for an async client."""
        sent = self._noted(request, await request.aread())
        return _copying(await self._inner.handle_async_request(request), sent)

    def _noted(self, request: httpx2.Request, body: bytes) -> Sent:
        self._log.append(sent := Sent(request.method, request.url.path, body, self._source))
        return sent

    def close(self) -> None:
        """Close the transport that answers."""
        self._inner.close()

    async def aclose(self) -> None:
        """Close the transport that answers."""
        await self._inner.aclose()


class _Copied(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    def __init__(self, stream: Any, sent: Sent) -> None:
        self._stream, self._sent = stream, sent

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._sent.received += chunk
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._sent.received += chunk
            yield chunk

    def close(self) -> None:
        """Close the stream that is copied."""
        self._stream.close()

    async def aclose(self) -> None:
        """Close the stream that is copied."""
        await self._stream.aclose()


def _copying(response: httpx2.Response, sent: Sent) -> httpx2.Response:
    sent.status = response.status_code
    stream = _Copied(response.stream, sent)
    return httpx2.Response(
        response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
    )


def recording(inner: Any, log: Log | None, source: str) -> Any:
    """`inner` with a log around it; without a log it is `inner` itself."""
    return inner if log is None else Recording(inner, log, source)
