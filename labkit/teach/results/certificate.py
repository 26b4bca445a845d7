"""A page on which a learner states what they reached, made from their own records."""

from datetime import UTC, date, datetime
from html import escape
from pathlib import Path

from labkit.teach.record import ledger, progress
from labkit.teach.results.standing import points, reached
from labkit.teach.results.syllabus import Objective, notebooks, objectives
from labkit.teach.results.tally import Tally, tally

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Conversation workbook: {name}</title>
<style>body{{font:16px/1.5 sans-serif;max-width:46em;margin:2em auto;padding:0 1em}}li{{margin:.2em 0}}</style></head>
<body><h1>Conversation workbook</h1>
<p><strong>{name}</strong> states on {day}: of {many} objectives I have reached {right}.</p>
<p>This is the learner's own statement, made from a file on the learner's machine. Nobody has checked it. The file
begins with the link <code>{start}</code> and ends with <code>{end}</code>, as a copy of it does.</p>
{parts}</body></html>
"""


def certificate(to: str | Path | None = None, name: str | None = None, day: date | None = None) -> Path:
    """Write the page, by default `statement-NAME.html` in the current folder, and return its path.

    `name` is the learner's (see `progress.learner`). Raises FileNotFoundError when nothing was recorded yet.
    """
    if not progress.file().is_file():
        raise FileNotFoundError("nothing is recorded yet: make a prediction or check an exercise first")
    name, data = progress.learner(name), progress.file().read_bytes()
    done, rows = tally(progress.records()), list(objectives().values())
    lines = [line for _, line in ledger.lines_of(data)]
    to = Path(to) if to else Path.cwd() / f"statement-{progress.as_file_name(name)}.html"
    text = PAGE.format(
        name=escape(name),
        day=(day or datetime.now(UTC).date()).isoformat(),
        many=sum(points(done, one)[1] > 0 for one in rows),
        right=sum(reached(done, one) for one in rows),
        start=ledger.read(data).start or "none",
        end=ledger.link_of(lines[-1]) or "none",
        parts="".join(_part(done, number, [one for one in rows if one.notebook == number]) for number in notebooks()),
    )
    to.write_text(text, "utf-8")
    return to


def _part(done: Tally, number: str, rows: list[Objective]) -> str:
    lines = "".join(f"<li>{escape(one.line)}</li>" for one in rows if reached(done, one))
    return f"<h2>{int(number)} · {escape(notebooks()[number])}</h2><ul>{lines}</ul>" if lines else ""
