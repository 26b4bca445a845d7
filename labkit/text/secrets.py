"""Find what has the form of a secret in a text: keys, e-mail addresses, card and account numbers, telephone numbers.

Every pattern takes time that grows with the length of the text and no faster, whatever the text.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

type Span = tuple[int, int]

# `++` gives nothing back, and the look-behind begins only where a word begins: so no text is read twice.
_EMAIL = r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++"
_PHONE = r"(?<![\w.])\+\d{1,3}(?:[ .()-]{0,2}\d){6,12}\b|(?<![\w.])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b"
_IBAN = r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b"


def _matching(pattern: str) -> Callable[[str], Iterator[Span]]:
    find = re.compile(pattern).finditer
    return lambda text: (match.span() for match in find(text))


_NUMBERS = re.compile(r"\d+(?:[ .-]{1,3}\d+)*")
_GROUP = re.compile(r"\d+")
FEWEST_DIGITS, MOST_DIGITS = 13, 19
"""Digits of a card number (ISO/IEC 7812-1)."""

_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[0-8]|2[2-7]|6\d)\d{14}|6\d{15,18}|5[06-8]\d{11,17}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}"
    r"|35\d{14,17}"
)
"""The first digits and lengths that the large card networks issue; as ISO/IEC 7812 gives the industries. The words of
the networks' own tables are not verified."""


def card_numbers(text: str) -> Iterator[Span]:
    """The card numbers of a text: 13 to 19 digits that pass the Luhn check (ISO/IEC 7812-1), with spaces, dots and
    dashes between them.

    A date, a code or another number may come directly before or after; then the digits must also begin as cards do,
    because among many numbers some pass the check by chance.
    """
    for run in _NUMBERS.finditer(text):
        if run.end() - run.start() >= FEWEST_DIGITS:
            yield from _cards_of(text, run.start(), run.end())


def _cards_of(text: str, start: int, end: int) -> Iterator[Span]:
    groups = [match.span() for match in _GROUP.finditer(text, start, end)]
    digits = "".join(text[low:high] for low, high in groups)
    places = [0, *accumulate(high - low for low, high in groups)]
    alone = not _glued(text, start, end)
    fraction = any(_is_fraction(text, groups, place) for place in range(min(len(groups), 2)))
    if alone and FEWEST_DIGITS <= len(digits) <= MOST_DIGITS and not fraction and _luhn(digits):
        yield start, end
        return
    for first, begins in enumerate(places[:-1]):
        if digits[begins] not in "23456" or _is_fraction(text, groups, first):
            continue
        for last in range(first + 1, len(places)):
            number = digits[begins : places[last]]
            if len(number) > MOST_DIGITS:
                break
            if len(number) >= FEWEST_DIGITS and _luhn(number) and _ISSUED.fullmatch(number):
                yield groups[first][0], groups[last - 1][1]


def _glued(text: str, start: int, end: int) -> bool:
    """True for digits within a word, such as those of a checksum."""
    around = text[max(start - 1, 0) : start] + text[end : end + 1]
    return any(char.isalnum() or char == "_" for char in around)


def _is_fraction(text: str, groups: list[Span], first: int) -> bool:
    """True for the digits after a decimal point: 0.4111111111111111 is no card number."""
    low, high = groups[first]
    return first > 0 and high - low >= FEWEST_DIGITS and text[groups[first - 1][1] : low] == "."


_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_SINGLE = bytes.maketrans(b"0123456789", bytes(range(10)))


def _luhn(digits: str) -> bool:
    backwards = digits.encode()[::-1]
    return (sum(backwards[::2].translate(_SINGLE)) + sum(backwards[1::2].translate(_DOUBLED))) % 10 == 0


FORMS: Mapping[str, Callable[[str], Iterator[Span]]] = {
    "key": _matching(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{8,}"),
    "e-mail": _matching(_EMAIL),
    "iban": _matching(_IBAN),
    "card": card_numbers,
    "ssn": _matching(r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)"),
    "phone": _matching(_PHONE),
}
"""The finders of a Redactor: for each name a function from a text in plain form to the places of what it finds."""
