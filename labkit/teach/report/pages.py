"""The class report and the learners' pages as HTML: one file each, that prints and needs no network.

plotly draws the charts on the screen, to hover over and zoom into; its script adds five megabytes. On paper, without
scripts and in a `plain` report they are pictures of some 20 KB each: hatched SVG makes a browser's PDF a hundred times
larger.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from secrets import token_urlsafe
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from labkit.teach.cells.words import counted
from labkit.teach.charts.chart import Chart, Series
from labkit.teach.charts.hover import plotly_form, plotly_script
from labkit.teach.exercises import all_exercises
from labkit.teach.report.files import Class, Student
from labkit.teach.report.learner import tables_of, words_of
from labkit.teach.report.tables import Cell, Share, Table, tables
from labkit.teach.results.syllabus import notebooks, of_notebook, questions
from labkit.teach.results.tally import RULES, Answers, Work

HARDEST = 3
AT_ONCE, LATER, NOT_YET, UNTRIED = "right at first try", "right later", "not right yet", "not tried"
TALKED_ABOUT = (
    ("exercises", "Exercise", "what it asks for", "mistake"),
    ("questions", "Question", "what it asks", "wrong answer"),
)


def class_page(class_: Class, links: Mapping[str, str] | None = None, plain: bool = False) -> str:
    """The report of a class as one HTML page; `links` leads from a learner's name to their own page, and a `plain` page
    has pictures and no script.
    """
    made = tables(class_)
    return environment().get_template("class.html.jinja").render(
        title="Class report",
        generated=class_.generated,
        words=list(_words(class_)),
        talk=list(_talk(made, len(class_.students))),
        charts=list(_charts(class_.students)),
        tables=made,
        links=links or {},
        rules=RULES,
        plotly="" if plain else plotly_script(),
        nonce="" if plain else token_urlsafe(16),
    )  # fmt: skip


def learner_page(student: Student, generated: bool) -> str:
    """The work of one learner, as an HTML page that can be handed to that learner."""
    return environment().get_template("learner.html.jinja").render(
        title=f"Report for {student.name}",
        generated=generated,
        words=words_of(student),
        tables=tables_of(student),
        rules=RULES,
        nonce="",
    )  # fmt: skip


@cache
def environment() -> Environment:
    """The templates of this folder, in which everything is escaped."""
    made = Environment(
        loader=PackageLoader("labkit.teach.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"picture": _picture, "figure": _figure}
    return made


def _words(class_: Class) -> Iterator[str]:
    students = class_.students
    days = [day for student in students for day in (student.tally.first_at, student.tally.last_at) if day]
    when = f", recorded from {min(days):%d %B %Y} to {max(days):%d %B %Y}" if days else ""
    skipped = sum(one.fate == "skipped" for one in class_.files)
    marked = sum(one.fate == "marked" for one in class_.files)
    right = sum(student.right(id) for student in students for id in all_exercises())
    yield f"{counted(len(students), 'learner')}, {counted(len(class_.files) - skipped, 'file')} read{when}."
    yield (
        f"Of {len(all_exercises())} exercises a learner has {right / max(len(students), 1):.1f} right on average. "
        "Nothing of a learner's code is in these files."
    )
    if skipped or marked:
        told = f"{counted(skipped, 'file')} skipped and {counted(marked, 'file')} marked"
        yield f"{told}; the last table names each, and says why."


def _talk(made: Sequence[Table], learners: int) -> Iterator[str]:
    for name, noun, asks, cause in TALKED_ABOUT:
        for row in _hardest(next(table for table in made if table.name == name), learners):
            told = f" · commonest {cause}: {row[f'commonest {cause}']}" if row[f"commonest {cause}"] else ""
            yield f"{noun} {row[noun.lower()]} · {row[asks]} · right at first try: {row['right at first try']}{told}"


def _hardest(table: Table, learners: int) -> list[dict[str, Cell]]:
    """The rows with the lowest share of right first tries, of those that a quarter of the class tried and not everybody
    had right at once.
    """
    rows = [dict(zip(table.head, row, strict=True)) for row in table.rows]
    shares = [(share, row) for row in rows if isinstance(share := row["right at first try"], Share)]
    missed = [(share, row) for share, row in shares if share.part < share.whole and 4 * share.whole >= learners]
    return [row for _, row in sorted(missed, key=lambda one: one[0].part / one[0].whole)[:HARDEST]]


def _charts(students: Sequence[Student]) -> Iterator[Chart]:
    works = {id: [student.tally.work.get(id, Work()) for student in students] for id in all_exercises()}
    yield from _fates("How the exercises went", works)
    for number, title in notebooks().items():
        asked = of_notebook(questions(), number)
        answers = {id: [student.tally.answers.get(id, Answers()) for student in students] for id in asked}
        yield from _fates(f"Questions of notebook {int(number)} · {title}", answers)


def _fates(title: str, tried: Mapping[str, Sequence[Work | Answers]]) -> Iterator[Chart]:
    """A bar for each exercise or question, in which every learner is once; nothing where nobody tried any."""
    fates = {id: [_fate(one) for one in all_of_it] for id, all_of_it in tried.items()}
    parts = {"reply": AT_ONCE, "history": LATER, "current": NOT_YET, "dropped": UNTRIED}
    series = [Series(part, [told.count(label) for told in fates.values()], label) for part, label in parts.items()]
    firsts = {id: Share(told.count(AT_ONCE), len(told) - told.count(UNTRIED)) for id, told in fates.items()}
    reached = {id: share for id, share in firsts.items() if share.whole}
    if not reached:
        return
    by_share = sorted(reached, key=lambda id: reached[id].part / reached[id].whole)
    words = (
        f"Each bar is the whole class. Of those who tried, right at first try: most in {by_share[-1]} with "
        f"{reached[by_share[-1]]}, fewest in {by_share[0]} with {reached[by_share[0]]}."
    )
    yield Chart(
        title=title, words=words, categories=list(fates), series=series, unit="learners", kind="rows",
        height=78 + 20 * len(fates),
    )  # fmt: skip


def _fate(one: Work | Answers) -> str:
    if one.first is None:
        return UNTRIED
    return AT_ONCE if one.first else LATER if one.right else NOT_YET


def _figure(chart: Chart) -> dict[str, Any]:
    """Plotly's form of a chart, without the words: these are below it, as they are below the picture."""
    form = plotly_form(chart)
    form["layout"] |= {"title": {"text": chart.title, "x": 0.02}, "margin": {"l": 60, "r": 20, "t": 50, "b": 84}}
    return form


def _picture(chart: Chart) -> str:
    return f"data:image/png;base64,{b64encode(chart.png()).decode()}"
