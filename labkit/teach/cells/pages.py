"""Words for a learner as paragraphs: plain text, and HTML behind a line at the side."""

from collections.abc import Iterable
from typing import Literal

from labkit.teach.cells.shown import Shown, escaped

type Line = Literal["done", "open", "plain"]
_LINES = {"done": "4px solid #2e7d32", "open": "4px dashed #b26a00", "plain": "4px solid #6b7a90"}


def page(paragraphs: Iterable[str], line: Line = "plain") -> Shown:
    """Show plain paragraphs; line breaks inside one are kept, and `words between backticks` are set as
    code.
    """
    paragraphs = list(paragraphs)
    return Shown("\n".join(paragraphs), framed(map(as_html, paragraphs), line))


def as_html(text: str) -> str:
    """Text as HTML, its line breaks and backticks kept."""
    parts = escaped(text, quote=False).replace("\n", "<br>").split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def framed(paragraphs: Iterable[str], line: Line = "plain") -> str:
    """Paragraphs of HTML behind a line; the words carry the meaning, the line only repeats it."""
    inner = "".join(f'<div style="margin:.3em 0">{paragraph}</div>' for paragraph in paragraphs)
    return f'<div style="border-left:{_LINES[line]};padding:.1em .9em;margin:.3em 0">{inner}</div>'
