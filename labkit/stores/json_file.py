"""A conversation in a JSON file."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labkit.stores.file_lock import locked
from labkit.stores.saved_form import Saved, Seal, check_size, sealed, unsealed
from labkit.stores.store import WAIT_SECONDS, ConversationConflict, StoreError, is_file, reported


class JSONStore:
    """A JSON file that people can read, one message a line.

    A save replaces the file whole or not at all, also when the process is killed. Writers take turns, threads or
    processes; `.NAME.lock` and `.NAME.saving` stand beside the file meanwhile. A new file is for its owner alone.
    """

    def __init__(self, path: str | os.PathLike[str], *, seal: Seal | None = None) -> None:
        """Take the path of the file; its folder must exist when something is saved."""
        self.path, self.seal = Path(path), seal
        self._file = self.path.absolute()
        self.where = str(self.path)

    def __repr__(self) -> str:
        """The path as it was given."""
        return f"JSONStore({str(self.path)!r})"

    def read(self) -> Saved | None:
        """The content of the file, None when there is no file. Raises SavedFormError, StoreError."""
        with reported(self.path):
            if not is_file(self._file, self.path):
                return None
            check_size(self._file.stat().st_size, str(self.path))
            data = self._file.read_bytes()
        return unsealed(data, str(self.path), self.seal)

    def write(self, saved: Saved) -> int:
        """Replace the file by `saved` and give its new revision; the file's mode stays.

        Raises ConversationConflict, StoreError, SavedFormError also where another kind of file is in the place.
        """
        data = sealed(saved, self.seal)
        with reported(self.path), self._locked():
            stored = self.read()
            if (revision := stored.revision if stored else 0) != saved.revision:
                raise ConversationConflict(str(self.path), revision, saved.revision)
            self._replace(data)
        return saved.revision + 1

    def delete(self) -> None:
        """Remove the file, if it holds a conversation. Raises SavedFormError for any other file, StoreError."""
        with reported(self.path), self._locked():
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


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        with suppress(OSError):  # the file is in place; some network file systems cannot do more
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
