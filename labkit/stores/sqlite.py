"""A conversation in a row of a SQLite database."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from labkit.stores.saved_form import Saved, Seal, sealed, unsealed
from labkit.stores.store import WAIT_SECONDS, ConversationConflict, is_file, reported


class SQLiteStore:
    """One row of a SQLite database, which may hold many conversations under other keys, and tables of your own.

    Several threads and processes may read and write at once (write-ahead log, short transactions); a save that was
    acknowledged outlives a crash. A new database is for its owner alone.
    """

    TABLE = "labkit_conversations"

    def __init__(self, path: str | os.PathLike[str], key: str = "conversation", *, seal: Seal | None = None) -> None:
        """Take the path of the database, made at the first save, and the key of the conversation in it."""
        self.path, self.key, self.seal = Path(path), key, seal
        self._file = self.path.absolute()
        self.where = f"{self.path} under the key {key!r}"

    def __repr__(self) -> str:
        """The path and the key."""
        return f"SQLiteStore({str(self.path)!r}, {self.key!r})"

    def read(self) -> Saved | None:
        """The content of the row, None when there is no such row or database. Raises SavedFormError, StoreError."""
        with self._opened() as database:
            row = database and self._row(database, "body")
        return unsealed(row[0], self.where, self.seal) if row else None

    def write(self, saved: Saved) -> int:
        """Put `saved` in the row and give its new revision. Raises ConversationConflict, SavedFormError, StoreError."""
        new, body = saved.revision + 1, sealed(saved, self.seal)
        values = {"key": self.key, "old": saved.revision, "new": new, "body": body}
        statement = (
            f"UPDATE {self.TABLE} SET revision = :new, body = :body WHERE key = :key AND revision = :old"
            if saved.revision
            else f"INSERT INTO {self.TABLE} VALUES (:key, :new, :body) ON CONFLICT (key) DO NOTHING"
        )
        with self._opened(make=True) as database:
            assert database is not None
            if database.execute(statement, values).rowcount != 1:
                row = self._row(database, "revision")
                raise ConversationConflict(self.where, row[0] if row else 0, saved.revision)
        return new

    def delete(self) -> None:
        """Remove the row, whatever it holds. Raises StoreError."""
        with self._opened() as database:
            if database and self._row(database, "revision"):
                database.execute(f"DELETE FROM {self.TABLE} WHERE key = ?", (self.key,))

    @contextmanager
    def _opened(self, make: bool = False) -> Iterator[sqlite3.Connection | None]:
        with reported(self.path):
            if not is_file(self._file, self.path):
                if not make:
                    yield None
                    return
                os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))
            address = f"{self._file.as_uri()}?mode=rw"
            with closing(sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS, autocommit=True)) as database:
                if make:
                    self._prepare(database)
                yield database

    def _prepare(self, database: sqlite3.Connection) -> None:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(
            f"CREATE TABLE IF NOT EXISTS {self.TABLE}"
            " (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL)"
        )

    def _row(self, database: sqlite3.Connection, column: str) -> Any:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (self.TABLE,)).fetchone():
            return None
        return database.execute(f"SELECT {column} FROM {self.TABLE} WHERE key = ?", (self.key,)).fetchone()
