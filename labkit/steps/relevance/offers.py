"""Offers: what may be kept, in the order of its worth for its price, made only as far as somebody asks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import NamedTuple

from labkit.messages import History
from labkit.steps.relevance.quotations import Quotation, is_quotable

CHEAPEST = 100
"""Messages of up to so many tokens have one price, so that short ones are not kept for being short."""
NEXT_TO_NOTHING = 1e-6
"""The worth of a message that shares nothing with the question: of these the newest is kept first."""


class Offer(NamedTuple):
    """A message that may be kept, by its place in the history, or words of it as a quotation of some cost."""

    place: int
    quotation: Quotation | None = None
    cost: int = 0


@dataclass(slots=True)
class Offers:
    """The messages of a history by worth and size: to be quoted up to one size, offered by passages from another."""

    history: History
    worth: Sequence[float]
    sizes: Sequence[int]
    price: float
    quoted_up_to: int = 0
    whole_up_to: int | None = None
    label: Mapping[str, int] = field(default_factory=dict)
    passages: list[tuple[float, Offer]] = field(default_factory=list)

    @property
    def least(self) -> int:
        """The least that the cheapest message costs."""
        return max(min(self.sizes, default=1) + min(self.label.values(), default=0), 1)

    def largest(self, count: int) -> list[int]:
        """The places of messages that are too large to be kept whole, the best ones first."""
        if self.whole_up_to is None:
            return []
        large = [
            at for at, size in enumerate(self.sizes) if size > self.whole_up_to and self.worth[at] > NEXT_TO_NOTHING
        ]
        return sorted(large, key=lambda at: -self.worth[at])[:count]

    def __iter__(self) -> Iterator[Offer]:
        """The offers, the best for its price first; of equals the later first."""
        messages = self._messages()
        both = merge(messages, self.passages, key=lambda pair: -pair[0]) if self.passages else messages
        return (offer for _, offer in both)

    def _messages(self) -> Iterator[tuple[float, Offer]]:
        pairs = zip(self.worth, self.sizes, strict=True)
        density = [round(one / (size if size > CHEAPEST else CHEAPEST) ** self.price, 12) for one, size in pairs]
        most = max(self.sizes, default=0) if self.whole_up_to is None else self.whole_up_to
        for place in sorted(range(len(density) - 1, -1, -1), key=density.__getitem__, reverse=True):
            if (size := self.sizes[place]) > most:
                continue
            message = self.history[place]
            if size < self.quoted_up_to and is_quotable(message):
                quotation = Quotation(place, 0, message.role, message.text, whole=True)
                yield density[place], Offer(place, quotation, max(size + self.label[message.role], 1))
            else:
                yield density[place], Offer(place)
