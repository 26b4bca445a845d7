"""Read what a class handed in: progress files and notebooks, whatever else lies among them, and nothing is fatal.

Every file is named with what became of it: read, read and marked, or skipped and why.
"""

import json
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from labkit.teach.cells.words import counted
from labkit.teach.questions.files import names
from labkit.teach.record import ledger
from labkit.teach.report.notebooks import Claims, NotANotebook, claim, claims_in
from labkit.teach.results.tally import Tally, tally

LARGEST = 20_000_000
"""Files of more bytes than this are not read; a progress file has about 250 bytes a record."""

NAME_LENGTH = 60
JOINERS = "\u200c\u200d"
"""Signs that are not shown and that some scripts, such as Persian's and Hindi's, are not written without."""

_CAUTIOUS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

type Fate = Literal["read", "marked", "skipped"]


@dataclass(frozen=True, slots=True)
class Handed:
    """A file that was handed in, by its path below the folder, and what became of it."""

    path: str
    fate: Fate
    why: str = ""
    learner: str = ""


@dataclass(slots=True)
class Student:
    """One learner of a class: the figures of the progress file, and what the checks in the notebooks say.

    `stored` is what the outputs of a notebook say, `rerun` what its checks said when it was executed again.
    """

    name: str
    tally: Tally = field(default_factory=Tally)
    marks: list[str] = field(default_factory=list)
    notebooks: list[Path] = field(default_factory=list)
    stored: Claims = field(default_factory=dict)
    rerun: Claims = field(default_factory=dict)
    has_progress: bool = False

    def right(self, exercise: str) -> bool:
        """Say if an exercise is right: by its check in a rerun, else by the progress file or a stored output."""
        if exercise in self.rerun:
            return self.rerun[exercise] == "right"
        work = self.tally.work.get(exercise)
        return bool(work and work.right) or self.stored.get(exercise) == "right"


@dataclass(slots=True)
class Class:
    """A class as read from a folder: its learners by name, and every file with its fate."""

    folder: Path
    students: list[Student]
    files: list[Handed]
    generated: bool = False


@dataclass(frozen=True, slots=True)
class _Progress:
    path: Path
    name: str
    tally: Tally
    marks: tuple[str, ...]
    records: int
    start: str
    generated: bool


class _Skip(Exception):
    """A file is not read; its text says why."""


def read_class(folder: Path, read: Iterable[Path] | None = None) -> Class:
    """Read every file below a folder. Raises NotADirectoryError when there is no such folder.

    `read` gives the paths instead of a walk through the folder, so that a caller can count them.
    """
    paths = files_below(folder) if read is None else read
    handed: list[Handed] = []
    kept: list[_Progress] = []
    books: list[tuple[Path, Claims]] = []
    for path in paths:
        try:
            _take(folder, path, kept, books)
        except _Skip as skip:
            handed.append(Handed(shown_path(folder, path), "skipped", str(skip)))
    students: dict[str, Student] = {}
    handed += _progress_of(folder, kept, students)
    handed += _notebooks_of(folder, books, students, _owners(folder, kept))
    generated = any(one.generated for one in kept)
    by_name = sorted(students.values(), key=lambda one: key(one.name))
    return Class(folder, by_name, sorted(handed, key=lambda one: one.path), generated)


def ledgers(folder: Path) -> Iterator[tuple[str, ledger.Ledger]]:
    """The records of each progress file below a folder that can be read, with its learner's name."""
    for path in files_below(folder):
        if path.suffix.lower() == ".jsonl" and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            with suppress(_Skip):
                read = ledger.read(_content(path, LARGEST))
                yield _name_in(read) or _name_of(folder, path), read


def files_below(folder: Path) -> list[Path]:
    """Every file below a folder in order of name, links and devices included; links to folders are not followed."""
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder: give the one that holds what the class handed in")
    found = []
    for place, below, here in os.walk(folder):
        found += [Path(place, name) for name in here]
        found += [Path(place, name) for name in below if Path(place, name).is_symlink()]
    return sorted(found)


def cleaned(name: str) -> str:
    """A name fit to be shown: no control or direction characters, at most 60 letters, in any script."""
    kept = "".join(letter for letter in name if letter in JOINERS or unicodedata.category(letter)[0] != "C")
    return " ".join(kept.split())[:NAME_LENGTH] or "without a name"


def key(name: str) -> str:
    """The form that two spellings of one name have in common."""
    return unicodedata.normalize("NFKC", name).casefold()


def shown_path(folder: Path, path: Path) -> str:
    """A file's path below the folder, as text that can be shown."""
    return printable(os.fsencode(path.relative_to(folder)).decode("utf-8", "replace"))


def printable(text: str) -> str:
    """A text without what a terminal takes for a command: a question mark for each character that is not shown."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _take(folder: Path, path: Path, kept: list[_Progress], books: list[tuple[Path, Claims]]) -> None:
    ending = path.suffix.lower()
    if any(part.startswith(".") for part in path.relative_to(folder).parts):
        raise _Skip("hidden")
    if ending not in (".jsonl", ".ipynb"):
        _content(path, 0)
        raise _Skip("neither a progress file (.jsonl) nor a notebook (.ipynb)")
    data = _content(path, LARGEST)
    if b"\0" in data:
        raise _Skip("binary, not text")
    if ending == ".ipynb":
        try:
            books.append((path, claims_in(json.loads(data))))
        except (ValueError, RecursionError):
            raise _Skip("not a notebook: its JSON cannot be read") from None
        except NotANotebook as error:
            raise _Skip(str(error)) from None
        return
    kept.append(_progress(path, _name_of(folder, path), ledger.read(data)))


def _progress(path: Path, name: str, read: ledger.Ledger) -> _Progress:
    """Keep the figures of a progress file, not its records."""
    if not read.entries:
        raise _Skip("holds no record of labkit")
    figures = tally(read.entries)
    generated = any(entry["kind"] == "generated" for entry in read.entries)
    marks = tuple(_marks(read, figures))
    return _Progress(path, _name_in(read) or name, figures, marks, len(read.entries), read.start, generated)


def _content(path: Path, largest: int) -> bytes:
    """A file's bytes, at most `largest` (nothing is read for 0); links, devices and larger files are refused."""
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise _Skip("a link: hand in the file itself")
        if not stat.S_ISREG(found.st_mode):
            raise _Skip("a device or pipe, not a file")
        if not largest:
            return b""
        if found.st_size > largest:
            raise _Skip(f"{found.st_size:,} bytes, more than the {largest:,} that are read")
        with os.fdopen(os.open(path, os.O_RDONLY | _CAUTIOUS), "rb") as handle:
            return handle.read(largest)
    except OSError as error:
        raise _Skip(f"cannot be read ({error.strerror})") from None


def _name_in(read: ledger.Ledger) -> str:
    said = [entry["id"] for entry in read.entries if entry["kind"] == "learner" and isinstance(entry["id"], str)]
    return cleaned(said[-1]) if said else ""


def _name_of(folder: Path, path: Path) -> str:
    """The learner to whom a file belongs that does not say so: its folder's name, else what its own name adds."""
    parts = path.relative_to(folder).parts
    if len(parts) > 1:
        return cleaned(parts[0])
    stem = path.stem
    for known in ("progress", *names().values()):
        stem = stem.replace(known, "")
    return cleaned(stem.strip(" -_.()") or path.stem)


def _owners(folder: Path, kept: list[_Progress]) -> dict[str, str]:
    """For each folder of one learner (with one progress file) the name that this learner goes by."""
    found: dict[str, set[str]] = {}
    for one in kept:
        found.setdefault(one.path.relative_to(folder).parts[0], set()).add(one.name)
    return {top: owners.pop() for top, owners in found.items() if len(owners) == 1}


def _progress_of(folder: Path, kept: list[_Progress], students: dict[str, Student]) -> Iterator[Handed]:
    best: dict[str, _Progress] = {}
    for one in sorted(kept, key=lambda one: -one.records):
        best.setdefault(key(one.name), one)
    starts: dict[str, set[str]] = {}
    for one in best.values():
        starts.setdefault(one.start, set()).add(one.name)
    paths: dict[str, list[str]] = {}
    for one in kept:
        paths.setdefault(key(one.name), []).append(shown_path(folder, one.path))
    for one in kept:
        path, chosen = shown_path(folder, one.path), best[key(one.name)]
        if one is not chosen:
            more = f"the same learner as in {shown_path(folder, chosen.path)}, which holds at least as many records"
            yield Handed(path, "skipped", f"{more}; two people of one name need two names", one.name)
            continue
        student = students[key(one.name)] = Student(one.name, one.tally, has_progress=True)
        others = sorted(starts[one.start] - {one.name}) if one.start else []
        also = [other for other in paths[key(one.name)] if other != path]
        student.marks = [*one.marks, *(f"begins with the same records as {o}" for o in others)]
        if also:
            student.marks.append(f"several files under this name: {path} is counted, {', '.join(also)} not")
        yield Handed(path, "marked" if student.marks else "read", "; ".join(student.marks), one.name)


def _marks(read: ledger.Ledger, figures: Tally) -> Iterator[str]:
    if read.broken:
        places = ", ".join(map(str, read.broken[:5])) + (" and more" if len(read.broken) > 5 else "")
        yield f"changed: lines that do not follow from the one before them ({places})"
    if read.unchained:
        yield f"{counted(read.unchained, 'line')} of an older form, without a chain"
    if read.newer:
        yield f"{counted(read.newer, 'line')} written by a later version of labkit"
    if read.unreadable:
        yield f"{counted(len(read.unreadable), 'line')} that cannot be read"
    if figures.foreign:
        yield f"{counted(figures.foreign, 'record')} of something that this version does not have"


def _notebooks_of(
    folder: Path, books: list[tuple[Path, Claims]], students: dict[str, Student], owners: dict[str, str]
) -> Iterator[Handed]:
    for path, claims in books:
        top = path.relative_to(folder).parts[0]
        name = owners.get(top) or _name_of(folder, path)
        student = students.setdefault(key(name), Student(name))
        student.notebooks.append(path)
        for exercise, said in claims.items():
            claim(student.stored, exercise, said)
        yield Handed(shown_path(folder, path), "read", f"{counted(len(claims), 'checked exercise')} in it", name)
