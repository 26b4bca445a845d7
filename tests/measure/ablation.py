"""The ablation: each part of the relevance score alone and left out, as rows for the evidence table.

`python -m labkit.evidence own --part dev --strategy tests.measure.ablation:ROWS` prints it, `--part unseen` the part
that was kept apart while tuning; with MiniLM see `with_minilm`. About two minutes a part, without network.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from labkit.evidence.strategies import STEPS, AtBudget, referring
from labkit.steps.importance import KeepImportant
from labkit.steps.relevance.choice import Relevance
from labkit.steps.relevance.scores import Weights
from labkit.strategies import Step
from labkit.text.embedding import Embedder, MiniLM

DEFAULT = Weights()
NOTHING = Weights(reply=0, near=0, speaker=0, kind=0, recency=0, prior=0, price=0, note=0)


def relevance(weights: Weights = DEFAULT, **different: float) -> AtBudget:
    """Relevance with other weights."""
    return lambda limit: Relevance(limit, weights=replace(weights, **different))


ROWS: Mapping[str, AtBudget] = {
    **STEPS,
    "importance with references": referring(KeepImportant),
    "BM25 alone": relevance(NOTHING),
    "BM25 by price": relevance(NOTHING, price=DEFAULT.price),
    "BM25 and spread": relevance(NOTHING, reply=DEFAULT.reply, near=DEFAULT.near),
    "BM25 and importance": relevance(NOTHING, prior=DEFAULT.prior),
    "BM25 and note": relevance(NOTHING, note=1, price=DEFAULT.price),
    **{f"all but {name}": relevance(**{name: 0}) for name in ("reply", "near", "speaker", "kind", "recency")},
    **{f"all but {name}": relevance(**{name: 0}) for name in ("prior", "price", "note")},
    "relevance with references": referring(relevance(), 0.9),
}


class Remembering:
    """An embedder that embeds each text once in its life: the table asks for the same texts again and again."""

    def __init__(self, embedder: Embedder) -> None:
        self.threshold = embedder.threshold
        self.embed = cache(embedder.embed)
        self.similarities = embedder.similarities


@cache
def minilm() -> Remembering:
    """MiniLM, loaded once."""
    return Remembering(MiniLM())


def with_minilm(limit: int) -> Step:
    """Relevance that reads meaning too: `--strategy tests.measure.ablation:with_minilm`; needs the semantic extra."""
    return Relevance(limit, embedder=minilm())
