"""What the managers of notebook 06 are put through: each law with the conversations that bring it to light, and after
them the random ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from labkit.teach.checks.exercise import Probe
from labkit.teach.trials.laws import Law
from labkit.teach.trials.search import Break, Talk, Trial, warm


@dataclass(frozen=True)
class Course:
    """A trial, and the laws in the order in which they are taught, each with conversations of its own."""

    trial: Trial
    taught: tuple[tuple[Law, tuple[Talk, ...]], ...]

    passed = ", and no random conversation breaks it"

    def prepare(self) -> None:
        """Load the client, before the learner's time begins."""
        warm()

    def probes(self) -> tuple[Probe, ...]:
        """Each law as a probe."""
        return tuple(Probe(law.claim, partial(self.trial.keeps, law, talks), law.hint) for law, talks in self.taught)

    def failing(self, answer: Any, claim: str) -> Break | None:
        """The smallest conversation found that breaks the law of this claim, or any law where there is none of it."""
        law = next((law for law, _ in self.taught if law.claim == claim), None)
        chosen = [pair for pair in self.taught if claim and law in (None, pair[0])]
        return self.trial.smallest(answer, [(talk, (one,)) for one, talks in chosen for talk in talks])


def course(
    taught: dict[Law, tuple[Talk, ...]],
    moves: str,
    settings: tuple[dict[str, Any], ...],
    wrap: Callable[[Any], type] = lambda answer: answer,
    conversations: int = 60,
) -> Course:
    """A course of these laws; `moves` are those of the random conversations, parted by commas."""
    trial = Trial(tuple(moves.split(", ")), tuple(taught), settings, wrap, conversations)
    return Course(trial, tuple(taught.items()))


def talks(*moves: str, **settings: Any) -> tuple[Talk, ...]:
    """Conversations from their moves, parted by commas, all with the same settings."""
    return tuple(Talk(tuple(one.split(", ")), settings) for one in moves)
