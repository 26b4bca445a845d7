"""Redact: make copies without what must not be logged, stored or summarized; the conversation itself keeps the words.

A small set of forms, each with tests, and any function of your own. It finds what has a form, such as an e-mail
address; names and addresses have none, so hide those by hand. What holds a request together (ids, types, signatures)
and what nobody can read (base64, encrypted payloads) stays as it is. Taught in notebooks 01 and 06.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labkit.messages import History
from labkit.text.plain_form import plain_form
from labkit.text.secrets import FORMS, Span

type Redact = Callable[[str], str]

HIDDEN = "[redacted]"
_DATA_URL = re.compile(r"data:[\w/+.-]{1,99};base64,[A-Za-z0-9+/=]+")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces what has the form of a secret by the form's name in brackets: `Redactor()("ada@example.com")` gives
    `[e-mail]`.

    `patterns` are names of `text.secrets.FORMS`; `hide` are further strings, replaced by `[redacted]`, however Unicode
    or JSON writes them. Raises ValueError for an empty string to hide, and for a pattern that does not exist.
    """

    patterns: tuple[str, ...] = tuple(FORMS)
    hide: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would match everywhere, and patterns that do not exist."""
        if not all(plain_form(secret).text for secret in self.hide):
            raise ValueError("cannot hide an empty string: give the words or numbers to hide")
        if unknown := [name for name in self.patterns if name not in FORMS]:
            raise ValueError(f"there is no pattern {unknown[0]!r}: choose from {', '.join(FORMS)}")

    def __call__(self, text: str) -> str:
        """The text with everything found replaced; parts that overlap are replaced together."""
        found = sorted(self._found(text), key=lambda part: (part[0], -part[1]))
        payloads = [match.span() for match in _DATA_URL.finditer(text)] if found and ";base64," in text else []
        pieces, done = [], 0
        for start, end, mark in _merged(part for part in found if not _inside(payloads, part[0], part[1])):
            pieces += [text[done:start], mark]
            done = end
        return "".join((*pieces, text[done:]))

    def _found(self, text: str) -> Iterator[tuple[int, int, str]]:
        read = plain_form(text, escapes=True)
        forms = (plain_form(text), read) if "\\" in text else (read,)
        for form in forms:
            for mark, find in self._finders():
                for span in find(form.text):
                    # An escape is replaced whole, so that JSON that is carried in a text can still be read.
                    yield *read.whole(*form.original(*span)), mark

    def _finders(self) -> Iterator[tuple[str, Callable[[str], Iterator[Span]]]]:
        for secret in sorted(self.hide, key=len, reverse=True):
            yield HIDDEN, _finder(secret)
        yield from ((f"[{name}]", FORMS[name]) for name in self.patterns)


def _finder(secret: str) -> Callable[[str], Iterator[Span]]:
    words = map(re.escape, _SPACE.split(plain_form(secret).text))
    pattern = re.compile(r"\s+".join(words))  # a name may be broken over two lines; `re` keeps what it compiled
    return lambda text: (match.span() for match in pattern.finditer(text))


def _merged(parts: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    waiting: tuple[int, int, str] | None = None
    for start, end, mark in parts:
        if waiting and start < waiting[1]:
            waiting = waiting[0], max(end, waiting[1]), waiting[2]
        else:
            if waiting:
                yield waiting
            waiting = start, end, mark
    if waiting:
        yield waiting


def _inside(payloads: Sequence[Span], start: int, end: int) -> bool:
    before = bisect_right(payloads, start, key=lambda payload: payload[0])
    return before > 0 and end <= payloads[before - 1][1]


def redacted(history: History, hide: Sequence[str] | Redact) -> History:
    """A copy of the history for a log or a store, its texts, flags, tool calls and tool results without what `hide`
    names or finds.

    `hide` is a list of strings, or any function from text to text, such as a Redactor. Raises ValueError for an empty
    string.
    """
    redact = hide if callable(hide) else Redactor(patterns=(), hide=tuple(hide))
    return History(
        replace(
            message,
            content=clean(message.content, redact),
            flags=tuple(clean(flag, redact) for flag in message.flags),
            replaces=(),
        )
        for message in history
    )


STRUCTURE = frozenset(
    {"type", "id", "role", "model", "tool_use_id", "file_id", "tool_id", "download_id", "previous_message_id"}
    | {"signature", "media_type", "cache_control", "stop_reason", "caller", "container", "version"}
)
"""Keys of the API whose values hold a request together: redacted, it would be invalid."""

DATA = ("input", "structured_content", "metadata")
"""Keys of the API under which everything is somebody's own data, whatever the keys there are called."""

TOKENS = ("authorization_token", "api_key", "token")
"""Keys of the API whose values let somebody in (MCP servers): hidden whatever they look like."""

SCHEMA_TYPES = ("object", "string", "number", "integer", "boolean", "array", "null")
LEAST_CARD = 10**12
"""Among the API's own numbers, such as limits and counts of tokens, only one of at least 13 digits can be a secret."""


def clean(value: Any, redact: Redact) -> Any:
    """Content blocks, a request or a reply, as JSON values, with `redact` applied to every text in them.

    What the API needs to read them stays: ids, types, signatures, base64 and encrypted payloads.
    """
    if isinstance(value, Mapping):
        return {key: _field(value, key, item, redact) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item, redact) for item in value]
    return clean_data(value, redact, least=LEAST_CARD)


def _field(block: Mapping[str, Any], key: str, item: Any, redact: Redact) -> Any:
    if key in STRUCTURE or key.startswith("encrypted_") or _is_payload(block, key, item):
        return item
    if key in TOKENS and isinstance(item, str):
        return HIDDEN
    if key == "name" and isinstance(item, str):
        return _name(item, redact)
    if key == "input_schema":  # its numbers are limits, and a limit in words would make the tool invalid
        return clean_data(item, redact, least=LEAST_CARD)
    return clean_data(item, redact) if key in DATA else clean(item, redact)


def _is_payload(block: Mapping[str, Any], key: str, item: Any) -> bool:
    """True for the bytes of an image or a PDF, and for thinking that only the API can read."""
    return key == "data" and isinstance(item, str) and block.get("type") in ("base64", "redacted_thinking")


def _name(name: str, redact: Redact) -> str:
    """A tool's name, in which the API takes letters, digits, `_` and `-` only."""
    hidden = redact(name)
    return name if hidden == name else re.sub(r"[^A-Za-z0-9_-]", "_", hidden)[:64] or "_"


def clean_data(value: Any, redact: Redact, least: int = 0) -> Any:
    """Any JSON value with `redact` applied to each text and key in it, and to each number from `least` on; a number
    that is hidden becomes text.
    """
    if isinstance(value, str):
        hidden = redact(value)
        return hidden if hidden.strip() or not value.strip() else HIDDEN
    if isinstance(value, Mapping):
        return _clean_mapping(value, redact, least)
    if isinstance(value, list | tuple):
        return [clean_data(item, redact, least) for item in value]
    if isinstance(value, bool) or value is None or abs(value) < least:
        return value
    return value if (hidden := redact(str(value))) == str(value) else hidden or HIDDEN


def _clean_mapping(value: Mapping[str, Any], redact: Redact, least: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = clean_data(key, redact)
        while name in found:  # two addresses as keys are both `[e-mail]` now, and neither value may be lost
            name += "_"
        stays = _is_payload(value, key, item) or (key == "type" and item in SCHEMA_TYPES)
        found[name] = item if stays else clean_data(item, redact, least)
    return found
