"""The SVG back end: a drawing as one element that follows the theme of the page around it."""

from html import escape

from labkit.teach.charts.drawing import PARTS, STROKES, TILE, Box, Drawing, Line, Shape, hatch_of, stroke_width

INK = {
    "ink": "currentColor",
    "muted": "currentColor",
    "grid": "currentColor",
    "paper": "var(--jp-layout-color0, Canvas)",
}
OPACITY = {"muted": 0.75, "grid": 0.2}


def svg(drawing: Drawing) -> str:
    """The drawing as an SVG element with its name for screen readers; it takes the width that it is given."""
    used = dict.fromkeys(shape.fill for shape in drawing.shapes if isinstance(shape, Box) and hatch_of(shape))
    hatches = "".join(map(_svg_hatch, used))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(drawing.name)}" '
        f'viewBox="0 0 {_n(drawing.width)} {_n(drawing.height)}" width="100%" font-family="system-ui, sans-serif">'
        f"{f'<defs>{hatches}</defs>' if hatches else ''}{''.join(map(_svg_shape, drawing.shapes))}</svg>"
    )


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _svg_colour(name: str) -> str:
    return PARTS[name].colour if name in PARTS else INK[name]


def _svg_shape(shape: Shape) -> str:
    match shape:
        case Box():
            return _svg_box(shape)
        case Line():
            dash = f' stroke-dasharray="{_n(shape.dash)}"' if shape.dash else ""
            faint = f' stroke-opacity="{OPACITY[shape.stroke]}"' if shape.stroke in OPACITY else ""
            return (
                f'<line x1="{_n(shape.x1)}" y1="{_n(shape.y1)}" x2="{_n(shape.x2)}" y2="{_n(shape.y2)}" '
                f'stroke="{_svg_colour(shape.stroke)}" stroke-width="{_n(shape.width)}"{faint}{dash}/>'
            )
    faint = f' fill-opacity="{OPACITY[shape.fill]}"' if shape.fill in OPACITY else ""
    anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
    bold = ' font-weight="600"' if shape.bold else ""
    place = f'x="{_n(shape.x)}" y="{_n(shape.y)}" font-size="{_n(shape.size)}"'
    return f'<text {place} fill="{_svg_colour(shape.fill)}"{faint}{anchor}{bold}>{escape(shape.text)}</text>'


def _svg_box(box: Box) -> str:
    place = f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'
    colour = _svg_colour(box.fill)
    if box.open:
        return f'<rect {place} fill="none" stroke="{colour}" stroke-width="1.5" stroke-dasharray="4 3"/>'
    faint = f' fill-opacity="{OPACITY[box.fill]}"' if box.fill in OPACITY else ""
    return f'<rect {place} fill="{f"url(#labkit-{box.fill})" if hatch_of(box) else colour}"{faint}/>'


def _svg_hatch(name: str) -> str:
    part = PARTS[name]
    lines = "".join(f"M{_n(a)} {_n(b)}L{_n(c)} {_n(d)}" for a, b, c, d in STROKES[part.hatch])
    return (
        f'<pattern id="labkit-{name}" width="{TILE}" height="{TILE}" patternUnits="userSpaceOnUse">'
        f'<rect width="{TILE}" height="{TILE}" fill="{part.colour}"/>'
        f'<path d="{lines}" stroke="{INK["paper"]}" stroke-opacity="0.75" stroke-width="{stroke_width(part.hatch)}"/>'
        "</pattern>"
    )
