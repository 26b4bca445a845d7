"""Rivals: ways to choose history that are not labkit's, written here by their rule, for the evidence table.

BM25 as in Robertson and Zaragoza, The Probabilistic Relevance Framework (2009). LangChain's trim by the rule of
`trim_messages` with `strategy="last"` and `start_on="human"`, which its documentation recommends for a chat; the
package is not run. The words are not verified.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import ClassVar

from labkit.evidence.recall import AtBudget
from labkit.messages import History, join
from labkit.steps.relevance.basket import Basket
from labkit.steps.relevance.layout import Layout
from labkit.strategies import Step
from labkit.text.words import searchable_text, terms
from labkit.tokens import ESTIMATED_TOKENS

K1, B = 1.2, 0.75
"""BM25's two constants, as most search engines set them."""


@dataclass(frozen=True)
class PlainBM25:
    """Single messages in the order of BM25 for the newest one, of equals the later first, while they fit.

    Nothing is quoted; an exchange of which a part is kept has labkit's placeholders, so that the result can be sent.
    """

    limit: int
    keeps_whole_exchanges: ClassVar[bool] = True

    def __call__(self, history: History) -> History:
        """The messages that share most with the question."""
        layout = Layout(history, ESTIMATED_TOKENS)
        bare = layout.pieces(layout.with_short_ends(layout.musts), (), 0)
        basket = Basket(layout, self.limit - layout.total(bare))
        scores = bm25_scores([searchable_text(m) for m in history[:-1]], searchable_text(history[-1]))
        for place in sorted(range(len(scores)), key=lambda at: (-scores[at], -at)):
            if (part := layout.part(place))[0] not in basket.kept:
                basket.keep(part)
        return join(layout.pieces(layout.with_short_ends(basket.kept), (), 0))


def bm25_scores(texts: Sequence[str], question: str) -> list[float]:
    """The BM25 score of each text for a question."""
    bags = [Counter(terms(text)) for text in texts]
    mean = sum(bag.total() for bag in bags) / max(len(bags), 1) or 1.0
    scores = [0.0] * len(bags)
    for term, weight in Counter(terms(question)).items():
        having = sum(term in bag for bag in bags)
        rarity = log(1 + (len(bags) - having + 0.5) / (having + 0.5))
        for at, bag in enumerate(bags):
            if count := bag[term]:
                long = K1 * (1 - B + B * bag.total() / mean)
                scores[at] += weight * rarity * count * (K1 + 1) / (count + long)
    return scores


def langchain_trim(limit: int) -> Step:
    """The newest messages that fit, then from the first of the user on that is no tool result."""

    def trim(history: History) -> History:
        """The newest messages, from one of the user on."""
        fitting = (at for at in history.starts() if history[at:].total(ESTIMATED_TOKENS) <= limit)
        return history[next(fitting, history.starts()[-1]) :]

    return trim


RIVALS: Mapping[str, AtBudget] = {"BM25": PlainBM25, "LangChain's trim (its rule)": langchain_trim}
"""The rivals, by the names that the table gives them."""
