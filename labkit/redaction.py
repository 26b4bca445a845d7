"""Redaction: copies without what must not be logged, stored or summarized; the conversation itself keeps the words.

A small set of patterns, each with tests, and any function of your own. It finds what has a form, such as an e-mail
address; names and addresses have none, so hide those by hand. Taught in notebooks 01 and 06.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labkit.messages import History

type Redact = Callable[[str], str]

PATTERNS: Mapping[str, str] = {
    "key": r"\bsk-[A-Za-z0-9_-]{8,}",
    "e-mail": r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b",
    "iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
    "card": r"\b\d(?:[ -]?\d){12,18}\b",
    "ssn": r"\b\d{3}-\d{2}-\d{4}\b",
    "phone": r"(?<![\w.])\+\d{1,3}(?:[ .()-]{0,2}\d){6,12}\b|(?<![\w.])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b",
}
"""What the Redactor finds by its form; a card number must also pass the Luhn check (ISO/IEC 7812-1)."""


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces what the patterns find by the pattern's name in brackets: `Redactor()("ada@example.com")` gives
    `[e-mail]`.

    `hide` are further strings, replaced by `[redacted]`. Raises ValueError for an empty string to hide.
    """

    patterns: tuple[str, ...] = tuple(PATTERNS)
    hide: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would match everywhere, and patterns that do not exist."""
        if not all(self.hide):
            raise ValueError("cannot hide an empty string: give the words or numbers to hide")
        if unknown := [name for name in self.patterns if name not in PATTERNS]:
            raise ValueError(f"there is no pattern {unknown[0]!r}: choose from {', '.join(PATTERNS)}")

    def __call__(self, text: str) -> str:
        """The text with everything found replaced."""
        for secret in sorted(self.hide, key=len, reverse=True):
            text = text.replace(secret, "[redacted]")
        for name in self.patterns:
            text = re.sub(PATTERNS[name], lambda found, name=name: _mark(name, found[0]), text)  # type: ignore[misc]
        return text


def _mark(name: str, found: str) -> str:
    return found if name == "card" and not _luhn(found) else f"[{name}]"


def _luhn(number: str) -> bool:
    digits = [int(char) for char in reversed(number) if char.isdigit()]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def redacted(history: History, hide: Sequence[str] | Redact) -> History:
    """A copy of the history for a log or a store, its texts, tool calls and tool results without what `hide` names or
    finds.

    `hide` is a list of strings, or any function from text to text, such as a Redactor. Raises ValueError for an empty
    string.
    """
    redact = hide if callable(hide) else Redactor(patterns=(), hide=tuple(hide))
    return History(replace(message, content=clean(message.content, redact), replaces=()) for message in history)


def clean(value: Any, redact: Redact) -> Any:
    """Any JSON value with `redact` applied to each string in it, keys and block types left alone."""
    if isinstance(value, str):
        return redact(value) or "[redacted]"
    if isinstance(value, Mapping):
        return {key: item if key in STRUCTURE else clean(item, redact) for key, item in value.items()}
    return tuple(clean(item, redact) for item in value) if isinstance(value, list | tuple) else value


STRUCTURE = ("type", "id", "tool_use_id", "signature")
"""Keys whose values hold the request together; to redact them would make it invalid."""
