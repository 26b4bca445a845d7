"""Case facts: what every request carries word for word, and what becomes of a fact that changes.

A fact with a key has one value at a time: the newest wins, the older ones are history and are sent no more. Without a
key nothing is ever merged; two facts that contradict one another are reported. Taught in notebook 09.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from labkit.blocks import well_formed
from labkit.messages import Message
from labkit.redaction import Redact, clean
from labkit.text.rules import sentences
from labkit.text.words import terms

_SUBJECT = re.compile(
    r"^(?P<subject>.{3,60}?)\s*(?::|=|\b(?:is|are|was|were|will be|has (?:moved|changed) to|has to be|must be|"
    r"lives? at|costs?)\b)\s*(?P<value>.+)$",
    re.I | re.S,
)


@dataclass(frozen=True, slots=True)
class CaseFact:
    """Something that must never be paraphrased, word for word, and where it was said or found.

    `key` names what the fact is about, so that a newer value takes its place; `time` is when it became known, ISO 8601
    text; `origin` says `tool` or `document` when no person said it. Raises ValueError without words or a source.
    """

    text: str
    source: str
    key: str | None = None
    time: str | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        """Refuse a fact without words or without a source, and a key without words; repair half surrogates."""
        if not self.text.strip() or not self.source.strip():
            raise ValueError(
                f"a case fact needs its words and their source, but got {self.text!r} from {self.source!r}"
            )
        if self.key is not None and not self.key.strip():
            raise ValueError(
                f"the key of the case fact {self.text!r} has no words: name what it is about, or leave it out"
            )
        object.__setattr__(self, "text", well_formed(self.text))
        object.__setattr__(self, "source", well_formed(self.source))

    def line(self) -> str:
        """The fact as a request carries it: `- address: 22 Harbour Road (source: message 9, since 2026-11-30)`."""
        about = f"{self.key}: " if self.key else ""
        since = f", since {self.time}" if self.time and self.key else ""
        whose = f"; a {self.origin}'s words, not the user's" if self.origin else ""
        return f"- {about}{self.text} (source: {self.source}{since}{whose})"

    def redacted(self, redact: Redact) -> "CaseFact":
        """A copy for a log or a store with `redact` applied to its texts."""
        key = clean(self.key, redact) if self.key else self.key
        return replace(self, text=clean(self.text, redact), source=clean(self.source, redact), key=key)


@dataclass(frozen=True, slots=True)
class PastFact:
    """A value that a fact had before: how it ended, `changed` or `retracted`, and when."""

    fact: CaseFact
    ended: Literal["changed", "retracted"]
    time: str | None = None


type Facts = tuple[CaseFact, ...]
type Past = tuple[PastFact, ...]


class Contradiction(NamedTuple):
    """Two facts without one key that say different things of the same subject."""

    earlier: CaseFact
    later: CaseFact

    def __str__(self) -> str:
        """Both sentences, and what to do about them."""
        return (
            f"{self.later.text!r} says otherwise than {self.earlier.text!r} ({self.earlier.source}); both are sent: "
            "give them one key with set_fact, or retract the one that is wrong"
        )


def same_key(one: str | None, other: str | None) -> bool:
    """True when two keys name the same thing; capitals and blanks do not matter."""
    return one is not None and other is not None and one.split() != [] and _plain(one) == _plain(other)


def _plain(key: str) -> str:
    return " ".join(key.casefold().split())


def changed(facts: Facts, past: Past, fact: CaseFact) -> tuple[Facts, Past]:
    """The facts and the past ones once this fact is known; a fact of the same key is past, the others stay."""
    old = [known for known in facts if same_key(known.key, fact.key)]
    kept = tuple(known for known in facts if not same_key(known.key, fact.key))
    gone = tuple(PastFact(known, "changed", fact.time) for known in old if known.text != fact.text)
    return (*kept, fact), (*past, *gone)


def retracted(facts: Facts, past: Past, key: str, time: str | None = None) -> tuple[Facts, Past]:
    """The facts without the one of this key, which is past now. Raises KeyError when no fact has the key."""
    old = [fact for fact in facts if same_key(fact.key, key)]
    if not old:
        known = ", ".join(fact.key for fact in facts if fact.key) or "none"
        raise KeyError(f"no case fact has the key {key!r}; there are: {known}")
    left = tuple(fact for fact in facts if not same_key(fact.key, key))
    return left, (*past, *(PastFact(fact, "retracted", time) for fact in old))


def history_of(facts: Facts, past: Past, key: str) -> list[CaseFact]:
    """Every value that the fact of this key had, the oldest first; the last one is sent unless it was retracted."""
    older = [ended.fact for ended in past if same_key(ended.fact.key, key)]
    return older + [fact for fact in facts if same_key(fact.key, key)]


def contradictions(facts: Sequence[CaseFact]) -> list[Contradiction]:
    """The pairs of facts that say different things of the same subject and have not one key; never merged."""
    found = []
    for place, later in enumerate(facts):
        for earlier in facts[:place]:
            if not same_key(earlier.key, later.key) and _contradict(earlier, later):
                found.append(Contradiction(earlier, later))
    return found


def _contradict(one: CaseFact, other: CaseFact) -> bool:
    (subject, value), (same, otherwise) = _about(one), _about(other)
    return bool(subject) and subject == same and value != otherwise


def _about(fact: CaseFact) -> tuple[frozenset[str], tuple[str, ...]]:
    if fact.key:
        return frozenset(terms(fact.key)), tuple(terms(fact.text))
    match = _SUBJECT.match(fact.text.strip())
    return (frozenset(terms(match["subject"])), tuple(terms(match["value"]))) if match else (frozenset(), ())


def stale_values(facts: Facts, past: Past) -> set[str]:
    """The past values that no fact has now, as they were written; short ones (under 3 characters) are left out."""
    current = " \n ".join(fact.text.casefold() for fact in facts)
    old = {ended.fact.text.strip() for ended in past}
    return {text for text in old if len(text) > 2 and text.casefold() not in current}


def without_stale(text: str, stale: Iterable[str]) -> str:
    """A summary without the sentences that say a past value; empty when nothing is left."""
    found = [value.casefold() for value in stale if value.casefold() in text.casefold()]
    if not found:
        return text
    lines = []
    for line in text.splitlines():
        kept = line
        for sentence in sentences(line):
            if any(value in sentence.casefold() for value in found):
                kept = kept.replace(sentence, "")
        if kept.strip(" -*\t") or not line.strip():
            lines.append(kept.rstrip())
    return "\n".join(lines).strip()


def without_values(message: Message, stale: Iterable[str]) -> Message:
    """A message that replaces others, such as a summary, without its sentences that say a past value."""
    if not message.replaces or not isinstance(message.content, str):
        return message
    text = without_stale(message.content.removesuffix("]"), stale)
    if text == message.content.removesuffix("]"):
        return message
    end = "]" if message.content.endswith("]") else ""
    return replace(message, content=(text or "[Conversation summary: nothing that still holds") + end)
