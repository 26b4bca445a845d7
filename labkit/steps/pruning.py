"""Pruning: steps that choose which exchanges go when there is no room for all, and which messages every step keeps.

Like every step they keep whole exchanges, the newest turn and what is pinned. Taught in notebook 04.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from labkit.messages import History, Message, Ruler, exchanges, join, one_message
from labkit.steps.tool_results import ClearToolResults as ClearToolResults
from labkit.strategies import KeepRecent, check_limit, unit

type Worth = Callable[[History], float]


def oldest_first(exchange: History) -> float:
    """All exchanges are worth the same, so that the oldest goes first: first in, first out."""
    return 0.0


def by_importance(exchange: History) -> float:
    """As important as the most important message inside, by the score on its metadata; 0.5 where there is none."""
    return max(0.5 if message.importance is None else message.importance for message in exchange)


@dataclass(frozen=True, slots=True)
class Prune:
    """Drop the exchanges that are worth least until the rest fits `limit`: FIFO by default, or by any `worth` of yours.

    `size` measures a message (messages by default, `estimator()` for tokens); of equals the oldest goes first. Raises
    ValueError for a limit below 1.
    """

    limit: int
    size: Ruler = one_message
    worth: Worth = oldest_first
    keeps_whole_exchanges: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse a limit in which nothing fits."""
        check_limit(self.limit)

    def __str__(self) -> str:
        """`at most 400 tokens, oldest first`."""
        by = getattr(self.worth, "__name__", "by a worth of your own").replace("_", " ")
        return f"at most {self.limit:,} {unit(self.size)}, {by}"

    def __call__(self, history: History) -> History:
        """The history without what was worth least."""
        over = history.total(self.size) - self.limit
        if over <= 0 or self.worth is oldest_first:
            return KeepRecent(self.limit, size=self.size)(history)
        parts = list(exchanges(history))
        may_go = [i for i, part in enumerate(parts[:-1]) if not part.staying()]
        dropped: set[int] = set()
        for place in sorted(may_go, key=lambda i: self.worth(parts[i])):
            if over <= 0:
                break
            dropped.add(place)
            over -= parts[place].total(self.size)
        return join(part for place, part in enumerate(parts) if place not in dropped)


@dataclass(frozen=True, slots=True)
class Pin:
    """Pin the messages for which `test` is true, so that every later step keeps them: place it before the step that
    prunes.
    """

    test: Callable[[Message], bool]

    def __str__(self) -> str:
        """`pins what is worth retaining`, by the name of the test."""
        return f"pins messages by {getattr(self.test, '__name__', 'a test of your own').strip('<>').replace('_', ' ')}"

    def __call__(self, history: History) -> History:
        """The same messages, some of them pinned."""
        return History(replace(m, pinned=True, replaces=(m,)) if not m.pinned and self.test(m) else m for m in history)


RETAINED_FLAGS = ("decision", "preference")


def worth_retaining(message: Message) -> bool:
    """True for tool results, and for messages flagged as a decision or a preference."""
    return "tool_result" in message.block_types() or any(flag in RETAINED_FLAGS for flag in message.flags)


retain_by_role = Pin(worth_retaining)
"""Role-based retention: tool results, decisions and preferences stay, however old they are."""
