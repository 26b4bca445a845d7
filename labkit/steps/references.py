"""References: a kept message that names something needs the message that introduced it.

'Your order #889 ships today' is a non sequitur once the message with #889 is gone. The step runs other steps, looks at
what their view still names and no longer introduces, and brings those exchanges back while there is room. What it
cannot bring back it names. Taught in notebook 04.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from labkit.messages import History, Message, Ruler
from labkit.repair import origins, places_before
from labkit.steps.importance import CUES
from labkit.strategies import Step, apply, check_limit, name, unit
from labkit.text.mentions import is_identifying, mentions
from labkit.text.once import Once
from labkit.text.words import searchable_text
from labkit.tokens import ESTIMATED_TOKENS

_DECISION = re.compile(CUES["decision"])
_NAME = "name "


class Dangling(NamedTuple):
    """A message of a view that names something whose introduction is gone: the places of both, and the words.

    Places count in the whole history. `reply` says that it answers what is gone, so that it reads as a non sequitur.
    """

    place: int
    introduced: int
    words: str
    reply: bool = False

    def __str__(self) -> str:
        """`#14 names KR-58213, which #3 introduced`."""
        return f"#{self.place} names {self.words}, which #{self.introduced} introduced"


type Names = Callable[[Message], Mapping[str, str]]


def introductions(history: Sequence[Message], names: Names) -> dict[str, int]:
    """The place where each thing is named for the first time, by its key; a name counts from the decision it is part
    of.
    """
    first: dict[str, int] = {}
    for place, message in enumerate(history):
        for key in _introduced(message, names(message)):
            first.setdefault(key, place)
    return first


def _introduced(message: Message, named: Mapping[str, str]) -> list[str]:
    names = any(key.startswith(_NAME) for key in named)
    decides = names and _DECISION.search(searchable_text(message).lower())
    return [key for key in named if decides or not key.startswith(_NAME)]


def dangling(view: Sequence[Message], history: Sequence[Message]) -> list[Dangling]:
    """References whose introducing message was dropped.

    `view` is what a step made of `history`. Identifiers, contacts, amounts, long numbers and decisions count.
    """
    return _dangling(History.of(view), History.of(history), named_things)


def _dangling(view: History, history: History, names: Names) -> list[Dangling]:
    first, told = introductions(history, names), set[str]()
    found = []
    for message, places in zip(view, places_before(history, view), strict=True):
        named = names(message)
        for key, words in named.items():
            origin = first.get(key)
            if places and key not in told and origin is not None and origin < places[0]:
                found.append(Dangling(places[0], origin, words, origin == places[0] - 1))
        told.update(_introduced(message, named))
    return found


def named_things(message: Message) -> dict[str, str]:
    """The things that a message names for later ones to rely on, by key, in the words as written; names are marked."""
    named = mentions(searchable_text(message))
    found = {mention.key: mention.words for mention in named if is_identifying(mention)}
    return found | {_NAME + mention.key: mention.words for mention in named if mention.kind == "name"}


@dataclass(frozen=True, slots=True)
class KeepReferences:
    """Run `steps`, and bring back the exchanges that what is left refers to, newest reference first, within `limit`.

    `size` measures a message, estimated tokens by default. What does not fit stays out and is listed by `missing`.
    Raises ValueError for a limit below 1.
    """

    steps: tuple[Step, ...]
    limit: int
    size: Ruler = ESTIMATED_TOKENS
    keeps_whole_exchanges: ClassVar[bool] = True
    _names: Once[dict[str, str]] = field(
        default_factory=lambda: Once(named_things), init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Refuse a limit in which nothing fits."""
        check_limit(self.limit)

    def __str__(self) -> str:
        """The steps inside, and the room that they may use for references."""
        return f"{', '.join(map(name, self.steps))}, and what they refer to within {self.limit:,} {unit(self.size)}"

    def __call__(self, history: History) -> History:
        """The view of the steps with what it refers to put back in its place."""
        return self._completed(history)[0]

    def missing(self, history: History) -> list[Dangling]:
        """The references that no room was left for: what a summary or a case fact should carry instead."""
        view, _ = self._completed(history)
        return _dangling(view, history, self._names)

    def why(self, history: History) -> dict[int, str]:
        """For each message that was brought back, the reference that needed it; for one that was not, what is lost."""
        back = self._completed(history)[1]
        reasons: dict[int, str] = {}
        for reference in back:
            part = history.exchange_at(reference.introduced)
            opening = next(place for place, message in enumerate(history) if message is part[0])
            reasons |= dict.fromkeys(range(opening, opening + len(part)), f"brought back: {reference}")
        lost = {reference.introduced: f"no room to bring it back: {reference}" for reference in self.missing(history)}
        return lost | reasons

    def _completed(self, history: History) -> tuple[History, list[Dangling]]:
        view, back = apply(self.steps, history), list[Dangling]()
        self._names.keep(history, len(history))
        while True:
            before = len(back)
            room = self.limit - view.total(self.size)
            for reference in sorted(_dangling(view, history, self._names), key=lambda r: (-r.place, r.introduced)):
                part = history.exchange_at(reference.introduced)
                cost = part.total(self.size)
                if cost <= room and not _holds(view, part[0]):
                    view, room = _with(view, history, part), room - cost
                    back.append(reference)
            if len(back) == before:
                return view, back


def _holds(view: History, message: Message) -> bool:
    """True when a message is in the view, as it is or as what a step made of it alone, such as a pinned copy."""
    return any(kept is message or [*map(id, origins(kept))] == [*map(id, origins(message))] for kept in view)


def _with(view: History, history: History, part: History) -> History:
    places: dict[int, int] = {id(message): place for place, message in enumerate(history)}
    placed, last = list[tuple[int, Message]](), -1
    for message, sources in zip(view, places_before(history, view), strict=True):
        last = sources[0] if sources else last
        placed.append((last, message))
    placed += [(places[id(message)], message) for message in part]
    return History(message for _, message in sorted(placed, key=lambda item: item[0]))
