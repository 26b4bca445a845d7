"""The offline Claude on a port of this machine: a thin shell over the pure core, for curl, other languages, classes."""

import re
import socket
import struct
import time
import traceback
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from labkit.offline.api import identifier
from labkit.offline.faults import Broken
from labkit.offline.rules.body import BODY_LIMIT
from labkit.offline.transport import OfflineClaude
from labkit.offline.wire import ApiError, HttpRequest, HttpResponse, dumps

IDLE = 60
"""Seconds after which a silent connection is closed, and that a simulated read timeout keeps a client waiting."""
SERVER = "Offline Claude (simulated)"
"""The server's name in every answer, so that nobody takes its words for the API's."""
LINE = 65_536
"""Bytes of a line between two chunks, at most; HTTP's own lines have the same limit in http.server."""
HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{1,8}")
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing the socket then resets the connection."""


class OfflineServer(ThreadingHTTPServer):
    """Serves an OfflineClaude over HTTP, one thread a connection; the socket may be bound already (see `listening`)."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, claude: OfflineClaude, bound: socket.socket, idle: float = IDLE) -> None:
        """Take who answers, the listening socket, and the seconds an idle connection is kept."""
        super().__init__(bound.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        bound.setblocking(False)  # another process that shares the port may be quicker to accept
        self.socket = bound
        self.claude = claude
        self.idle = idle

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client that hangs up go without a traceback."""


def listening(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free port. Raises OSError when the port is in use."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound


class _Handler(BaseHTTPRequestHandler):
    """Turns bytes into an HttpRequest and an HttpResponse into bytes; keeps the connection open between requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: OfflineServer

    def setup(self) -> None:
        """Take the server's patience for idle connections."""
        super().setup()
        self.connection.settimeout(self.server.idle)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the request log is the place for that."""

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            body = self._body(headers)
            answer = self.server.claude.answer(HttpRequest(self.command, path, query, headers, body))
        except ApiError as error:
            answer = self._refusal(error)
        except Broken as fault:
            self._break(fault)
            return
        except Exception:
            traceback.print_exc()
            answer = self._refusal(ApiError(500, "Internal server error"))
        self._send(answer)

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no HTTP request, or has a method that is unknown, in the API's form and not by a page."""
        unknown = code == HTTPStatus.NOT_IMPLEMENTED
        error = ApiError(405, "Method Not Allowed") if unknown else ApiError(400, message or _reason(code))
        self._send(self._refusal(error))

    def _refusal(self, error: ApiError) -> HttpResponse:
        """An answer of the server itself: what the client still sends is not read, so the connection ends."""
        self.close_connection = True
        request_id = identifier("req_", self.requestline.encode("utf-8", "replace"))
        headers = {"content-type": "application/json", "request-id": request_id}
        return HttpResponse(error.status, headers, dumps(error.body(request_id)))

    def _body(self, headers: dict[str, str]) -> bytes:
        """The body, whole or in chunks (RFC 9112, section 7.1), as long as it is within the API's limit."""
        coding, length = headers.get("transfer-encoding", ""), headers.get("content-length", "0")
        if coding.lower() == "chunked":
            return b"".join(self._chunks())
        if coding or not length.isdigit():
            raise ApiError(400, "the body has no readable length: send content-length, or transfer-encoding: chunked")
        if int(length) > BODY_LIMIT:
            raise ApiError(413, "Request exceeds the maximum size")
        return self.rfile.read(int(length))

    def _chunks(self) -> Iterator[bytes]:
        read = 0
        while length := self._chunk_length():
            read += length
            if read > BODY_LIMIT:
                raise ApiError(413, "Request exceeds the maximum size")
            yield self.rfile.read(length)
            self.rfile.readline(LINE)
        while self.rfile.readline(LINE).strip():  # trailers, which nobody needs
            pass

    def _chunk_length(self) -> int:
        digits = self.rfile.readline(LINE).split(b";")[0].strip()
        if not HEXADECIMAL.fullmatch(digits):
            raise ApiError(400, "the body's chunks are broken: each begins with its length, a hexadecimal number")
        return int(digits, 16)

    def _send(self, answer: HttpResponse) -> None:
        whole = answer.body if isinstance(answer.body, bytes) else None
        length = {"transfer-encoding": "chunked"} if whole is None else {"content-length": str(len(whole))}
        ending = {"connection": "close"} if self.close_connection else {}
        headers = {"server": SERVER, **answer.headers, **length, **ending}
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        head = f"HTTP/1.1 {answer.status} {_reason(answer.status)}\r\n{''.join(lines)}\r\n".encode("latin-1")
        if isinstance(answer.body, bytes):
            self.wfile.write(head + (b"" if self.command == "HEAD" else answer.body))
            return
        self.wfile.write(head)
        self._send_chunks(answer.body)

    def _send_chunks(self, chunks: Iterable[bytes]) -> None:
        for chunk in chunks:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _break(self, fault: Broken) -> None:
        """Reset the connection at once, or keep the client waiting and then close."""
        self.close_connection = True
        if fault.kind == "read_timeout":
            time.sleep(self.server.idle)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.connection.close()


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Overloaded"
