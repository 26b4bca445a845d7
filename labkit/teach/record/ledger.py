"""Lines of JSON that only ever grow in number, each carrying a hash of itself and of the line before it.

The chain shows that a line was edited, removed, added or moved, and that is all it does: it has no secret, so whoever
computes it again can forge it, and lines cut off at the end are not missed by those that stay.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

VERSION = 2
"""The form of the lines that are written today; lines of version 1 had no chain."""

NEEDED = {"kind", "id", "at"}
_CHAIN = re.compile(r', "chain": "([0-9a-f]{16})"\}$')

type Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The content of a file's lines: the records that can be read, oldest first, and what is wrong with the others.

    Lines are numbered from 1. `broken` are lines that do not follow from the one before, `unreadable` those that are
    no record (such as one torn by a killed process), `unchained` how many carry no chain, `newer` how many a later
    version wrote. `start` is the link of the first chained line, the same in every copy of a file.
    """

    entries: tuple[Entry, ...] = ()
    broken: tuple[int, ...] = ()
    unreadable: tuple[int, ...] = ()
    unchained: int = 0
    newer: int = 0
    start: str = ""


def chained(entry: Mapping[str, Any], before: str) -> str:
    """An entry as a line (without its line break) that follows the line `before`, "" for the first one."""
    body = plain(entry)
    return f'{body[:-1]}, "chain": "{_link(before, body)}"}}'


def plain(entry: Mapping[str, Any]) -> str:
    """An entry as a line without a chain; what cannot be written in UTF-8 is replaced."""
    return json.dumps(entry, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()


def written(entries: Iterable[Mapping[str, Any]], before: str = "") -> Iterator[str]:
    """Entries as lines, each chained to the one before."""
    for entry in entries:
        before = chained(entry, before)
        yield before


def entry_in(line: str) -> Entry | None:
    """The record that a line holds, None when it holds none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and entry.keys() >= NEEDED else None


def read(data: bytes) -> Ledger:
    """Read a file's content; nothing in it is an error."""
    entries, broken, unreadable = [], [], []
    unchained = newer = 0
    before = start = ""
    for place, line in lines_of(data):
        entry = entry_in(line)
        if entry is None:
            unreadable.append(place)
            continue
        link = _CHAIN.search(line)
        if link is None:
            unchained += 1
        elif link[1] != _link(before, line[: link.start()] + "}"):
            broken.append(place)
        start = start or (link[1] if link else "")
        newer += _is_newer(entry)
        entries.append(entry)
        before = line
    return Ledger(tuple(entries), tuple(broken), tuple(unreadable), unchained, newer, start)


def link_of(line: str) -> str:
    """The link that a line carries; empty where it carries none."""
    found = _CHAIN.search(line)
    return found[1] if found else ""


def lines_of(data: bytes) -> list[tuple[int, str]]:
    """The lines that are not blank, numbered from 1, whatever a mail program did to their ends."""
    lines = data.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    return [(place, line.rstrip("\r")) for place, line in enumerate(lines, 1) if line.strip()]


def _link(before: str, body: str) -> str:
    return sha256(f"{before}\n{body}".encode("utf-8", "replace")).hexdigest()[:16]


def _is_newer(entry: Entry) -> bool:
    return isinstance(entry.get("v"), int) and entry["v"] > VERSION
