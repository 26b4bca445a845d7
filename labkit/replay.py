"""Replay: live replies kept in a file by `claude(live=True, record=...)`, and given again by `claude(replay=...)`.

A recording is JSON Lines, an exchange a line, without headers and without keys. Two requests are the same when their
method, path and body are; the order of keys and what is in VOLATILE do not count. The n-th equal request gets the n-th
reply, and after the last one the last again. Imported only when a client is made, because it loads the HTTP library.
"""

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import httpx2

from labkit.redaction import Redact, Redactor
from labkit.request_log import Log, Sent, cleaned_body

FORMAT = "labkit-recording"
VOLATILE = ("metadata",)
"""Parts of a request that name the sender and not what is asked; left out of recordings and comparisons.

Source: anthropic SDK 2.12.0, `MetadataParam`: an external identifier for the user.
"""
KEYS = Redactor(patterns=("key",))
PASSING = (408, 409, 429)
"""Refusals that another try may cure; like those from 500 on they are not recorded."""


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """One recorded request and its reply: the day, who answered, and both bodies (`reply` as text, a stream whole)."""

    recorded: str
    source: str
    method: str
    path: str
    request: dict[str, Any]
    status: int
    reply: str

    @property
    def in_words(self) -> str:
        """The words of a replayed record on its source."""
        simulated = ", offline (simulated)" if "simulated" in self.source else ""
        return f"replayed, recorded {self.recorded[:10]} from {self.request.get('model', 'the API')}{simulated}"

    def matches(self, method: str, path: str, request: Mapping[str, Any]) -> bool:
        """True for the same request."""
        return (self.method, self.path, self.request) == (method, path, request)


def _for_its_owner(path: str, flags: int) -> int:
    """Open a file that nobody else may read when it is new: a recording holds what was said."""
    return os.open(path, flags, 0o600)


class Recorder:
    """Adds exchanges to a recording, each once its reply has been read to the end; calls never raise."""

    def __init__(self, file: str | Path, key: str) -> None:
        """Take the file, which may hold a recording already, and the key that must never be in it.

        Raises ValueError when the file is something else.
        """
        self._file, self._lock = Path(file), Lock()
        self._hide = Redactor(patterns=(), hide=(key,))
        self._begin = ""
        if self._file.exists():
            exchanges(self._file)
            # A line that was cut off has no end: the next one must not become a part of it.
            self._begin = "" if self._file.read_bytes().endswith(b"\n") else "\n"

    def __call__(self, sent: Sent) -> None:
        """Add what was sent and received, unless it was a refusal that passes."""
        if sent.status >= 500 or sent.status in PASSING:
            return
        try:
            line = _line(asdict(self._exchange(sent)))
            with self._lock, open(self._file, "a", encoding="utf-8", opener=_for_its_owner) as file:
                file.write(f"{self._begin}{line}")
                self._begin = ""
        except (OSError, ValueError) as error:  # raised, it would make the SDK send and pay the request again
            warnings.warn(f"this reply was not recorded: {error}", stacklevel=2)

    def _scrub(self, text: str) -> str:
        return self._hide(KEYS(text))

    def _exchange(self, sent: Sent) -> RecordedExchange:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        method, path, request = _asked(sent, self._scrub)
        reply = cleaned_body(bytes(sent.received).decode(), self._scrub)
        return RecordedExchange(now, sent.source, method, path, request, sent.status, reply)


class Replaying(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """A transport that answers from a recording; a request that is not in it is a 404 that says what differs."""

    def __init__(self, file: str | Path, log: Log | None) -> None:
        """Take the recording and the list to which each request is added. Raises ValueError as `exchanges` does."""
        self._file, self._log = Path(file), log
        self._exchanges = exchanges(self._file)
        self._given: dict[int, int] = {}

    @property
    def in_words(self) -> str:
        """The sentence that is said when the client is made."""
        sources = ", ".join(sorted({exchange.in_words for exchange in self._exchanges}))
        replies = f"{len(self._exchanges)} {'reply' if len(self._exchanges) == 1 else 'replies'}"
        return f"Replay: nothing leaves this machine; {replies} in {self._file} ({sources})."

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request."""
        return self._answered(Sent(request.method, request.url.path, request.read(), "replay"))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The same for an async client."""
        return self._answered(Sent(request.method, request.url.path, await request.aread(), "replay"))

    def _answered(self, sent: Sent) -> httpx2.Response:
        if self._log is not None:
            self._log.append(sent)
        asked = _asked(sent, KEYS)
        found = [exchange for exchange in self._exchanges if exchange.matches(*asked)]
        if found:
            place = self._given.get(id(found[0]), 0)
            self._given[id(found[0])] = place + 1
            exchange = found[min(place, len(found) - 1)]
            sent.source, sent.status, reply = exchange.in_words, exchange.status, exchange.reply
        else:
            error = {"type": "not_found_error", "message": self._missing(*asked)}
            sent.status, reply = 404, json.dumps({"type": "error", "error": error}, ensure_ascii=False)
        sent.received += reply.encode()
        kind = "text/event-stream" if reply.startswith("event:") else "application/json"
        return httpx2.Response(sent.status, headers={"content-type": kind}, content=reply.encode())

    def _missing(self, method: str, path: str, request: Mapping[str, Any]) -> str:
        here = dict(_leaves(request))
        nearest, most = None, -1
        for exchange in self._exchanges:
            equal = here.items() & dict(_leaves(exchange.request)).items()
            if (exchange.method, exchange.path) == (method, path) and len(equal) > most:
                nearest, most = exchange, len(equal)
        start = f"{self._file} has no recording of this {method} {path}"
        if nearest is None:
            return f"{start}, nor of any other: record it with claude(live=True, record=...), or work offline"
        there = dict(_leaves(nearest.request))
        different = [key for key in here | there if here.get(key) != there.get(key)]
        told = "; ".join(f"{key} is {_short(here, key)}, recorded is {_short(there, key)}" for key in different[:3])
        more = f"; and {len(different) - 3} more" if len(different) > 3 else ""
        return f"{start}. The nearest one differs: {told}{more}. Ask as it was recorded, or record this one too"


def exchanges(file: Path) -> list[RecordedExchange]:
    """Every exchange of a recording, in order. Raises ValueError where there is none, or something else."""
    try:
        lines = [_decoded(line) for line in file.read_bytes().rstrip(b"\n").split(b"\n")]
    except OSError as error:
        how = "claude(live=True, record=...) makes one"
        raise ValueError(f"there is no recording to read at {file} ({error.strerror}): {how}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not a recording: it is no text") from error
    found = list[RecordedExchange]()
    if lines == [""]:
        raise ValueError(f"{file} is empty: record a conversation with claude(live=True, record=...) first")
    for number, line in enumerate(lines, 1):
        if _is_torn(line):
            warnings.warn(
                f"{file}: line {number} was cut off while it was written, and is left out",
                TornLineWarning,
                stacklevel=2,
            )
            continue
        try:
            row = json.loads(line)
            if row.pop("format") != FORMAT:
                raise ValueError("its format has another name")
            found.append(RecordedExchange(**row))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{file} is not a recording: line {number} is no {FORMAT} ({error})") from error
    return found


def rewrite(file: str | Path, redact: Redact) -> int:
    """Apply `redact` to every text of a recording and give the number of exchanges that changed.

    The file is replaced whole. Raises ValueError as `exchanges` does.
    """
    file = Path(file)
    rows = [asdict(exchange) for exchange in exchanges(file)]
    cleaned = [
        row | {"request": _scrubbed(row["request"], redact), "reply": cleaned_body(row["reply"], redact)}
        for row in rows
    ]
    changed = sum(redact(_line(row)) != _line(row) for row in rows)
    unfinished = file.with_name(f".{file.name}.saving")
    with open(unfinished, "w", encoding="utf-8", opener=_for_its_owner) as written:
        written.writelines(_line(row) for row in cleaned)
    unfinished.replace(file)
    return changed


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps({"format": FORMAT} | dict(row), ensure_ascii=False) + "\n"


BEGINNING = json.dumps({"format": FORMAT})[:-1]
"""The beginning of every line of a recording."""


class TornLineWarning(UserWarning):
    """One line of a recording was cut off, as by a full disk or a kill; the others are read."""


def _decoded(line: bytes) -> str:
    """The text of a line; one that was cut off inside a letter has a sign in its place. Raises UnicodeDecodeError."""
    return line.decode(errors="replace" if line.startswith(BEGINNING.encode()) else "strict")


def _is_torn(line: str) -> bool:
    """True for the beginning of a line that a recorder wrote, without its end."""
    begun = line.startswith(BEGINNING) or (bool(line) and BEGINNING.startswith(line))
    try:
        json.loads(line)
    except ValueError:
        return begun
    return False


def _asked(sent: Sent, scrub: Redact) -> tuple[str, str, dict[str, Any]]:
    body = {key: value for key, value in sent.request.items() if key not in VOLATILE}
    return sent.method, sent.path[max(sent.path.find("/v1/"), 0) :], _scrubbed(body, scrub)


def _scrubbed(value: Any, scrub: Redact) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: _scrubbed(item, scrub) for key, item in value.items()}
    return [_scrubbed(item, scrub) for item in value] if isinstance(value, list) else value


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from _leaves(item, f"{path}[{place}]")
    else:
        yield path, json.dumps(value, ensure_ascii=False)


def _short(leaves: Mapping[str, str], path: str) -> str:
    shown = leaves.get(path, "missing")
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
