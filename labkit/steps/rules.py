"""Rules kept: a step that carries every rule word for word in one pinned note, at most 50 tokens a rule.

A window, a score and a summary lose a rule like any other sentence, because nothing in 'never call' looks important.
The note is the user's own message, so that no rule changes whose words it is. Taught in notebook 09.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.messages import History, Message, assistant, join, user
from labkit.repair import compacted_end
from labkit.strategies import Step, apply
from labkit.text.rules import Rule, rules_of

NOTE_FLAG = "rules"
HEADING = "Rules so far:"
NOTED = "Noted."


@dataclass(frozen=True, slots=True)
class KeepRules:
    """Carry on word for word what users and the system forbade, ordered or limited.

    Without `steps` a pinned note with all rules before the newest turn is put at the start: place it before the steps
    that prune, which count the note in their limit. With `steps` these are run first, and the note is made only when
    they lose a rule, so that nothing is said twice while all is sent. A rule takes at most 50 tokens (estimated): of a
    longer sentence the clauses from its first rule word on are carried.
    """

    steps: tuple[Step, ...] = ()
    keeps_whole_exchanges: ClassVar[bool] = True

    def __call__(self, history: History) -> History:
        """The history with its rules in a note, or what the steps make of it when they lose none."""
        plain = _without_note(history)
        view = apply(self.steps, plain)
        if self.steps and not lost_rules(view, plain):
            return view
        return apply(self.steps, _noted(plain))

    def rules(self, history: Sequence[Message]) -> list[Rule]:
        """The rules that the note carries, the newest last."""
        history = History.of(history)
        return rules_of(_without_note(history[: history.newest_start()]))

    def why(self, history: History) -> Mapping[int, str]:
        """For each message with a rule, the rule that it is kept for."""
        found = {place: rules_of([message]) for place, message in enumerate(history)}
        return {place: f"a rule: {rules[0].text!r}" for place, rules in found.items() if rules}


def lost_rules(view: Iterable[Message], history: Iterable[Message]) -> list[Rule]:
    """The rules of a history that no user or system message of a view says word for word."""
    said = "\n".join(message.text for message in view if message.role != "assistant").casefold()
    return [rule for rule in rules_of(history) if rule.text.removesuffix(" ...").casefold() not in said]


def is_note(message: Message) -> bool:
    """True for the two messages of the note of rules."""
    return NOTE_FLAG in message.flags


def _without_note(history: History) -> History:
    kept = [message for message in history if not is_note(message)]
    return history if len(kept) == len(history) else History(kept)


def _noted(history: History) -> History:
    """The history with the note after what is compacted; the same history when it has no rule or no place for it."""
    rules = rules_of(history[: history.newest_start()])
    place = next((start for start in history.starts() if start >= compacted_end(history)), None)
    return history if place is None or not rules else join((history[:place], note(rules), history[place:]))


def note(rules: Sequence[Rule]) -> tuple[Message, Message]:
    """The pair of pinned messages that carries rules; those of the system are marked as the system's."""
    lines = [HEADING, *(f"- {'(system) ' if rule.role == 'system' else ''}{rule.text}" for rule in rules)]
    return (
        user("\n".join(lines), pinned=True, flags=(NOTE_FLAG,)),
        assistant(NOTED, flags=(NOTE_FLAG,)),
    )
