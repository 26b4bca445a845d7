"""Buying: what to keep when room is short, by worth per token, whole exchanges and single passages side by side."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from labkit.steps.relevance.quotations import Quotation

ROUNDS = 3
"""How often the offers are gone through: what an exchange bought whole gives back is spent in the next round."""


class Offer(NamedTuple):
    """Something that may be kept: an exchange as a whole, or one passage of it as a quotation; costs in tokens."""

    density: float
    exchange: int
    cost: int
    quotation: Quotation | None = None


@dataclass(slots=True)
class Basket:
    """What was bought: the exchanges that are kept whole, and the quotations from others, by exchange."""

    room: int
    whole: set[int] = field(default_factory=set)
    quoted: dict[int, list[tuple[Quotation, int]]] = field(default_factory=dict)

    @property
    def quotations(self) -> list[Quotation]:
        """The quotations, the dearest bought first."""
        return [quotation for bought in self.quoted.values() for quotation, _ in bought]

    def buy(self, offers: Iterable[Offer]) -> "Basket":
        """Take offers by density, the best first, while there is room; of equals the later exchange first."""
        best_first = sorted(offers, key=lambda offer: (-offer.density, -offer.exchange, offer.quotation or ()))
        for _ in range(ROUNDS):
            before = self.room
            for offer in best_first:
                self._consider(offer)
            if self.room in (0, before):
                break
        return self

    def _consider(self, offer: Offer) -> None:
        if offer.exchange in self.whole:
            return
        if offer.quotation is None:
            refund = sum(cost for _, cost in self.quoted.get(offer.exchange, ()))
            if offer.cost <= self.room + refund:
                self.room += refund - offer.cost
                self.quoted.pop(offer.exchange, None)
                self.whole.add(offer.exchange)
        elif offer.cost <= self.room:
            bought = self.quoted.setdefault(offer.exchange, [])
            if all(quotation != offer.quotation for quotation, _ in bought):
                bought.append((offer.quotation, offer.cost))
                self.room -= offer.cost
