"""The part of a manager that keeps case facts and forgets on request; it sends nothing. Taught in notebook 09."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.case_facts import CaseFact, Contradiction, contradictions, history_of
from labkit.conversation import Conversation
from labkit.forgetting import Forgotten, forget_everywhere
from labkit.request_log import Log

if TYPE_CHECKING:
    from labkit.stores import Store


class FactWarning(UserWarning):
    """Two case facts contradict one another, and both are sent."""


class KeepsFacts:
    """The case facts of every manager; a manager has a `conversation` and a clock."""

    conversation: Conversation

    def _stamp(self) -> str | None:
        raise NotImplementedError("a manager says what time it is")

    def add_fact(self, text: str, source: str) -> None:
        """Add a case fact: every request carries it word for word at its start, and no step or summary touches it.

        Warns with FactWarning when it contradicts another fact: both stay, because without a key nothing says which of
        them holds.
        """
        self.conversation = self.conversation.with_fact(text, source, time=self._stamp())
        for found in self.contradictions:
            if found.later is self.conversation.facts[-1]:
                warnings.warn(str(found), FactWarning, stacklevel=2)

    def set_fact(self, key: str, text: str, source: str) -> None:
        """Set what is known about `key`: the value before it is sent no more, and summaries that say it lose it.

        `fact_history(key)` shows the older values. Raises ValueError for an empty key, text or source.
        """
        self.conversation = self.conversation.with_fact(text, source, key, self._stamp())

    def retract_fact(self, key: str) -> None:
        """Take a fact back: it is sent no more and is kept in its history. Raises KeyError for an unknown key."""
        self.conversation = self.conversation.without_fact(key, self._stamp())

    def fact_history(self, key: str) -> list[CaseFact]:
        """Every value that a fact had, the oldest first, each with its source and the time since when it was known."""
        return history_of(self.conversation.facts, self.conversation.past_facts, key)

    @property
    def facts(self) -> tuple[CaseFact, ...]:
        """The case facts that the next request carries, the newest last."""
        return self.conversation.facts

    @property
    def contradictions(self) -> list[Contradiction]:
        """The pairs of case facts that say different things of one subject and have no key that decides."""
        return contradictions(self.conversation.facts)

    def forget(
        self,
        what: str,
        stores: "tuple[str | Path | Store, ...]" = (),
        log: Log | None = None,
        recording: str | Path | None = None,
    ) -> Forgotten:
        """Forget words: in the transcript, the history, summaries, case facts, and in what else is given.

        `stores` are places where the conversation was saved, `log` a client's log of requests, `recording` the file of
        a replay. The report says what was reached and what could not be; print it. Raises ValueError for no words.
        """
        from labkit.stores import store_at

        places = tuple(store_at(place) for place in stores)
        self.conversation, report = forget_everywhere(self.conversation, what, places, log, recording)
        self._saved_again(report)
        return report

    def _saved_again(self, report: Forgotten) -> None:
        """Note which saves were rewritten; a manager that saves overrides it, so that its next save is no conflict."""
