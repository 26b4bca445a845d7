"""Where everything of a chart goes: title, legend, bars or lines, axes, thresholds, notes and source.

Sizes are in units of the sheet; a unit is a pixel at normal size.
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from labkit.teach.charts.drawing import Box, Drawing, Line, Shape, Words
from labkit.teach.charts.lettering import shortened, width_of, wrapped

if TYPE_CHECKING:
    from labkit.teach.charts.chart import Chart, Lane

WIDTH = 680
TEXT, SMALL = 12, 11
DASHES = (0, 6, 3, 9)
LANE = 13


def arranged(chart: "Chart", caption: bool = False) -> Drawing:
    """The chart as a drawing; with `caption`, its words stand below the picture."""
    shapes = [*_heading(chart), *(_rows(chart) if chart.kind == "rows" else _columns(chart)), *_footer(chart)]
    lines = wrapped(chart.words, WIDTH - 24, TEXT) if caption else []
    shapes += [Words(12, chart.height + 8 + 16 * i, line, TEXT) for i, line in enumerate(lines)]
    return Drawing(WIDTH, chart.height + 16 * len(lines), tuple(shapes), f"{chart.title}. {chart.words}")


def _heading(chart: "Chart") -> list[Shape]:
    shapes: list[Shape] = [Words(12, 20, shortened(chart.title, WIDTH - 24, 15), 15, bold=True)]
    needed = sum(width_of(series.name, TEXT) for series in chart.series)
    gap = min(18, (WIDTH - 24 - needed) / max(len(chart.series), 1) - 20)
    x = 12.0
    for place, series in enumerate(chart.series):
        shapes += _legend_key(chart, place, x)
        shapes.append(Words(x + 18, 42, series.name, TEXT))
        x += 20 + width_of(series.name, TEXT) + gap
    return shapes


def _legend_key(chart: "Chart", place: int, x: float) -> list[Shape]:
    part = chart.series[place].part
    if chart.kind == "lines":
        return [Line(x, 38, x + 15, 38, part, 3, DASHES[place % len(DASHES)])]
    return [Box(x, 32, 14, 12, part, part == "dropped")]


def _footer(chart: "Chart") -> list[Shape]:
    text = shortened(chart.source, WIDTH - 24, SMALL)
    return [Words(12, chart.height - 8, text, SMALL, fill="muted")] if text else []


def _columns(chart: "Chart") -> list[Shape]:
    left, right, top, bottom = 58.0, WIDTH - 14.0, 72.0, chart.height - (58.0 if chart.source else 42.0)
    if chart.lanes:
        left = max(left, 18 + min(max(width_of(lane.label, SMALL) for lane in chart.lanes), 170))
        bottom -= LANE * len(chart.lanes) + 8
    high = bottom - top
    step = (right - left) / max(len(chart.categories), 1)
    shapes = _scale(chart, left, right, top, bottom)
    if chart.kind == "lines":
        shapes += _lines(chart, left, step, bottom, high)
    else:
        for i in range(len(chart.categories)):
            shapes += _stack(chart, i, left + step * i, step, bottom, high)
    every = math.ceil(max((width_of(c, TEXT) for c in chart.categories), default=0) / max(step - 4, 1)) or 1
    for i in range(0, len(chart.categories), every):
        shapes.append(Words(left + step * (i + 0.5), bottom + 16, chart.categories[i], TEXT, "middle"))
    if chart.axis:
        shapes.append(Words((left + right) / 2, bottom + 33, chart.axis, TEXT, "middle", "muted"))
    for i, lane in enumerate(chart.lanes):
        shapes += _strip(lane, left, right, step, bottom + 42 + LANE * i)
    return [*shapes, *_threshold_lines(chart, left, right, bottom, high)]


def _strip(lane: "Lane", left: float, right: float, step: float, y: float) -> Iterator[Shape]:
    yield Words(left - 6, y + LANE - 3, shortened(lane.label, left - 18, SMALL), SMALL, "end")
    yield Line(left, y + LANE / 2, right, y + LANE / 2, "grid")
    for start, stop in lane.spans:
        yield Box(left + step * start, y + 2, step * (stop - start), LANE - 4, lane.part)


def _scale(chart: "Chart", left: float, right: float, top: float, bottom: float) -> list[Shape]:
    shapes: list[Shape] = [Words(left - 6, top - 6, chart.unit, SMALL, "end", "muted")]
    for tick in ticks(chart.end):
        y = bottom - (bottom - top) * tick / chart.end
        shapes.append(Line(left, y, right, y, "grid" if tick else "ink"))
        shapes.append(Words(left - 6, y + 4, number(tick), SMALL, "end", "muted"))
    return shapes


def _stack(chart: "Chart", i: int, x: float, step: float, bottom: float, high: float) -> Iterator[Shape]:
    gap, y, end = min(step * 0.15, 8), bottom, chart.end
    for series in chart.series:
        tall = min(high * (series.values[i] or 0) / end, high - (bottom - y))
        if tall > 0:
            yield Box(x + gap, y - tall, step - 2 * gap, max(tall - 1, 1), series.part, series.part == "dropped")
            y -= tall
    total = chart.total(i)
    if total and width_of(number(total), SMALL) <= step:
        yield Words(x + step / 2, y - 4, number(total), SMALL, "middle")


def _lines(chart: "Chart", left: float, step: float, bottom: float, high: float) -> Iterator[Shape]:
    for place, series in enumerate(chart.series):
        dots = [
            (left + step * (i + 0.5), bottom - high * min(value / chart.end, 1))
            for i, value in enumerate(series.values)
            if value is not None
        ]
        for (x1, y1), (x2, y2) in pairwise(dots):
            yield Line(x1, y1, x2, y2, series.part, 2.5, DASHES[place % len(DASHES)])
        if len(dots) <= 25:
            yield from (Box(x - 2.5, y - 2.5, 5, 5, series.part) for x, y in dots)


def _threshold_lines(chart: "Chart", left: float, right: float, bottom: float, high: float) -> Iterator[Shape]:
    for mark in chart.thresholds:
        y = bottom - high * min(mark.value / chart.end, 1)
        yield Line(left, y, right, y, "ink", 1.5, 5)
        yield Words(left + 4, y - 5, mark.label, SMALL)


def _rows(chart: "Chart") -> list[Shape]:
    top, bottom = 66.0, chart.height - (24.0 if chart.source else 8.0)
    tall = min((bottom - top) / max(len(chart.categories), 1), 26)
    size = min(TEXT, tall * 0.8)
    left = 18 + min(max((width_of(c, size) for c in chart.categories), default=0), 170)
    right = left + (WIDTH - left) * (0.42 if chart.notes else 0.86)
    shapes: list[Shape] = [Words(left, top - 4, chart.unit, SMALL, fill="muted")]
    for i, category in enumerate(chart.categories):
        base = top + tall * i + tall / 2 + size * 0.36
        there = any(series.values[i] is not None for series in chart.series)
        name, ink = shortened(category, left - 17.5, size), "ink" if there else "muted"
        shapes.append(Words(left - 6, base, name, size, "end", ink))
        shapes += _bar(chart, i, left, right, top + tall * i, tall, size) if there else ()
        if chart.notes:
            shapes.append(Words(right + 46, base, shortened(chart.notes[i], WIDTH - right - 58, size), size))
    for mark in chart.thresholds:
        x = left + (right - left) * min(mark.value / chart.end, 1)
        shapes.append(Line(x, top, x, top + tall * len(chart.categories), "ink", 1.5, 5))
        shapes.append(Words(x, top - 4, mark.label, SMALL, "middle"))
    return shapes


def _bar(chart: "Chart", i: int, left: float, right: float, y: float, tall: float, size: float) -> Iterator[Shape]:
    x, gap = left, min(tall * 0.14, 4)
    for series in chart.series:
        wide = min((right - left) * (series.values[i] or 0) / chart.end, right - x)
        if wide > 0:
            yield Box(x, y + gap, max(wide - 1, 1), tall - 2 * gap, series.part, series.part == "dropped")
            x += wide
    yield Words(x + 5, y + tall / 2 + size * 0.36, number(chart.total(i)), size)


def ticks(end: float, most: int = 5) -> list[float]:
    """Round values from 0 to `end` for an axis: at most `most` steps of 1, 2 or 5 times a power of ten."""
    raw = end / most
    power = 10 ** math.floor(math.log10(raw))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= raw * (1 - 1e-9))
    return [step * i for i in range(int(end / step + 1e-9) + 1)]


def number(value: float) -> str:
    """A number as text with thousands separators, and decimals only where it has them."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}".rstrip("0").rstrip(".")
