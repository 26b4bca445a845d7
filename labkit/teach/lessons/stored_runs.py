"""Run Redis, a model of meaning or a second Python where they are; otherwise show a stored run, or run it here.

Both say so in the same words, so that a notebook's outputs are the same with and without the program. The stored runs
are in `stored_runs.toml`; a test holds them to real ones.
"""

import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from shutil import which
from typing import Any

from labkit.text.embedding import MiniLM, available

START_SECONDS = 10


@dataclass(frozen=True, repr=False)
class Run:
    """The printed text of a program, in words that fit both cases; `source` says if it ran here or was stored."""

    printed: str
    source: str

    def __repr__(self) -> str:
        """The printed text."""
        return self.printed

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        """The printed text; in a live notebook below the source, which differs from machine to machine."""
        from labkit.teach.widgets.explore import live

        return live(f"<pre>{escape(self.source)}\n\n{escape(self.printed)}</pre>") | {"text/plain": self.printed}


def run_or_stored(name: str, run: Callable[[], str] | None) -> Run:
    """The result of `run`, or the stored run of that name where there is none.

    Raises KeyError for a name without a stored run.
    """
    entry = _stored()[name]
    lines = entry["lines"] if run is None else run()
    source = f"Run here with {entry['program']}." if run else f"A stored run: {entry['program']} was not found here."
    label = f"Run with {entry['program']}; a stored run on a machine that has none."
    return Run(f"{label}\n{lines.strip()}", source)


def with_redis(run: Callable[[str], object]) -> Run:
    """The result of `run(url)` on a Redis server that is started for it and ended after it, or the stored run.

    The server listens on this machine alone and keeps nothing.
    """
    if not (which("redis-server") and find_spec("redis")):
        return run_or_stored("redis", None)
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as url:
        answer = str(run(url))
    return run_or_stored("redis", lambda: answer)


def with_minilm(run: Callable[[MiniLM], object]) -> Run:
    """The result of `run(model)` with the small model of meaning of the `semantic` extra, or the stored run."""
    if not available():
        return run_or_stored("minilm", None)
    answer = str(run(MiniLM()))
    return run_or_stored("minilm", lambda: answer)


def in_another_python(code: str) -> str:
    """The printed text of `code` in a second Python; in this one where no process can be started.

    A browser starts none: the code then runs with fresh names, and `os.getpid()` shows that it ran here.
    Raises CalledProcessError when the second Python fails.
    """
    try:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    except OSError:
        with redirect_stdout(StringIO()) as printed:
            exec(code, {})
        return printed.getvalue()


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Start a separate Redis server on a free port of this machine and give its URL. Raises TimeoutError when it does
    not start.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(START_SECONDS)


def _wait_for(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise TimeoutError(f"redis-server did not answer within {START_SECONDS} seconds")


def _stored() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("labkit.teach.lessons").joinpath("stored_runs.toml").read_text("utf-8"))
