"""Covering: the parts of a history with tools that together name most identifiers for their price.

For messages that stay as they are: where no note may carry identifiers, the messages that name them come first.
"""

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heapreplace

from labkit.steps.relevance.identifiers import LISTED, Named, is_opaque
from labkit.steps.relevance.layout import Layout


def covering(named: Sequence[tuple[Named, ...]], layout: Layout, kept: set[int], price: float) -> Iterator[int]:
    """Yield the first places of parts: each time the one that names most of what no kept part names, for its price.

    `named` are the values of each message, `kept` the parts kept so far, to which the caller adds while it takes parts;
    `price` is the power of the cost that the number of values is divided by. Greedy choice for coverage at a cost, as
    in Khuller, Moss and Naor, The Budgeted Maximum Coverage Problem (1999).
    """
    held = {first: _identifiers(named[slice(*span)]) for first, span in layout.spans(len(named))}
    used = {key for values in held.values() for key, is_used in values.items() if is_used}
    covered = {key for first in kept for key in held.get(first, ())}

    def worth(first: int) -> float:
        """The values that a part would add, for its price."""
        missing = held[first].keys() - covered
        count = len(missing & used) + LISTED * len(missing - used)
        return count / float(max(layout.price(layout.part(first), kept), 1) ** price)

    ranking = [(-worth(first), -first) for first in held if first not in kept]
    heapify(ranking)
    while ranking:
        before, place = ranking[0]
        now = -worth(-place)
        if now == 0:
            heappop(ranking)
        elif now > before:  # worth falls as others are kept: it may no longer be the first
            heapreplace(ranking, (now, place))
        else:
            heappop(ranking)
            yield -place
            if -place in kept:
                covered |= held[-place].keys()


def _identifiers(named: Sequence[tuple[Named, ...]]) -> dict[str, bool]:
    """The identifiers of a part, and whether it uses each or only lists it."""
    found: dict[str, bool] = {}
    for value in (value for values in named for value in values if is_opaque(value.words)):
        key = value.words.lower()
        found[key] = found.get(key, False) or value.used
    return found
