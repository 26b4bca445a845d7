"""What keeps any step's result fit to be sent: whole exchanges, the newest turn, what must stay, paired tool rounds.

A step may be three lines by a learner. Its result is compared with what went in, message by message, and put right
where that is possible without guessing; where it is not, an error says what is wrong. Taught in notebook 02.
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
    """What a step kept, rounded to whole exchanges, with the newest exchange and whatever must stay put back.

    Raises StepError when the step is not a function from a history to a history, or tears a tool round.
    """
    if isinstance(after, History) and after.is_tail_of(before):
        return after
    if isinstance(after, str) or not isinstance(after, Sequence) or not all(isinstance(m, Message) for m in after):
        raise StepError(
            f"step {step} must return a history (a sequence of Messages), but returned {type(after).__name__}"
        )
    sources, musts = stands_for(before, after), _musts(before)
    covered = {place for places in sources for place in places or ()}
    kept = {places[0] for places in sources if places and len(places) == 1}
    sent = list(_placed(before, after, sources, _whole_exchanges(before, covered | musts)))
    sent += [(place, before[place]) for place in sorted(musts - kept)]
    settled = History(message for _, message in sorted(sent, key=lambda item: item[0]))
    _check(before, settled, step)
    return settled


def _musts(before: History) -> set[int]:
    """Places of the newest exchange and of every exchange in which something must stay."""
    bounds, found = before.edges(), set(range(before.newest_start(), len(before)))
    for place in before.staying():
        after = bisect_left(bounds, place + 1)
        found.update(range(bounds[after - 1], bounds[after]))
    return found


def _whole_exchanges(before: History, places: set[int]) -> set[int]:
    whole: set[int] = set()
    for low, high in pairwise(before.edges()):
        if places.issuperset(range(low, high)):
            whole.update(range(low, high))
    return whole


def _placed(
    before: History, after: Sequence[Message], sources: Sequence[list[int] | None], whole: set[int]
) -> Iterator[tuple[float, Message]]:
    """What to send of `after`, each with its place; what is new, or stands for several, goes between exchanges."""
    bounds = before.edges()
    front = compacted_end(before)
    place = front - 0.5
    for message, places in zip(after, sources, strict=True):
        if places is None or (len(places) == 1 and places[0] not in whole):
            continue
        if len(places) == 1:
            place = places[0]
            yield place, _known(before[place], message)
            continue
        if places:
            place = max(bounds[bisect_left(bounds, places[0] + 1) - 1], front) - 0.25
        elif place % 1 == 0:
            place = _end_of(before[: bounds[bisect_left(bounds, place + 1)]]) - 0.5
        yield place, message


def _end_of(exchange: History) -> int:
    """Where more can be said behind an exchange: system messages that wait for the reply stay last."""
    end = len(exchange)
    while end and exchange[end - 1].role == "system":
        end -= 1
    return end


def first_reply(history: History) -> int:
    """Where the newest exchange is first answered; the length of the history when it is not answered yet."""
    place = history.newest_start()
    while place < len(history) and history[place].role != "assistant":
        place += 1
    return place


def origins(message: Message) -> tuple[Message, ...]:
    """The messages that were really said and for which this one stands: itself, unless it replaces others."""
    if not message.replaces:
        return (message,)
    return tuple(origin for old in message.replaces for origin in origins(old))


def compacted_end(history: History) -> int:
    """Where the exchange with the newest compaction block ends, 0 without one: the API reads nothing before the block.

    What tells of earlier messages belongs behind it. Source: Anthropic docs, Compact on demand (read September 2026).
    """
    for place in reversed(history.staying()):
        if history[place].has("compaction"):
            return next((start for start in history.starts() if start > place), len(history))
    return 0


def same_on_the_wire(one: Message, other: Message) -> bool:
    """True when the API could not tell two messages apart, whatever their metadata."""
    return one is other or (one.role, one.content) == (other.role, other.content)


def _known(old: Message, new: Message) -> Message:
    """What a step made of one message, known as that message's; `old` itself where it must stay word for word."""
    changed = not same_on_the_wire(old, new) or not must_stay(new)
    if new == old or (must_stay(old) and changed):
        return old
    return new if new.replaces else replace(new, replaces=(old,))


def stands_for(before: History, after: Sequence[Message]) -> list[list[int] | None]:
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
    """The places of a history that are still free, by message, and by every message that one stands for."""

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
    """Ids of calls that are not answered in the turn behind them, and of results without a call in the turn before.

    Messages of one role in a row are one turn, as the API has it; calls in the last turn may still be answered.
    """
    broken: set[str] = set()
    calls: set[str] = set()
    for _, turn in groupby(history, key=lambda message: message.role):
        blocks = [block for message in turn for block in message.blocks]
        broken |= calls ^ {str(block.get("tool_use_id")) for block in blocks if block["type"] == "tool_result"}
        calls = {str(block.get("id")) for block in blocks if block["type"] == "tool_use"}
    return broken
