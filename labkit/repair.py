"""Repair: make any step's result fit to be sent, with whole tool rounds, the goal, the newest round and what must stay.

A step may be three lines by a learner. Its result is compared with the history that the step was given, message by
message, and put right where that is possible without guessing; otherwise an error says what is wrong. Taught in
notebook 02.
"""

import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from labkit.messages import History, Message, must_stay


class StepError(ValueError):
    """A step returned a history that could not be sent; the message says which step and what is wrong."""


def settle(before: History, after: Sequence[Message], step: str) -> History:
    """Return the messages that a step kept, in whole parts, with everything that must stay put back.

    A part is a question, a tool round or an answer. An exchange keeps its question, its last part and those of its
    rounds that the step kept whole; without one of these two it goes. Always kept are the goal (the newest question),
    the newest part, whatever else the user said in the newest exchange, and pinned messages with their exchange's ends.
    Raises StepError when the step is not a function from a history to a history, or tears a tool round.
    """
    if isinstance(after, History) and after.is_tail_of(before):
        return after
    if isinstance(after, str) or not isinstance(after, Sequence) or not all(isinstance(m, Message) for m in after):
        raise StepError(
            f"step {step} must return a history (a sequence of Messages), but returned {type(after).__name__}"
        )
    sources, musts = places_before(before, after), must_keep(before)
    covered = {place for places in sources for place in places or ()}
    kept = {places[0] for places in sources if places and len(places) == 1}
    sent = list(_placed(before, after, sources, _whole_parts(before, covered | musts)))
    sent += [(place, before[place]) for place in sorted(musts - kept)]
    settled = History(message for _, message in sorted(sent, key=lambda item: item[0]))
    _check(before, settled, step)
    return settled


def must_keep(before: History) -> set[int]:
    """Return the places that no step may leave out."""
    found = set[int]()
    for place in (*before.staying(), len(before) - 1):
        parts = _parts_around(before, place)
        found.update(*parts[:1], *parts[-1:], *(part for part in parts if place in part))
    found.update(*(part for part in _parts_around(before, len(before) - 1) if _has_own_words(before, part)))
    return found


def _parts_around(before: History, place: int) -> list[range]:
    """Return the parts of the exchange that a place lies in, as ranges of places."""
    bounds, joints = before.edges(), before.joints()
    after = bisect_left(bounds, place + 1)
    low, high = (bounds[after - 1], bounds[after]) if 0 < after < len(bounds) else (0, 0)
    inside = joints[bisect_left(joints, low) : bisect_left(joints, high + 1)]
    return [range(*pair) for pair in pairwise(inside)]


def _has_own_words(before: History, part: range) -> bool:
    """True when a part holds words of the user, or of the system, besides the results of tools."""
    told = (before[place] for place in part)
    return any(m.role == "system" or (m.role == "user" and m.block_types() != {"tool_result"}) for m in told)


def _whole_parts(before: History, places: set[int]) -> set[int]:
    """Return the places of the parts that can be sent: covered whole, in an exchange whose two ends are covered."""
    whole: set[int] = set()
    for low, high in pairwise(before.edges()):
        if high - low == len(places & set(range(low, high))):
            whole.update(range(low, high))
            continue
        parts = _parts_around(before, low)
        if places.issuperset(parts[0]) and places.issuperset(parts[-1]):
            whole.update(*(part for part in parts if places.issuperset(part)))
    return whole


def _placed(
    before: History, after: Sequence[Message], sources: Sequence[list[int] | None], whole: set[int]
) -> Iterator[tuple[float, Message]]:
    """Yield what to send of `after`, each message with its place.

    The places of `before` are whole numbers. A message that is new comes a half before the place that it precedes, and
    one that replaces several a quarter, so that sorting by place puts a summary after a new message there.
    """
    bounds = before.edges()
    front, newest = compacted_end(before), before.newest_start()
    place = front - 0.5
    for message, places in zip(after, sources, strict=True):
        if places is None or (len(places) == 1 and places[0] not in whole):
            continue
        if len(places) == 1:
            place = places[0]
            yield place, _known(before[place], message, place >= newest)
            continue
        if places:
            place = max(_place_for(before, places[0], whole), front) - 0.25
        elif place % 1 == 0:  # behind a message that was there: not inside its exchange, where it could part a round
            place = _end_of(before[: bounds[bisect_left(bounds, place + 1)]]) - 0.5
        yield place, message


def _place_for(before: History, first: int, whole: set[int]) -> int:
    """Return the place of a message that replaces several: before their exchange, or after a question that stays."""
    parts = _parts_around(before, first)
    inside = first not in parts[0] and whole.issuperset(parts[0])
    return next(part.start for part in parts if first in part) if inside else parts[0].start


def _end_of(exchange: History) -> int:
    """The place in an exchange where a message can be inserted: before its trailing system messages."""
    end = len(exchange)
    while end and exchange[end - 1].role == "system":
        end -= 1
    return end


def first_reply(history: History) -> int:
    """The place where the newest exchange is first answered; the length of the history when it is not answered yet."""
    place = history.newest_start()
    while place < len(history) and history[place].role != "assistant":
        place += 1
    return place


def origins(message: Message) -> tuple[Message, ...]:
    """The messages that were really said and that this one replaces: itself, unless it replaces others."""
    if not message.replaces:
        return (message,)
    return tuple(origin for old in message.replaces for origin in origins(old))


def compacted_end(history: History) -> int:
    """The end of the exchange with the newest compaction block, 0 without one: the API reads nothing before the block.

    What tells of earlier messages belongs behind it. Source: Anthropic docs, Compact on demand (read September 2026).
    """
    for place in reversed(history.staying()):
        if history[place].has("compaction"):
            return next((start for start in history.starts() if start > place), len(history))
    return 0


def same_on_the_wire(one: Message, other: Message) -> bool:
    """True when the API could not tell two messages apart, whatever their metadata."""
    return one is other or (one.role, one.content) == (other.role, other.content)


def _known(old: Message, new: Message, in_newest: bool) -> Message:
    """Return what a step made of one message, known as that message's; `old` itself where it must stay word for word.

    In the newest exchange calls and results stay calls and results: a result that became plain words would pass for a
    new question, and the goal for an old one.
    """
    changed = not same_on_the_wire(old, new) or not must_stay(new)
    untied = in_newest and _tool_ids(old) != _tool_ids(new)
    if new == old or untied or (must_stay(old) and changed):
        return old
    return new if new.replaces else replace(new, replaces=(old,))


def _tool_ids(message: Message) -> list[object]:
    return [block.get("id", block.get("tool_use_id")) for block in message.blocks if block["type"] in PAIRED]


PAIRED = ("tool_use", "tool_result")


def places_before(before: History, after: Sequence[Message]) -> list[list[int] | None]:
    """For each message of `after`, the places in `before` of what it is, copies or replaces.

    Empty for a message that is new; None for one that is there once too often.
    """
    free = _Places(before)
    found: list[list[int] | None] = [
        (free.take(message) or None) if message in free else [] for message in reversed(after)
    ][::-1]
    strangers = []
    for index, message in enumerate(after):
        if message not in free:
            found[index] = sorted(free.traced(message))
            strangers += [] if message.replaces else [index]
    if strangers:
        equal = free.by_content()
        for index in reversed(strangers):
            found[index] = [places.pop()] if (places := equal.get(_content_of(after[index]))) else []
    return found


class _Places:
    """The places of a history that are still free, by message, and by every message that one replaces."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._places: dict[int, list[int]] = {}
        for place, message in enumerate(history):
            self._know(message, place)
        self._taken: set[int] = set()

    def _know(self, message: Message, place: int) -> None:
        self._places.setdefault(id(message), []).append(place)
        for old in message.replaces:
            self._know(old, place)

    def __contains__(self, message: Message) -> bool:
        return id(message) in self._places

    def take(self, message: Message) -> list[int]:
        """The last free place of a message, which is then taken; nothing when there is none."""
        free = [place for place in self._places[id(message)] if place not in self._taken][-1:]
        self._taken.update(free)
        return free

    def traced(self, message: Message) -> list[int]:
        """The free places of all that a message replaces, however often it was replaced in between."""
        found: list[int] = []
        for old in message.replaces:
            found += self.take(old) if old in self else self.traced(old)
        return found

    def by_content(self) -> dict[str, list[int]]:
        """The places that are still free, by what is said there."""
        found: dict[str, list[int]] = {}
        for place, message in enumerate(self._history):
            if place not in self._taken:
                found.setdefault(_content_of(message), []).append(place)
        return found


def _content_of(message: Message) -> str:
    return json.dumps(message.wire(), sort_keys=True)


def _check(before: History, view: History, step: str) -> None:
    if asks(before) and not asks(view):
        raise StepError(f"step {step} put an assistant message last: a request ends with the user's message")
    if broken := unpaired(view) - unpaired(before):
        raise StepError(
            f"step {step} broke the tool round of {', '.join(sorted(broken))}: "
            "a tool_use and its tool_result must stay together"
        )


def asks(history: History) -> bool:
    """True when the user has the last word, system messages aside: a request for a reply can end here."""
    end = _end_of(history)
    return end > 0 and history[end - 1].role == "user"


def unpaired(history: History) -> set[str]:
    """Ids of calls that are not answered in the turn after them, and of results without a call in the turn before.

    Messages of one role in a row are one turn, as the API has it; calls in the last turn may still be answered.
    """
    broken: set[str] = set()
    calls: set[str] = set()
    for _, turn in groupby(history, key=lambda message: message.role):
        blocks = [block for message in turn for block in message.blocks]
        broken |= calls ^ {str(block.get("tool_use_id")) for block in blocks if block["type"] == "tool_result"}
        calls = {str(block.get("id")) for block in blocks if block["type"] == "tool_use"}
    return broken
