"""A lock that is a file: one program at a time may write next to it, in threads, processes and after a kill alike.

A browser's Python has no file locks, and no other program that could write: there the block runs without one.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import IO

POLL_SECONDS = 0.005


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock at `path` for the length of a with block; the file is removed after it.

    Raises TimeoutError when somebody else has held it for `seconds`.
    """
    if sys.platform == "emscripten":
        yield
        return
    deadline, held = monotonic() + seconds, _lock(path)
    while held is None:
        if monotonic() > deadline:
            raise TimeoutError(f"{path} has been locked for {seconds:g} seconds")
        sleep(POLL_SECONDS)
        held = _lock(path)
    with held:
        try:
            yield
        finally:
            with suppress(OSError):  # where an open file can be removed, none stays behind
                path.unlink()


def _lock(path: Path) -> IO[bytes] | None:
    import portalocker

    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    with suppress(portalocker.LockException, FileNotFoundError):
        portalocker.lock(file, portalocker.LOCK_EX | portalocker.LOCK_NB)
        # who held the lock before may have removed the file that was just opened
        if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            return file
    file.close()
    return None
