"""Charts as values: data and the sentence that says what they show; drawn as SVG, PNG, plotly figure or table.

A view (labkit.teach.views) is a function from settings to a Chart; `explore` puts controls beside one.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from labkit.teach.cells.shown import Shown, escaped
from labkit.teach.charts.drawing import PARTS
from labkit.teach.charts.hover import plotly_form
from labkit.teach.charts.layout import NARROW, WIDTH, arranged, number
from labkit.teach.charts.raster import png
from labkit.teach.charts.vector import svg

if TYPE_CHECKING:
    import plotly.graph_objects as go  # type: ignore[import-untyped]

type Kind = Literal["columns", "rows", "lines"]
KINDS = ("columns", "rows", "lines")
CHART_MIME = "application/vnd.labkit.chart+json"
"""The stored data of a chart: nbval compares it, and a test draws the stored PNG again from it."""

HEIGHT = 320


@dataclass(frozen=True, slots=True)
class Series:
    """One part's values, one for each category (None where there is none); `label` overrides the part's own label."""

    part: str
    values: Sequence[float | None]
    label: str = ""

    def __post_init__(self) -> None:
        """Refuse an unknown part and values that cannot be drawn."""
        if self.part not in PARTS:
            raise ValueError(f"no part is called {self.part!r}: choose from {', '.join(PARTS)}")
        object.__setattr__(self, "values", tuple(self.values))
        for value in self.values:
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"the series {self.name!r} has the value {value}: a chart takes numbers of 0 and more")

    @property
    def name(self) -> str:
        """The label in the legend."""
        return self.label or PARTS[self.part].label


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line across the chart at a value, such as a window's size, with its label."""

    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A strip below the columns, in the colour of `part`, over the categories for which something holds.

    `spans` are pairs of places: from the first category of a run to the first one behind it, counted from 0.
    """

    label: str
    part: str
    spans: Sequence[tuple[int, int]]

    def __post_init__(self) -> None:
        """Refuse an unknown part and spans that run backwards or overlap."""
        if self.part not in PARTS:
            raise ValueError(f"no part is called {self.part!r}: choose from {', '.join(PARTS)}")
        object.__setattr__(self, "spans", tuple((start, stop) for start, stop in self.spans))
        ends = [end for span in self.spans for end in span]
        if ends != sorted(ends) or any(start == stop for start, stop in self.spans):
            raise ValueError(f"the lane {self.label!r} has the spans {self.spans}: give (start, stop) in order, apart")

    @classmethod
    def of(cls, label: str, part: str, holds: Sequence[bool]) -> "Lane":
        """The lane over the categories for which `holds` is true."""
        turns = [place for place, (now, then) in enumerate(pairwise((False, *holds, False))) if bool(now) != bool(then)]
        return cls(label, part, list(zip(turns[::2], turns[1::2], strict=True)))

    def holds(self, place: int) -> bool:
        """Whether the strip covers this category."""
        return any(start <= place < stop for start, stop in self.spans)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart as a value: what it shows (`series` by category) and the sentence (`words`) computed from the
    same numbers.

    `kind` is columns (stacked, one for each category), rows (the same lying down, with a `note` beside each)
    or lines; `lanes` are strips below columns and lines. `unit` names the values, `axis` the categories,
    `source` says where the numbers come from. `top` fixes the end of the value axis, so that a picture does
    not rescale while a slider moves. Raises ValueError when the data do not fit together.
    """

    title: str
    words: str
    categories: Sequence[str]
    series: Sequence[Series]
    unit: str = "tokens"
    axis: str = ""
    kind: Kind = "columns"
    thresholds: Sequence[Threshold] = ()
    notes: Sequence[str] = ()
    source: str = ""
    top: float | None = None
    height: int = HEIGHT
    lanes: Sequence[Lane] = ()

    def __post_init__(self) -> None:
        """Take any sequences, keep tuples, and check that the lengths agree."""
        for name in ("categories", "series", "thresholds", "notes", "lanes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "categories", tuple(map(str, self.categories)))
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is not a kind of chart: choose from {', '.join(KINDS)}")
        if not self.words.strip():
            raise ValueError(f"the chart {self.title!r} has no words: give a sentence computed from its numbers")
        for name, values in [(s.name, s.values) for s in self.series] + ([("notes", self.notes)] if self.notes else []):
            if len(values) != len(self.categories):
                raise ValueError(
                    f"{name!r} has {len(values):,} values for {len(self.categories):,} categories: give one for each"
                )

    @property
    def end(self) -> float:
        """Where the value axis ends: `top` if it is given, otherwise just above the largest value or threshold."""
        marks = [mark.value for mark in self.thresholds]
        return self.top or max([*self.totals(), *marks, 0]) * 1.05 or 1

    def totals(self) -> list[float]:
        """The height of each category: the stack's sum, or the highest line."""
        return [self.total(place) for place in range(len(self.categories))]

    def total(self, place: int) -> float:
        """The height of one category, counted from 0."""
        values = [series.values[place] or 0 for series in self.series]
        return max(values, default=0) if self.kind == "lines" else sum(values)

    def data(self) -> dict[str, Any]:
        """The whole chart as plain JSON data; `Chart.of` reads it back."""
        data = asdict(self)
        return data if self.lanes else {key: value for key, value in data.items() if key != "lanes"}

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
        return png(arranged(self, caption, NARROW if narrow else WIDTH))

    def html(self) -> str:
        """The words, and behind a fold the numbers as a table."""
        return f"<p>{escaped(self.words)}</p><details><summary>The numbers as a table</summary>{_table(self)}</details>"

    def figure(self) -> "go.Figure":
        """The chart as a plotly figure, to hover over, zoom into or build on."""
        import plotly.graph_objects as go

        return go.Figure(plotly_form(self))

    def interactive(self) -> Shown:
        """The chart to hover over and zoom into, drawn by plotly in JupyterLab; elsewhere its words and numbers."""
        return Shown(self.words, self.html(), also={"application/vnd.plotly.v1+json": plotly_form(self)})

    def bundle(self, caption: bool = False) -> dict[str, Any]:
        """What a notebook stores for the picture: a PNG, which every reader shows, the words, and the data to
        draw it again.

        Not plotly's form beside the PNG: JupyterLab then shows the PNG cut off until the mouse moves over it,
        and overwrites it.
        """
        png = base64.b64encode(self.png(caption)).decode()
        return {"image/png": png, "text/plain": self.words, CHART_MIME: self.data()}

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
    """How wide a stored PNG is shown, and its text for those who cannot see it."""
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


def plotly_script() -> str:
    """The source of plotly's own script, some four megabytes, for a page that shows figures without a network."""
    from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

    return str(get_plotlyjs())


def _cells(chart: Chart, i: int) -> str:
    values = ["" if s.values[i] is None else number(s.values[i] or 0) for s in chart.series]
    beside = [f"<td>{escaped(chart.notes[i])}</td>"] if chart.notes else []
    head = f'<th scope="row">{escaped(chart.categories[i])}</th>'
    return "".join([head, *(f"<td>{value}</td>" for value in values), *beside])
