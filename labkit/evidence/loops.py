"""Evidence for loops: of the arguments that later calls need, how many are still readable when they are needed.

A run is a history with many tool rounds. Every request of it is shaped by the steps, and measured: estimated tokens,
what of it the prompt cache would read, dollars at the prices of a model, the goal, and the strings of the next call's
arguments that were said or found before. Nobody's model is asked: readable is not used. Taught in notebook 10.
"""

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from labkit.costs import Cost, cost
from labkit.messages import History, Message
from labkit.models import DEFAULT_MODEL, Model, find
from labkit.repair import same_on_the_wire
from labkit.strategies import Step, apply
from labkit.text.names import SHORTEST, names
from labkit.tokens import Usage, estimator
from labkit.transcript import readable

LONGEST = 80
"""Characters up to where an argument counts as one string; of a longer one, such as a command, its names count."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a run: its tokens (all, and those that the cache reads), its dollars with the reply, whether the
    goal is in it, and two pairs: of the strings that the next calls need, how many there are and how many it holds; of
    these calls, how many there are and how many have all their strings in it.
    """

    tokens: int
    read: int
    cost: Cost
    goal: bool
    needed: int
    found: int
    calls: int
    served: int


@dataclass(frozen=True, slots=True)
class Findings:
    """The figures of a run's requests."""

    requests: tuple[Request, ...]

    @property
    def tokens(self) -> int:
        """All input tokens."""
        return sum(request.tokens for request in self.requests)

    @property
    def largest(self) -> int:
        """The tokens of the largest request."""
        return max(request.tokens for request in self.requests)

    @property
    def read_share(self) -> float:
        """The share of the input that the cache reads."""
        return sum(request.read for request in self.requests) / max(self.tokens, 1)

    @property
    def dollars(self) -> float:
        """The whole bill."""
        return sum((request.cost for request in self.requests), Cost()).dollars

    @property
    def goal_share(self) -> float:
        """The share of the requests that hold the goal."""
        return sum(request.goal for request in self.requests) / len(self.requests)

    @property
    def readable(self) -> float:
        """The share of the needed strings that were there when they were needed; 1 where none was needed."""
        needed = sum(request.needed for request in self.requests)
        return sum(request.found for request in self.requests) / needed if needed else 1.0

    @property
    def served(self) -> float:
        """The share of the calls whose needed strings were all there; 1 where there is no call."""
        calls = sum(request.calls for request in self.requests)
        return sum(request.served for request in self.requests) / calls if calls else 1.0

    def over(self, budget: int) -> int:
        """Return how many requests are larger than a budget."""
        return sum(request.tokens > budget for request in self.requests)


def measured(run: History, steps: Sequence[Step], model: str | Model = DEFAULT_MODEL) -> Findings:
    """Shape every request of a run by the steps and measure it; tokens are estimates for the messages alone."""
    row, found, before = find(model), list[Request](), History()
    ruler, texts = estimator(row), _Texts(run)
    for place, end in pairwise([*run.replies(), len(run)]):
        past = run[:place]
        view = apply(steps, past, row.binds_thinking)
        tokens, read = view.total(ruler), view[: _common(before, view)].total(ruler)
        said = texts.of(view)
        needs = [needed(call, texts, past) for call in _calls(run[place:end])]
        bill = cost(Usage(0, ruler(run[place]), tokens - read, read, 1), row)
        goal = readable(past[past.newest_start()]) in said
        served = [sum(one in said for one in each) for each in needs]
        whole = sum(map(operator.eq, map(len, needs), served))
        found.append(Request(tokens, read, bill, goal, sum(map(len, needs)), sum(served), len(needs), whole))
        before = view
    return Findings(tuple(found))


class _Texts:
    """The words of messages, each read once."""

    def __init__(self, run: History) -> None:
        self._known = {id(message): readable(message) for message in run}
        self._run = run  # an id is that of its message only while the message lives

    def of(self, messages: Sequence[Message]) -> str:
        """Return all that these messages say."""
        return "\n".join(self._known.get(id(message)) or readable(message) for message in messages)


def _common(before: History, view: History) -> int:
    """Return how many messages a request begins with that the one before it began with too."""
    pairs = enumerate(zip(before, view, strict=False))
    return next((place for place, pair in pairs if not same_on_the_wire(*pair)), min(len(before), len(view)))


def _calls(reply: Sequence[Message]) -> Iterator[Any]:
    return (block["input"] for message in reply for block in message.blocks if block["type"] == "tool_use")


def needed(given: Any, texts: _Texts, past: History) -> set[str]:
    """Return the strings in a call's arguments that were said or found before the newest round.

    What the newest round says is left out, because every step keeps it.
    """
    newest = past.newest_reply() or len(past)
    earlier, recent = texts.of(past[:newest]), texts.of(past[newest:])
    return {one for one in _strings(given) if one in earlier and one not in recent}


def _strings(given: Any) -> Iterator[str]:
    """Yield the short arguments of a call, and of long ones, such as a command, the names and numbers in them."""
    if isinstance(given, Mapping):
        given = list(given.values())
    if isinstance(given, list | tuple):
        for one in given:
            yield from _strings(one)
    elif not isinstance(given, bool) and len(text := str(given).strip()) >= SHORTEST:
        if len(text) <= LONGEST and "\n" not in text:
            yield text
        else:
            yield from names(text)
