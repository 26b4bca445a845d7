"""A budget that holds inside a loop of tool calls: once a request outgrows a high mark it is cut to a low one.

A cut is rare and deep, because each one makes the prompt cache write what is kept again. It clears old results first,
then folds old rounds into a note after the goal, and drops whole closed exchanges last; at each stage the names that
nothing else says any more stay, because later calls ask for them. Between two cuts every request begins with the one
before, byte for byte. Taught in notebook 10.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple

from labkit.messages import History, Message, Ruler, begins_reply, one_message, without_thinking
from labkit.steps.folding import folded, is_note, may_fold, names_in, words_of
from labkit.steps.tool_results import calls_of, cleared
from labkit.strategies import check_limit, unit
from labkit.tokens import ESTIMATED_TOKENS

CHECKPOINTS = 8
"""Cuts that are remembered with a history, so that a request that goes back a little is not walked from the start."""

NOTE_SHARE = 2 / 3
"""The part of the low mark that the notes of folded rounds may take: on recorded runs, more of what later calls need is
found in a long note than in the rounds that a short one leaves room for.
"""

CHARACTERS = 3
"""Characters of a note for each token of its share: fewer than any tokenizer of the table has for English."""


@dataclass(frozen=True, slots=True)
class KeepWithin:
    """Keep what is sent within `high`, inside an open loop too: once it is more, cut it to `low`, by default to half.

    A cut goes in three stages and stops when it is deep enough: results older than the newest `keep` rounds are
    cleared, older rounds become a line a call in a note after the goal, and closed exchanges are dropped, of which the
    note keeps the names. Rounds of `exclude_tools` are folded only where the high mark does not hold without it. The
    goal, what the user said since, pinned messages and the newest round stay word for word, even where they alone
    outgrow the marks; where they leave no room, the other newest rounds and the note go too. Thinking written before a
    cut goes with it. `size` measures a message, estimated tokens by default.

    The cut follows from the history alone: the same history gives the same request, also after a restart. Raises
    ValueError for marks below 1, a low mark above the high one, or a negative keep.
    """

    high: int
    low: int | None = None
    keep: int = 5
    exclude_tools: tuple[str, ...] = ()
    size: Ruler = ESTIMATED_TOKENS
    keeps_whole_exchanges: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse marks in which nothing fits."""
        check_limit(self.high, "high mark")
        if not 1 <= self.low_mark <= self.high:
            raise ValueError(f"low mark {self.low_mark:,} is not between 1 and the high mark of {self.high:,}")
        if self.keep < 0:
            raise ValueError(f"keep {self.keep} rounds: give 0 or more")

    @property
    def low_mark(self) -> int:
        """The size that a cut aims at."""
        return max(self.high // 2, 1) if self.low is None else self.low

    def __str__(self) -> str:
        """`at most 20,000 tokens, cut to 10,000`."""
        return f"at most {self.high:,} {unit(self.size)}, cut to {self.low_mark:,}"

    def __call__(self, history: History) -> History:
        """Return the history as the newest cut left it, with everything since then after it."""
        if history.total(self.size) <= self.high:
            return history
        memo = history.memo(self)
        known = [point for point in memo if _was_sent(history, point.place)]
        newer = list(self._points(history, known[-1] if known else Point(0, history[:0], False)))
        if newer and (not memo or newer[-1].place > memo[-1].place):
            points = [*known, *newer]
            cuts, others = [p for p in points if p.is_cut], [p for p in points if not p.is_cut]
            kept = sorted([*cuts[-CHECKPOINTS:], *others[-2:]], key=lambda point: point.place)
            history.keep_memo(self, kept)
        last = newer[-1] if newer else known[-1]
        return last.view.followed_by(history[last.place :])

    def _points(self, history: History, point: "Point") -> Iterator["Point"]:
        """Yield every cut since a known request, and the newest request."""
        since = point.place + 1
        ends = [since + reply for reply in history[since:].replies()]
        if history[-1].role != "assistant" and point.place < len(history):
            ends.append(len(history))
        for end in ends:
            view = point.view.followed_by(history[point.place : end])
            shorter = Cut(self, view).made() if view.total(self.size) > self.high else view
            point = Point(end, shorter, shorter is not view)
            if point.is_cut:
                yield point
        if ends and not point.is_cut:
            yield point


class Point(NamedTuple):
    """A request on the way: how many messages there were, what was sent of them, and whether it was cut there."""

    place: int
    view: History
    is_cut: bool


def _was_sent(history: History, place: int) -> bool:
    """True when a request ended at this place: Claude answered there, or it is the end."""
    if place >= len(history):
        return place == len(history)
    return place > 0 and begins_reply(history[place], history[place - 1])


class Cut:
    """One cut of a view from the high mark to the low one."""

    def __init__(self, step: KeepWithin, view: History) -> None:
        """Take the step with its marks, and the view that has outgrown them."""
        self.step, self.view = step, view
        newest = view.newest_reply()
        bare = [*map(without_thinking, view[:newest]), *view[newest:]]
        self.loops = [_Loop(view, bare, low, high) for low, high in pairwise(view.edges())]
        self.calls = calls_of(view)
        # What the view knows is not measured again; `bare` keeps every message alive, so that an id stays its own.
        self.bare = bare
        totals = [view[:place].total(step.size) for place in range(len(view) + 1)]
        known = zip(view, bare, pairwise(totals), strict=True)
        self.sizes = {id(new): high - low for old, new, (low, high) in known if new is old}
        self.total = self._size(bare)

    def made(self) -> History:
        """Return the view after the stages that it needs; the same view where nothing can go."""
        step, room = self.step, self._note_room()
        self._run(self._protected())
        if self.total > step.high:
            self._run(1)
        while self.total > step.high and room:
            room //= 2
            self._shorten(room)
        made = [message for loop in self.loops for part in loop.parts for message in part]
        same = len(made) == len(self.view) and all(a is b for a, b in zip(made, self.view, strict=True))
        return self.view if same else History.with_sizes(made, step.size, map(self._measured, made))

    def _run(self, protected: int) -> None:
        """Run the three stages on all but so many of the newest rounds, until the view is small enough."""
        step, enough = self.step, (self.step.low_mark + self.step.high) // 2
        self._clear(protected)
        # Half-way is deep enough for what only clearing made: folding costs words that later calls may need.
        if self.total > enough:
            while self.total > step.low_mark and self._fold(protected, spare=True):
                pass
            while self.total > step.high and self._fold(protected, spare=False):
                pass
        if self.total > enough:
            self._drop()

    def _size(self, part: list[Message]) -> int:
        return sum(map(self._measured, part))

    def _measured(self, message: Message) -> int:
        found = self.sizes.get(id(message))
        return self.step.size(message) if found is None else found

    def _protected(self) -> int:
        """Return how many of the newest rounds stay whole, fewer where they fill half the low mark."""
        room, count = self.step.low_mark // 2, 0
        for part in (part for loop in reversed(self.loops) for part in reversed(loop.parts) if _is_round(part)):
            room -= self._size(part)
            if count and (room < 0 or count >= self.step.keep):
                break
            count += 1
        return max(count, 1)

    def _older_rounds(self, protected: int) -> Iterator[tuple["_Loop", int]]:
        """Yield the rounds that are not among the newest, oldest first, as their loop and their place in it."""
        rounds = [(loop, at) for loop in self.loops for at, part in enumerate(loop.parts) if _is_round(part)]
        yield from rounds[: max(len(rounds) - protected, 0)]

    def _clear(self, protected: int) -> None:
        rounds = list(self._older_rounds(protected))
        standing = self._standing({id(message) for loop, at in rounds for message in loop.parts[at]})
        for loop, at in rounds:
            if self.total <= self.step.low_mark:
                return
            before = self._size(loop.parts[at])
            loop.parts[at] = [cleared(m, self.calls, self.step.exclude_tools, standing) for m in loop.parts[at]]
            self.total += self._size(loop.parts[at]) - before

    def _standing(self, going: set[int]) -> set[str]:
        """Return the names that can be read whatever is cleared: in words, in arguments, in results that stay."""
        blocks = ((block, id(message) in going) for message in self.bare for block in message.blocks)
        lasting = (block for block, goes in blocks if not (goes and block["type"] == "tool_result"))
        return {name for block in lasting for name in names_in(block)}

    def _fold(self, protected: int, spare: bool) -> bool:
        """Fold as many of the oldest rounds as seem to be needed, or all but spared ones; False when none is left."""
        need, chosen = self.total - self.step.low_mark, dict[int, list[int]]()
        for loop, at in self._older_rounds(protected):
            if need > 0 and at and may_fold(loop.parts[at]) and not (spare and self._is_spared(loop.parts[at])):
                # The line that a round leaves takes some of what the round gives; the next pass sees the exact sizes.
                need -= max(self._size(loop.parts[at]) - LINE_TOKENS, 1)
                chosen.setdefault(id(loop), []).append(at)
        loops = [loop for loop in self.loops if id(loop) in chosen]
        for loop in loops:
            before = sum(map(self._size, loop.parts))
            loop.fold(chosen[id(loop)], self._note_room() // len(loops))
            self.total += sum(map(self._size, loop.parts)) - before
        return bool(chosen)

    def _is_spared(self, part: list[Message]) -> bool:
        return any(b.get("name") in self.step.exclude_tools for m in part for b in m.blocks if b["type"] == "tool_use")

    def _note_room(self) -> int:
        if self.step.size is one_message:
            return LONGEST_NOTE
        return min(int(self.step.low_mark * CHARACTERS * NOTE_SHARE), LONGEST_NOTE)

    def _shorten(self, most: int) -> None:
        """Shorten the notes to so many characters in all, and leave them out at 0."""
        loops = [loop for loop in self.loops if loop.parts and any(map(is_note, loop.parts[0]))]
        for loop in loops:
            before = self._size(loop.parts[0])
            loop.fold([], most // len(loops))
            loop.parts[0] = loop.parts[0] if most else [m for m in loop.parts[0] if not is_note(m)]
            self.total += self._size(loop.parts[0]) - before

    def _drop(self) -> None:
        for loop, following in pairwise([loop for loop in self.loops if loop.parts]):
            if self.total <= self.step.low_mark:
                return
            if not loop.stays:
                gone = [message for part in loop.parts for message in part]
                before, loop.parts = self._size([*gone, *following.parts[0]]), []
                if any(message.has("tool_use") or is_note(message) for message in gone):
                    following.fold([], self._note_room(), gone)
                self.total += self._size(following.parts[0]) - before


LONGEST_NOTE = 100_000
"""Characters: a note that is longer is read by nobody, and its line a call says too little of too much."""

LINE_TOKENS = 60
"""A middling line of a note, in tokens; only the order of magnitude matters here."""


def _is_round(part: list[Message]) -> bool:
    return any(message.has("tool_use") for message in part)


class _Loop:
    """An exchange in parts that a cut can change one by one."""

    def __init__(self, view: History, bare: list[Message], low: int, high: int) -> None:
        self.parts = [bare[low + a : low + b] for a, b in pairwise(view[low:high].joints())]
        self.stays = bool(view[low:high].staying())

    def fold(self, places: Sequence[int], most: int, dropped: Sequence[Message] = ()) -> None:
        """Fold the rounds at these places into the note, which comes right after the first part."""
        note = next((message for message in self.parts[0] if is_note(message)), None)
        gone = [self.parts[at] for at in places]
        first = [message for message in self.parts[0] if message is not note]
        said = [message for part in gone for message in words_of(part)]
        end = len(first)
        while end and first[end - 1].role == "system":  # system messages wait for the reply, so they stay last
            end -= 1
        self.parts[0] = [*first[:end], *said, folded(note, gone, most, dropped), *first[end:]]
        for at in reversed(places):
            del self.parts[at]
