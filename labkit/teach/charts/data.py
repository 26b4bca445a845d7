"""The data of a chart: series, thresholds and lanes, checked against each other."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from labkit.teach.charts.drawing import PARTS

type Kind = Literal["columns", "rows", "lines"]
KINDS = ("columns", "rows", "lines")

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
        """True if the strip covers this category."""
        return any(start <= place < stop for start, stop in self.spans)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartData:
    """The data of a chart: what it shows (`series` by category) and the sentence (`words`) computed from it.

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
        """The end of the value axis: `top` if it is given, otherwise just above the largest value or threshold."""
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
