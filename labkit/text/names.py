"""Names: the words of a text by which a tool can be asked for something, such as an order number, a path or a field.

A name has a digit in it, or a mark inside such as a dash, a dot, a slash or an underscore, or a capital letter inside.
Words of a language have none of these. The same rule for every language that is written in letters.
"""

import re
from collections.abc import Iterable

_PIECE = re.compile(r"[#@]?\w(?:[\w./:@+-]*\w)?")
_MARKED = re.compile(r"\d|\w[._/@:+-]+\w|[a-z][A-Z]")

SHORTEST = 4
"""Characters from where a word counts as a name: shorter ones are found everywhere."""

BETWEEN = ", "


def names(text: str) -> list[str]:
    """Return the names of a text, each once, in the order of the text."""
    pieces = (piece for piece in dict.fromkeys(_PIECE.findall(text)) if len(piece) >= SHORTEST)
    return [piece for piece in pieces if _MARKED.search(piece)]


def listed(found: Iterable[str], most: int) -> str:
    """Return the first names that fit in so many characters, with commas between them; '' where none does."""
    chosen, room = list[str](), most + len(BETWEEN)
    for name in found:
        room -= len(name) + len(BETWEEN)
        if room < 0:
            break
        chosen.append(name)
    return BETWEEN.join(chosen)


def is_small_number(name: str) -> bool:
    """True for a number of up to five digits: an amount, a count or a year, rarely what a tool is asked for."""
    return len(name) <= 5 and name.isdecimal()
