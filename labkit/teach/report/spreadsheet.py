"""Tables as CSV that no spreadsheet takes for formulas, whatever separator and language it is set to."""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from labkit.teach.report.tables import Cell, Share

_FORMULA = re.compile(r"""(^|[;,|\t\r\n])(?=[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212])""")
"""A place where a cell begins, or would begin for another separator, before a sign that begins a formula: full-width
and small forms count, because some programs read them as the plain ones.
"""


def for_spreadsheet(cell: Cell) -> str | int | float:
    """A cell as CSV: shares as a number from 0 to 1; an apostrophe before whatever would be taken for a formula."""
    if isinstance(cell, Share):
        return round(cell.part / cell.whole, 4) if cell.whole else ""
    if isinstance(cell, str):
        plain = _FORMULA.sub(r"\1'", cell)
        return f"'{plain}" if plain.startswith(("\t", "\r", "\n")) else plain
    return "" if cell is None else cell


def write_csv(path: Path, head: Sequence[str], rows: Iterable[Iterable[Cell]], encoding: str = "utf-8-sig") -> None:
    """Write a table; with its mark at the beginning Excel too reads names of any script as they are."""
    with path.open("w", encoding=encoding, errors="replace", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(head)
        writer.writerows([for_spreadsheet(cell) for cell in row] for row in rows)
