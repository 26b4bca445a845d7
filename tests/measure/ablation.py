"""The ablation: relevance with each of its parts left out, as rows for the evidence table.

`python -m labkit.evidence locomo10.json --strategy tests.measure.ablation:ROWS` prints it for a public set, with `own`
for the project's.
"""

from collections.abc import Mapping
from dataclasses import replace

from labkit.evidence.strategies import AtBudget
from labkit.steps.relevance.choice import Relevance
from labkit.steps.relevance.scores import Weights

NOTHING = Weights(reply=0, near=0, feedback=0, speaker=0, price=0, note=0)


def relevance(weights: Weights, **different: float) -> AtBudget:
    """Relevance with other weights."""
    return lambda limit: Relevance(limit, weights=replace(weights, **different))


PARTS = ("reply", "near", "feedback", "speaker", "price", "note")
ROWS: Mapping[str, AtBudget] = {
    "relevance": Relevance,
    **{f"without {name}": relevance(Weights(), **{name: 0}) for name in PARTS},
    "none of them": relevance(NOTHING),
}
