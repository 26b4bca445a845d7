"""Charts say what they show, look the same everywhere, and can be read in every theme and by every eye."""

import base64
import itertools
import json
import math
import re
import subprocess
import sys
from io import BytesIO

import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from labkit import ConversationManager, claude
from labkit.messages import History, assistant, user
from labkit.teach.cells.shown import escaped
from labkit.teach.charts.chart import CHART_MIME, Chart, Lane, Series, Threshold
from labkit.teach.charts.drawing import PARTS, Box, Drawing, Line, Words
from labkit.teach.charts.hover import plotly_form
from labkit.teach.charts.layout import NARROW, WIDTH, arranged, number, ticks
from labkit.teach.charts.lettering import printable, shortened, width_of, wrapped
from labkit.teach.charts.raster import SCALE, png
from labkit.teach.charts.vector import svg
from labkit.teach.views.statelessness import payload, tokens_per_turn
from labkit.tokens import estimate_tokens
from tests.conversations import conversations

WHITE, DARK = "#ffffff", "#1e1e1e"
COLOUR_BLIND = {
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
}
"""Machado, Oliveira and Fernandes (2009), severity 1.0, applied to linear light."""

TALK = (
    user("Hello! My account number is 4711."),
    assistant("[simulated] Nice to meet you."),
    user("What is a token?"),
    assistant("[simulated] A piece of text."),
    user("Which account number did I give you?"),
)
amounts = st.none() | st.integers(0, 10**7) | st.floats(0, 1e7, allow_nan=False).map(lambda x: round(x, 3))
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=60)


@st.composite
def charts(draw):
    """Any chart that can be made: of every kind, with any number of categories, odd words and wild values."""
    count = draw(st.integers(0, 40))
    parts = draw(st.lists(st.sampled_from(sorted(PARTS)), max_size=4, unique=True))
    return Chart(
        title=draw(texts),
        words=draw(texts.filter(str.strip)),
        categories=draw(st.lists(texts, min_size=count, max_size=count)),
        series=[Series(part, draw(st.lists(amounts, min_size=count, max_size=count))) for part in parts],
        kind=draw(st.sampled_from(["columns", "rows", "lines"])),
        notes=draw(st.just([]) | st.lists(texts, min_size=count, max_size=count)),
        thresholds=[Threshold(value, "limit") for value in draw(st.lists(st.integers(0, 10**6), max_size=2))],
        source=draw(texts),
        top=draw(st.none() | st.integers(1, 10**6)),
    )


def some_chart(**changes):
    """A small chart with the given changes."""
    given = {
        "title": "Tokens",
        "words": "Turn 2 carries 50 tokens.",
        "categories": ("1", "2"),
        "series": (Series("system", (10, 10)), Series("history", (None, 40))),
    }
    return Chart(**given | changes)


def linear(colour):
    """The colour in linear light, red, green and blue from 0 to 1."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def contrast(one, other):
    """The contrast of two colours as WCAG 2 defines it, from 1 to 21."""
    dark, light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(one), linear(other)))
    return (light + 0.05) / (dark + 0.05)


def seen(colour, matrix):
    """The colour as an eye sees it, in CIE Lab."""
    r, g, b = (min(1, max(0, sum(m * c for m, c in zip(row, linear(colour), strict=True)))) for row in matrix)
    white = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047
    y, z = 0.2126 * r + 0.7152 * g + 0.0722 * b, (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (white, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("part", PARTS)
def test_every_colour_is_seen_on_light_and_dark(part):
    """Each part's colour has the 3:1 contrast that WCAG asks of graphics, on white and on the dark theme."""
    assert contrast(PARTS[part].colour, WHITE) >= 3
    assert contrast(PARTS[part].colour, DARK) >= 3


@pytest.mark.parametrize("eye", COLOUR_BLIND)
def test_colours_stay_apart_for_every_eye(eye):
    """Any two parts differ visibly (at least 12 in CIE Lab, where 2.3 is just noticeable) under colour blindness."""
    matrix = COLOUR_BLIND[eye]
    apart = {
        (one, other): math.dist(seen(PARTS[one].colour, matrix), seen(PARTS[other].colour, matrix))
        for one, other in itertools.combinations(PARTS, 2)
    }
    assert min(apart.values()) >= 12, min(apart, key=apart.get)


def test_colour_is_never_the_only_sign():
    """Each part has a separate label, and no two of a request's main parts share a hatch."""
    assert len({part.label for part in PARTS.values()}) == len(PARTS)
    stacked = [("system", "history"), ("history", "current"), ("history", "summary"), ("history", "facts")]
    assert all(PARTS[one].hatch != PARTS[other].hatch for one, other in stacked)


@given(charts(), st.sampled_from([WIDTH, NARROW]))
@settings(max_examples=80, deadline=None)
def test_nothing_is_drawn_outside_the_sheet(chart, width):
    """Every bar, line and label begins inside the picture for any data, and bars never leave it."""
    drawing = arranged(chart, width=width)
    for shape in drawing.shapes:
        match shape:
            case Box():
                ends = ((shape.x, shape.y), (shape.x + shape.width, shape.y + shape.height))
            case Line():
                ends = ((shape.x1, shape.y1), (shape.x2, shape.y2))
            case Words():
                ends = ((shape.x, shape.y),)
        assert all(-1 <= x <= drawing.width + 1 and -1 <= y <= drawing.height + 1 for x, y in ends), shape


@given(charts())
@settings(max_examples=40, deadline=None)
def test_the_narrow_form_leaves_out_no_bar(chart):
    """Narrow or wide, a chart has the same bars and points by part, and each note, shortened or not."""
    wide, narrow = (arranged(chart, width=width).shapes for width in (WIDTH, NARROW))
    drawn = [sorted(shape.fill for shape in shapes if isinstance(shape, Box)) for shapes in (wide, narrow)]
    assert drawn[0] == drawn[1]
    assert arranged(chart, width=NARROW).width == NARROW < 390  # a phone
    texts = [shape.text for shape in narrow if isinstance(shape, Words)]
    noted = [" ".join(note.split())[:5] for note in chart.notes] if chart.kind == "rows" else []
    assert all(any(text.startswith(note) for text in texts) for note in noted)


@pytest.mark.parametrize("kind", ["rows", "columns"])
def test_what_lies_beyond_the_axis_is_left_out_whatever_the_width(kind):
    """Of a third part, after two that fill the axis, rounding draws no sliver on one sheet and none on another."""
    for small in (0.333, 0.1, 7.7, 1e-5):
        series = [Series("cache_read", (small,)), Series("current", (42_889,)), Series("dropped", (small,))]
        chart = Chart(title="t", words="w", categories=["1"], series=series, kind=kind, top=42_889)
        for width in range(NARROW, WIDTH):
            shapes = arranged(chart, width=width).shapes
            assert sum(isinstance(shape, Box) and shape.fill == "dropped" for shape in shapes) == 1  # in the legend


@pytest.mark.parametrize("count", [12, 40, 100, 500])
def test_of_many_turns_the_round_ones_are_named(count):
    """Names below columns never touch, and where turns are left out, the first and round ones stay."""
    turns = [str(turn + 1) for turn in range(count)]
    chart = some_chart(categories=turns, series=(Series("history", [1] * count),))
    low = max(shape.y for shape in arranged(chart).shapes if isinstance(shape, Words) and shape.text == "1")
    named = [shape for shape in arranged(chart).shapes if isinstance(shape, Words) and shape.y == low]
    reach = [(one.x - width_of(one.text, one.size) / 2, one.x + width_of(one.text, one.size) / 2) for one in named]
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(reach))
    assert count <= 60 or all(int(one.text) % 5 == 0 for one in named[1:])


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=30))
@settings(deadline=None)
def test_bars_are_as_tall_as_their_numbers(values):
    """Two columns stand in the proportion of their values, within the unit that separates them."""
    chart = some_chart(categories=tuple(map(str, values)), series=(Series("current", values),))
    bars = [shape for shape in arranged(chart).shapes if isinstance(shape, Box)][1:]
    unit = max(values) / (max(bar.height for bar in bars) + 1)
    assert all(abs((bar.height + 1) * unit - value) <= 2 * unit for bar, value in zip(bars, values, strict=True))


@given(charts())
@settings(max_examples=40, deadline=None)
def test_a_chart_survives_being_stored(chart):
    """The data stored beside a picture are plain JSON, and give the same chart and the same picture again."""
    again = Chart.of(json.loads(json.dumps(chart.data())))
    assert again == chart
    assert again.svg() == chart.svg()


@given(charts())
@settings(max_examples=25, deadline=None)
def test_every_chart_is_a_plotly_figure(chart):
    """Plotly accepts every chart's form without adding to it, and the same chart gives the same figure."""
    figure = go.Figure(plotly_form(chart))
    assert isinstance(figure, go.Figure)
    assert len(figure.data) == len(chart.series)
    assert figure.to_json() == go.Figure(plotly_form(Chart.of(chart.data()))).to_json()


@given(charts())
@settings(max_examples=40, deadline=None)
def test_svg_is_escaped_and_named(chart):
    """The SVG is one well-formed element whose name for a screen reader is title and words, whatever they hold."""
    from xml.etree import ElementTree

    root = ElementTree.fromstring(re.sub("[\x00-\x08\x0b-\x1f\ufffe\uffff]", "", chart.svg()))
    assert root.attrib["role"] == "img"
    assert root.attrib["viewBox"] == f"0 0 {WIDTH} {chart.height}"
    assert root.tag.endswith("svg")


def test_svg_follows_the_theme():
    """Text takes the page's colour; only the parts have their colours."""
    own = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', some_chart().svg()))
    assert own <= {part.colour for part in PARTS.values()}
    assert 'fill="currentColor"' in some_chart().svg()


def test_a_png_is_the_same_every_time_and_carries_the_words_when_asked():
    """The picture is deterministic to the byte, and taller by its caption."""
    chart = some_chart()
    plain, captioned = (Image.open(BytesIO(chart.png(caption=caption))) for caption in (False, True))
    assert chart.png() == chart.png() == Chart.of(chart.data()).png()
    assert plain.size == (WIDTH * SCALE, chart.height * SCALE)
    assert captioned.height > plain.height


@pytest.mark.parametrize("part", PARTS)
def test_a_png_keeps_each_colour_whole(part):
    """However small its area, a part has the very colour in the PNG that it has everywhere else."""
    chart = some_chart(series=[Series(name, (1, 1) if name == part else (500, 500)) for name in PARTS], kind="rows")
    drawn = Image.open(BytesIO(chart.png())).convert("RGB")
    assert PARTS[part].colour in {f"#{r:02x}{g:02x}{b:02x}" for _, (r, g, b) in drawn.getcolors(10**6)}


def test_what_a_notebook_stores_is_small_and_readable():
    """A stored chart is a PNG below 30 kB that every reader shows, its words, and the data to draw it again."""
    bundle = some_chart().bundle()
    assert set(bundle) == {"image/png", "text/plain", CHART_MIME}
    assert bundle["text/plain"] == str(some_chart()) == "Turn 2 carries 50 tokens."
    assert Image.open(BytesIO(base64.b64decode(bundle["image/png"]))).format == "PNG"
    assert len(json.dumps(bundle)) < 30_000


def test_the_table_says_every_number():
    """The words come with a table that has every value, escaped, and an empty cell where there is none."""
    html = some_chart(words="a < b", categories=("1", "<2>"), notes=("", "x & y"), axis="turn").html()
    assert html.startswith("<p>a &lt; b</p><details>")
    assert '<th scope="row">&lt;2&gt;</th><td>10</td><td>40</td><td>x &amp; y</td>' in html
    assert '<th scope="row">1</th><td>10</td><td></td>' in html


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"words": " "}, "has no words"),
        ({"kind": "pie"}, "kind 'pie' is not a kind of chart: choose from columns, rows, lines"),
        ({"categories": ("1",)}, "has 2 values for 1 categories: give one for each"),
        ({"notes": ("one",)}, "'notes' has 1 values for 2 categories"),
    ],
)
def test_data_that_do_not_fit_are_refused(changes, complaint):
    """A chart says which of its data do not fit, with the numbers."""
    with pytest.raises(ValueError, match=complaint):
        some_chart(**changes)


@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_values_that_cannot_be_drawn_are_refused(value):
    """A negative, infinite or missing number has no bar."""
    with pytest.raises(ValueError, match="a chart takes numbers of 0 and more"):
        Series("system", (value,))


def test_an_unknown_part_is_refused():
    """A series must speak the one visual language."""
    with pytest.raises(ValueError, match="no part is called 'user': choose from system, history"):
        Series("user", (1,))


@given(st.floats(1e-3, 1e9, allow_nan=False))
def test_ticks_are_few_and_round(end):
    """An axis has at most six marks, from 0 up to its end, evenly apart."""
    marks = ticks(end)
    assert 2 <= len(marks) <= 6
    assert marks[0] == 0
    assert marks[-1] <= end * (1 + 1e-9)
    assert end - marks[-1] < marks[1] * (1 + 1e-9)


@given(texts, st.integers(20, 400))
def test_text_is_cut_and_broken_to_fit(text, room):
    """Shortened text never passes its room; wrapped text keeps every word."""
    assert width_of(shortened(text, room, 12), 12) <= room
    assert " ".join(wrapped(text, room, 12)).split() == text.split()


@given(texts)
def test_the_picture_font_has_every_letter_it_is_given(text):
    """Drawn text is plain Latin and a few signs; nothing becomes an empty box."""
    assert all(letter.isascii() or letter in "·°‘’“”…" for letter in printable(text))  # noqa: RUF001


def test_numbers_have_separators_and_no_needless_decimals():
    """Axis labels and tables write 4,096, 0.25 and 12.5."""
    assert [number(value) for value in (4096, 4096.4, 0.25, 12.5, 3.0)] == ["4,096", "4,096", "0.25", "12.5", "3"]


def test_charts_load_no_plotly():
    """Making, showing and storing a chart needs no plotly, so a kernel starts quickly."""
    code = "import sys, labkit.teach.views.statelessness, labkit.teach.charts.chart as c; "
    code += "c.Chart(title='t', words='w', categories=['1'], series=[c.Series('system', [1])])"
    code += ".bundle(); print('plotly' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


@given(conversations(), st.data())
@settings(max_examples=30, deadline=None)
def test_the_growth_view_shows_every_turn_of_any_conversation(conversation, data):
    """Its stacks are the estimates of what each turn's request carries, and its words name the last stack."""
    history = History.of(conversation)
    starts = history.starts()
    if not starts:
        return
    turns = data.draw(st.integers(1, len(starts)))
    chart = tokens_per_turn(history, turns, system="Be brief.")
    sent = [estimate_tokens("Be brief.") + estimate_tokens(history[: start + 1]) for start in starts[:turns]]
    assert chart.totals() == sent + [0] * (len(starts) - turns)
    assert f"{sent[-1]:,}" in chart.words


@given(conversations(), st.data())
@settings(max_examples=30, deadline=None)
def test_the_payload_view_accounts_for_every_message(conversation, data):
    """Each message up to the one being sent is drawn once, as kept or dropped, and the words count the same."""
    history = History.of(conversation)
    starts = history.starts()
    if not starts:
        return
    turn = data.draw(st.integers(1, len(starts)))
    drop = data.draw(st.lists(st.integers(1, len(history)), unique=True, max_size=5))
    chart = payload(history, turn, drop=drop)
    sent = starts[turn - 1] + 1
    gone = [place for place in drop if place < sent]
    drawn = {series.part: [i for i, value in enumerate(series.values) if value] for series in chart.series}
    assert drawn["current"] == [sent]
    assert drawn["dropped"] == sorted(gone)
    assert len(drawn["history"]) == sent - 1 - len(gone)
    assert f"carries {sent - len(gone):,} of " in chart.words


def test_the_growth_view_of_a_log_shows_what_was_billed():
    """From the log of a client the totals are the billed ones, and the source of the numbers is named."""
    log = []
    manager = ConversationManager("Be brief.", client=claude(log=log))
    for question in ("My account number is 4711.", "What is a token?", "Which account number did I give you?"):
        manager.send(question)
    chart = tokens_per_turn(log)
    assert chart.totals() == [sent.usage.total_input for sent in log]
    assert "simulated" in chart.source
    assert f"{log[0].usage.total_input:,} to {log[2].usage.total_input:,} tokens" in chart.words


def test_a_view_keeps_its_frame_while_its_settings_move():
    """Moving the turn changes bars and words but neither the axes, nor the rows, nor the size of the picture."""
    frames = [tokens_per_turn(TALK, turns) for turns in (1, 2, 3)] + [payload(TALK, turn) for turn in (1, 2, 3)]
    for one, other in itertools.pairwise(frames[:3] + frames[2:3]):
        assert (one.top, one.height, one.categories) == (other.top, other.height, other.categories)
    assert len({(frame.top, frame.height, frame.categories) for frame in frames[3:]}) == 1


def test_the_message_being_sent_cannot_be_dropped():
    """Leaving out the question itself changes nothing, so no setting of the widget is an error."""
    assert payload(TALK, 2, drop=(3,)) == payload(TALK, 2)
    words = payload(TALK, 3, drop=(1,)).words
    assert words.endswith("Message 1 is left out: for this reply it is as if it had never been said.")
    assert "Messages 1 and 2 are left out" in payload(TALK, 3, drop=(1, 2)).words


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (lambda: tokens_per_turn([]), "there is no request to show yet"),
        (lambda: tokens_per_turn(TALK, 4), "turns = 4 is not between 1 and 3"),
        (lambda: payload(TALK, 0), "turn = 0 is not between 1 and 3"),
        (lambda: payload(TALK, 1, drop=(9,)), "there is no message 9 to drop: this conversation has 5"),
    ],
)
def test_settings_outside_the_conversation_are_refused(wrong, complaint):
    """A view says what it was given and what there is."""
    with pytest.raises(ValueError, match=complaint):
        wrong()


def test_png_takes_a_drawing_with_every_shape():
    """Dashed, hatched, open, bold and tiny shapes all have a picture."""
    chart = some_chart(
        series=[Series(part, (40, 0.001)) for part in PARTS], thresholds=[Threshold(100, "limit")], title="Ærø 漢字 €"
    )
    for kind in ("columns", "rows", "lines"):
        assert png(arranged(Chart.of(chart.data() | {"kind": kind}))).startswith(b"\x89PNG")


def test_lanes_are_drawn_below_the_columns_and_listed_in_the_plain_form():
    """A strip covers the categories for which it holds, below the axis, and the plain form says which these are."""
    plain = some_chart()
    chart = some_chart(lanes=[Lane.of("name kept", "facts", [False, True])], axis="turn")
    strips = [box for box in arranged(chart).shapes if isinstance(box, Box) and box.fill == "facts"]
    assert len(strips) == 1
    axis = [line.y1 for line in arranged(chart).shapes if isinstance(line, Line) and line.stroke == "ink"]
    assert strips[0].y > max(axis)
    assert "<li>name kept: turn 2</li>" in chart.html()
    assert Chart.of(json.loads(json.dumps(chart.data()))) == chart
    assert "lanes" not in plain.data()


@given(st.lists(st.booleans(), max_size=30))
def test_a_lane_holds_where_it_was_said_to_hold(holds):
    """The spans of a lane give back what it was made of."""
    lane = Lane.of("kept", "facts", holds)
    assert [lane.holds(place) for place in range(len(holds))] == holds


@pytest.mark.parametrize("spans", [[(2, 1)], [(0, 2), (1, 3)], [(1, 1)]])
def test_spans_out_of_order_are_refused(spans):
    """A lane whose spans run backwards, overlap or are empty says so."""
    with pytest.raises(ValueError, match="in order"):
        Lane("kept", "facts", spans)


def test_amounts_are_not_set_as_formulas():
    """Two dollar signs in one text would be a formula in JupyterLab and on GitHub, so each is a separate element."""
    chart = Chart(
        title="Cost",
        words="The window costs $1 and the summary $2.",
        categories=("a",),
        series=(Series("history", (1,)),),
    )
    assert not re.search(r"\$[^<]*\$", chart.html())
    assert escaped("$1 & $2") == "<span>$</span>1 &amp; <span>$</span>2"
    assert escaped("only $1") == "only $1"
    assert re.search(r"\$[^<]*\$", chart.words)


@pytest.mark.parametrize("dash", [0, 4])
def test_a_line_is_dashed_when_it_says_so(dash: float) -> None:
    """In the SVG as in the PNG: a whole line leaves no gap, a dashed one does."""
    drawing = Drawing(40, 10, (Line(0, 5, 40, 5, "ink", 2, dash),), "a line")
    assert ("stroke-dasharray" in svg(drawing)) == bool(dash)
    picture = Image.open(BytesIO(png(drawing))).convert("L")
    middle = [picture.getpixel((x, picture.height // 2)) for x in range(4, picture.width - 4)]
    assert (max(middle) > 200) == bool(dash)


@pytest.mark.parametrize(("kind", "along", "across"), [("columns", "x", "y"), ("rows", "y", "x")])
def test_a_threshold_goes_from_edge_to_edge(kind: str, along: str, across: str) -> None:
    """In plotly's form it crosses the whole sheet at its value, as in the picture."""
    bars, most = [Series("history", [9])], [Threshold(7, "at most")]
    chart = Chart(title="T", words="W", categories=["1"], series=bars, kind=kind, thresholds=most)
    (mark,) = plotly_form(chart)["layout"]["shapes"]
    assert [mark[f"{along}0"], mark[f"{along}1"], mark[f"{along}ref"]] == [0, 1, "paper"]
    assert mark[f"{across}0"] == mark[f"{across}1"] == 7
