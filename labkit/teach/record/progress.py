"""The tries of a learner, kept in one append-only file on their own machine.

One line of JSON a record: `at` (UTC), `kind` (attempt, hint, solution, answer, prediction, outcome), the `id` of the
exercise, question or prediction, and details; each line is chained to the one before (`ledger`). Records are bound to
ids, never to cells or notebooks, so copied, moved and deleted cells do no harm. Nothing leaves the machine.
"""

import getpass
import os
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.stores.file_lock import locked
from labkit.teach.record import ledger

FOLDER_VARIABLE = "LABKIT_PROGRESS"
NAME_VARIABLE = "LABKIT_LEARNER"
LOCK_SECONDS = 2.0
"""A record waits so long for another notebook that is writing."""

_BLOCK = 8_192


def folder() -> Path:
    """The place of the progress file: the folder named by LABKIT_PROGRESS, else this user's own data folder."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen)
    from platformdirs import user_data_path

    return user_data_path("labkit")


def file() -> Path:
    """The file that holds the records; it need not exist yet."""
    return folder() / "progress.jsonl"


def learner(name: str | None = None) -> str:
    """Under which name progress is handed in: the one given, else that of LABKIT_LEARNER, else the account's."""
    with suppress(OSError, KeyError, ImportError):
        return name or os.environ.get(NAME_VARIABLE) or getpass.getuser()
    return "learner"


def record(kind: str, id: str, **details: Any) -> bool:
    """Append one record in a single write and say whether it was kept; a full or read-only disk is no error for a
    learner.

    A line that was torn by a killed process is left as it is, and this record begins a new line.
    """
    entry = {"v": ledger.VERSION, "at": _now(), "kind": kind, "id": id, **details}
    try:
        folder().mkdir(parents=True, exist_ok=True)
        return _append(entry)
    except OSError:
        return False


def keep_words(id: str, question: str, words: str) -> bool:
    """Keep a learner's own words in a file of the progress folder, and record how many there were.

    The words are in no copy that is handed in, unless `export` is asked to add them.
    """
    words = " ".join(words.split())
    kept = record("why", id, words=len(words.split()))
    try:
        with words_file().open("a", encoding="utf-8") as file:
            file.write(f"- {id}: {question}\n  {words}\n")
    except OSError:
        return False
    return kept


def words_file() -> Path:
    """The file with a learner's own words; it need not exist yet."""
    return folder() / "own_words.md"


def records(kind: str | None = None) -> Iterator[dict[str, Any]]:
    """The records, oldest first, of one kind or of all; lines that cannot be read are passed over."""
    if file().is_file():
        yield from (entry for entry in ledger.read(file().read_bytes()).entries if kind in (None, entry["kind"]))


def export(to: str | Path | None = None, name: str | None = None, *, own_words: bool = False) -> Path:
    """Write a copy that can be handed in, with the learner's name (see `learner`) in its last line.

    With `own_words` the reasons in the learner's own words are copied next to it, as PLACE-own-words.md. `to` is a
    file or a folder; without it the copy is `progress-NAME.jsonl` in the current folder. Raises
    FileNotFoundError when nothing was recorded yet, and FileExistsError when `to` is a file of another kind.
    """
    if not file().is_file():
        raise FileNotFoundError("nothing is recorded yet: make a prediction or check an exercise first")
    name = learner(name)
    to = Path.cwd() if to is None else Path(to)
    to = to / f"progress-{as_file_name(name)}.jsonl" if to.is_dir() else to
    if to.exists() and (to.samefile(file()) or not ledger.read(to.read_bytes()).entries):
        raise FileExistsError(f"{to} is there already and is no earlier copy of your progress: give another file")
    with locked(_lock(), LOCK_SECONDS):
        before, gap = _ending(file())
        kept = file().read_bytes()
    signed = ledger.chained({"v": ledger.VERSION, "at": _now(), "kind": "learner", "id": name}, before)
    to.write_bytes(kept + f"{gap}{signed}\n".encode())
    if own_words and words_file().is_file():
        to.with_name(f"{to.stem}-own-words.md").write_bytes(words_file().read_bytes())
    return to


def reset() -> Path | None:
    """Begin again: the records are set aside in a file of the same folder that carries the time in its name.

    Gives that file's path, or None when nothing was recorded.
    """
    if not file().is_file():
        return None
    with locked(_lock(), LOCK_SECONDS):
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
        return file().rename(folder() / f"progress-until-{stamp}.jsonl")


def as_file_name(name: str) -> str:
    """A name in letters of any script, digits and dashes, for use in a file's name; at most 40 letters.

    Marks that belong to letters stay: without them many scripts cannot be read.
    """
    letters = unicodedata.normalize("NFC", name.lower())[:40]
    kept = "".join(one if one.isalnum() or unicodedata.category(one)[0] == "M" else " " for one in letters)
    return "-".join(kept.split()) or "learner"


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _lock() -> Path:
    return folder() / "progress.lock"


def _append(entry: dict[str, Any]) -> bool:
    try:
        with locked(_lock(), LOCK_SECONDS):
            before, gap = _ending(file())
            return _write(f"{gap}{ledger.chained(entry, before)}\n")
    except TimeoutError:  # a record without a chain is better than none
        return _write(f"\n{ledger.plain(entry)}\n")


def _write(text: str) -> bool:
    data = text.encode()
    handle = os.open(file(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        return os.write(handle, data) == len(data)
    finally:
        os.close(handle)


def _ending(path: Path) -> tuple[str, str]:
    """The line of the last record, "" when there is none, and the line break that is missing after the last line."""
    size = path.stat().st_size if path.exists() else 0
    block = min(_BLOCK, size)
    while size:
        with path.open("rb") as handle:
            handle.seek(size - block)
            data = handle.read()
        gap = "" if data.endswith(b"\n") else "\n"
        lines = [line for _, line in ledger.lines_of(data if block == size else data.partition(b"\n")[2])]
        found = next((line for line in reversed(lines) if ledger.entry_in(line) is not None), "")
        if found or block == size:
            return found, gap
        block = min(4 * block, size)
    return "", ""
