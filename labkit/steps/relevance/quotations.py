"""Quotations: passages of messages that are kept word for word when the messages themselves do not fit.

Short messages are quoted whole, long ones by passages (sentences, lines, fields of a tool's JSON), in one note at the
beginning of what is sent: a user message and its acknowledgement, as a summary has. Nothing is reworded.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from labkit.messages import Message, assistant, user
from labkit.text.words import searchable_text, terms

NOTE_FLAG = "note"
NOTE_HEADING = "[Said earlier, word for word:"
NOTE_END = "]"
NOTED = "Noted."
WHOLE_CHARACTERS = 300
"""A message of at most so many characters is one passage."""
PASSAGE_CHARACTERS = 90
"""Pieces are joined until a passage has at least so many characters."""

_PROSE_END = re.compile(r"(?<=[.!?;:]) |\n+")
_JSON_END = re.compile(r"(?<=[}\]\",\d]),? (?=[{\[\"])|\n+|\\n")


class Passage(NamedTuple):
    """A part of a message: its words and their stems."""

    words: str
    terms: frozenset[str]


class Quotation(NamedTuple):
    """A passage chosen to be kept: the place of its message, its speaker, and its words."""

    place: int
    order: int
    speaker: str
    words: str
    whole: bool = False

    def __str__(self) -> str:
        """The line for it in a note."""
        return f"{self.speaker}: {self.words}"


def passages(message: Message) -> tuple[Passage, ...]:
    """The passages of a message, in order; every character that is not white space or a comma is in one of them."""
    return _passages(searchable_text(message))


@lru_cache(maxsize=256)
def _passages(text: str) -> tuple[Passage, ...]:
    if len(text) <= WHOLE_CHARACTERS:
        return (_passage(text),)
    ends = _JSON_END if text.count('"') > len(text) / 60 else _PROSE_END
    return tuple(map(_passage, _joined(text, ends)))


def _passage(words: str) -> Passage:
    return Passage(words, frozenset(terms(words)))


def _joined(text: str, ends: re.Pattern[str]) -> Iterable[str]:
    start, cuts = 0, [(match.start(), match.end()) for match in ends.finditer(text)]
    for stop, after in [*cuts, (len(text), len(text))]:
        if stop - start >= PASSAGE_CHARACTERS or stop == len(text):
            if words := text[start:stop].strip():
                yield words
            start = after


def speaker(message: Message) -> str:
    """The speaker, in a note: user, assistant, system, or tool for a message that brings tool results."""
    return "tool" if "tool_result" in message.block_types() else message.role


def note(
    quotations: Sequence[Quotation], replaced: Iterable[Message], named: Iterable[str] = ()
) -> tuple[Message, Message]:
    """The pair of messages that carries lines of what was named, and quotations in the order of their places."""
    lines = [NOTE_HEADING, *named, *map(str, sorted(quotations)), NOTE_END]
    return (
        user("\n".join(lines), replaces=tuple(replaced), flags=(NOTE_FLAG,)),
        assistant(NOTED, flags=(NOTE_FLAG,)),
    )
