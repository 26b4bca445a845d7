"""The processes that serve the offline Claude: one, or several that share a port and one file of state."""

import argparse
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from labkit.offline.api import handle
from labkit.offline.server import OfflineServer, listening
from labkit.offline.service import Service, fixed_reply
from labkit.offline.state import MemoryState, SqliteState, State
from labkit.offline.transport import Exchange, OfflineClaude
from labkit.offline.wire import HttpRequest

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(options: argparse.Namespace) -> int:
    """Serve with these options until a signal; returns the exit status and says in one line what is wrong, if
    anything."""
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: sys.exit(0))
    if options.workers > 1 and not hasattr(os, "fork"):
        return _say("--workers above 1 needs a system that can fork, such as Linux or macOS: leave it out", 2)
    try:
        claude_of(options, MemoryState(time.time))
        bound = listening(options.host, options.port)
    except ValueError as error:
        return _say(str(error), 2)
    except OSError as error:
        where = f"{options.host}:{options.port}"
        return _say(f"cannot listen on {where}: {error.strerror}. Choose another --port, or 0 for any.", 1)
    with bound, tempfile.TemporaryDirectory(prefix="offline-claude-") as folder:
        warm_up()
        host, port = bound.getsockname()[:2]
        print(f"Offline Claude (simulated) at http://{host}:{port}  -  end with Ctrl-C", flush=True)
        file = options.state or (Path(folder) / "state.sqlite" if options.workers > 1 else None)
        _serve_all(options, bound, file)
    return 0


def _say(words: str, status: int) -> int:
    print(words, file=sys.stderr)
    return status


def claude_of(options: argparse.Namespace, state: State) -> OfflineClaude:
    """The offline Claude of one process; raises ValueError for a window of an unknown model."""
    claude = OfflineClaude(
        windows=dict(options.windows),
        platform=options.platform,
        log_limit=0,
        state=state,
        listener=_line_writer(options.log) if options.log else None,
    )
    claude.faults.add(*options.faults)
    return claude


def _line_writer(path: Path) -> Callable[[Exchange], None]:
    """Adds each exchange to a file as one line, in a single write, so that lines of several processes stay whole."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(exchange: Exchange) -> None:
        """Add one line."""
        os.write(file, json.dumps(as_record(exchange)).encode() + b"\n")

    return add


def as_record(exchange: Exchange) -> dict[str, object]:
    """An exchange as JSON, without any key; an event stream is kept as its text."""
    answer = exchange.response or exchange.answer.decode("utf-8", "replace")
    return {
        "method": exchange.method,
        "path": exchange.path,
        "headers": dict(exchange.headers),
        "request": exchange.request,
        "status": exchange.status,
        "answer": answer,
    }


def warm_up() -> None:
    """Answer one request, so that the first learner does not wait for what is loaded on first use."""
    body = {"model": "claude-sonnet-4-6", "max_tokens": 1, "messages": [{"role": "user", "content": "Hello."}]}
    headers = {"x-api-key": "warm-up", "anthropic-version": "2026-10-21"}
    request = HttpRequest("POST", "/v1/messages", "", headers, json.dumps(body).encode())
    handle(request, Service(fixed_reply("Hello.")))


def _serve_all(options: argparse.Namespace, bound: socket.socket, file: Path | None) -> None:
    children = [_fork(options, bound, file) for _ in range(options.workers - 1)]
    serve(options, bound, file)
    for child in children:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)


def _fork(options: argparse.Namespace, bound: socket.socket, file: Path | None) -> int:
    child = os.fork()
    if child == 0:
        serve(options, bound, file)
        os._exit(0)
    return child


def serve(options: argparse.Namespace, bound: socket.socket, file: Path | None) -> None:
    """Answer requests in this process until SIGTERM or SIGINT."""
    state = SqliteState(file, time.time) if file else MemoryState(time.time)
    server = OfflineServer(claude_of(options, state), bound)

    def stop(number: int, frame: FrameType | None) -> None:
        """End the loop from a separate thread: the loop must go on to notice."""
        threading.Thread(target=server.shutdown).start()

    for number in SIGNALS:
        signal.signal(number, stop)
    server.serve_forever(poll_interval=0.1)
