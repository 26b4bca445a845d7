"""The score of the knowledge checks so far, and where to read again what was missed.

Both are read from the records of `progress`, so they outlive the kernel; an instructor's report counts by the same
rules, those of `tally`.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from labkit.teach.cells.shown import Shown, table
from labkit.teach.cells.words import counted
from labkit.teach.questions.files import names
from labkit.teach.questions.kinds import Question
from labkit.teach.record import progress
from labkit.teach.results.syllabus import notebook_of, notebooks, objectives, of_notebook, questions
from labkit.teach.results.tally import Answers, tally

_CLONE = Path(__file__).resolve().parents[3] / "notebooks"
NOTEBOOKS = _CLONE if _CLONE.is_dir() else Path()
"""The folder of the notebooks: that of the clone, or the current one where labkit is installed without them."""
NOTHING = "Nothing is answered yet. Answer some questions above, and run this cell again."
HEAD = ("knowledge check", "questions", "answered", "right at first try", "right by now")
CHECK = "G"
"""The letter of the rows that are questions themselves; what they ask about is taught elsewhere."""
PLAIN_IN_LINKS = ":,;!?'*+=@/$&"
"""Signs that stay as they are in an anchor: JupyterLab 4.6 looks for the heading as the link has it."""

type Records = Iterable[Mapping[str, Any]]


def score(records: Records | None = None) -> Shown:
    """The score by notebook and in all; of this learner's own records unless others are given."""
    answers = _answers(records)
    if not answers:
        return Shown(NOTHING, f"<p>{NOTHING}</p>")
    rows = [_row(number, answers) for number in notebooks() if of_notebook(answers, number)]
    total = [sum(row[column] for row in rows) for column in range(1, len(HEAD))]
    return table(HEAD, [*rows, ("all of these", *total)], f"Score: {total[-1]} of {total[0]} right.")


def to_repeat(records: Records | None = None) -> Shown:
    """List what to read again: for each question answered and not right by now, links to where it is taught."""
    answers = _answers(records)
    missed = [questions()[id] for id, one in answers.items() if not one.right]
    rows = dict.fromkeys(row for question in missed for row in taught(question))
    many = counted(len(missed), "question")
    head = (
        f"Of {len(answers)} answered, {many} to come back to:" if rows else "Nothing to repeat: all are right by now."
    )
    lines = {row: f"{int(notebook_of(section(row)))} · {_title(row)}" for row in rows}
    plain = [f"- {title}: {objectives()[row].line}" for row, title in lines.items()]
    rich = [f"- [{title}]({section(row)}): {objectives()[row].line}" for row, title in lines.items()]
    if not answers:
        head = NOTHING
    return Shown("\n".join([head, *plain]), "\n".join([head, "", *rich]), "text/markdown")


def taught(question: Question) -> tuple[str, ...]:
    """The rows of the curriculum that a question is about, but for the knowledge check's own."""
    return tuple(row for row in question.covers if row[0] != CHECK)


def section(row: str) -> str:
    """The link to where a row is taught: the notebook's file, and the heading above the first cell that covers the row.

    Where the notebook is not at hand, the file alone.
    """
    path = NOTEBOOKS / f"{names().get(objectives()[row].notebook, '')}.ipynb"
    heading = _headings(path).get(row, "") if path.is_file() else ""
    return f"{path.name}#{quote(heading, safe=PLAIN_IN_LINKS)}" if heading else path.name


def _answers(records: Records | None) -> dict[str, Answers]:
    return tally(progress.records() if records is None else records).answers


def _row(number: str, answers: Mapping[str, Answers]) -> tuple[Any, ...]:
    here = [answers[id] for id in of_notebook(answers, number)]
    asked = len(of_notebook(questions(), number))
    first, right = sum(bool(one.first) for one in here), sum(one.right for one in here)
    return (f"{int(number)} · {notebooks()[number]}", asked, len(here), first, right)


def _title(row: str) -> str:
    return notebooks()[objectives()[row].notebook]


@cache
def _headings(path: Path) -> dict[str, str]:
    above, found = "", dict[str, str]()
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""
        titles = [line.lstrip("# ").replace(" ", "-") for line in source.splitlines() if line.startswith("#")]
        above = titles[0] if titles else above
        for row in cell["metadata"].get("covers", []):
            found.setdefault(row, above)
        above = titles[-1] if titles else above
    return found
