"""The bounds of a saved form, so that no small file makes work without end; and the error of every saved form."""

from collections.abc import Mapping, Sequence
from typing import Any

DEEPEST = 100
"""The times in a row that a message may replace one that replaces another; labkit's own steps stay below ten."""
MOST_REPLACED = 2_000_000
"""The most messages that those of one saved form may replace in all, each counted as often as it is reached."""


class SavedFormError(ValueError):
    """The bytes are not a conversation that labkit can read, or a value cannot be saved; the message says where."""


class Bounds:
    """Bound how much messages may replace one another, so that no small file makes work without end.

    What labkit saves is far within: a few summaries that replace every message, and others a few times in a row.
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]], name: str) -> None:
        """Take all rows and what errors call the form. Raises SavedFormError for too many replacements."""
        self._rows, self._name = rows, name
        self._said: dict[int, int] = {}
        self._depth: dict[int, int] = {}
        self._total = 0
        edges = sum(len(row.get("replaces", ())) for row in rows)
        if edges > MOST_REPLACED:
            raise SavedFormError(f"{name} is damaged: its messages replace {edges:,} others, at most {MOST_REPLACED:,}")

    def check(self, place: int) -> None:
        """Take the next message, after all that it replaces. Raises SavedFormError beyond a bound."""
        if place >= len(self._rows):
            raise SavedFormError(f"{self._name} is damaged: it names message {place:,}, but has {len(self._rows):,}")
        older = self._rows[place].get("replaces", ())
        self._said[place] = sum(self._said[other] for other in older) or 1
        self._depth[place] = 1 + max((self._depth[other] for other in older), default=0)
        complaint = f"{self._name} is damaged: message {place:,} replaces"
        self._total += self._said[place] if older else 0
        if self._total > MOST_REPLACED:
            raise SavedFormError(
                f"{complaint} so many others, one after the other, that they are over {MOST_REPLACED:,}"
            )
        if self._depth[place] > DEEPEST:
            raise SavedFormError(f"{complaint} others {self._depth[place]:,} times in a row, at most {DEEPEST}")
