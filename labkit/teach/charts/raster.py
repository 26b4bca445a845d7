"""The PNG back end: a drawing on a light card, with readable letters; the same Pillow gives the same bytes."""

import io
import math
from collections.abc import Iterator
from functools import cache
from itertools import pairwise, product

from PIL import Image, ImageColor, ImageDraw, ImageFont

from labkit.teach.charts.drawing import PARTS, STROKES, TILE, Box, Drawing, Line, Shape, Words, hatch_of, stroke_width
from labkit.teach.charts.lettering import printable

PRINTED = {"ink": "#1f2328", "muted": "#57606a", "grid": "#d8dee4", "paper": "#ffffff"}
SCALE = 1.5
"""Pixels for each unit of the drawing: sharp enough on dense screens, and about 15 kB a picture."""


def png(drawing: Drawing) -> bytes:
    """The drawing as the bytes of a PNG."""
    size = round(drawing.width * SCALE), round(drawing.height * SCALE)
    image = Image.new("RGB", size, PRINTED["paper"])
    pen = ImageDraw.Draw(image)
    for shape in drawing.shapes:
        _paint(pen, image, shape)
    file = io.BytesIO()
    image.quantize(palette=_palette(), dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


@cache
def font(size: float) -> ImageFont.FreeTypeFont:
    """Pillow's own font at a size in pixels; RuntimeError for a Pillow built without scalable letters."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError(
            "this Pillow draws no scalable letters (built without FreeType): install Pillow's own wheel with pip"
        )
    return font


@cache
def _palette() -> Image.Image:
    """Each colour whole and in three tints for the edges of letters and hatches, so that none is ever merged away."""
    paper = ImageColor.getrgb(PRINTED["paper"])
    inks = [ImageColor.getrgb(_printed(name)) for name in (*PARTS, "ink", "muted", "grid")]
    tints = [
        round(ink * share + white * (1 - share))
        for rgb, share in product(inks, (1, 0.7, 0.45, 0.2))
        for ink, white in zip(rgb, paper, strict=True)
    ]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*paper, *tints])
    return palette


def _paint(pen: ImageDraw.ImageDraw, image: Image.Image, shape: Shape) -> None:
    match shape:
        case Box():
            _paint_box(pen, image, shape)
        case Line():
            for x1, y1, x2, y2 in _dashes(shape):
                ends = (x1 * SCALE, y1 * SCALE, x2 * SCALE, y2 * SCALE)
                pen.line(ends, _printed(shape.stroke), round(shape.width * SCALE))
        case Words():
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
            place, ink, bold = (shape.x * SCALE, shape.y * SCALE), _printed(shape.fill), shape.bold / 2
            letters = font(shape.size * SCALE)
            pen.text(place, printable(shape.text), ink, letters, anchor, stroke_width=bold, stroke_fill=ink)


def _paint_box(pen: ImageDraw.ImageDraw, image: Image.Image, box: Box) -> None:
    left, top = round(box.x * SCALE), round(box.y * SCALE)
    right, bottom = round((box.x + box.width) * SCALE), round((box.y + box.height) * SCALE)
    if right <= left or bottom <= top:
        return
    if box.open:
        for edge in _edges(box):
            _paint(pen, image, edge)
        return
    pen.rectangle((left, top, right - 1, bottom - 1), _printed(box.fill))
    if hatch := hatch_of(box):
        mask = _hatch_mask(hatch, right - left, bottom - top)
        image.paste(Image.new("RGB", mask.size, PRINTED["paper"]), (left, top), mask)


def _edges(box: Box) -> tuple[Line, ...]:
    right, low = box.x + box.width, box.y + box.height
    corners = ((box.x, box.y), (right, box.y), (right, low), (box.x, low), (box.x, box.y))
    return tuple(Line(*a, *b, box.fill, 1.5, 3.5) for a, b in pairwise(corners))


@cache
def _hatch_mask(hatch: str, width: int, height: int) -> Image.Image:
    mask = Image.new("L", (width, height), 0)
    pen, tile, thick = ImageDraw.Draw(mask), round(TILE * SCALE), round(stroke_width(hatch) * SCALE)
    for x, y in product(range(0, width, tile), range(0, height, tile)):
        for a, b, c, d in STROKES[hatch]:
            pen.line((x + a * SCALE, y + b * SCALE, x + c * SCALE, y + d * SCALE), 190, thick)
    return mask


def _dashes(line: Line) -> Iterator[tuple[float, float, float, float]]:
    length = math.hypot(line.x2 - line.x1, line.y2 - line.y1)
    if not line.dash or not length:
        yield line.x1, line.y1, line.x2, line.y2
        return
    right, down = (line.x2 - line.x1) / length, (line.y2 - line.y1) / length
    for i in range(0, math.ceil(length / line.dash), 2):
        start, stop = i * line.dash, min((i + 1) * line.dash, length)
        yield line.x1 + right * start, line.y1 + down * start, line.x1 + right * stop, line.y1 + down * stop


def _printed(name: str) -> str:
    return PARTS[name].colour if name in PARTS else PRINTED[name]
