"""Messages, the history that holds them, and the exchanges between which it may be cut.

Everything else in labkit is built on three ideas found here: a message is a frozen value whose metadata never
reaches the wire; a history is a value too, cheap to extend and to slice; and a history is cut only between
exchanges and between the tool rounds of one, so that every cut is a valid request. Taught in notebooks 01 and 10.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, overload

from labkit.blocks import Block as Block
from labkit.message import REFUSED as REFUSED
from labkit.message import ROLES as ROLES
from labkit.message import THINKING as THINKING
from labkit.message import Content as Content
from labkit.message import Message as Message
from labkit.message import Role as Role
from labkit.message import assistant as assistant
from labkit.message import begins_reply as begins_reply
from labkit.message import from_wire as from_wire
from labkit.message import has_thinking as has_thinking
from labkit.message import must_stay as must_stay
from labkit.message import opens_exchange as opens_exchange
from labkit.message import user as user
from labkit.message import without_thinking as without_thinking
from labkit.message_log import MessageLog

MEMOS_KEPT = 16
"""Results kept with a log: enough for the steps of a few managers that share one."""


class History(Sequence[Message]):
    """A conversation's messages as a value: `append` gives a new history and slices are histories too.

    Histories that grow from one another share one log, so an append costs the same at turn 2 and at turn 2,000.
    Equal to any sequence of equal messages. Lengths and positions are in messages.
    """

    __slots__ = ("_log", "_start", "_stop")

    def __init__(self, messages: Iterable[Message | Mapping[str, Any]] = ()) -> None:
        """Take messages, or dicts in wire form, oldest first."""
        self._log: MessageLog[Message] = MessageLog(opens_exchange, begins_reply, must_stay, has_thinking)
        self._log.extend(map(from_wire, messages))
        self._start, self._stop = 0, len(self._log.messages)

    @classmethod
    def of(cls, messages: Iterable[Message | Mapping[str, Any]]) -> "History":
        """The same history if it is one already, otherwise a new one of these messages."""
        return messages if isinstance(messages, cls) else cls(messages)

    def _view(self, start: int, stop: int) -> "History":
        view = object.__new__(History)
        view._log, view._start, view._stop = self._log, start, max(start, stop)
        return view

    def __len__(self) -> int:
        """The number of messages."""
        return self._stop - self._start

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> "History": ...
    def __getitem__(self, index: int | slice) -> "Message | History":
        """One message, or a history of some of them (a plain slice copies nothing)."""
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return self._view(self._start + start, self._start + stop)
            return History(list(self)[index])
        return self._log.messages[range(self._start, self._stop)[index]]

    def __iter__(self) -> Iterator[Message]:
        """The messages, oldest first."""
        messages = self._log.messages
        return (messages[i] for i in range(self._start, self._stop))

    def __eq__(self, other: object) -> bool:
        """Equal to a history, tuple or list of equal messages."""
        if isinstance(other, History) and other._log is self._log and other._start == self._start:
            return other._stop == self._stop
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        """The hash of the messages as a tuple."""
        return hash(tuple(self))

    def __reduce__(self) -> tuple[type["History"], tuple[tuple[Message, ...]]]:
        """Copy and pickle as the messages alone, because a log is shared and grows."""
        return History, (tuple(self),)

    def __repr__(self) -> str:
        """Short enough for a notebook cell: the roles and the first words."""
        inside = ", ".join(f"{m.role}: {m.text[:24]!r}" for m in self[:3])
        return f"History({len(self)} messages{': ' + inside if inside else ''}{', ...' if len(self) > 3 else ''})"

    def append(self, *messages: Message) -> "History":
        """A new history with these messages at its end; this one stays as it is."""
        log = self._log.grown(self._stop, messages)
        grown = self._view(self._start, len(log.messages))
        grown._log = log
        return grown

    def followed_by(self, other: "History") -> "History":
        """A new history with another one's messages at its end, which are not measured again."""
        if not other:
            return self
        log = self._log.grown_by(self._stop, other._log, other._start, other._stop)
        grown = self._view(self._start, len(log.messages))
        grown._log = log
        return grown

    @classmethod
    def with_sizes(cls, messages: Sequence[Message], size: "Ruler", sizes: Iterable[int]) -> "History":
        """A history of messages whose sizes are known already."""
        history = cls(messages)
        history._log.preset(size, sizes)
        return history

    def total(self, size: "Ruler") -> int:
        """The sum of `size` over the messages; each message is measured once in its life."""
        totals = self._log.totals(size, self._stop)
        return totals[self._stop] - totals[self._start]

    def starts(self) -> list[int]:
        """Positions at which an exchange opens."""
        return self._positions(self._log.starts)

    def replies(self) -> list[int]:
        """Positions at which a turn of Claude begins: a request was sent before each of them."""
        return self._positions(self._log.replies)

    def replies_back(self) -> Iterator[int]:
        """The same positions from the newest one back, each found when it is asked for."""
        marks = self._log.replies
        place = bisect_left(marks, self._stop)
        while place and marks[place - 1] >= self._start:
            place -= 1
            yield marks[place] - self._start

    def edges(self) -> list[int]:
        """Positions between which the exchanges lie: 0, wherever one opens, and the end."""
        return sorted({0, *self.starts(), len(self)})

    def joints(self) -> list[int]:
        """Positions between which the parts lie that a cut never tears: a question, a tool round, an answer."""
        return sorted({0, *self.starts(), *self.replies(), len(self)})

    def memo(self, key: Hashable) -> tuple[Any, ...]:
        """Entries kept under `key` by a history with this one's beginning; each begins with its number of messages."""
        return self._log.memos.get((key, self._start), ())

    def keep_memo(self, key: Hashable, entries: Iterable[Any]) -> None:
        """Keep entries that can be computed again, until other keys have taken their place."""
        memos = self._log.memos
        memos.pop((key, self._start), None)
        while len(memos) >= MEMOS_KEPT:
            memos.pop(next(iter(memos)), None)
        memos[(key, self._start)] = tuple(entries)

    def staying(self) -> list[int]:
        """Positions of the messages that every step must keep: pinned ones and compaction blocks."""
        return self._positions(self._log.staying)

    def thinking(self) -> list[int]:
        """Positions of the messages that hold thinking blocks."""
        return self._positions(self._log.thinking)

    def _positions(self, marks: Sequence[int]) -> list[int]:
        low, high = bisect_left(marks, self._start), bisect_left(marks, self._stop)
        return [mark - self._start for mark in marks[low:high]]

    def newest_start(self) -> int:
        """The place where the newest exchange opens; 0 when no exchange opens here."""
        return self._newest(self._log.starts)

    def newest_reply(self) -> int:
        """The place where the newest turn of Claude begins; 0 when there is none."""
        return self._newest(self._log.replies)

    def _newest(self, marks: Sequence[int]) -> int:
        before = bisect_left(marks, self._stop)
        return max(marks[before - 1] - self._start, 0) if before else 0

    def exchange_at(self, place: int) -> "History":
        """The exchange that the message at `place` belongs to, found without walking."""
        starts, here = self._log.starts, self._start + place
        after = bisect_left(starts, here + 1)
        low = max(starts[after - 1] if after else 0, self._start)
        high = min(starts[after] if after < len(starts) else self._stop, self._stop)
        return self._view(low, high)

    def first_start_after(self, amount: int, size: "Ruler") -> int:
        """The first exchange that opens once at least `amount` of `size` lies before it, else the newest exchange."""
        totals = self._log.totals(size, self._stop)
        reached = bisect_left(totals, totals[self._start] + amount, self._start, self._stop + 1)
        following = bisect_left(self._log.starts, reached)
        newest = self.newest_start()
        if following == len(self._log.starts):
            return newest
        return min(self._log.starts[following] - self._start, newest)

    def is_tail_of(self, other: "History") -> bool:
        """True when this is `other` without some whole exchanges at its start, found without walking."""
        same = self._log is other._log and self._stop == other._stop and self._start >= other._start
        if not same or self._start == other._start:
            return same
        place = bisect_left(self._log.starts, self._start)
        opens = place < len(self._log.starts) and self._log.starts[place] == self._start
        left = bisect_left(self._log.staying, other._start)
        lost = bisect_left(self._log.staying, self._start) > left
        return opens and not lost and bool(self)

    def begins(self, other: "History") -> bool:
        """True when `other` is this history with more messages after it; quick where both share a log."""
        if self._log is other._log:
            return self._start == other._start and self._stop <= other._stop
        return len(self) <= len(other) and all(a is b or a == b for a, b in zip(self, other, strict=False))

    def wire(self) -> list[dict[str, Any]]:
        """The messages as the API takes them, as fresh copies."""
        return [message.wire() for message in self]


type Ruler = Callable[[Message], int]


def one_message(message: Message) -> int:
    """The ruler that counts messages: each is one, so that a window can be measured in messages."""
    return 1


def exchanges(history: Iterable[Message]) -> Iterator[History]:
    """Split a history into exchanges: one user turn and all that answers it, tool rounds included.

    Messages before the first user turn (a compaction block, say) form a separate group.
    """
    history = History.of(history)
    return (history[low:high] for low, high in pairwise(history.edges()))


def rounds(history: Iterable[Message]) -> Iterator[History]:
    """The tool rounds of a history, oldest first: a turn of Claude that calls tools, and all the results of its calls.

    The results may be in one message or in several. The newest round may still wait for them.
    """
    history = History.of(history)
    parts = (history[low:high] for low, high in pairwise(history.joints()))
    return (part for part in parts if any(m.role == "assistant" and m.has("tool_use") for m in part))


def join(parts: Iterable[Iterable[Message]]) -> History:
    """Put histories one after another, in the order given."""
    joined = History()
    for part in parts:
        if isinstance(part, History):
            joined._log.take_over(part._log, part._start, part._stop)
        else:
            joined._log.extend(part)
    joined._stop = len(joined._log.messages)
    return joined


def in_open_round(history: History) -> bool:
    """True while a tool round is open: Claude called a tool and has not yet answered in words."""
    newest = history[history.newest_reply() :]
    return any(message.role == "assistant" and message.has("tool_use") for message in newest)
