"""The places of a chart's title, legend, bars or lines, axes, thresholds, notes and source.

Sizes are in units of the sheet; a unit is a pixel at normal size.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from labkit.teach.charts.data import ChartData, Lane
from labkit.teach.charts.drawing import Box, Drawing, Line, Shape, Words
from labkit.teach.charts.lettering import shortened, width_of, wrapped

WIDTH = 680
NARROW = 380
"""The width of the form for narrow pages, such as a phone's: the same letters, with notes below their bars."""
TEXT, SMALL, BOLD = 12, 11, 1.12
"""Two sizes of letters, and how much wider bold ones are."""
DASHES = (0, 6, 3, 9)
LANE = 13


def arranged(chart: ChartData, caption: bool = False, width: float = WIDTH) -> Drawing:
    """The chart as a drawing; with `caption`, its words stand below the picture; `width` is WIDTH or NARROW."""
    heading, down = _heading(chart, width)
    body, high = _rows(chart, width) if chart.kind == "rows" else (_columns(chart, width), chart.height)
    source = _source(chart, width)
    below = [Words(12, high - 8 + 14 * i, line, SMALL, fill="muted") for i, line in enumerate(source)]
    shapes = [*heading, *(_lower(shape, down) for shape in (*body, *below))]
    tall = high + down + 14 * max(len(source) - 1, 0)
    lines = wrapped(chart.words, width - 24, TEXT) if caption else []
    shapes += [Words(12, tall + 8 + 16 * i, line, TEXT) for i, line in enumerate(lines)]
    return Drawing(width, tall + 16 * len(lines), tuple(shapes), f"{chart.title}. {chart.words}")


def _lower(shape: Shape, down: float) -> Shape:
    if not down:
        return shape
    if isinstance(shape, Line):
        return replace(shape, y1=shape.y1 + down, y2=shape.y2 + down)
    return replace(shape, y=shape.y + down)


def _heading(chart: ChartData, width: float) -> tuple[list[Shape], float]:
    """Title and legend, and how much lower than usual they let the rest begin."""
    room, bold = width - 24, (width - 24) / BOLD
    titles = wrapped(chart.title, bold, 15) if width < WIDTH else [chart.title]
    shapes: list[Shape] = [
        Words(12, 20 + 19 * i, shortened(title, bold, 15), 15, bold=True) for i, title in enumerate(titles)
    ]
    top = 38 + 19 * max(len(titles) - 1, 0)
    needed = sum(width_of(series.name, TEXT) for series in chart.series)
    gap = min(18, (room - needed) / max(len(chart.series), 1) - 20)
    several = width < WIDTH and gap < 8
    x, y = 12.0, top
    for place, series in enumerate(chart.series):
        wide = 20 + width_of(series.name, TEXT)
        if several and x > 12 and x + wide > width - 12:
            x, y = 12.0, y + 18
        shapes += _legend_key(chart, place, x, y)
        shapes.append(Words(x + 18, y + 4, shortened(series.name, width - x - 30, TEXT), TEXT))
        x += wide + (14 if several else gap)
    return shapes, y - 38


def _legend_key(chart: ChartData, place: int, x: float, y: float) -> list[Shape]:
    part = chart.series[place].part
    if chart.kind == "lines":
        return [Line(x, y, x + 15, y, part, 3, DASHES[place % len(DASHES)])]
    return [Box(x, y - 6, 14, 12, part, part == "dropped")]


def _source(chart: ChartData, width: float) -> list[str]:
    if width < WIDTH:
        return wrapped(chart.source, width - 24, SMALL)
    return [text] if (text := shortened(chart.source, width - 24, SMALL)) else []


def _columns(chart: ChartData, width: float) -> list[Shape]:
    left, right, top, bottom = 58.0, width - 14.0, 72.0, chart.height - (58.0 if chart.source else 42.0)
    if chart.lanes:
        left = max(left, 18 + min(max(width_of(lane.label, SMALL) for lane in chart.lanes), max(width / 4, 110)))
        bottom -= LANE * len(chart.lanes) + 8
    high = bottom - top
    step = (right - left) / max(len(chart.categories), 1)
    shapes = _scale(chart, left, right, top, bottom)
    if chart.kind == "lines":
        shapes += _lines(chart, left, step, bottom, high)
    else:
        for i in range(len(chart.categories)):
            shapes += _stack(chart, i, left + step * i, step, bottom, high)
    for i in _named(chart.categories, step):
        shapes.append(Words(left + step * (i + 0.5), bottom + 16, chart.categories[i], TEXT, "middle"))
    if chart.axis:
        shapes.append(Words((left + right) / 2, bottom + 33, chart.axis, TEXT, "middle", "muted"))
    for i, lane in enumerate(chart.lanes):
        shapes += _strip(lane, left, right, step, bottom + 42 + LANE * i)
    return [*shapes, *_threshold_lines(chart, left, right, bottom, high)]


def _named(categories: Sequence[str], step: float) -> list[int]:
    """The places whose names are written, so that none touches the next; of many turns the round ones."""
    needed = math.ceil(max((width_of(name, TEXT) for name in categories), default=0) / max(step - 4, 1)) or 1
    if needed <= 2 or categories[0] != "1":
        return list(range(0, len(categories), needed))
    every = next(nice for nice in itertools.count(5, 5) if nice >= needed)
    return [0, *range(every - 1, len(categories), every)]


def _strip(lane: Lane, left: float, right: float, step: float, y: float) -> Iterator[Shape]:
    yield Words(left - 6, y + LANE - 3, shortened(lane.label, left - 18, SMALL), SMALL, "end")
    yield Line(left, y + LANE / 2, right, y + LANE / 2, "grid")
    for start, stop in lane.spans:
        yield Box(left + step * start, y + 2, step * (stop - start), LANE - 4, lane.part)


def _scale(chart: ChartData, left: float, right: float, top: float, bottom: float) -> list[Shape]:
    shapes: list[Shape] = [Words(left - 6, top - 6, chart.unit, SMALL, "end", "muted")]
    for tick in ticks(chart.end):
        y = bottom - (bottom - top) * tick / chart.end
        shapes.append(Line(left, y, right, y, "grid" if tick else "ink"))
        shapes.append(Words(left - 6, y + 4, number(tick), SMALL, "end", "muted"))
    return shapes


def _shares(chart: ChartData, i: int) -> Iterator[tuple[str, float]]:
    """Yield the parts of a bar that reach below the end of the axis, each with its share of the axis.

    Shares and not pixels: rounding then leaves out the same parts, whatever the width of the sheet.
    """
    left = 1.0
    for series in chart.series:
        share = min((series.values[i] or 0) / chart.end, left)
        if share > 0:
            yield series.part, share
            left -= share


def _stack(chart: ChartData, i: int, x: float, step: float, bottom: float, high: float) -> Iterator[Shape]:
    gap, y = min(step * 0.15, 8), bottom
    for part, share in _shares(chart, i):
        y -= high * share
        yield Box(x + gap, y, step - 2 * gap, max(high * share - 1, 1), part, part == "dropped")
    total = chart.total(i)
    if total and width_of(number(total), SMALL) <= step:
        yield Words(x + step / 2, y - 4, number(total), SMALL, "middle")


def _lines(chart: ChartData, left: float, step: float, bottom: float, high: float) -> Iterator[Shape]:
    for place, series in enumerate(chart.series):
        dots = [
            (left + step * (i + 0.5), bottom - high * min(value / chart.end, 1))
            for i, value in enumerate(series.values)
            if value is not None
        ]
        for (x1, y1), (x2, y2) in itertools.pairwise(dots):
            yield Line(x1, y1, x2, y2, series.part, 2.5, DASHES[place % len(DASHES)])
        if len(dots) <= 25:
            yield from (Box(x - 2.5, y - 2.5, 5, 5, series.part) for x, y in dots)


def _threshold_lines(chart: ChartData, left: float, right: float, bottom: float, high: float) -> Iterator[Shape]:
    for mark in chart.thresholds:
        y = bottom - high * min(mark.value / chart.end, 1)
        yield Line(left, y, right, y, "ink", 1.5, 5)
        yield Words(left + 4, y - 5, shortened(mark.label, right - left - 4, SMALL), SMALL)


def _rows(chart: ChartData, width: float) -> tuple[list[Shape], float]:
    """The bars with their names and notes, and how high a sheet they take."""
    top, foot, below = 66.0, 24.0 if chart.source else 8.0, 16.0 if chart.notes and width < WIDTH else 0.0
    tall = 18.0 if below else min((chart.height - foot - top) / max(len(chart.categories), 1), 26)
    high = top + (tall + below) * len(chart.categories) + foot if below else chart.height
    size = min(TEXT, tall * 0.8)
    left = 18 + min(max((width_of(c, size) for c in chart.categories), default=0), max(width / 4, 140))
    right = left + (width - left) * (0.42 if chart.notes and not below else 0.86 if width == WIDTH else 0.78)
    shapes: list[Shape] = [Words(left, top - 4, chart.unit, SMALL, fill="muted")]
    for i, category in enumerate(chart.categories):
        y = top + (tall + below) * i
        base = y + tall / 2 + size * 0.36
        there = any(series.values[i] is not None for series in chart.series)
        name, ink = shortened(category, left - 17.5, size), "ink" if there else "muted"
        shapes.append(Words(left - 6, base, name, size, "end", ink))
        shapes += _bar(chart, i, left, right, y, tall, size) if there else ()
        if below:
            note = shortened(chart.notes[i], width - left - 12, SMALL)
            shapes.append(Words(left, y + tall + 8 if there else base, note, SMALL))
        elif chart.notes:
            shapes.append(Words(right + 46, base, shortened(chart.notes[i], width - right - 58, size), size))
    for mark in chart.thresholds:
        x, half = left + (right - left) * min(mark.value / chart.end, 1), width_of(mark.label, SMALL) / 2
        shapes.append(Line(x, top, x, high - foot if below else top + tall * len(chart.categories), "ink", 1.5, 5))
        shapes.append(Words(min(x, width - half), top - 4, mark.label, SMALL, "middle"))
    return shapes, high


def _bar(chart: ChartData, i: int, left: float, right: float, y: float, tall: float, size: float) -> Iterator[Shape]:
    x, gap = left, min(tall * 0.14, 4)
    for part, share in _shares(chart, i):
        wide = (right - left) * share
        yield Box(x, y + gap, max(wide - 1, 1), tall - 2 * gap, part, part == "dropped")
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
