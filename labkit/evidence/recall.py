"""Evidence recall: the share of questions whose evidence is still in what a strategy would send, at a budget.

A question is covered when all its evidence is still in the view. No model is called: kept is not answered.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from time import perf_counter
from typing import Any

from labkit.evidence.labelled import Labelled, LabelledQuestion
from labkit.messages import History, Message, Ruler, user
from labkit.repair import same_on_the_wire
from labkit.strategies import Step, apply
from labkit.text.words import searchable_text
from labkit.tokens import ESTIMATED_TOKENS

type AtBudget = Callable[[int], Step]

BUDGETS = (0.05, 0.10, 0.20, 0.40)
"""The shares of a history's tokens at which strategies are compared."""

RESAMPLES = 2_000
TURNS = 40
"""Turns over which a cache share is taken, so that a conversation of a million tokens takes minutes and not hours."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The fate of one question at one budget: whether all its evidence was still there, and the size of the view.

    `whole` is the stricter measure: every evidence message is in the view itself, not only in words quoted from it.
    `tokens` and `limit` are estimated tokens, `seconds` the time of the strategy.
    """

    conversation: str
    kind: str
    question: str
    share: float
    covered: bool
    whole: bool
    tokens: int
    limit: int
    seconds: float = field(default=0.0, compare=False)


def findings(labelled: Labelled, strategy: AtBudget, share: float, size: Ruler = ESTIMATED_TOKENS) -> Iterator[Finding]:
    """Ask every question of a conversation with `share` of the tokens before it, and look what is left.

    `strategy` makes a step for a limit in tokens; the question's own tokens come on top of the share.
    """
    for question in labelled.questions:
        before = labelled.history[: question.at]
        asked = before.append(user(question.ask))
        limit = _limit(asked, share, size)
        start = perf_counter()
        view = apply((strategy(limit),), asked)
        seconds = perf_counter() - start
        yield Finding(
            labelled.name,
            labelled.kind,
            question.ask,
            share,
            covers(view[:-1], question),
            _holds(view, before, question),
            view.total(size),
            limit,
            seconds,
        )


def cache_share(labelled: Labelled, strategy: AtBudget, share: float, size: Ruler = ESTIMATED_TOKENS) -> float:
    """Of all tokens sent while the conversation grows turn by turn, the share that the request before had sent too.

    That much a prompt cache can give back, where it is long enough for the model. The API reads a cache only up to
    where an earlier request ended, so a view that begins elsewhere has none. Source: Anthropic docs, Prompt caching
    (read August 2026). The limit is `share` of the whole conversation's tokens at every turn; the newest TURNS count.
    """
    history = labelled.history
    step = strategy(max(round(share * history.total(size)), 1))
    before, sent, again = History(), 0, 0
    for start in history.starts()[-TURNS:]:
        view = apply((step,), history[: start + 1])
        sent += view.total(size)
        again += before.total(size) if _begins(before, view) else 0
        before = view
    return again / max(sent, 1)


def _begins(before: Sequence[Message], view: Sequence[Message]) -> bool:
    return len(before) < len(view) and all(map(same_on_the_wire, before, view))


def _limit(asked: History, share: float, size: Ruler) -> int:
    return round(share * asked[:-1].total(size)) + size(asked[-1])


def covers(view: Sequence[Any], question: LabelledQuestion) -> bool:
    """True when all the evidence of a question is said in this view, word for word."""
    texts = [searchable_text(message) for message in view]
    return all(any(evidence.words in text for text in texts) for evidence in question.evidence)


def _holds(view: History, before: History, question: LabelledQuestion) -> bool:
    there = set(map(id, view))
    return all(any(id(before[place]) in there for place in evidence.places) for evidence in question.evidence)


@dataclass(frozen=True, slots=True)
class Recall:
    """Evidence recall: the share of questions covered, with a 95% confidence interval over conversations."""

    share: float
    low: float
    high: float
    questions: int
    conversations: int

    def __str__(self) -> str:
        """`84% [78, 90]`."""
        return f"{self.share:.0%} [{self.low * 100:.0f}, {self.high * 100:.0f}]"


def recall(found: Sequence[Finding], whole: bool = False, seed: int = 7) -> Recall:
    """Pool findings into a recall; the interval is a bootstrap that draws whole conversations, with a fixed seed.

    Raises ValueError where there is nothing to pool.
    """
    if not found:
        raise ValueError("there are no findings to pool: ask at least one question")
    by_name: dict[str, list[bool]] = {}
    for finding in found:
        by_name.setdefault(finding.conversation, []).append(finding.whole if whole else finding.covered)
    counts = [(sum(answers), len(answers)) for _, answers in sorted(by_name.items())]
    draw = Random(seed)
    means = sorted(_pooled(draw.choices(counts, k=len(counts))) for _ in range(RESAMPLES))
    low, high = means[round(0.025 * RESAMPLES)], means[round(0.975 * RESAMPLES) - 1]
    return Recall(_pooled(counts), low, high, len(found), len(counts))


def _pooled(counts: Sequence[tuple[int, int]]) -> float:
    return sum(covered for covered, _ in counts) / sum(asked for _, asked in counts)
