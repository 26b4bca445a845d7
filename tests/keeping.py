"""Helpers of the keeping steps' tests: the largest view allowed, the faults of a view, and small talk."""

from labkit.messages import History, Message, Ruler, assistant, in_open_round, user, without_thinking
from labkit.tokens import estimator

TOKENS = estimator()


def most(history: History, limit: int, size: Ruler = TOKENS) -> int:
    """The largest view that keeps a limit: the limit, or what must stay where that alone is more.

    The messages of an open tool round come on top, because `apply` passes them on after those that the steps see, and
    so does the sentence in place of thinking where it is longer than the thinking.
    """
    opened = history.newest_start() + 1 if in_open_round(history) else len(history)
    closed, tail = history[:opened], history[opened:]
    edges = [0, *closed.starts()]
    openings = {max(edge for edge in edges if edge <= place) for place in closed.staying()} | {closed.newest_start()}
    must = sum(closed.exchange_at(place).total(size) for place in openings)
    thought = sum(max(size(without_thinking(message)) - size(message), 0) for message in closed)
    return max(limit, must) + tail.total(size) + thought


def small_talk(turns: int) -> History:
    """Exchanges in which nothing is said that a later question could need."""
    return History(
        [m for turn in range(turns) for m in (user(f"Nice day, isn't it {'very ' * turn}?"), assistant("Lovely!"))]
    )


def problems(view: History, history: History) -> list[str]:
    """The faults that make a view invalid, empty or wrong."""
    wrong = [] if view else ["empty"]
    wrong += [] if view and view[-1] == history[-1] else ["newest message gone"]
    wrong += [] if view and view[0].role == "user" else ["does not begin with the user"]
    wrong += [f"{m.text} unpinned" for m in history if m.pinned and not any(_same(m, kept) for kept in view)]
    calls: list[str] = []
    for message in view:
        answers = [b["tool_use_id"] for b in message.blocks if b["type"] == "tool_result"]
        wrong += [f"orphan {a}" for a in answers if a not in calls] + [
            f"unanswered {c}" for c in calls if c not in answers
        ]
        calls = [b["id"] for b in message.blocks if b["type"] == "tool_use"]
    return wrong


def _same(one: Message, other: Message) -> bool:
    return one is other or one in other.replaces
