"""The store protocol and the errors of every store."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

from labkit.stores.bounds import SavedFormError
from labkit.stores.saved_form import Saved

WAIT_SECONDS = 10.0
"""Seconds that a save waits for another one to the same place before it gives up."""


class StoreError(OSError):
    """The place cannot be read or written now: a folder that is not there, no permission, no room, no answer."""


class ConversationConflict(RuntimeError):
    """Somebody saved to this place since the conversation was loaded from it; nothing was written.

    `stored` is the revision that is there now, `given` the one that was to be followed; None where it is the
    conversation that is another, whatever its revision.
    """

    def __init__(self, where: str, stored: int, given: int | None = None) -> None:
        """Take the place in words and both revisions."""
        self.stored, self.given = stored, given
        if given is None:
            super().__init__(
                f"tried to save in {where}, but what is there (revision {stored:,}) this manager neither saved nor "
                "loaded: nothing was written; load what is there and go on from it, choose another place, or say "
                "overwrite=True"
            )
            return
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
        """The stored conversation; None when nothing was saved here yet. Raises SavedFormError, StoreError."""

    def write(self, saved: Saved) -> int:
        """Save, if `saved.revision` is still the stored one, and give the new revision.

        Raises ConversationConflict when it is not; after any error the place holds what it held before.
        """

    def delete(self) -> None:
        """Remove what is stored; nothing happens when there is nothing."""


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turn errors of the system and of SQLite into StoreError or SavedFormError, with the path and the way out."""
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


def is_file(file: Path, shown: Path) -> bool:
    """True for a regular file, False where there is none. Raises SavedFormError for a folder, link, device or pipe."""
    try:
        mode = file.lstat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISREG(mode):
        return True
    kind = "a folder" if stat.S_ISDIR(mode) else "a symbolic link" if stat.S_ISLNK(mode) else "a device or pipe"
    raise SavedFormError(f"{shown} is {kind}, not a file with a conversation: give the path of the file itself")
