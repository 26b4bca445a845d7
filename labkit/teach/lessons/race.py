"""One recorded conversation, and what each history strategy would have sent of it, turn by turn, without sending it.

The sizes are those that were billed for the recording, so that a slider can move a whole race in milliseconds.
"""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING

from labkit.messages import History, Message, assistant, user
from labkit.models import DEFAULT_MODEL, find
from labkit.request_log import Sent
from labkit.strategies import KeepRecent, Step, apply, full_history
from labkit.summarization import SUMMARY_PREFIX, ClaudeSummarizer, is_summary, replaced, split, too_early
from labkit.tokens import Usage, estimator
from labkit.turn import run

if TYPE_CHECKING:
    import anthropic

type Condense = Callable[[History], tuple[str, Usage]]


@dataclass(frozen=True, slots=True)
class Fact:
    """An exact detail, the turn that gave it, and the question that asks for it later."""

    turn: int
    detail: str
    ask: str

    @property
    def said(self) -> str:
        """The sentence that gave it, without the question after it."""
        return TURNS[self.turn - 1].rpartition(". ")[0] + "."


_DATA = tomllib.loads(files("labkit.teach.lessons").joinpath("race.toml").read_text("utf-8"))
TURNS: tuple[str, ...] = tuple(_DATA["turns"])
"""The learner's lines of the recorded conversation, turn by turn."""
FACTS: tuple[Fact, ...] = tuple(Fact(**fact) for fact in _DATA["facts"])
"""The details planted in it, oldest first."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One request of a strategy: its input tokens by part, the reply's tokens, how many of the input a prompt cache
    already had, and the summary call that followed it.
    """

    system: int
    summary: int
    history: int
    current: int
    reply: int
    repeated: int
    messages: int
    summing: Usage
    after: History

    @property
    def total(self) -> int:
        """All input tokens."""
        return self.system + self.summary + self.history + self.current

    def usage(self, cached: bool, least: int) -> Usage:
        """The bill: plain, or as automatic prompt caching splits it when `least` tokens are the shortest prefix
        that is cached.
        """
        if not cached or self.total < least:
            return Usage(self.total, self.reply, 0, 0, 1)
        read = self.repeated if self.repeated >= least else 0
        return Usage(0, self.reply, self.total - read, read, 1)


class Race:
    """The requests that strategies send of one conversation: `log` is its recording with the full history, `condense`
    writes summaries and gives their cost.
    """

    def __init__(self, log: Sequence[Sent], condense: Condense, model: str = DEFAULT_MODEL) -> None:
        """Take the recording apart into messages and their sizes; ValueError when it does not hold the full history."""
        self.model, self._condense = model, condense
        self._estimate = estimator(model)
        said = History(log[-1].messages) if log else History()
        if len(said) != 2 * len(log) - 1:
            raise ValueError(f"a race needs the log of a full history, but request {len(log)} has {len(said)} messages")
        self.talk = said.append(assistant("".join(block["text"] for block in log[-1].reply["content"])))
        self._measure(log)
        self.legs = lru_cache(maxsize=256)(self._legs)

    def _measure(self, log: Sequence[Sent]) -> None:
        bills = [sent.usage for sent in log]
        asked = [bill.total_input - old.total_input - old.output_tokens for old, bill in pairwise(bills)]
        self._sizes = dict(zip(self.talk[2::2], asked, strict=True))
        off = sum(asked) / sum(map(self._estimate, self._sizes)) if asked else 1.0
        self._sizes[self.talk[0]] = round(self._estimate(self.talk[0]) * off)
        self._sizes |= zip(self.talk[1::2], (bill.output_tokens for bill in bills), strict=True)
        self.system = bills[0].total_input - self._sizes[self.talk[0]]

    def _ruler(self, message: Message) -> int:
        return self._sizes.get(message) or self._estimate(message)

    @property
    def turns(self) -> int:
        """The number of recorded turns."""
        return len(self.talk) // 2

    @property
    def least(self) -> int:
        """The shortest prefix, in tokens, that the model's prompt cache takes."""
        return find(self.model).cache_minimum or 0

    def full(self) -> tuple[Leg, ...]:
        """Every request with the full history."""
        return self.legs(full_history)

    def window(self, size: int) -> tuple[Leg, ...]:
        """Every request with a sliding window of `size` messages."""
        return self.legs(KeepRecent(size))

    def smart(self, threshold: int, keep: int = 4) -> tuple[Leg, ...]:
        """Every request with a summary above `threshold` input tokens and the newest `keep` turns word for word."""
        return self.legs(full_history, threshold, keep)

    def _legs(self, step: Step, threshold: int = 0, keep: int = 4) -> tuple[Leg, ...]:
        legs: list[Leg] = []
        working, before = History(), History()
        for place in range(self.turns):
            asked, reply = self.talk[2 * place], self.talk[2 * place + 1]
            working = working.append(asked)
            view = apply((step,), working)
            kept = bool(before) and before.begins(view)
            parts = self._parts(view)
            working, spent = working.append(reply), Usage()
            if threshold and sum(parts) > threshold:
                working, spent = self._condensed(working, threshold, sum(parts), keep)
            repeated = legs[-1].total if kept else 0
            legs.append(Leg(*parts, self._ruler(reply), repeated, len(view), spent, working))
            before = view
        return tuple(legs)

    def _parts(self, view: History) -> tuple[int, int, int, int]:
        told = sum(self._ruler(message) for message in view[:2] if is_summary(message))
        current = self._ruler(view[-1])
        return self.system, told, view.total(self._ruler) - told - current, current

    def _condensed(self, history: History, threshold: int, billed: int, keep: int) -> tuple[History, Usage]:
        old, recent = split(history, keep)
        if not old or too_early(history, old, threshold, billed, self._estimate, self.system):
            return history, Usage()
        text, spent = self._condense(old)
        shorter = replaced(history, recent, text)
        pair = next(message for message in shorter if is_summary(message))
        self._sizes[pair] = spent.output_tokens + self._estimate(user(SUMMARY_PREFIX))
        return shorter, spent

    def known(self, legs: Sequence[Leg], turns: int, step: Step = full_history) -> tuple[Fact, ...]:
        """The facts given so far whose detail the request after `turns` turns would carry."""
        view = apply((step,), legs[turns - 1].after.append(user("?")))
        text = "\n".join(message.text for message in view)
        return tuple(fact for fact in facts_of(turns) if fact.detail in text)

    def bill(self, legs: Sequence[Leg], turns: int, cached: bool = False) -> list[Usage]:
        """The usage of every request of the first `turns` turns; the calls for summaries, never cached, among them."""
        usages = [leg.usage(cached, self.least) for leg in legs[:turns]]
        return usages + [leg.summing for leg in legs[:turns] if leg.summing.requests]


def summaries_by(client: "anthropic.Anthropic") -> Condense:
    """Have summaries written by Claude through this client: a function from a history to the text and what it cost."""
    return lambda old: run(ClaudeSummarizer().calls(old), client.messages.create)


def facts_of(turns: int) -> tuple[Fact, ...]:
    """The facts that the first `turns` turns tell."""
    return tuple(fact for fact in FACTS if fact.turn <= turns)
