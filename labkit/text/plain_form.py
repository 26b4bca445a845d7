"""The plain form of a text, in which it is searched: one spelling for what Unicode and JSON can write in many ways.

Full-width and thin forms become ordinary ones, letters and their accents are put together, invisible characters go,
every kind of dash is `-`, every space is ` `, every digit is one of 0 to 9, and, on request, what JSON escapes is read.
Each character of the plain form knows its place in the text, so that what is found can be replaced there.
"""

import re
from array import array
from bisect import bisect_left, bisect_right
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category, combining, decimal, normalize

# Any number of backslashes, because JSON is often carried inside JSON: each level doubles them.
_ESCAPE = r"\\+u[0-9a-fA-F]{4}(?:\\+u[dD][c-fC-F][0-9a-fA-F]{2})?|\\+[\"/bfnrt]|\\\\+"
_CHARACTER = r"[\u1100-\u11ff]+|[\s\S]"  # a Korean syllable may come in parts
_UNIT, _UNIT_OR_ESCAPE = re.compile(_CHARACTER), re.compile(f"{_ESCAPE}|{_CHARACTER}")
_SHORT_ESCAPES = {"b": " ", "f": " ", "n": "\n", "r": "\n", "t": " ", '"': '"', "/": "/"}
_MARKS = ("Mn", "Mc", "Me")
_MOST_IN_A_UNIT = 32
"""Characters put together at once: to sort the accents of one letter takes the square of their number, and a text has
at most 30 on one (Unicode Standard Annex 15, Stream-Safe Text Format)."""


class PlainForm(NamedTuple):
    """A text in plain form, and for each of its characters the place in the original where that one begins.

    `places` has one more entry, the original's length; it is None when both texts are the same.
    """

    text: str
    places: "array[int] | None"

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The part of the original, as start and end, that characters `start` to `end` of the plain form come from."""
        if self.places is None or start == end:
            return start, end
        last = end - 1
        while self.places[end] == self.places[last]:  # one character may become several, such as the ligature ﬁ
            end += 1
        return self.places[start], self.places[end]

    def whole(self, start: int, end: int) -> tuple[int, int]:
        """A part of the original, as start and end, made larger where it begins or ends within one character."""
        if self.places is None:
            return start, end
        return self.places[bisect_right(self.places, start) - 1], self.places[bisect_left(self.places, end)]


def plain_form(text: str, escapes: bool = False) -> PlainForm:
    """The plain form of a text, in one pass over it; with `escapes`, what JSON escapes is read, however often."""
    if text.isascii() and not (escapes and "\\" in text):
        return PlainForm(text, None)
    pieces: list[str] = []
    places = array("q")
    unit, begins = "", 0
    for match in (_UNIT_OR_ESCAPE if escapes else _UNIT).finditer(text):
        piece = match[0]
        if 0 < len(unit) < _MOST_IN_A_UNIT and _belongs_to_the_one_before(piece):
            unit += piece
            continue
        _add(pieces, places, unit, begins)
        unit, begins = piece, match.start()
    _add(pieces, places, unit, begins)
    places.append(len(text))
    return PlainForm("".join(pieces), places)


def _add(pieces: list[str], places: "array[int]", unit: str, begins: int) -> None:
    plain = (
        unit
        if len(unit) == 1 and unit.isascii()
        else _plain(unit)
        if len(unit) <= _MOST_IN_A_UNIT
        else _plain_now(unit)
    )
    pieces.append(plain)
    places.extend([begins] * len(plain))


def _belongs_to_the_one_before(piece: str) -> bool:
    return len(piece) == 1 and not piece.isascii() and _is_mark(piece)


@lru_cache(maxsize=4_096)
def _is_mark(char: str) -> bool:
    return combining(char) != 0 or category(char) in _MARKS


def _plain_now(unit: str) -> str:
    """The plain form of a character as it may be written: escaped, in parts, full-width or invisible."""
    if unit.startswith("\\") and len(unit) > 1:
        unit = _unescaped(unit)
    return "".join(map(_plain_character, normalize("NFKC", unit)))


_plain = lru_cache(maxsize=4_096)(_plain_now)


def _unescaped(unit: str) -> str:
    escape = unit.lstrip("\\")
    if not escape:
        return "\\"
    if escape[0] != "u":
        return _SHORT_ESCAPES.get(escape[0], escape[0]) + escape[1:]
    codes = [int(code, 16) for code in re.findall(r"u([0-9a-fA-F]{4})", escape)]
    return b"".join(code.to_bytes(2, "big") for code in codes).decode("utf-16-be", "replace")


def _plain_character(char: str) -> str:
    kind = category(char)
    if kind == "Cf" or "\ufe00" <= char <= "\ufe0f":  # zero-width characters, soft hyphens, variation selectors
        return ""
    if kind == "Zs":
        return " "
    if kind == "Pd" or char == "\u2212":  # the minus sign is no dash to Unicode
        return "-"
    return str(decimal(char)) if kind == "Nd" else char
