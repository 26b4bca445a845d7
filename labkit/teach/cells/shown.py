"""An output other than a chart: one thing in HTML (or Markdown) and in plain text, for every reader.

A table, or paragraphs behind a line at the side.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

type Line = Literal["done", "open", "plain"]
_LINES = {"done": "4px solid #2e7d32", "open": "4px dashed #b26a00", "plain": "4px solid #6b7a90"}

NUMBER = re.compile(r"[+-]?\$?\d[\d,]*(\.\d+)?%?")


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """Something to look at: `rich` for notebooks, of the type `mime`, and `plain` for a terminal or a screen reader.

    `also` holds further forms by type, which a reader that knows them shows first.
    """

    plain: str
    rich: str
    mime: str = "text/html"
    also: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The plain form."""
        return self.plain

    __repr__ = __str__

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        """All forms, stored side by side."""
        return {**self.also, self.mime: self.rich, "text/plain": self.plain}


def escaped(text: str, quote: bool = True) -> str:
    """Return a text as HTML that every reader shows unchanged; `quote` turns quotation marks into entities as well.

    JupyterLab and GitHub set the text between two dollar signs as a formula, unless each sign is a separate element.
    """
    html = escape(text, quote)
    return html.replace("$", "<span>$</span>") if html.count("$") > 1 else html


def page(paragraphs: Iterable[str], line: Line = "plain") -> Shown:
    """Show plain paragraphs; line breaks inside one are kept, and `words between backticks` are set as code."""
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


def table(head: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> Shown:
    """Rows of cells as a table, escaped in HTML and in columns as plain text; numbers with separators, on the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    numeric = [all(_is_number(text) for text in column) for column in zip(*cells, strict=True)] or [False] * len(head)
    body = "".join(
        f"<tr>{''.join(_td(text, right) for text, right in zip(row, numeric, strict=True))}</tr>" for row in cells
    )
    top = "".join(f'<th scope="col" style="text-align:{"right" if right else "left"}">{escaped(text)}</th>'
                  for text, right in zip(head, numeric, strict=True))  # fmt: skip
    note = f'<caption style="text-align:left">{escaped(caption)}</caption>' if caption else ""
    rich = f"<table>{note}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return Shown("\n".join([*([caption] if caption else []), *_columns([list(head), *cells], numeric)]), rich)


def _columns(rows: list[list[str]], numeric: list[bool]) -> list[str]:
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.rjust(w) if right else text.ljust(w) for text, w, right in zip(row, wide, numeric, strict=True)
        ).rstrip()
        for row in rows
    ]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _is_number(text: str) -> bool:
    return not text or NUMBER.fullmatch(text) is not None


def _td(text: str, right: bool) -> str:
    return f'<td style="text-align:{"right" if right else "left"}">{escaped(text)}</td>'
