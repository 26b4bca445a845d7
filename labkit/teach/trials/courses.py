"""The trials of notebook 06's managers: each law with the conversations that test it, then random conversations.

The same answer gives the same conversations on every run and every machine, so that what is shown can be stored; that
is why the numbers come from `random.Random` and not from a library whose choices change with its version.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from random import Random
from typing import Any

from labkit.teach.checks.check import Untried
from labkit.teach.checks.deadline import processor_seconds
from labkit.teach.checks.exercise import Probe
from labkit.teach.trials.breaks import Break, Talk, broken, play, shrunk
from labkit.teach.trials.claude import TrialClaude
from labkit.teach.trials.laws import Law, api_words
from labkit.teach.trials.run import Run

SEARCH, SHRINK = 2.0, 2.0
"""Processor seconds for which new conversations are tried, and for which a failing one is made smaller: the result does
not depend on what else the machine does."""
LONGEST = 7
"""Moves of a random conversation at most."""


@dataclass(frozen=True)
class Course:
    """Laws in the order in which they are `taught`, each with its conversations, and random conversations of some
    `moves` that have to keep all of them, with a manager set up in one of some ways (`settings`).

    `wrap` makes a manager's class of an answer that is not one; `conversations` is how many random ones are tried.
    """

    taught: Mapping[Law, tuple[Talk, ...]]
    moves: tuple[str, ...]
    settings: tuple[Mapping[str, Any], ...]
    wrap: Callable[[Any], type]
    conversations: int

    passed = ", and no random conversation breaks it"

    def prepare(self) -> None:
        """Load the client, before the learner's time begins."""
        _warm()

    def probes(self) -> tuple[Probe, ...]:
        """Each law as a probe."""
        return tuple(Probe(law.claim, partial(self._kept, law, talks), law.hint) for law, talks in self.taught.items())

    def failing(self, answer: Any, claim: str) -> Break | None:
        """The smallest conversation found that breaks the law of this claim, or any law where there is none of it; None
        when none is found. Without a claim the random conversations are tried.
        """
        named = [law for law in self.taught if law.claim == claim]
        first = [(talk, (law,)) for law in (named or self.taught if claim else ()) for talk in self.taught[law]]
        kind, deadline, laws = self.wrap(answer), processor_seconds() + SEARCH, tuple(self.taught)
        for talk, held in first or ((self._talk(number), laws) for number in range(self.conversations)):
            if found := broken(kind, talk, held):
                return shrunk(kind, found, processor_seconds() + SHRINK)
            if processor_seconds() > deadline:
                break
        return None

    def _talk(self, number: int) -> Talk:
        """The random conversation of this number, the same on every machine."""
        draw = Random(f"conversation {number}").random
        moves = tuple(self.moves[int(draw() * len(self.moves))] for _ in range(2 + number % (LONGEST - 1)))
        return Talk(moves, self.settings[int(draw() * len(self.settings))])

    def _kept(self, law: Law, talks: Sequence[Talk], answer: Any) -> str:
        """Return "kept" if the law holds in these conversations; raises LawBroken if not, Untried if it never applied,
        and any error of the learner's code.
        """
        kind, runs = self.wrap(answer), []
        for talk in talks:
            runs.append(Run(kind, talk.settings))
            play(runs[-1], talk, (law,))
        if not any(law.needs.met(run, step) for run in runs for step in run.steps):
            refused = next((step.refused for run in runs for step in run.steps if step.refused), None)
            raise Untried(f"the API says: {api_words(refused).rstrip('.')}" if refused else law.needs.missing)
        return "kept"


@cache
def _warm() -> None:
    """Load the client once, so that no learner's time is spent on it."""
    far = TrialClaude()
    far.plan("say", "Hello.")
    message: Any = {"role": "user", "content": "Hello."}
    far.client.messages.create(model="claude-sonnet-4-6", max_tokens=16, messages=[message])


def course(
    taught: Mapping[Law, tuple[Talk, ...]],
    moves: str,
    settings: tuple[dict[str, Any], ...],
    wrap: Callable[[Any], type] = lambda answer: answer,
    conversations: int = 60,
) -> Course:
    """A course of these laws; `moves` are those of the random conversations, parted by commas."""
    return Course(taught, tuple(moves.split(", ")), settings, wrap, conversations)


def talks(*moves: str, **settings: Any) -> tuple[Talk, ...]:
    """Conversations from their moves, parted by commas, all with the same settings."""
    return tuple(Talk(tuple(one.split(", ")), settings) for one in moves)
