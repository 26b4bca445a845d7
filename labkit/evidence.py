"""Evidence: what a later question still finds in what a strategy would send, at a budget.

A labelled conversation has questions, each with the words of earlier messages that it cannot be answered without. A
question is covered when all of them are still in the view. No model is called: kept is not answered. The project's own
labelled set is described in `labkit/data/conversations/README.md`. Taught in notebook 08.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from random import Random
from typing import Any

from labkit.messages import History, Ruler, user
from labkit.strategies import Step, apply
from labkit.tokens import estimator
from labkit.words import said

type AtBudget = Callable[[int], Step]

BUDGETS = (0.05, 0.10, 0.20, 0.40)
"""The shares of a history's tokens at which strategies are compared."""

RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words that an answer needs, and the places of the messages that say them: any one of these will do."""

    words: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A message asked after the first `at` messages of a conversation, and the evidence that it needs, all of it."""

    ask: str
    at: int
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A conversation with questions: its name, kind (chat, long, tools), part (dev, unseen), and what it is about."""

    name: str
    kind: str
    part: str
    about: str
    history: History
    questions: tuple[Question, ...]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Labelled":
        """Read one from its JSON form."""
        questions = tuple(
            Question(q["ask"], q["at"], tuple(Evidence(e["words"], tuple(e["places"])) for e in q["evidence"]))
            for q in data["questions"]
        )
        said_so_far = History(data["messages"])
        return cls(data["name"], data["kind"], data["part"], data["about"], said_so_far, questions)


def labelled_set(part: str = "") -> list[Labelled]:
    """The conversations that are shipped with labkit, by name: all of them, or those of one part (dev, unseen)."""
    folder = files("labkit").joinpath("data/conversations")
    texts = [file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".json")]
    found = sorted((Labelled.of(json.loads(text)) for text in texts), key=lambda labelled: labelled.name)
    return [labelled for labelled in found if part in ("", labelled.part)]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one question at one budget: whether all its evidence was still there, and what was sent.

    `whole` is the stricter measure: every evidence message stands in the view itself, not only in words quoted from it.
    `tokens` and `limit` are estimated tokens.
    """

    conversation: str
    kind: str
    question: str
    share: float
    covered: bool
    whole: bool
    tokens: int
    limit: int


def findings(labelled: Labelled, strategy: AtBudget, share: float, size: Ruler | None = None) -> Iterator[Finding]:
    """Ask every question of a conversation with `share` of the tokens before it, and look what is left.

    `strategy` makes a step for a limit in tokens; the question's own tokens come on top of the share.
    """
    size = size or estimator()
    for question in labelled.questions:
        before = labelled.history[: question.at]
        asked = before.append(user(question.ask))
        limit = round(share * before.total(size)) + size(asked[-1])
        view = apply((strategy(limit),), asked)
        yield Finding(
            labelled.name,
            labelled.kind,
            question.ask,
            share,
            covers(view[:-1], question),
            _holds(view, before, question),
            view.total(size),
            limit,
        )


def covers(view: Sequence[Any], question: Question) -> bool:
    """True when all the evidence of a question is said in this view, word for word."""
    texts = [said(message) for message in view]
    return all(any(evidence.words in text for text in texts) for evidence in question.evidence)


def _holds(view: History, before: History, question: Question) -> bool:
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
