"""Relevance: history chosen for the message at hand, bought by relevance per token, each choice with its reasons.

What fits is kept as whole exchanges; of the rest the passages that matter most are quoted word for word in a note at
the beginning. Standard library only, the same choice on every platform; an embedder may add to it. The choice follows
the question, so a prompt cache rarely survives it. Taught in notebook 04.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Lock
from typing import Any, ClassVar, NamedTuple

from labkit.messages import History, Ruler, in_open_round, join, user
from labkit.repair import compacted_end, first_reply
from labkit.steps.importance import importance_of_names
from labkit.steps.relevance.basket import Basket, Offer
from labkit.steps.relevance.index import RelevanceIndex
from labkit.steps.relevance.quotations import Quotation, note, passages, speaker
from labkit.steps.relevance.reasons import why_relevant
from labkit.steps.relevance.scores import NEUTRAL, Scores, Weights, query, scores
from labkit.strategies import check_limit
from labkit.text.embedding import Embedder
from labkit.text.once import Once
from labkit.text.words import said
from labkit.tokens import ESTIMATED_TOKENS

DEFAULT_WEIGHTS = Weights()
LOOKED_INTO = 100
"""So many messages, the most promising ones, are looked at passage by passage."""
FRAME_SHARE = 10
"""A note is written where its frame takes at most a tenth of the room, or a third of a middling exchange."""
UNNAMED = 0.4
"""What a passage without any digit keeps of its message's importance."""


class Choice(NamedTuple):
    """What is kept of a history: the exchanges as (first, end) places, which of them whole, and what is quoted."""

    bounds: list[tuple[int, int]]
    whole: set[int]
    quotations: list[Quotation]


@dataclass(frozen=True, slots=True)
class Relevance:
    """Keep what the message at hand needs, within `limit`: the exchanges worth most per token, and a note of passages.

    `size` measures a message, estimated tokens by default; `weights` are the parts of relevance; `embedder` adds
    likeness of meaning to shared words. The newest exchange and what is pinned stay even where they alone outgrow the
    limit; what is left over goes to what is recent and important. Raises ValueError for a limit below 1.
    """

    limit: int
    size: Ruler = ESTIMATED_TOKENS
    weights: Weights = DEFAULT_WEIGHTS
    embedder: Embedder | None = None
    keeps_whole_exchanges: ClassVar[bool] = True
    _index: RelevanceIndex = field(
        default_factory=lambda: RelevanceIndex(importance_of_names), init=False, repr=False, compare=False
    )
    _vectors: Once[Any] | None = field(init=False, repr=False, compare=False)
    _lock: Any = field(default_factory=Lock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a limit in which nothing fits."""
        check_limit(self.limit)
        embed = self.embedder.embed if self.embedder else None
        object.__setattr__(self, "_vectors", Once(lambda message: embed(said(message))) if embed else None)

    def __call__(self, history: History) -> History:
        """The exchanges that are kept, in order, behind a note of what is quoted from the others.

        While tools are called the choice stays that of the question, so that each request of a loop begins with the one
        before; the rounds come on top of the limit.
        """
        asked = _up_to_the_question(history)
        if asked.total(self.size) <= self.limit:
            return history
        return join((_view(asked, self.choose(asked)), history[len(asked) :]))

    def choose(self, history: History) -> Choice:
        """What to keep of a history that does not fit."""
        bounds = list(pairwise(history.edges()))
        staying = {len(bounds) - 1, *_exchanges_of(history.staying(), bounds)}
        room = self.limit - sum(history[slice(*bounds[at])].total(self.size) for at in staying)
        if room <= 0:
            return Choice(bounds, staying, [])
        frame = sum(map(self.size, note([], ())))
        quoting = bool(self.weights.note) and _worth_a_note(frame, room, history, bounds, self.size)
        basket = Basket(room - frame if quoting else room, set(staying))
        basket.buy(self._offers(history, bounds, staying, quoting))
        return self._fitting(history, Choice(bounds, basket.whole, basket.quotations))

    def _fitting(self, history: History, choice: Choice) -> Choice:
        while choice.quotations and _view(history, choice).total(self.size) > self.limit:
            choice.quotations.pop()
        return choice

    def _offers(
        self, history: History, bounds: list[tuple[int, int]], staying: set[int], quoting: bool
    ) -> Iterator[Offer]:
        found = self.scores(history)
        worth = _worth(found, self.weights)
        for at, (first, end) in enumerate(bounds):
            if at not in staying and (cost := history[first:end].total(self.size)):
                yield Offer(sum(worth[first:end]) / cost**self.weights.price, at, cost)
        if quoting:
            yield from self._passages(history, bounds, staying, found, worth)

    def _passages(
        self, history: History, bounds: list[tuple[int, int]], staying: set[int], found: Scores, worth: list[float]
    ) -> Iterator[Offer]:
        promising = sorted(range(len(worth)), key=lambda place: -worth[place])[:LOOKED_INTO]
        exchange = {place: at for at, span in enumerate(bounds) if at not in staying for place in range(*span)}
        unit = self.size(user("x")) - 1
        for place in promising:
            if place not in exchange:
                continue
            who, parts = speaker(history[place]), passages(history[place])
            for order, part in enumerate(parts):
                value = worth[place]
                if len(parts) > 1:
                    hits = sum(found.terms.get(term, 0.0) for term in part.terms)
                    importance = worth[place] - found.relevance[place]
                    named = importance * (1.0 if part.names else UNNAMED)
                    value = found.relevance[place] / (2 * len(parts) ** 0.5) + hits + named
                quoted = Quotation(place, order, who, part.words)
                cost = max(self.size(user(f"\n{quoted}")) - unit, 1)
                yield Offer(value / cost**self.weights.price, exchange[place], cost, quoted)

    def why(self, history: History) -> dict[int, str]:
        """For each message before the newest turn its relevance and where that comes from, in words."""
        history = _up_to_the_question(history)
        if history.total(self.size) <= self.limit:
            return {}
        choice, found = self.choose(history), self.scores(history)
        kept = {place for at in choice.whole for place in range(*choice.bounds[at])}
        quoted = {quotation.place for quotation in choice.quotations}
        reasons = dict(enumerate(why_relevant(history, found)))
        return {
            place: f"{'' if place in kept else 'quoted in the note: ' if place in quoted else 'worth less: '}{reason}"
            for place, reason in reasons.items()
        }

    def scores(self, history: History) -> Scores:
        """The relevance of each message before the newest turn, with its parts."""
        with self._lock:
            found = scores(history, self._index, self.weights)
        if self._vectors is None or not self.embedder or not found.relevance:
            return found
        _, asked = query(history)
        older = history[: history.newest_start()]
        likeness = self.embedder.similarities(self._vectors(asked), [self._vectors(m) for m in older])
        self._vectors.keep(history, len(history))
        top = self.weights.meaning * (max(found.relevance) or 1.0)
        return found._replace(relevance=[r + top * s**2 for r, s in zip(found.relevance, likeness, strict=True)])


def _up_to_the_question(history: History) -> History:
    return history[: first_reply(history)] if in_open_round(history) else history


def _exchanges_of(places: list[int], bounds: list[tuple[int, int]]) -> Iterator[int]:
    inside = {place: at for at, span in enumerate(bounds) for place in range(*span)} if places else {}
    return (inside[place] for place in places)


def _worth_a_note(frame: int, room: int, history: History, bounds: list[tuple[int, int]], size: Ruler) -> bool:
    middling = history.total(size) / len(bounds)
    return room > FRAME_SHARE * frame or (room > 3 * frame and middling > 3 * frame)


def _worth(found: Scores, weights: Weights) -> list[float]:
    top = max(found.relevance, default=0.0) or 1.0
    prior = weights.prior * top * (weights.thin if found.thin else 1.0)
    count = max(len(found.priors), 1)
    return [
        relevance + prior * max(importance - NEUTRAL, 0.0) + 1e-4 * top * place / count
        for place, (relevance, importance) in enumerate(zip(found.relevance, found.priors, strict=True))
    ]


def _view(history: History, choice: Choice) -> History:
    kept = [history[slice(*choice.bounds[at])] for at in sorted(choice.whole)]
    if not choice.quotations:
        return join(kept)
    quoted = sorted({quotation.place for quotation in choice.quotations})
    before = sum(choice.bounds[at][0] < compacted_end(history) for at in choice.whole)
    return join([*kept[:before], note(choice.quotations, [history[place] for place in quoted]), *kept[before:]])
