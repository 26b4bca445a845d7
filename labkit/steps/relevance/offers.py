"""Offers: what may be kept, in the order of its worth for its price, made only as far as somebody asks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import NamedTuple

from labkit.messages import History
from labkit.steps.relevance.index import USER, WORDS
from labkit.steps.relevance.quotations import Quotation

NEXT_TO_NOTHING = 1e-6
"""The worth of a message that shares nothing with the question: of these the newest is kept first."""


FINE = 1e12
"""A rank is a whole number of so many to one: what differs by less is equal, on every platform."""


class Offer(NamedTuple):
    """A message that may be kept, by its place in the history, or words of it as a quotation of some cost."""

    place: int
    quotation: Quotation | None = None
    cost: int = 0


@dataclass(slots=True)
class Offers:
    """The messages of a history by worth and cost: to be quoted up to one size, offered by passages from another.

    `label` is the cost of naming the assistant and the user before their words.
    """

    history: History
    worth: Sequence[float]
    sizes: Sequence[int]
    costs: Sequence[float]
    kinds: Sequence[int]
    quoted_up_to: int = 0
    whole_up_to: int | None = None
    label: tuple[int, int] = (0, 0)
    passages: list[tuple[int, Offer]] = field(default_factory=list)
    _ranked: list[tuple[list[int], list[int]]] = field(default_factory=list, init=False)

    @property
    def least(self) -> int:
        """The least that the cheapest message costs."""
        return max(min(self.sizes, default=1) + min(self.label), 1)

    def largest(self, count: int) -> list[int]:
        """The places of messages that are too large to be kept whole, the best ones first."""
        if self.whole_up_to is None:
            return []
        large = [
            at for at, size in enumerate(self.sizes) if size > self.whole_up_to and self.worth[at] > NEXT_TO_NOTHING
        ]
        return sorted(large, key=lambda at: -self.worth[at])[:count]

    def within(self, room: Callable[[], int]) -> Iterator[Offer]:
        """The offers that may fit the room left, the best for its price first; of equals the later first."""
        messages = self._messages(room)
        both = merge(messages, self.passages, key=lambda pair: -pair[0]) if self.passages else messages
        return (offer for _, offer in both)

    def _messages(self, room: Callable[[], int]) -> Iterator[tuple[int, Offer]]:
        most = max(self.sizes, default=0) if self.whole_up_to is None else self.whole_up_to
        density, order = self._ranking()
        sizes, kinds, label, left, least = self.sizes, self.kinds, self.label, room(), self.least
        for place in order:
            size, kind = sizes[place], kinds[place]
            quotable = kind & WORDS and size < self.quoted_up_to
            cost = size + label[kind & USER] if quotable else size - self.quoted_up_to
            # Most messages of a long history do not fit what is left: none is made an offer only to be refused.
            if size > most or cost > left:
                continue
            quotation = self._quotation(place) if quotable else None
            yield density[place], Offer(place, quotation, max(cost, 1) if quotable else 0)
            if (left := room()) < least:
                return

    def _quotation(self, place: int) -> Quotation:
        message = self.history[place]
        return Quotation(place, 0, message.role, message.text, whole=True)

    def _ranking(self) -> tuple[list[int], list[int]]:
        """The rank of each place, and the places by rank."""
        if not self._ranked:
            density = [int(one / cost * FINE) for one, cost in zip(self.worth, self.costs, strict=True)]
            order = sorted(range(len(density) - 1, -1, -1), key=density.__getitem__, reverse=True)
            self._ranked.append((density, order))
        return self._ranked[0]
