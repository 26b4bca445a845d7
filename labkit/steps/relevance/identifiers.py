"""Identifiers: what the calls of a tool are made of, gathered from a history so that the next call can be made.

An agent that forgets `KR-58213` cannot act, whatever else it remembers; so identifiers, dates, codes and names of a
history with tools come first, in a note that says whose words they are.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from labkit.messages import Message
from labkit.text.words import STOP_WORDS

SHORTEST, LONGEST = 3, 40
"""Characters of a value that may be an identifier: shorter ones are everywhere, longer ones are prose."""
LISTED = 0.15
"""The weight of a value that only a tool's result lists, compared with 1 for one that a person or a call has used."""
WORD = 0.5
"""The weight of a plain word, such as a name, compared with 1 for a value with a digit or in capitals."""

OPAQUE = 5
"""Characters from which a value is taken for an identifier where whole messages must be kept for it."""

_VALUE = re.compile(r"(?=\S*\d)(?=\S*[^\W\d])[\w@.-]{3,39}\w|\b[A-Z0-9]{3,40}\b|(?<![.!?] )(?<!^)\b[A-Z][a-z]{2,39}\b")


class Named(NamedTuple):
    """A value as written, whose words it is (user, assistant or tool), and whether anybody has used it."""

    words: str
    whose: str
    used: bool


def named(message: Message) -> tuple[Named, ...]:
    """The values that a message names, in order, each once."""
    found: dict[str, Named] = {}
    for block in message.blocks:
        kind, whose = block["type"], str(message.role)
        if kind == "text":
            values: Iterable[str] = _VALUE.findall(str(block["text"]))
        elif kind == "tool_use":
            values = _leaves(block.get("input"))
        elif kind == "tool_result":
            values, whose = _listed(block.get("content")), "tool"
        else:
            continue
        for words in values:
            if SHORTEST <= len(words) <= LONGEST and words.lower() not in STOP_WORDS:
                found.setdefault(words.lower(), Named(words, whose, kind != "tool_result"))
    return tuple(found.values())


def _listed(content: Any) -> Iterator[str]:
    for text in [content] if isinstance(content, str) else [str(part.get("text", "")) for part in content or ()]:
        try:
            yield from _leaves(json.loads(text))
        except ValueError:
            yield from _VALUE.findall(text)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(item)


def ranked(messages: Iterable[tuple[Named, ...]]) -> list[Named]:
    """Values by how often they were used for each character that they cost, the best first; each once."""
    weights: dict[str, float] = {}
    first: dict[str, Named] = {}
    for names in messages:
        for value in names:
            key = value.words.lower()
            first.setdefault(key, value)
            weight = (1.0 if value.used else LISTED) * (WORD if _is_word(value.words) else 1)
            weights[key] = weights.get(key, 0.0) + weight
    order = sorted(first, key=lambda key: (-weights[key] / (len(key) + len(", ")), key))
    return [first[key] for key in order]


def is_opaque(words: str) -> bool:
    """True for a value that nobody could guess or say in other words, such as `KR-58213`; false for a name."""
    return len(words) >= OPAQUE and not _is_word(words)


def _is_word(words: str) -> bool:
    return words.isalpha() and not words.isupper()


def lines(values: Iterable[Named]) -> Iterator[str]:
    """A line for each who named them: `named by tool: KR-58213, 2026-11-22`."""
    by: dict[str, list[str]] = {}
    for value in values:
        by.setdefault(value.whose, []).append(value.words)
    return (f"named by {whose}: {', '.join(words)}" for whose, words in by.items())
