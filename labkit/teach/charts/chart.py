"""Charts as values: data and the sentence that says what they show; drawn as SVG, PNG or table.

A view (labkit.teach.views) is a function from settings to a Chart; `explore` puts controls beside one.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from labkit.teach.cells.shown import escaped
from labkit.teach.charts.data import ChartData
from labkit.teach.charts.data import Lane as Lane
from labkit.teach.charts.data import Series as Series
from labkit.teach.charts.data import Threshold as Threshold
from labkit.teach.charts.layout import NARROW, WIDTH, arranged, number
from labkit.teach.charts.vector import svg

CHART_MIME = "application/vnd.labkit.chart+json"
"""The stored data of a chart: nbval compares it, and a test draws the stored PNG again from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart(ChartData):
    """A chart that draws itself: as SVG, PNG or table."""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Chart":
        """The chart that `data()` described."""
        series = tuple(Series(s["part"], tuple(s["values"]), s["label"]) for s in data["series"])
        marks = tuple(Threshold(**mark) for mark in data["thresholds"])
        lanes = tuple(Lane(**lane) for lane in data.get("lanes", ()))
        return cls(**{**data, "series": series, "thresholds": marks, "lanes": lanes})

    def svg(self, narrow: bool = False) -> str:
        """The chart as SVG in the colours of the page around it; `narrow` for a page of a phone's width."""
        return svg(arranged(self, width=NARROW if narrow else WIDTH))

    def png(self, caption: bool = False, narrow: bool = False) -> bytes:
        """The chart as a PNG on a light card; with `caption`, its words stand below it; `narrow` as for `svg`."""
        from labkit.teach.charts.raster import png

        return png(arranged(self, caption, NARROW if narrow else WIDTH))

    def html(self) -> str:
        """The words, and under a fold the numbers as a table."""
        return f"<p>{escaped(self.words)}</p><details><summary>The numbers as a table</summary>{_table(self)}</details>"

    def bundle(self, caption: bool = False) -> dict[str, Any]:
        """The stored form of the picture: a PNG, which every reader shows, the words, and the data to draw it again.

        Not plotly's form with the PNG: JupyterLab then shows the PNG cut off until the mouse moves over it,
        and overwrites it. Where Pillow is missing, as in a browser's Python, the picture is the SVG.
        """
        return self._picture(caption) | {"text/plain": self.words, CHART_MIME: self.data()}

    def _picture(self, caption: bool) -> dict[str, Any]:
        if find_spec("PIL"):
            return {"image/png": base64.b64encode(self.png(caption)).decode()}
        # the div keeps the picture from filling a wide page
        drawn = svg(arranged(self, caption))
        return {"text/html": f'<div class="labkit-picture" style="max-width: {WIDTH}px">{drawn}</div>'}

    def _ipython_display_(self) -> None:
        """Show the picture and, below it, the words with the table."""
        from IPython.display import display

        picture, words = self.bundle(), {"text/html": self.html(), "text/plain": self.words}
        display(picture, raw=True, metadata=png_metadata(self.words))  # type: ignore[no-untyped-call]
        display(words, raw=True)  # type: ignore[no-untyped-call]

    def __str__(self) -> str:
        """The words."""
        return self.words


def png_metadata(words: str) -> dict[str, Any]:
    """The width of a stored PNG, and its text for readers who cannot see it."""
    return {"image/png": {"width": WIDTH, "alt": words}}


def _table(chart: Chart) -> str:
    head = [chart.axis or "part", *(f"{s.name} ({chart.unit})" for s in chart.series), *["note"][: len(chart.notes)]]
    rows = "".join(f"<tr>{_cells(chart, i)}</tr>" for i in range(len(chart.categories)))
    top = "".join(f'<th scope="col">{escaped(name)}</th>' for name in head)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table>{_lanes(chart)}"


def _lanes(chart: Chart) -> str:
    told = [
        f"<li>{escaped(lane.label)}: {', '.join(_span(chart, *span) for span in lane.spans) or 'nowhere'}</li>"
        for lane in chart.lanes
    ]
    return f"<ul>{''.join(told)}</ul>" if told else ""


def _span(chart: Chart, start: int, stop: int) -> str:
    first, last = escaped(chart.categories[start]), escaped(chart.categories[stop - 1])
    return f"{escaped(chart.axis)} {first}" if first == last else f"{escaped(chart.axis)} {first} to {last}"


def _cells(chart: Chart, i: int) -> str:
    values = ["" if s.values[i] is None else number(s.values[i] or 0) for s in chart.series]
    beside = [f"<td>{escaped(chart.notes[i])}</td>"] if chart.notes else []
    head = f'<th scope="row">{escaped(chart.categories[i])}</th>'
    return "".join([head, *(f"<td>{value}</td>" for value in values), *beside])
