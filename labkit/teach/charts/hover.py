"""A chart in plotly's terms, as plain data, and plotly's script: for a page whose charts zoom and say their numbers."""

from html import escape
from typing import Any

from labkit.teach.charts.data import ChartData, Threshold
from labkit.teach.charts.drawing import PARTS
from labkit.teach.charts.layout import TEXT, WIDTH
from labkit.teach.charts.lettering import wrapped

GREY = "#7d7d7d"
"""Text of a plotly figure, which cannot follow the theme: about as far from white as from the dark theme."""
CLEAR, FAINT = "rgba(0,0,0,0)", "rgba(125,125,125,0.25)"
LINES = ("solid", "dash", "dot", "longdash")


def plotly_script() -> str:
    """Return the source of plotly's script, some five megabytes, for a page that shows figures without a network."""
    # imported here: a kernel that shows pictures needs no plotly
    from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

    return str(get_plotlyjs())


def plotly_form(chart: ChartData) -> dict[str, Any]:
    """The chart's data and layout, ready for `plotly.graph_objects.Figure`; the words stand below the title.

    Ids and everything else are fixed, so that a stored figure can be compared.
    """
    lying, words = chart.kind == "rows", [escape(line) for line in wrapped(chart.words, WIDTH - 60, TEXT)]
    values = {"title": {"text": chart.unit}, "range": [0, chart.end], "gridcolor": FAINT, "zerolinecolor": GREY}
    names: dict[str, Any] = {"title": {"text": chart.axis, "standoff": 14}, "type": "category", "automargin": True}
    names |= {"autorange": "reversed"} if lying else {}
    subtitle = {"text": "<br>".join(words), "font": {"size": 12}}
    layout = {
        "title": {"text": escape(chart.title), "x": 0.02, "font": {"size": 16}, "subtitle": subtitle},
        "legend": {"orientation": "h", "yref": "container", "y": 0.01, "yanchor": "bottom", "traceorder": "normal"},
        "margin": {"l": 60, "r": 20, "t": 62 + 18 * len(words), "b": 84},
        "height": max(chart.height, 300) + 80 + 18 * len(words),
        "xaxis": values if lying else names,
        "yaxis": names if lying else values,
        "shapes": [_mark(mark, lying) for mark in chart.thresholds],
        "barmode": "stack",
        "showlegend": True,
        "template": {},
        "font": {"color": GREY},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
    }
    return {"data": [_trace(chart, place) for place in range(len(chart.series))], "layout": layout}


def _mark(mark: Threshold, lying: bool) -> dict[str, Any]:
    along, across = ("y", "x") if lying else ("x", "y")
    ends = {f"{along}0": 0, f"{along}1": 1, f"{along}ref": "paper", f"{across}0": mark.value, f"{across}1": mark.value}
    return {"type": "line", "line": {"color": GREY, "dash": "dash"}, "label": {"text": escape(mark.label)}, **ends}


def _trace(chart: ChartData, place: int) -> dict[str, Any]:
    series = chart.series[place]
    part, names, values = PARTS[series.part], list(chart.categories), list(series.values)
    trace: dict[str, Any] = {"name": escape(series.name), "uid": f"{series.part}-{place}", "x": names, "y": values}
    # Whole sentences: plotly's own label is a pair of numbers with a name that it cuts off after 15 letters.
    point, value = ("%{y}", "%{x:,}") if chart.kind == "rows" else ("%{x}", "%{y:,}")
    noted = "<br>%{hovertext}" if chart.kind == "rows" and chart.notes else ""
    trace["hovertemplate"] = f"{point}: {value} {escape(chart.unit)}, {escape(series.name)}{noted}<extra></extra>"
    if chart.kind == "lines":
        line = {"color": part.colour, "dash": LINES[place % len(LINES)]}
        return {**trace, "type": "scatter", "mode": "lines+markers", "line": line}
    if chart.kind == "rows":
        trace |= {"x": values, "y": names, "orientation": "h", "hovertext": [escape(note) for note in chart.notes]}
    pattern = {"shape": part.hatch, "bgcolor": part.colour, "fgcolor": "#ffffff", "fgopacity": 0.6}
    if series.part == "dropped":
        pattern |= {"bgcolor": CLEAR, "fgcolor": part.colour, "fgopacity": 1}
    return {
        **trace,
        "type": "bar",
        "marker": {"color": part.colour, "pattern": {**pattern, "size": 6, "solidity": 0.2}},
    }
