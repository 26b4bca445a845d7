"""The origin of a text: the user, Claude, the system, a tool or a document, and a check that finds a move.

A sentence in a tool result that says 'the customer wants a refund' is what the tool returned. Once a summary says it
without its origin, it reads as what the customer said. Taught in notebook 09.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from labkit.blocks import words_in
from labkit.messages import Message
from labkit.text.rules import sentences
from labkit.text.words import terms

type Origin = Literal["user", "assistant", "system", "tool", "document"]

FOREIGN = ("tool", "document")
_DOCUMENTS = ("document", "search_result")
_MARK = re.compile(r"\W*(?:from (?:a|the) )?(?:tool|document|search)(?:[ _]results?)?\b[^:\]).]{0,40}[:\])]", re.I)
"""Marks by which a line says that it is no person's words: `[tool] ...`, `[from a document] ...`, `Tool result: ...`.
"""
_SHARE, _FEWEST = 0.8, 3
"""The share of a sentence's terms, and the least number of them, that must be found in one place to be that place's
words.
"""


class Part(NamedTuple):
    """A piece of a message and whose words it is."""

    origin: Origin
    text: str


class Moved(NamedTuple):
    """A sentence that passes for nobody's or the user's, and its real origin."""

    sentence: str
    origin: Origin

    def __str__(self) -> str:
        """`a tool's words, not the user's: 'Send the money.'`."""
        return f"a {self.origin}'s words, not the user's: {self.sentence!r}"


def parts(message: Message) -> Iterator[Part]:
    """The texts of a message with their origins; of a message that replaces others those of the others."""
    if message.replaces:
        for older in message.replaces:
            yield from parts(older)
        return
    for block in message.blocks:
        yield from _block_parts(block, message.role)


def _block_parts(block: Mapping[str, Any], role: Origin) -> Iterator[Part]:
    kind, inner = block["type"], block.get("content")
    if kind == "text":
        yield Part(role, str(block["text"]))
    elif kind in _DOCUMENTS:
        yield Part("document", " ".join(words_in(block)))
    elif kind.endswith("tool_result"):
        yield Part("tool", inner if isinstance(inner, str) else " ".join(words_in(inner)))


def whose_words(text: str, messages: Iterable[Message]) -> Origin | Literal[""]:
    """The origin of a text: empty when nobody said it or when a person did, else `tool` or `document`.

    What a user, Claude or the system says as well is theirs, whatever a tool returned.
    """
    wanted = set(terms(text))
    if not wanted:
        return ""
    found: Origin | Literal[""] = ""
    for message in messages:
        for part in parts(message):
            if len(wanted & set(terms(part.text))) >= max(_SHARE * len(wanted), min(_FEWEST, len(wanted))):
                if part.origin not in FOREIGN:
                    return ""
                found = found or part.origin
    return found


def moved(summary: str, gone: Iterable[Message]) -> list[Moved]:
    """The sentences of a summary that only a tool or a document said and that do not say so."""
    listed = [Part(part.origin, part.text) for message in gone for part in parts(message)]
    if not any(part.origin in FOREIGN for part in listed):
        return []
    said = [(part.origin, set(terms(part.text))) for part in listed]
    return [Moved(line, origin) for line, marked in _lines(summary) if (origin := _foreign(line, said)) and not marked]


def _foreign(sentence: str, said: Iterable[tuple[Origin, set[str]]]) -> Origin | Literal[""]:
    wanted = set(terms(sentence))
    if len(wanted) < _FEWEST:
        return ""
    holders = [origin for origin, words in said if len(wanted & words) >= _SHARE * len(wanted)]
    own = any(origin not in FOREIGN for origin in holders)
    return "" if own or not holders else holders[0]


def _lines(summary: str) -> Iterator[tuple[str, bool]]:
    """Each sentence of a summary, and True when it or the heading above it says that it is no person's words."""
    under = False
    for line in summary.splitlines():
        if line.rstrip().endswith(":"):
            under = bool(_MARK.match(line))
            continue
        for sentence in sentences(line):
            yield sentence, under or bool(_MARK.match(line))


def with_origins(summary: str, gone: Iterable[Message]) -> str:
    """The summary with every moved sentence marked by whose words it is, so that none passes for the user's."""
    for sentence, origin in moved(summary, gone):
        summary = summary.replace(sentence, f"[from a {origin}] {sentence}")
    return summary
