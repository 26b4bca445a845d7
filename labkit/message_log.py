"""The append-only log that histories share, so that a growing conversation stays cheap to extend, cut and measure."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable
from itertools import accumulate
from threading import Lock
from typing import Any

RULERS_KEPT = 8
MARKS = ("starts", "replies", "staying", "thinking")


class MessageLog[M]:
    """Messages in order, with the places that a cut needs: where exchanges open, where replies begin, what must stay,
    where thinking is.

    Appending never changes what an older history sees, because each history knows where it stops. Running totals are
    kept for each ruler (a function from message to size), so that any message is measured once in its life. `memos`
    holds results that can be computed again: entries that begin with the number of messages that they are about.
    """

    __slots__ = ("_lock", "_rules", "_totals", "memos", "messages", "replies", "starts", "staying", "thinking")

    def __init__(
        self,
        opens: Callable[[M, M | None], bool],
        replies: Callable[[M, M | None], bool],
        stays: Callable[[M], bool],
        thinks: Callable[[M], bool],
    ) -> None:
        """Take the four rules that mark a message: opens an exchange and begins a reply (both given the message
        before), must stay, has thinking.
        """
        self._rules = opens, replies, stays, thinks
        self._lock = Lock()
        self._totals: dict[Hashable, array[int]] = {}
        self.memos: dict[Hashable, tuple[Any, ...]] = {}
        self.messages: list[M] = []
        self.starts = array("q")
        self.replies = array("q")
        self.staying = array("q")
        self.thinking = array("q")

    def grown(self, stop: int, messages: Iterable[M]) -> "MessageLog[M]":
        """The log with these messages after its first `stop`: itself when that is its end, otherwise a copy (a
        fork).
        """
        if self._lock.acquire(blocking=False):
            try:
                if stop == len(self.messages):
                    self.extend(messages)
                    return self
            finally:
                self._lock.release()
        fork = self._copy(stop)
        fork.extend(messages)
        return fork

    def grown_by(self, stop: int, other: "MessageLog[M]", start: int, end: int) -> "MessageLog[M]":
        """The same with a part of another log, whose totals come along."""
        if self._lock.acquire(blocking=False):
            try:
                if stop == len(self.messages):
                    self.take_over(other, start, end)
                    return self
            finally:
                self._lock.release()
        fork = self._copy(stop)
        fork.take_over(other, start, end)
        return fork

    def preset(self, ruler: Hashable, sizes: Iterable[int]) -> None:
        """Take the sizes of all messages, so that none is measured."""
        self._totals[ruler] = array("q", accumulate(sizes, initial=0))

    def extend(self, messages: Iterable[M]) -> None:
        """Add messages at the end and mark them."""
        opens, replies, stays, thinks = self._rules
        for message in messages:
            place = len(self.messages)
            before = self.messages[-1] if place else None
            marks = (
                (self.starts, opens(message, before)),
                (self.replies, replies(message, before)),
                (self.staying, stays(message)),
                (self.thinking, thinks(message)),
            )
            # The message first: stopped before its marks, it is one that no history reaches, and not half a mark.
            self.messages.append(message)
            for places, marked in marks:
                if marked:
                    places.append(place)

    def take_over(self, other: "MessageLog[M]", start: int, stop: int) -> None:
        """Add a part of another log of the same rules, marks and totals too, so that nothing is measured again."""
        place, shift = len(self.messages), len(self.messages) - start
        if start == stop:
            return
        self.extend(other.messages[start : start + 1])
        self.messages += other.messages[start + 1 : stop]
        for name in MARKS:
            mine, theirs = getattr(self, name), getattr(other, name)
            mine.extend(mark + shift for mark in theirs[bisect_left(theirs, start + 1) : bisect_left(theirs, stop)])
        for ruler, known in list(other._totals.items()):
            totals = self._totals.setdefault(ruler, array("q", [0])) if place == 0 else self._totals.get(ruler)
            if totals and len(totals) == place + 1 and len(known) > stop:
                base = totals[-1] - known[start]
                totals.extend(total + base for total in known[start + 1 : stop + 1])

    def _copy(self, stop: int) -> "MessageLog[M]":
        copy = MessageLog(*self._rules)
        copy.messages = self.messages[:stop]
        for name in MARKS:
            marks = getattr(self, name)
            setattr(copy, name, marks[: bisect_left(marks, stop)])
        kept = {key: tuple(entry for entry in entries if entry[0] <= stop) for key, entries in self.memos.items()}
        copy.memos = {key: entries for key, entries in kept.items() if entries}
        copy._totals = {ruler: totals[: stop + 1] for ruler, totals in self._totals.items()}
        return copy

    def totals(self, size: Callable[[M], int], stop: int) -> "array[int]":
        """Running totals of `size`: entry i is the sum over the first i messages, filled up to `stop`."""
        totals = self._totals.get(size)
        if totals is None:
            while len(self._totals) >= RULERS_KEPT:
                del self._totals[next(iter(self._totals))]
            totals = self._totals[size] = array("q", [0])
        if len(totals) > stop:
            return totals
        mine = self._lock.acquire(blocking=False)
        try:
            totals = totals if mine else totals[:]
            while len(totals) <= stop:
                totals.append(totals[-1] + size(self.messages[len(totals) - 1]))
        finally:
            if mine:
                self._lock.release()
        return totals
