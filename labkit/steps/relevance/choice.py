"""Relevance: history chosen for the message at hand, bought by relevance for its price, each choice with its reasons.

Messages are chosen one by one. A long one stays in its place, with placeholders for the rest of its exchange; short
ones, and passages of what is too long, are quoted word for word in a note at the beginning, together with the
identifiers of a history with tools. Standard library only, the same choice on every platform; an embedder may add to
it. The choice follows the question, so a prompt cache rarely survives it.
Taught in notebook 04.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, ClassVar, NamedTuple

from labkit.messages import History, Message, Ruler, join, user
from labkit.repair import compacted_end
from labkit.steps.relevance.basket import Basket
from labkit.steps.relevance.covering import covering
from labkit.steps.relevance.identifiers import Named, lines, named, ranked
from labkit.steps.relevance.index import CALL, CHEAPEST, RelevanceIndex
from labkit.steps.relevance.layout import Layout
from labkit.steps.relevance.offers import FINE, NEXT_TO_NOTHING, Offer, Offers
from labkit.steps.relevance.quotations import Quotation, note, passages, speaker
from labkit.steps.relevance.reasons import why_relevant
from labkit.steps.relevance.scores import Scores, Weights, query, scores
from labkit.strategies import check_limit
from labkit.text.embedding import Embedder
from labkit.text.once import Once
from labkit.text.words import searchable_text
from labkit.tokens import ESTIMATED_TOKENS

DEFAULT_WEIGHTS = Weights()
PLACED = 10
"""A message stays in its place when it is so many times as long as a placeholder; a shorter one is quoted."""
LARGEST = 5
"""A message of more than a fifth of the room is offered by its passages."""
LOOKED_INTO = 100
"""So many of such messages, the best ones, are read passage by passage."""
TOP_UPS = 2
"""So often is room spent that quotations turned out not to need."""


class Choice(NamedTuple):
    """The kept part of a history: parts by their first places, quotations, and values that were named; and its view."""

    kept: set[int]
    quotations: list[Quotation]
    named: list[Named]
    view: History


@dataclass(frozen=True, slots=True)
class Relevance:
    """Keep what the message at hand needs, within `limit`: the messages worth most for their price.

    `size` measures a message, estimated tokens by default; `weights` are the parts of relevance; `embedder` adds
    likeness of meaning to shared words. The newest question, the newest part and what is pinned stay even where they
    alone outgrow the limit. Raises ValueError for a limit below 1.
    """

    limit: int
    size: Ruler = ESTIMATED_TOKENS
    weights: Weights = DEFAULT_WEIGHTS
    embedder: Embedder | None = None
    keeps_whole_exchanges: ClassVar[bool] = True
    _index: RelevanceIndex = field(init=False, repr=False, compare=False)
    _named: Once[tuple[Named, ...]] = field(default_factory=lambda: Once(named), init=False, repr=False, compare=False)
    _vectors: Once[Any] | None = field(init=False, repr=False, compare=False)
    _lock: Any = field(default_factory=Lock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a limit in which nothing fits."""
        check_limit(self.limit)
        embed = self.embedder.embed if self.embedder else None
        object.__setattr__(self, "_index", RelevanceIndex(self.size, self.weights.price))
        object.__setattr__(self, "_vectors", Once(lambda message: embed(searchable_text(message))) if embed else None)

    def __call__(self, history: History) -> History:
        """The view of what is kept, in order, after a note of what is quoted."""
        return history if history.total(self.size) <= self.limit else self.choose(history).view

    def choose(self, history: History) -> Choice:
        """Choose what to keep of a history that does not fit."""
        with self._lock:
            tools = any(kind & CALL for kind in self._index.kinds(self._index.slots(history)))
        layout = Layout(history, self.size)
        bare = layout.pieces(layout.with_short_ends(layout.musts), (), 0)
        room = self.limit - layout.total(bare)
        frame = sum(map(self.size, note([], ())))
        quoting = bool(self.weights.note) and room > 3 * frame
        if room <= 0:
            return Choice(layout.musts, [], [], join(bare))
        values = self._values(history, layout, round((room - frame) * self.weights.note)) if quoting and tools else []
        spent = frame + self.size(user("\n".join(lines(values)))) - self._framing if values else frame
        basket = Basket(layout, room - spent if quoting else room)
        if tools and not quoting:
            self._cover(history, basket)
        return self._bought(basket, self._offers(history, layout, basket.room, quoting), values, history)

    def _cover(self, history: History, basket: Basket) -> None:
        """Keep what names identifiers, as far as the room goes."""
        layout, values = basket.layout, [self._named(message) for message in history]
        for first in covering(values, layout, basket.kept, self.weights.price):
            basket.keep(layout.part(first))

    def _bought(self, basket: Basket, offers: Offers, values: list[Named], history: History) -> Choice:
        """Buy, spend what is left over, and give back what does not fit after all."""
        front = compacted_end(history)

        def pieces() -> list[Sequence[Message]]:
            """The pieces of the view, whose size is then known."""
            found = _pieces(basket, values, history, front)
            basket.room = self.limit - basket.layout.total(found)
            return found

        for _ in range(TOP_UPS):
            basket.buy(offers)
            view = pieces()
            if basket.room < offers.least:
                break
        while basket.room < 0 and basket.give_back():
            view = pieces()
        if basket.room < 0 and values:
            values, view = [], _pieces(basket, [], history, front)
        return Choice(basket.kept, basket.quotations, values, join(view))

    def _label(self, role: str) -> int:
        """The cost of naming the speaker of a quotation."""
        return self.size(user(f"{role}: \n")) - 2 * self._framing

    @property
    def _framing(self) -> int:
        return self.size(user("x")) - 1

    def _values(self, history: History, layout: Layout, room: int) -> list[Named]:
        """The values of a history with tools that fit a share of the room, the most used first."""
        here = {
            value.words for first in layout.musts for m in history[slice(*layout.part(first))] for value in named(m)
        }
        self._named.keep(history, len(history))
        chosen, chars = list[Named](), 0
        per_token = 40 / max(self.size(user("x" * 40)) - self._framing, 1)
        for value in ranked(self._named(message) for message in history):
            longer = len(value.words) + 2
            if value.words not in here and chars + longer <= (room - 3 * self._framing) * per_token:
                chosen.append(value)
                chars += longer
        return chosen

    def _offers(self, history: History, layout: Layout, room: int, quoting: bool) -> Offers:
        """The offers, the best for its price first; of equals the later first."""
        found = self.scores(history)
        with self._lock:
            slots = self._index.slots(history)[: len(found.relevance)]
            sizes, costs, kinds = self._index.sizes(slots), self._index.costs(slots), self._index.kinds(slots)
        worth = [one if one > NEXT_TO_NOTHING else NEXT_TO_NOTHING for one in found.relevance]
        offers = Offers(history, worth, sizes, costs, kinds)
        if quoting:
            offers.quoted_up_to, offers.label = PLACED * layout.mark, (self._label("assistant"), self._label("user"))
            offers.whole_up_to = room // LARGEST
            for place in offers.largest(LOOKED_INTO):
                offers.passages += self._passages(history, place, found, worth[place])
            offers.passages.sort(key=lambda pair: -pair[0])
        return offers

    def _passages(self, history: History, place: int, found: Scores, worth: float) -> Iterator[tuple[int, Offer]]:
        """The passages of a message, each worth its share of the question's words and a part of the whole."""
        parts, who = passages(history[place]), speaker(history[place])
        hits = [sum(found.terms.get(term, 0.0) for term in part.terms) for part in parts]
        top = max(max(hits), NEXT_TO_NOTHING)
        for order, (part, hit) in enumerate(zip(parts, hits, strict=True)):
            quotation = Quotation(place, order, who, part.words)
            cost = max(self.size(user(f"{quotation}\n")) - self._framing, 1)
            value = worth * (hit / top + 1 / len(parts)) / 2
            yield int(value / max(cost, CHEAPEST) ** self.weights.price * FINE), Offer(place, quotation, cost)

    def why(self, history: History) -> dict[int, str]:
        """For each message before the newest part its relevance and where that comes from, in words."""
        if history.total(self.size) <= self.limit:
            return {}
        choice, found = self.choose(history), self.scores(history)
        kept = {id(message) for message in choice.view}
        quoted = {quotation.place for quotation in choice.quotations}
        reasons = {}
        for place, reason in enumerate(why_relevant(history, found)):
            fate = "" if id(history[place]) in kept else "quoted in the note: " if place in quoted else "worth less: "
            reasons[place] = fate + reason
        return reasons

    def scores(self, history: History) -> Scores:
        """The relevance of each message before the newest part, with its parts."""
        with self._lock:
            found = scores(history, self._index, self.weights)
        if self._vectors is None or not self.embedder or not found.relevance:
            return found
        _, asked = query(history)
        older = history[: len(found.relevance)]
        likeness = self.embedder.similarities(self._vectors(asked), [self._vectors(m) for m in older])
        self._vectors.keep(history, len(history))
        top = self.weights.meaning * (max(found.relevance) or 1.0)
        return found._replace(relevance=[r + top * s**2 for r, s in zip(found.relevance, likeness, strict=True)])


def _pieces(basket: Basket, values: list[Named], history: History, front: int) -> list[Sequence[Message]]:
    """The parts that are kept and the note, as pieces of a view."""
    kept = basket.layout.with_short_ends(basket.kept)
    quotations = [one for one in basket.quotations if basket.layout.part(one.place)[0] not in kept]
    if not quotations and not values:
        return basket.layout.pieces(kept, (), front)
    quoted = [history[place] for place in sorted({quotation.place for quotation in quotations})]
    return basket.layout.pieces(kept, note(quotations, quoted, lines(values)), front)
