"""Grades in the import forms of Canvas and Moodle: points of 100, in all and by objective, only what changed.

Read in the importers' own code on 1 December 2026. Canvas (lib/gradebook_importer.rb) wants the columns Student, ID,
SIS User ID, SIS Login ID and Section first, then one a column of grades, and takes a row that begins with Points
Possible for their maximum; it finds a learner by ID, else by SIS User ID or SIS Login ID, else by name. Moodle
(grade/import/csv/classes/load_data.php) takes columns of any name and asks which is what; it finds a learner by ID
number, email address or username, and refuses grades of more than 100 points. Neither import was tried with a school's
own system.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.teach.exercises import all_exercises
from labkit.teach.report.files import Student, key
from labkit.teach.report.spreadsheet import write_csv
from labkit.teach.results.syllabus import objectives, questions
from labkit.teach.results.tally import Answers

CANVAS, MOODLE = "canvas", "moodle"
IDENTITY: Mapping[str, tuple[str, ...]] = {
    CANVAS: ("Student", "ID", "SIS User ID", "SIS Login ID", "Section"),
    MOODLE: ("First name", "Last name", "ID number", "Email address", "Username"),
}
NAMED_BY: Mapping[str, tuple[str, ...]] = {CANVAS: ("Student", "SIS Login ID"), MOODLE: ("Username",)}
"""Without a list of the school's, the columns that a learner's name goes into."""

POSSIBLE = 100
IN_ALL = "Conversation workbook"

type Grades = dict[str, float]
type Identity = dict[str, str]


@dataclass(frozen=True, slots=True)
class Export:
    """The file of an export, how many learners' grades changed since the last one, and who is not on the list."""

    path: Path
    changed: int
    unknown: tuple[str, ...]

    def __str__(self) -> str:
        """The sentence that an instructor reads."""
        missing = f"; not on the list of the school, and left out: {', '.join(self.unknown)}" if self.unknown else ""
        return (
            f"{self.path}: the grades of {self.changed:,} learners, all that changed since the last export{missing}. "
            f"Remove {state(self.path).name} to have them all again"
        )


def export(students: Sequence[Student], form: str, place: Path, roster: Path | None = None) -> Export:
    """Write the grades that changed since the last export into this folder, in the form of one system.

    `roster` is a list of the school's as CSV (Canvas's own gradebook export will do): a learner goes by the row of
    which a cell is the learner's name. Raises OSError when a file cannot be read or written, ValueError for a list of
    another kind.
    """
    known = list(_rows_of(roster, IDENTITY[form])) if roster else None
    found = {student.name: _identity(student.name, form, known) for student in students}
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{form}.csv"
    before = json.loads(state(path).read_text("utf-8")) if state(path).is_file() else {}
    now = {student.name: grades(student) for student in students if found[student.name]}
    changed = {name: kept for name, kept in now.items() if before.get(name) != kept}
    _write(path, form, {name: found[name] or {} for name in changed}, changed)
    state(path).write_text(json.dumps({**before, **now}, indent=1), "utf-8", "replace")
    return Export(path, len(changed), tuple(name for name, identity in found.items() if not identity))


def state(path: Path) -> Path:
    """The file that keeps what was exported last, for the next export."""
    return path.with_name(f"{path.stem}-exported.json")


def grades(student: Student) -> Grades:
    """One learner's points of 100 by column: in all, and for each objective that something practises."""
    right = {id: student.right(id) for id in all_exercises()}
    right |= {id: student.tally.answers.get(id, Answers()).right for id in questions()}
    found = {IN_ALL: _points(right, tuple(right))}
    for one in objectives().values():
        if asked := (*one.exercises, *one.questions):
            found[f"{IN_ALL} {one.id}"] = _points(right, asked)
    return found


def _points(right: Mapping[str, bool], ids: Sequence[str]) -> float:
    return round(POSSIBLE * sum(right[id] for id in ids) / len(ids), 2)


def _write(path: Path, form: str, who: Mapping[str, Identity], changed: Mapping[str, Grades]) -> None:
    columns = list(grades(Student("")))
    rows: list[list[str | float]] = [
        [*(who[name].get(column, "") for column in IDENTITY[form]), *kept.values()] for name, kept in changed.items()
    ]
    if form == CANVAS:
        rows.insert(0, ["Points Possible", "", "", "", "", *[float(POSSIBLE)] * len(columns)])
    write_csv(path, [*IDENTITY[form], *columns], rows, encoding="utf-8")


def _rows_of(roster: Path, wanted: Sequence[str]) -> Iterator[Identity]:
    with roster.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
        rows = csv.DictReader(handle)
        if not set(wanted) & set(rows.fieldnames or ()):
            raise ValueError(f"{roster} has none of the columns {', '.join(wanted)} in its first line")
        for row in rows:
            yield {name: cell for name, cell in row.items() if isinstance(name, str) and isinstance(cell, str)}


def _identity(name: str, form: str, known: Sequence[Identity] | None) -> Identity | None:
    """The columns that say who a learner is, None where the list of the school has no such learner or several."""
    if known is None:
        return dict.fromkeys(NAMED_BY[form], name)
    fitting = [row for row in known if key(name) in {key(cell.strip()) for cell in row.values()} | {_both(row)}]
    return fitting[0] if len(fitting) == 1 else None


def _both(row: Identity) -> str:
    return key(f"{row.get('First name', '')} {row.get('Last name', '')}".strip())
