"""The API's memory between requests: cache entries, threads, fingerprints. In one process, or shared in a SQLite file.

Nothing else is remembered: any worker can answer any request of any conversation.
"""

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

ENTRIES_KEPT = 50_000
"""Entries that a state in memory holds at most; the oldest go first."""
SWEEP = 1_000
"""Writes after which what has expired is thrown away."""


class State(Protocol):
    """Values by kind and key, each with an expiry on the service's clock, in seconds."""

    def get(self, kind: str, key: str) -> Any:
        """The value, or None when there is none or it has expired."""

    def put(self, kind: str, key: str, value: Any, seconds: float) -> None:
        """Keep a JSON value for that long, in place of an older one."""

    def claim(self, kind: str, key: str, seconds: float) -> bool:
        """Take a key that nobody holds, for that long; False when somebody does."""

    def release(self, kind: str, key: str) -> None:
        """Give a key back, or forget a value."""


class MemoryState:
    """State of one process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take the clock on which values expire."""
        self._clock = clock
        self._lock = Lock()
        self._values: OrderedDict[tuple[str, str], tuple[float, Any]] = OrderedDict()
        self._writes = 0

    def get(self, kind: str, key: str) -> Any:
        """The value, or None when there is none or it has expired."""
        expires, value = self._values.get((kind, key), (0.0, None))
        return value if expires > self._clock() else None

    def put(self, kind: str, key: str, value: Any, seconds: float) -> None:
        """Keep a JSON value for that long, in place of an older one."""
        with self._lock:
            self._put(kind, key, value, seconds)

    def claim(self, kind: str, key: str, seconds: float) -> bool:
        """Take a key that nobody holds, for that long; False when somebody does."""
        with self._lock:
            if self.get(kind, key) is not None:
                return False
            self._put(kind, key, True, seconds)
            return True

    def release(self, kind: str, key: str) -> None:
        """Give a key back, or forget a value."""
        with self._lock:
            self._values.pop((kind, key), None)

    def __len__(self) -> int:
        return len(self._values)

    def _put(self, kind: str, key: str, value: Any, seconds: float) -> None:
        self._values.pop((kind, key), None)
        self._values[kind, key] = (self._clock() + seconds, value)
        self._writes += 1
        if self._writes % SWEEP == 0:
            self._sweep()

    def _sweep(self) -> None:
        now = self._clock()
        for name in [name for name, (expires, _) in self._values.items() if expires <= now]:
            del self._values[name]
        while len(self._values) > ENTRIES_KEPT:
            self._values.popitem(last=False)


class SqliteState:
    """State that several workers share: one SQLite file, on a clock that they share too."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """Open the file, or make it; each process needs a separate object."""
        self._clock = clock
        self._lock = Lock()
        self._database = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS state (kind TEXT, key TEXT, expires REAL, value TEXT, PRIMARY KEY (kind, key))"
        )
        self._writes = 0

    def get(self, kind: str, key: str) -> Any:
        """The value, or None when there is none or it has expired."""
        query = "SELECT value FROM state WHERE kind = ? AND key = ? AND expires > ?"
        with self._lock:
            row = self._database.execute(query, (kind, key, self._clock())).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, kind: str, key: str, value: Any, seconds: float) -> None:
        """Keep a JSON value for that long, in place of an older one."""
        now = self._clock()
        with self._lock:
            row = (kind, key, now + seconds, json.dumps(value))
            self._database.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)", row)
            self._writes += 1
            if self._writes % SWEEP == 0:
                self._database.execute("DELETE FROM state WHERE expires <= ?", (now,))

    def claim(self, kind: str, key: str, seconds: float) -> bool:
        """Take a key that nobody holds, for that long; False when somebody does, in any process."""
        now = self._clock()
        with self._lock:
            taken = self._database.execute(
                "INSERT INTO state VALUES (?, ?, ?, 'true') ON CONFLICT (kind, key) DO UPDATE "
                "SET expires = excluded.expires, value = excluded.value WHERE state.expires <= ?",
                (kind, key, now + seconds, now),
            )
            return taken.rowcount == 1

    def release(self, kind: str, key: str) -> None:
        """Give a key back, or forget a value."""
        with self._lock:
            self._database.execute("DELETE FROM state WHERE kind = ? AND key = ?", (kind, key))

    def close(self) -> None:
        """Close the file."""
        self._database.close()
