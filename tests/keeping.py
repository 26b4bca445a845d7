"""What the tests of the keeping steps share: how large a view may be, and talk to choose from."""

from labkit.messages import History, Ruler, assistant, in_open_round, user, without_thinking
from labkit.tokens import estimator

TOKENS = estimator()


def most(history: History, limit: int, size: Ruler = TOKENS) -> int:
    """The largest view that keeps a limit: the limit, or what must stay where that alone is more.

    The messages of an open tool round come on top, because `apply` passes them on behind what the steps see, and so
    does what the sentence that stands for thinking has more than the thinking.
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
