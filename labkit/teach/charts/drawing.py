"""Rectangles, lines and words on a sheet, and the colours of every chart.

One layout of these serves both back ends (`vector` for SVG, `raster` for PNG), so that the picture stored
in a notebook is the one that the live widget draws.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """The look of one part of a request everywhere: a label, a colour, and a hatch so that colour is not the only sign.

    `hatch` is one of `""`, `"/"`, `"\\"`, `"x"`, `"-"`, `"."` (plotly's names for them).
    """

    label: str
    colour: str
    hatch: str = ""


PARTS = {
    "system": Part("system prompt", "#8c50c8"),
    "history": Part("history", "#438bfd", "/"),
    "current": Part("current message", "#c33908"),
    "reply": Part("reply", "#05a86f", "\\"),
    "summary": Part("summary", "#a7903d", "-"),
    "facts": Part("pinned facts", "#e83fae", "."),
    "dropped": Part("dropped", "#808080", "x"),
    "cache_read": Part("cache read", "#06738e", "."),
}
"""The one visual language. Started from Okabe and Ito's colours (Color Universal Design, 2008), then moved
until each has a contrast of at least 3:1 on white and on the dark theme and any two stay apart under
simulated colour blindness (tests/test_charts.py).
"""


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle, or with `open` a dashed outline; `fill` is a part's name or ink, muted, grid, paper."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line; `dash` is the length of its dashes, 0 for a whole line."""

    x1: float
    y1: float
    x2: float
    y2: float
    stroke: str
    width: float = 1
    dash: float = 0


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; `y` is its baseline, `anchor` is start, middle or end."""

    x: float
    y: float
    text: str
    size: float = 12
    anchor: str = "start"
    fill: str = "ink"
    bold: bool = False


type Shape = Box | Line | Words


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on a sheet of `width` by `height` units, later ones on top; `name` is what a screen reader says."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    name: str


TILE = 8
"""The side of one tile of a hatch, in units."""
STROKES = {
    "/": ((0, 8, 8, 0), (-1, 1, 1, -1), (7, 9, 9, 7)),
    "\\": ((0, 0, 8, 8), (-1, 7, 1, 9), (7, -1, 9, 1)),
    "x": ((0, 8, 8, 0), (0, 0, 8, 8)),
    "-": ((0, 4, 8, 4),),
    ".": ((3, 4, 5, 4),),
}
"""The strokes of one tile of each hatch: x and y of both ends."""


def hatch_of(box: Box) -> str:
    """The hatch that a box is drawn with; none when it is too small to show one."""
    return PARTS[box.fill].hatch if box.fill in PARTS and min(box.width, box.height) >= TILE else ""


def stroke_width(hatch: str) -> float:
    """The thickness of a hatch's strokes."""
    return 2 if hatch == "." else 1
