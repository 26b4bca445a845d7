"""Grades for Canvas and Moodle: the columns that each imports, points counted by hand, and only the changes."""

import csv
from pathlib import Path

import pytest
from test_report import ADA, BEN, CLEO, hand_in

from labkit.teach.exercises import all_exercises
from labkit.teach.report import __main__ as report
from labkit.teach.report.files import read_class
from labkit.teach.report.grades import IN_ALL, export
from labkit.teach.results.syllabus import objectives, questions

ROSTER = {
    "canvas": "Student,ID,SIS User ID,SIS Login ID,Section\nPoints Possible,,,,\n\"Lovelace, Ada\",101,s1,ada,Mondays\n"
    "\"Bar, Ben\",102,s2,ben,Mondays\n",
    "moodle": "First name,Last name,ID number,Email address\nAda,Lovelace,s1,ada@school.example\nBen,Bar,s2,ben\n",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a class of two."""
    for name, rows in (("Ada", ADA), ("Ben", BEN)):
        hand_in(tmp_path / "class", name, rows)
    return tmp_path / "class"


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by their head."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_canvas_gets_its_columns_and_points_of_100(folder: Path, tmp_path: Path) -> None:
    """The columns that say who it is come first, then a row of what is possible, then a learner a row."""
    (tmp_path / "roster.csv").write_text(ROSTER["canvas"])
    made = export(read_class(folder).students, "canvas", tmp_path / "out", tmp_path / "roster.csv")
    possible, ada, _ = rows_of(made.path)
    assert list(ada)[:6] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", IN_ALL]
    assert possible["Student"] == "Points Possible"
    assert possible[IN_ALL] == "100.0"
    assert (ada["Student"], ada["ID"], ada["Section"]) == ("Lovelace, Ada", "101", "Mondays")
    asked = len(all_exercises()) + len(questions())
    assert float(ada[IN_ALL]) == round(100 * 3 / asked, 2)  # 01-a, 01-q1 and 01-q2
    a1 = objectives()["A1"]
    practised = {*a1.exercises, *a1.questions}
    assert float(ada[f"{IN_ALL} A1"]) == round(100 * len({"01-a", "01-q1", "01-q2"} & practised) / len(practised), 2)


def test_moodle_finds_a_learner_by_number_or_address(folder: Path, tmp_path: Path) -> None:
    """No row but learners', no grade above the hundred points that Moodle takes, and the school's own ids."""
    (tmp_path / "roster.csv").write_text(ROSTER["moodle"])
    made = export(read_class(folder).students, "moodle", tmp_path / "out", tmp_path / "roster.csv")
    rows = rows_of(made.path)
    assert [row["ID number"] for row in rows] == ["s1", "s2"]
    assert rows[0]["Email address"] == "ada@school.example"
    assert all(0 <= float(cell) <= 100 for row in rows for name, cell in row.items() if name.startswith(IN_ALL))


@pytest.mark.parametrize("form", ["canvas", "moodle"])
def test_a_second_export_holds_only_what_changed(form: str, folder: Path, tmp_path: Path) -> None:
    """Nothing changed gives no learner, one more piece of work gives one, and without the kept file all come again."""
    out = tmp_path / "out"

    def names() -> list[str]:
        made = export(read_class(folder).students, form, out)
        column = "Student" if form == "canvas" else "Username"
        return [row[column] for row in rows_of(made.path) if row[column] != "Points Possible"]

    assert names() == ["Ada", "Ben"]
    assert names() == []
    hand_in(folder, "Ben", [*BEN, (40, "answer", "01-q3", {"right": True, "given": 0, "seed": 0})])
    hand_in(folder, "Cleo", CLEO)
    assert names() == ["Ben", "Cleo"]
    (out / f"{form}-exported.json").unlink()
    assert names() == ["Ada", "Ben", "Cleo"]


def test_who_is_not_on_the_schools_list_is_named_and_left_out(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A learner without a row, or with two, is named; a list without any known column is refused with a sentence."""
    hand_in(folder, "Cleo", CLEO)
    roster = tmp_path / "roster.csv"
    roster.write_text(ROSTER["canvas"] + '"Bar, Ben",103,s3,ben,Tuesdays\n')
    command = [str(folder), "-o", str(tmp_path / "r.html"), "--grades", "canvas", "--roster", str(roster)]
    assert report.main(command) == 0
    assert "left out: Ben, Cleo" in capsys.readouterr().out
    roster.write_text("a,b\n1,2\n")
    assert report.main(command) == 1
    assert "has none of the columns Student, ID" in capsys.readouterr().err
