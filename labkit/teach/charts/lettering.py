"""Measure, cut and break lines of text so that they fit: the same for SVG and PNG.

Measured in the font that Pillow carries with it, so that no font of this machine changes a layout. Its widths are data
here, so that a layout needs no Pillow.
"""

import json
import unicodedata
from functools import cache
from importlib.resources import files

WIDER = 1.17
"""The factor by which a browser's font may be wider than the PNG's: DejaVu Sans, the widest of the common sans serifs.
"""
FOLDED = {
    0x2013: "-",
    0x2014: "-",
    0xD7: "x",
    0x2192: "->",
    0x2190: "<-",
    0x2264: "<=",
    0x2265: ">=",
    0x2022: "·",
    0x20AC: "EUR",
}
CONTROL = 50
"""The width of a control character, for which the font has an empty box, in pixels at a size of 100 pixels."""
DRAWN = {0xB7, 0xB0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2026}
"""The font's signs beyond ASCII: middle dot, degree sign, quotation marks and the ellipsis."""


def width_of(text: str, size: float) -> float:
    """The width of a line of text in units: measured in the PNG's font, with room for a browser's wider one."""
    return WIDER * size * sum(_advance(character) for character in text)


def shortened(text: str, room: float, size: float) -> str:
    """The text on one line, cut with an ellipsis where it would be wider than `room` units."""
    text = " ".join(text.split())
    if width_of(text, size) <= room:
        return text
    while text and width_of(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…" if text else ""


def wrapped(text: str, room: float, size: float) -> list[str]:
    """The text as lines of at most `room` units, broken between words."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_of(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def printable(text: str) -> str:
    """The text in the PNG's font, which is plain Latin: accents fall away, other letters become '?'."""
    return "".join(_printable(character) for character in text)


@cache
def _printable(character: str) -> str:
    if character.isascii() or ord(character) in DRAWN:
        return character
    if ord(character) in FOLDED:
        return FOLDED[ord(character)]
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or ("" if unicodedata.combining(character) else "?")


@cache
def _advance(character: str) -> float:
    return sum(_advances().get(letter, CONTROL) for letter in printable(character)) / 100


@cache
def _advances() -> dict[str, int]:
    """The widths of the font's letters in pixels, at a size of 100 pixels."""
    read: dict[str, int] = json.loads(files("labkit.teach.charts").joinpath("advances.json").read_text("utf-8"))
    return read
