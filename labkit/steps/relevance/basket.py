"""Basket: what is kept when room is short, bought by worth for its price: parts in their place, and quotations."""

from labkit.steps.relevance.layout import Layout
from labkit.steps.relevance.offers import Offers
from labkit.steps.relevance.quotations import Quotation


class Basket:
    """The parts bought within `room`: the first places of those that stay in place, and the quotations."""

    def __init__(self, layout: Layout, room: int) -> None:
        """Begin with what must stay, whose cost is not in the room."""
        self.layout, self.room = layout, room
        self.kept = set(layout.musts)
        self._quoted: dict[int, list[tuple[Quotation, int]]] = {}
        self._bought: list[tuple[int, ...]] = []

    @property
    def quotations(self) -> list[Quotation]:
        """The quotations, in no order that matters."""
        return [quotation for bought in self._quoted.values() for quotation, _ in bought]

    def buy(self, offers: Offers) -> None:
        """Take offers in their order while they fit, until less room is left than the least thing costs."""
        least = offers.least
        for place, quotation, cost in offers.within(lambda: self.room):
            if self.room < least:
                return
            part = self.layout.part(place)
            if part[0] in self.kept:
                continue
            if quotation is None:
                self.keep(part)
            elif cost <= self.room:
                self._quote(quotation, cost)

    def keep(self, part: tuple[int, int]) -> None:
        """Keep a part in its place if there is room for it and for the placeholders that it needs."""
        if self.layout.tokens(part) - self.layout.mark > self.room:
            return
        cost = self.layout.price(part, self.kept) - self._refund(part)
        if cost <= self.room:
            self._place(part, cost)
            self._bought.append((part[0],))

    def _place(self, part: tuple[int, int], cost: int) -> None:
        self.room -= cost
        self.kept.add(part[0])
        for place in range(*part):
            self._quoted.pop(place, None)

    def _refund(self, span: tuple[int, int]) -> int:
        return sum(cost for place in range(*span) for _, cost in self._quoted.get(place, ()))

    def _quote(self, quotation: Quotation, cost: int) -> None:
        quoted = self._quoted.setdefault(quotation.place, [])
        if all(quotation != one for one, _ in quoted):
            quoted.append((quotation, cost))
            self.room -= cost
            self._bought.append((quotation.place,))
            self._complete(quotation.place)

    def _complete(self, place: int) -> None:
        """Let an exchange that is quoted whole stand in its place, where that is hardly more expensive."""
        low, high = self.layout.exchange(place)
        if all(at in self._quoted and self._quoted[at][0][0].whole for at in range(low, high)):
            cost = self.layout.tokens((low, high)) - self._refund((low, high))
            if cost <= self.room:
                parts = tuple(self.layout.parts(low, high))
                for part in parts:
                    self._place(part, 0)
                self.room -= cost
                self._bought.append(tuple(first for first, _ in parts))

    def give_back(self) -> bool:
        """Undo the last purchase; False when nothing is left to undo."""
        if not self._bought:
            return False
        for place in self._bought.pop():
            self.kept -= {place} - self.layout.musts
            self._quoted.pop(place, None)
        return True
