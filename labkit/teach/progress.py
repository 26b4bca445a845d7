"""What a learner has tried, kept in one append-only file on their own machine.

One line of JSON a record: `at` (UTC), `kind` (attempt, hint, solution, answer, prediction, outcome), the `id`
of the exercise, question or prediction, and details. Records are bound to ids, never to cells or notebooks,
so copied, moved and deleted cells do no harm. Nothing here is ever shown in a cell's output and nothing
leaves the machine.
"""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VERSION = 1
FOLDER_VARIABLE = "LABKIT_PROGRESS"


def folder() -> Path:
    """Where progress is kept: the folder named by LABKIT_PROGRESS, else this user's own data folder."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen)
    from platformdirs import user_data_path

    return user_data_path("labkit")


def file() -> Path:
    """The file that holds the records; it need not exist yet."""
    return folder() / "progress.jsonl"


def record(kind: str, id: str, **details: Any) -> bool:
    """Append one record in a single write and say whether it was kept; a full or read-only disk is no error
    for a learner.

    A record begins with its line break, so that one torn by a killed process spoils only itself.
    """
    entry = {"v": VERSION, "at": datetime.now(UTC).isoformat(), "kind": kind, "id": id, **details}
    line = "\n" + json.dumps(entry, ensure_ascii=False, default=str)
    try:
        folder().mkdir(parents=True, exist_ok=True)
        handle = os.open(file(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        return False
    try:
        return os.write(handle, line.encode("utf-8", "replace")) > 0
    except OSError:
        return False
    finally:
        os.close(handle)


def records(kind: str | None = None) -> Iterator[dict[str, Any]]:
    """The records, oldest first, of one kind or of all; lines that cannot be read are passed over."""
    if not file().is_file():
        return
    for line in file().read_text("utf-8", errors="replace").split("\n"):
        entry = _read(line)
        if entry is not None and kind in (None, entry["kind"]):
            yield entry


def export(to: str | Path) -> Path:
    """Copy the records to a file that can be handed in; raises FileNotFoundError when nothing was recorded
    yet.
    """
    if not file().is_file():
        raise FileNotFoundError("nothing is recorded yet: make a prediction or check an exercise first")
    return Path(shutil.copyfile(file(), to))


def reset() -> None:
    """Delete all records of this learner; there is no way back."""
    file().unlink(missing_ok=True)


def _read(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and {"kind", "id", "at"} <= set(entry) else None
