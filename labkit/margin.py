"""The margin: what a small change of the limit would add to what a step keeps, or lose from it."""

from dataclasses import replace
from typing import Any, NamedTuple

from labkit.messages import History, Message
from labkit.settling import stands_for
from labkit.strategies import apply


class Margin(NamedTuple):
    """Messages by their places in the history: `lost` with `less` room, `added` with `more`; both limits as used."""

    less: int
    lost: dict[int, Message]
    more: int
    added: dict[int, Message]


def margin(step: Any, history: History, change: float = 0.1) -> Margin:
    """What a step would lose with a limit smaller by `change` (a share of it), and what it would add with a larger one.

    `step` is any dataclass with a `limit`, such as KeepRecent, Prune, KeepImportant or Relevance. Only messages kept
    whole count. Raises ValueError for a change outside 0 to 1, TypeError for a step without a limit.
    """
    if not 0 < change < 1:
        raise ValueError(f"a change of {change:g} is not between 0 and 1: 0.1 means a tenth of the limit")
    if not isinstance(getattr(step, "limit", None), int):
        raise TypeError(f"step {step!r} has no limit that could change: give one such as KeepRecent or Relevance")
    by = max(round(step.limit * change), 1)
    less, more = max(step.limit - by, 1), step.limit + by
    now, smaller, larger = (_kept(replace(step, limit=limit), history) for limit in (step.limit, less, more))
    return Margin(
        less,
        {place: history[place] for place in sorted(now - smaller)},
        more,
        {place: history[place] for place in sorted(larger - now)},
    )


def _kept(step: Any, history: History) -> set[int]:
    view = apply((step,), history)
    there = set(map(id, view))
    found = stands_for(history, view)
    return {place for places in found if places for place in places if id(history[place]) in there}
