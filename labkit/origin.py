"""The origin of a text: the user, Claude, the system, a tool or a document, and a check that finds a move.

A sentence in a tool result that says 'the customer wants a refund' is what the tool returned. Once a summary says it
without its origin, it reads as what the customer said. Taught in notebook 09.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from labkit.blocks import words_in
from labkit.messages import Message
from labkit.text.rules import sentences
from labkit.text.words import runs, terms

type Origin = Literal["user", "assistant", "system", "tool", "document"]

FOREIGN = ("tool", "document")
_DOCUMENTS = ("document", "search_result")
_MARK = re.compile(
    r"(?:\[\w+\])?\W*(?:from (?:a|the) )?(?:tool|document|search)(?:[ _]results?)?\b[^:\]).]{0,40}[:\])]", re.I
)
"""Marks by which a line says that it is no person's words: `[tool] ...`, `[from a document] ...`, `Tool: ...`."""
_SHARE, _FEWEST = 0.8, 3
"""The share of a sentence's terms, and the least number of them, by which other words for it are recognized."""


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

    What a user or the system says as well is theirs, whatever a tool returned. What Claude repeats word for word after
    a tool stays the tool's.
    """
    return _foreign(text, _said(messages))


def moved(summary: str, gone: Iterable[Message]) -> list[Moved]:
    """The sentences of a summary that only a tool or a document said and that do not say so."""
    return [Moved(sentence, origin) for _, sentence, origin in _found(summary, gone)]


def with_origins(summary: str, gone: Iterable[Message]) -> str:
    """The summary with every moved sentence marked by whose words it is, so that none passes for the user's."""
    for place, _, origin in reversed(_found(summary, gone)):
        summary = f"{summary[:place]}[from a {origin}] {summary[place:]}"
    return summary


class _Said(NamedTuple):
    """A part of a conversation, prepared for comparing: its origin, its words in a row, its terms."""

    origin: Origin
    words: str
    terms: frozenset[str]


def _said(messages: Iterable[Message]) -> list[_Said]:
    listed = [part for message in messages for part in parts(message)]
    if not any(part.origin in FOREIGN for part in listed):
        return []
    return [_Said(part.origin, _in_a_row(part.text), frozenset(terms(part.text))) for part in listed]


def _in_a_row(text: str) -> str:
    """The words of a text between blanks; of one in a script without blanks, the words as they are."""
    words = " ".join(runs(text))
    return f" {words} " if words.isascii() else words


def _found(summary: str, gone: Iterable[Message]) -> list[tuple[int, str, Origin]]:
    said = _said(gone)
    if not said:
        return []
    return [
        (place, sentence, origin)
        for place, sentence, is_marked in _lines(summary)
        if not is_marked and (origin := _foreign(sentence, said))
    ]


def _foreign(sentence: str, said: Sequence[_Said]) -> Origin | Literal[""]:
    """The tool's or the document's origin of a sentence, unless it is a person's.

    Word for word goes before similar: a user's question in the same terms does not make a tool's sentence the user's.
    """
    exact = _in_a_row(sentence)
    holders = [part.origin for part in said if exact.strip() and exact in part.words]
    if not any(origin in FOREIGN for origin in holders):
        wanted = set(terms(sentence))
        alike = [part.origin for part in said if len(wanted & part.terms) >= max(_SHARE * len(wanted), _FEWEST)]
        return "" if set(alike) - set(FOREIGN) else alike[0] if alike else ""
    first = next(place for place, origin in enumerate(holders) if origin in FOREIGN)
    return "" if {"user", "system"} & set(holders) or holders[:first] else holders[first]


def _lines(summary: str) -> Iterator[tuple[int, str, bool]]:
    """Each sentence of a summary: its place, its words, and True when it or the heading above it says that it is no
    person's words. A heading holds up to the next one, or up to an empty line after its list.
    """
    under, listed, at = False, False, 0
    for line in summary.splitlines(keepends=True):
        words = line.strip(" \t\r\n*_")
        if words.endswith(":") or words.startswith("#"):
            under, listed = bool(_MARK.match(words.strip("# ") + ":")), False
        elif not words:
            under = under and not listed
        else:
            listed, begins = True, at
            for sentence in sentences(line):
                place = summary.index(sentence, begins)
                yield place, sentence, under or bool(_MARK.match(line))
                begins = place + len(sentence)
        at += len(line)
