"""Layout: what a history looks like when only parts of it are kept, so that it is valid whatever is left out.

A part is a question, a tool round or an answer. An exchange keeps its two ends: where the question or the answer is
left out, a short placeholder says how long it was. So roles alternate, and no answer follows a question of another
exchange.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from labkit.messages import History, Message, Role, Ruler, user
from labkit.repair import must_keep
from labkit.text.words import searchable_text

LEFT_OUT_FLAG = "left out"


def left_out(role: Role, messages: Iterable[Message]) -> Message:
    """The placeholder of what a role said: `[412 characters left out]`."""
    characters = sum(len(searchable_text(message)) for message in messages)
    return Message(role, f"[{characters:,} characters left out]", flags=(LEFT_OUT_FLAG,))


class Layout:
    """The parts of one history, what each of them costs, and the view of some of them.

    Places are positions in the history; a part is named by its first place. Costs are those of the ruler.
    """

    def __init__(self, history: History, size: Ruler) -> None:
        """Read where the parts and the exchanges of a history begin."""
        self.history, self.size = history, size
        self._joints, self._edges = history.joints(), history.edges()
        self.musts = {self.part(place)[0] for place in must_keep(history)}
        self.mark = size(user("[9,999 characters left out]"))

    def part(self, place: int) -> tuple[int, int]:
        """The part that a place lies in: its first place and its end."""
        return _around(self._joints, place)

    def exchange(self, place: int) -> tuple[int, int]:
        """The exchange that a place lies in: its first place and its end."""
        return _around(self._edges, place)

    def parts(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """The parts between two places."""
        joints = self._joints
        return (self.part(at) for at in joints[bisect_left(joints, low) : bisect_left(joints, high)])

    def spans(self, stop: int) -> Iterator[tuple[int, tuple[int, int]]]:
        """The first place and the span of each part before a place at which a part ends."""
        return ((first, (first, end)) for first, end in pairwise(self._joints) if end <= stop)

    def tokens(self, span: tuple[int, int]) -> int:
        """The size of a span of the history."""
        return self.history[slice(*span)].total(self.size)

    def price(self, part: tuple[int, int], kept: set[int]) -> int:
        """The cost of keeping a part in its place with those kept already, placeholders included."""
        first, last = self._ends(part[0])
        others = [end for end in {first, last} if end != part and end[0] not in kept]
        opened = any(first[0] <= one <= last[0] for one in self._inside(first[0], last[1], kept))
        cost = self.tokens(part)
        if not opened:
            return cost + sum(self.stand_in(end) for end in others)
        return cost - (self.stand_in(part) if part in (first, last) else 0)

    def _inside(self, low: int, high: int, kept: set[int]) -> Iterator[int]:
        return (first for first, _ in self.parts(low, high) if first in kept)

    def _ends(self, place: int) -> tuple[tuple[int, int], tuple[int, int]]:
        low, high = self.exchange(place)
        return self.part(low), self.part(high - 1)

    def stand_in(self, end: tuple[int, int]) -> int:
        """The cost of an end that is left out: its placeholder's, or its own where that is less."""
        return min(self.mark, self.tokens(end))

    def pieces(self, kept: set[int], note: Sequence[Message], front: int) -> list[Sequence[Message]]:
        """The parts that are kept, by their first places, in valid form, as pieces to be joined; the note goes before
        the exchange at `front`.
        """
        pieces, noted = list[Sequence[Message]](), not note
        for low, high in self._kept_exchanges(kept):
            if not noted and low >= front:
                pieces.append(note)
                noted = True
            pieces += self._spoken(low, high, kept)
        return pieces if noted else [*pieces, note]

    def total(self, pieces: Iterable[Sequence[Message]]) -> int:
        """The size of pieces together."""
        return sum(
            piece.total(self.size) if isinstance(piece, History) else sum(map(self.size, piece)) for piece in pieces
        )

    def _kept_exchanges(self, kept: set[int]) -> Iterator[tuple[int, int]]:
        end = 0
        for first in sorted(kept):
            if first >= end:
                low, end = self.exchange(first)
                yield low, end

    def _spoken(self, low: int, high: int, kept: set[int]) -> Iterator[Sequence[Message]]:
        """The kept parts of an exchange between its two ends, or what says that an end is left out."""
        runs = list[tuple[int, int]]()
        for first in self._inside(low, high, kept):
            start, stop = self.part(first)
            runs.append((runs.pop()[0], stop) if runs and runs[-1][1] == start else (start, stop))
        if runs[0][0] > low and self.history[low].role == "user":
            yield (left_out("user", self.history[low : runs[0][0]]),)
        yield from (self.history[slice(*run)] for run in runs)
        if high < len(self.history) and self.history[runs[-1][1] - 1].role != "assistant":
            yield (left_out("assistant", self.history[runs[-1][1] : high]),)

    def with_short_ends(self, kept: set[int]) -> set[int]:
        """The parts that are kept, and the ends of their exchanges that are no longer than their placeholders."""
        found = set(kept)
        for low, high in self._kept_exchanges(kept):
            ends: tuple[tuple[int, Role], ...] = ((low, "user"), (high - 1, "assistant"))
            for place, role in ends:
                part = self.part(place)
                if part[0] not in found and self._is_short(part, role):
                    found.add(part[0])
        return found

    def _is_short(self, end: tuple[int, int], role: Role) -> bool:
        if end[1] - end[0] > 1 or self.tokens(end) > self.mark:
            return False
        span = self.history[slice(*end)]
        one_of_words = span[0].role == role and span[0].block_types() == {"text"}
        return one_of_words and span.total(self.size) <= self.size(left_out(role, span))


def _around(marks: list[int], place: int) -> tuple[int, int]:
    after = bisect_right(marks, place)
    return marks[after - 1], marks[after]
