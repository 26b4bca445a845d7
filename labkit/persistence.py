"""Stores: one place where one conversation is kept, in a JSON file, a SQLite database or Redis.

All three keep the same saved form, never half of it, and notice when somebody else saved in between. Conversations get
into files and databases nowhere else. Taught in notebook 06.
"""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from uuid import uuid4

from labkit.file_lock import locked
from labkit.saved_form import Saved, SavedFormError, Seal, check_size, sealed, unsealed

if TYPE_CHECKING:
    import redis

WAIT_SECONDS = 10.0
"""How long a save waits for another one to the same place before it gives up."""


class StoreError(OSError):
    """The place cannot be read or written now: a folder that is not there, no permission, no room, no answer."""


class ConversationConflict(RuntimeError):
    """Somebody saved to this place since the conversation was loaded from it; nothing was written.

    `stored` is the revision that is there now, `given` the one that was to be followed.
    """

    def __init__(self, where: str, stored: int, given: int) -> None:
        """Take the place in words and both revisions."""
        self.stored, self.given = stored, given
        told = f"revision {given:,} of the conversation" if given else "a conversation that was never saved"
        there = f"revision {stored:,}" if stored else "nothing"
        super().__init__(
            f"tried to save {told} in {where}, but {there} is there: nothing was written; "
            "load what is there and go on from it, or choose another place"
        )


@runtime_checkable
class Store(Protocol):
    """One place for one conversation. Any object with these three methods is a store, yours included."""

    def read(self) -> Saved | None:
        """What is stored; None when nothing was saved here yet. Raises SavedFormError, StoreError."""

    def write(self, saved: Saved) -> int:
        """Save, if `saved.revision` is still the stored one, and give the new revision.

        Raises ConversationConflict when it is not; after any error the place holds what it held before.
        """

    def delete(self) -> None:
        """Remove what is stored; nothing happens when there is nothing."""


def store_at(place: "str | Path | Store") -> Store:
    """The store for a place: a path means a JSON file, a store is itself. Raises TypeError for anything else."""
    if isinstance(place, str) and "://" in place:
        raise TypeError(f"{place.split('://')[0]}://... is not a path: give RedisStore(url) or another store")
    if isinstance(place, str | os.PathLike):
        return JSONStore(place)
    if isinstance(place, Store):
        return place
    raise TypeError(
        f"{place!r} is not a place to save to: give a path for a JSON file, or a store such as SQLiteStore('talks.db')"
    )


class JSONStore:
    """A JSON file that people can read, one message a line.

    A save replaces the file whole or not at all, also when the process is killed. Writers take turns, threads or
    processes; `.NAME.lock` and `.NAME.saving` stand beside the file meanwhile. A new file is for its owner alone.
    """

    def __init__(self, path: str | os.PathLike[str], *, seal: Seal | None = None) -> None:
        """Take the path of the file; its folder must exist when something is saved."""
        self.path, self.seal = Path(path), seal
        self._file = self.path.absolute()

    def __repr__(self) -> str:
        """The path as it was given."""
        return f"JSONStore({str(self.path)!r})"

    def read(self) -> Saved | None:
        """What the file holds, None when there is no file. Raises SavedFormError, StoreError."""
        with _reported(self.path):
            if not _is_file(self._file, self.path):
                return None
            check_size(self._file.stat().st_size, str(self.path))
            data = self._file.read_bytes()
        return unsealed(data, str(self.path), self.seal)

    def write(self, saved: Saved) -> int:
        """Replace the file by `saved` and give its new revision; the file's mode stays.

        Raises ConversationConflict, StoreError, SavedFormError also where another kind of file is in the place.
        """
        data = sealed(saved, self.seal)
        with _reported(self.path), self._locked():
            stored = self.read()
            if (revision := stored.revision if stored else 0) != saved.revision:
                raise ConversationConflict(str(self.path), revision, saved.revision)
            self._replace(data)
        return saved.revision + 1

    def delete(self) -> None:
        """Remove the file, if it holds a conversation. Raises SavedFormError for any other file, StoreError."""
        with _reported(self.path), self._locked():
            if self.read():
                self._file.unlink()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with locked(self._beside("lock"), WAIT_SECONDS):
                yield
        except TimeoutError as error:
            waited = f"{WAIT_SECONDS:g} seconds"
            raise StoreError(f"{self.path}: another program has been saving it for {waited}; try again") from error

    def _replace(self, data: bytes) -> None:
        as_now = os.access in os.supports_effective_ids
        if self._file.exists() and not os.access(self._file, os.W_OK, effective_ids=as_now):
            raise PermissionError(f"{self.path.name} is read-only")
        unfinished = self._beside("saving")
        try:
            unfinished.unlink(missing_ok=True)  # left by a process that was killed: the lock says that nobody uses it
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(unfinished, flags, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileNotFoundError):
                unfinished.chmod(stat.S_IMODE(self._file.stat().st_mode))
            unfinished.replace(self._file)
        finally:
            unfinished.unlink(missing_ok=True)
        _sync_folder(self._file.parent)

    def _beside(self, word: str) -> Path:
        return self._file.with_name(f".{self._file.name}.{word}")


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
        self._where = f"{self.path} under the key {key!r}"

    def __repr__(self) -> str:
        """The path and the key."""
        return f"SQLiteStore({str(self.path)!r}, {self.key!r})"

    def read(self) -> Saved | None:
        """What the row holds, None when there is no such row or database. Raises SavedFormError, StoreError."""
        with self._opened() as database:
            row = database and self._row(database, "body")
        return unsealed(row[0], self._where, self.seal) if row else None

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
                raise ConversationConflict(self._where, row[0] if row else 0, saved.revision)
        return new

    def delete(self) -> None:
        """Remove the row, whatever it holds. Raises StoreError."""
        with self._opened() as database:
            if database and self._row(database, "revision"):
                database.execute(f"DELETE FROM {self.TABLE} WHERE key = ?", (self.key,))

    @contextmanager
    def _opened(self, make: bool = False) -> Iterator[sqlite3.Connection | None]:
        with _reported(self.path):
            if not _is_file(self._file, self.path):
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


class RedisStore:
    """One hash in Redis, with the fields `revision`, `body` and `save`, for conversations that several machines share.

    A save that was acknowledged is as durable as the server is set up to be (`appendfsync`). Needs the package redis.
    """

    READ = """
        if redis.call('EXISTS', KEYS[1]) == 0 then return false end
        return {redis.call('HGET', KEYS[1], 'body')}
    """
    SAVE = """
        local found = redis.call('HMGET', KEYS[1], 'revision', 'save')
        if not found[1] and redis.call('EXISTS', KEYS[1]) == 1 then return 'foreign' end
        if found[2] == ARGV[4] then return false end
        if (found[1] or '0') ~= ARGV[1] then return found[1] or '0' end
        redis.call('HSET', KEYS[1], 'revision', ARGV[2], 'body', ARGV[3], 'save', ARGV[4])
        return false
    """
    """Check and save in one step on the server. `save` is another word for each save: a client that lost the answer and
    asks again finds its work done.
    """
    OTHER = "holds something else; it was left as it is: choose another key"

    def __init__(self, client: "str | redis.Redis", key: str = "conversation", *, seal: Seal | None = None) -> None:
        """Take the server's URL (`redis://localhost:6379/0`) or a client, and the key of the hash.

        Raises ImportError when the package redis is missing, ValueError for a URL of another kind.
        """
        try:
            import redis
        except ImportError as error:
            raise ImportError("RedisStore needs redis: pip install 'conversation-workbook[redis]'") from error
        self.key, self.seal = key, seal
        self._client: Any = redis.Redis.from_url(client) if isinstance(client, str) else client
        self._where = f"Redis under the key {key!r}"

    def __repr__(self) -> str:
        """The key alone: a URL may hold a password."""
        return f"RedisStore(..., {self.key!r})"

    def read(self) -> Saved | None:
        """What the hash holds, None when there is none. Raises SavedFormError, StoreError."""
        from redis.client import NEVER_DECODE

        with self._reported():
            found = self._client.execute_command("EVAL", self.READ, 1, self.key, **{NEVER_DECODE: []})
        if found is None:
            return None
        if not found:
            raise SavedFormError(f"{self._where} {self.OTHER}")
        return unsealed(found[0], self._where, self.seal)

    def write(self, saved: Saved) -> int:
        """Put `saved` in the hash, give its new revision. Raises ConversationConflict, SavedFormError, StoreError."""
        new = saved.revision + 1
        values = saved.revision, new, sealed(saved, self.seal), uuid4().hex
        with self._reported():
            answer = self._client.eval(self.SAVE, 1, self.key, *values)
        stored = answer.decode() if isinstance(answer, bytes) else answer
        if stored == "foreign":
            raise SavedFormError(f"{self._where} {self.OTHER}")
        if stored is not None:
            raise ConversationConflict(self._where, int(stored), saved.revision)
        return new

    def delete(self) -> None:
        """Remove its three fields; other fields of a hash that is not ours stay. Raises StoreError."""
        with self._reported():
            self._client.hdel(self.key, "revision", "body", "save")

    @contextmanager
    def _reported(self) -> Iterator[None]:
        import redis

        try:
            yield
        except redis.ResponseError as error:
            if str(error).startswith("WRONGTYPE"):
                raise SavedFormError(f"{self._where} {self.OTHER}") from error
            raise StoreError(f"{self._where} refused: {error}") from error
        except redis.RedisError as error:
            raise StoreError(f"{self._where} cannot be reached: {error}; is the server running there?") from error


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"{path}: {_advice(error, path)}") from error
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise SavedFormError(f"{path} is not a SQLite database, or damaged; it was left as it is") from error
        raise StoreError(f"{path} cannot be used: {error}") from error


def _advice(error: OSError, path: Path) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"the folder {path.parent} does not exist; make it first"
    if isinstance(error, PermissionError):
        return f"no permission to write there ({error.strerror or error}); choose a folder of your own"
    return f"{error.strerror or error}; what was stored is as it was"


def _is_file(file: Path, shown: Path) -> bool:
    try:
        mode = file.lstat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISREG(mode):
        return True
    kind = "a folder" if stat.S_ISDIR(mode) else "a symbolic link" if stat.S_ISLNK(mode) else "a device or pipe"
    raise SavedFormError(f"{shown} is {kind}, not a file with a conversation: give the path of the file itself")


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        with suppress(OSError):  # the file is in place; some network file systems cannot do more
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
