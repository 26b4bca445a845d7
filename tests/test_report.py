"""The class report: its figures are those that one counts by hand, and its pages show nothing else."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.teach.exercises import all_exercises
from labkit.teach.record import ledger
from labkit.teach.report import __main__ as report
from labkit.teach.report.demo_class import key_and_slips, write_class
from labkit.teach.report.files import read_class
from labkit.teach.report.pages import class_page
from labkit.teach.report.spreadsheet import for_spreadsheet
from labkit.teach.report.tables import Share, Table, tables
from labkit.teach.results.syllabus import questions

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
FULL, BARE = "the system prompt travels in a field of its own", "the very first question works too"


def missed(mistake: str, *claims: str) -> dict[str, Any]:
    """The details of an attempt that was not right."""
    return {"ok": False, "mistake": mistake, "missed": list(claims)}


def gave(right: bool, given: Any, shown: bool = False, seed: int = 0) -> dict[str, Any]:
    """The details of an answer."""
    return {"right": right, "given": given, "shown": shown, "seed": seed}


RIGHT = {"ok": True, "mistake": "", "missed": []}
STUB = {"ok": False, "mistake": "", "missed": [], "untouched": True}

# minutes after the start, kind, id, details: three learners, line by line
ADA = [
    (0, "attempt", "01-a", STUB),  # no attempt
    (2, "attempt", "01-a", RIGHT),  # right at first try; 2 minutes
    (3, "attempt", "01-a", missed("only the question is sent", FULL)),  # after a right one: no attempt; 1 minute
    (5, "answer", "01-q1", gave(True, 2)),  # right at first try; 2 minutes
    (6, "answer", "01-q2", gave(False, [1])),  # 1 minute
    (7, "answer", "01-q2", gave(True, [1, 3])),  # right later; 1 minute
    (8, "prediction", "01-third", {"guess": 4.0, "sure": 80.0}),
    (9, "outcome", "01-third", {"guess": 4.0, "value": 5.0, "right": False, "sure": 80.0}),
    (9, "outcome", "01-third", {"guess": 5.0, "value": 5.0, "right": True}),  # the second guess does not count
    (9, "outcome", "01-drop", {"guess": "b", "value": "b", "right": True, "sure": 90.0}),
]
BEN = [
    (0, "attempt", "01-a", missed("only the question is sent", FULL, BARE)),
    (4, "hint", "01-a", {"step": 1}),  # 4 minutes
    (5, "hint", "01-a", {"step": 1}),  # the same hint again; 1 minute
    (6, "attempt", "01-a", missed("", BARE)),  # 1 minute
    (30, "attempt", "01-a", RIGHT),  # right at the third attempt; a break of 24 minutes is not counted
    (31, "answer", "01-q1", gave(False, 1)),  # 1 minute
    (32, "answer", "01-q1", gave(False, None)),  # nothing chosen: no try; 1 minute
    (33, "answer", "01-q1", gave(False, 0)),  # 1 minute
    (34, "answer", "01-q1", gave(False, None, shown=True)),  # 1 minute
    (35, "answer", "01-q1", gave(True, 2)),  # after the answer was shown: does not count; 1 minute
    (36, "answer", "01-q2", gave(True, [1, 3])),  # right at first try; 1 minute
    (37, "outcome", "01-third", {"guess": 20.0, "value": 5.0, "right": False}),
]
CLEO = [
    (0, "solution", "01-a", {}),
    (1, "attempt", "01-a", RIGHT),  # right, but not at first try: the solution came before; 1 minute
    (2, "attempt", "01-b", missed("only the list is copied", "the copy is a list of its own")),  # 1 minute
    (3, "answer", "01-q1", gave(False, 1)),  # 1 minute
    (4, "answer", "01-q1", gave(False, None, shown=True)),  # 1 minute
    (5, "answer", "01-q1", gave(True, 2, seed=1)),  # right with other numbers, in the end; 1 minute
]


def hand_in(folder: Path, name: str, rows: list[tuple[int, str, str, dict[str, Any]]]) -> None:
    """Write a learner's rows as a progress file."""
    entries = [
        {"v": 2, "at": (START + timedelta(minutes=minute)).isoformat(), "kind": kind, "id": id, **details}
        for minute, kind, id, details in rows
    ]
    end = {"v": 2, "at": START.isoformat(), "kind": "learner", "id": name}
    folder.mkdir(exist_ok=True)
    (folder / f"{name.lower()}.jsonl").write_text("\n".join(ledger.written([*entries, end])) + "\n", "utf-8")


@pytest.fixture
def class_folder(tmp_path: Path) -> Path:
    """The folder of the small class."""
    for name, rows in (("Ada", ADA), ("Ben", BEN), ("Cleo", CLEO)):
        hand_in(tmp_path / "class", name, rows)
    return tmp_path / "class"


def table_of(made: list[Table], name: str) -> dict[Any, dict[str, Any]]:
    """A table's rows by their first cell, each by its head."""
    [table] = [one for one in made if one.name == name]
    return {row[0]: dict(zip(table.head[1:], row[1:], strict=True)) for row in table.rows}


def test_the_figures_by_learner_are_those_counted_by_hand(class_folder: Path) -> None:
    """Exercises, attempts, hints, solutions, questions, predictions and minutes of each learner."""
    exercises, asked = len(all_exercises()), len(questions())
    found = table_of(tables(read_class(class_folder)), "learners")
    assert found["Ada"] == {
        "exercises right": Share(1, exercises), "right at first try": Share(1, 1), "attempts": 1, "hints": 0,
        "solutions": 0, "questions right": Share(2, asked), "questions at first try": Share(1, 2),
        "predictions right": Share(1, 2), "minutes": 9.0, "to look at": "",
    }  # fmt: skip
    assert found["Ben"] == {
        "exercises right": Share(1, exercises), "right at first try": Share(0, 1), "attempts": 3, "hints": 1,
        "solutions": 0, "questions right": Share(1, asked), "questions at first try": Share(1, 2),
        "predictions right": Share(0, 1), "minutes": 13.0, "to look at": "",
    }  # fmt: skip
    assert found["Cleo"] == {
        "exercises right": Share(1, exercises), "right at first try": Share(0, 2), "attempts": 2, "hints": 0,
        "solutions": 1, "questions right": Share(1, asked), "questions at first try": Share(0, 1),
        "predictions right": Share(0, 0), "minutes": 5.0, "to look at": "",
    }  # fmt: skip


def test_the_figures_by_exercise_are_those_counted_by_hand(class_folder: Path) -> None:
    """Attempts, first tries, the commonest mistake, and the claim missed most often; each learner counts once."""
    found = table_of(tables(read_class(class_folder)), "exercises")
    assert found["01-a"] == {
        "what it asks for": "Build the next request", "tried": 3, "right": 3, "right at first try": Share(1, 3),
        "attempts each": 1.7, "hints": 1, "solutions": 1,
        "commonest mistake": "only the question is sent (1 learner)",
        "most often missed": f"{FULL} (1 learner)",  # as often as the other one, and earlier in the alphabet
        "median minutes": 3.0,  # of 3, 6 and 1
    }  # fmt: skip
    assert found["01-b"]["commonest mistake"] == "only the list is copied (1 learner)"
    assert (found["01-b"]["tried"], found["01-b"]["right"], found["01-b"]["right at first try"]) == (1, 0, Share(0, 1))
    assert found["02-a"]["tried"] == 0


def test_the_figures_by_question_are_those_counted_by_hand(class_folder: Path) -> None:
    """Tries, shown answers and the commonest wrong option in its own words."""
    found = table_of(tables(read_class(class_folder)), "questions")
    first = found["01-q1"]
    assert (first["answered"], first["right"], first["right at first try"]) == (3, 2, Share(1, 3))
    assert (first["tries each"], first["answer shown"]) == (1.7, 2)
    assert first["commonest wrong answer"] == "The third question alone; the API has the rest (2 learners)"
    assert first["median minutes"] == 3.0  # of 2, 5 and 3
    second = found["01-q2"]
    assert second["commonest wrong answer"] == "Sending yesterday's messages again (1 learner)"
    assert (second["answered"], second["right at first try"]) == (2, Share(1, 2))


def test_the_figures_by_objective_are_those_counted_by_hand(class_folder: Path) -> None:
    """An objective takes the exercises and questions that cover it together."""
    found = table_of(tables(read_class(class_folder)), "objectives")
    a1 = found["A1"]  # 01-a by three learners, 01-q1 by three learners
    assert (a1["learners"], a1["exercises at first try"]) == (3, Share(1, 3))
    assert (a1["questions at first try"], a1["right in the end"]) == (Share(1, 3), Share(5, 6))
    assert (found["A5"]["learners"], found["A5"]["questions at first try"]) == (2, Share(1, 2))
    assert (found["A4"]["right in the end"], found["B1"]["learners"]) == (Share(0, 1), 0)


def test_predictions_are_set_against_outcomes(class_folder: Path) -> None:
    """The first guess that met its outcome counts; how sure somebody was is set against how often they were right."""
    made = tables(read_class(class_folder))
    third = table_of(made, "predictions")["01-third"]
    assert (third["compared"], third["right"], third["median guess"]) == (2, Share(0, 2), 12.0)
    assert (third["commonest guess"], third["what came"]) == ("20 messages (1 learner)", "5 messages (2 learners)")
    assert table_of(made, "predictions")["01-drop"]["right"] == Share(1, 1)
    sure = table_of(made, "certainty")
    assert sure == {"80% to 100%": {"guesses": 2, "sure on average": "85%", "right": Share(1, 2)}}


def test_the_figures_by_notebook_are_those_counted_by_hand(class_folder: Path) -> None:
    """A notebook counts those who worked in it; what they left out is not right."""
    found = table_of(tables(read_class(class_folder)), "notebooks")
    here = sum(id.startswith("01-") for id in all_exercises())
    first = found["1 · Statelessness"]
    assert (first["learners"], first["exercises right"], first["median minutes"]) == (3, Share(3, 3 * here), 9.0)
    assert (found["2 · Strategies"]["learners"], found["2 · Strategies"]["median minutes"]) == (0, None)


def test_the_csv_files_hold_the_same_figures(class_folder: Path, tmp_path: Path) -> None:
    """Each table is written as CSV, shares as numbers from 0 to 1."""
    assert report.main([str(class_folder), "-o", str(tmp_path / "out" / "report.html"), "--csv", "--pages"]) == 0
    with (tmp_path / "out" / "report_csv" / "learners.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = {row["learner"]: row for row in csv.DictReader(handle)}
    assert (rows["Ben"]["minutes"], rows["Ben"]["questions at first try"], rows["Ben"]["attempts"]) == (
        "13.0",
        "0.5",
        "3",
    )
    written = {path.name for path in (tmp_path / "out").rglob("*.*")}
    assert {
        "report.html",
        "ada.html",
        "ben.html",
        "cleo.html",
        "exercises.csv",
        "questions.csv",
        "files.csv",
    } <= written


HOSTILE = "<img src=x onerror=alert(1)>&\"'</td>"


def test_nothing_that_was_handed_in_becomes_markup(tmp_path: Path) -> None:
    """Names, mistakes and file names that are HTML are shown as text, on the report and on the learner's page."""
    rows = [
        (0, "attempt", "01-a", missed(HOSTILE, HOSTILE)),
        (1, "outcome", "01-drop", {"guess": HOSTILE, "value": "b"}),
    ]
    hand_in(tmp_path / "class", "Eve", rows)
    path = tmp_path / "class" / "eve.jsonl"
    path.write_text(path.read_text().replace('"id": "Eve"', f'"id": {json.dumps(HOSTILE)}'))
    path.rename(path.with_name("<b>eve.jsonl"))
    assert report.main([str(tmp_path / "class"), "-o", str(tmp_path / "r.html"), "--csv", "--pages"]) == 0
    pages = [tmp_path / "r.html", *(tmp_path / "r_pages").iterdir()]
    assert len(pages) == 2
    for page in pages:
        text = page.read_text("utf-8")
        assert "<img src=x" not in text
        assert "<b>" not in text
        assert HOSTILE in unescape(text)


def test_half_of_a_surrogate_pair_costs_nobody_the_report(tmp_path: Path) -> None:
    """A text that cannot be written in UTF-8 is shown with a question mark, on every page and in every table."""
    hand_in(tmp_path / "class", "Eve", [(0, "attempt", "01-a", missed("half \ud83d", "half \ud83d"))])
    path = tmp_path / "class" / "eve.jsonl"
    path.write_text(path.read_text().replace("half ?", "half \\ud83d"))
    hand_in(tmp_path / "class", "Ada", ADA)
    assert report.main([str(tmp_path / "class"), "-o", str(tmp_path / "r.html"), "--csv", "--pages"]) == 0
    for name in ("r.html", "r_pages/eve.html", "r_csv/exercises.csv"):
        assert "half ?" in (tmp_path / name).read_text("utf-8")


def test_a_spreadsheet_takes_no_text_for_a_formula() -> None:
    """Text that begins like a formula is made plain, in full-width forms and after any separator too; numbers and
    shares stay numbers, and other text stays as it is.
    """
    cells = [
        "=1+1",
        "+1",
        "-1",
        "@x",
        "\t=1",
        "\uff1d1",
        "\uff20x",
        "Ada;=1",
        'a, "=1',
        "a|\uff0b1",
        "Ada",
        3,
        0.5,
        Share(1, 4),
        None,
    ]
    plain = [
        "'=1+1",
        "'+1",
        "'-1",
        "'@x",
        "'\t'=1",
        "'\uff1d1",
        "'\uff20x",
        "Ada;'=1",
        "a,' \"=1",
        "a|'\uff0b1",
        "Ada",
        3,
        0.5,
        0.25,
        "",
    ]
    assert [for_spreadsheet(cell) for cell in cells] == plain
    for kept in ("Anne-Marie, 01-a; 02-b", "1+1=2", "a@b.c", "Ada\u200cLovelace"):
        assert for_spreadsheet(kept) == kept


@given(st.text(st.sampled_from('=\uff1d+-@;,|\t\r\n "ax'), max_size=12), st.sampled_from(",;|\t"))
def test_no_separator_makes_a_cell_a_formula(text: str, separator: str) -> None:
    """Read again with any separator, no cell of a written row begins with a formula's sign."""
    handle = io.StringIO()
    csv.writer(handle).writerow([for_spreadsheet(text), "x"])
    for line in csv.reader(io.StringIO(handle.getvalue(), newline=""), delimiter=separator):
        assert not [cell for cell in line if cell.lstrip(' "').startswith(("=", "\uff1d", "+", "-", "@"))]


def test_the_page_needs_nothing_from_outside(class_folder: Path) -> None:
    """A plain page: no script, no link to another machine, every picture inside and with words, each table headed."""
    page = class_page(read_class(class_folder), plain=True)
    assert not re.findall(r"<script|<link|https?:|@import|url\(", page)
    pictures = re.findall(r"<img [^>]*>", page)
    assert pictures
    assert all('src="data:image/png' in picture and len(re.findall(r"\w+", picture)) > 12 for picture in pictures)
    assert page.count("<table>") == page.count("<caption>") == page.count("<thead>") > 5
    assert "Pauses of more than 10 minutes are left out" in page


def test_plotly_adds_five_megabytes(class_folder: Path) -> None:
    """The page with plotly's script is as much larger than a plain one as the guide and the help say."""
    class_ = read_class(class_folder)
    assert round((len(class_page(class_)) - len(class_page(class_, plain=True))) / 1e6) == 5


def test_two_learners_get_two_pages_whatever_they_are_called(tmp_path: Path) -> None:
    """Names that come to the same file name, or that would lead out of the folder, get separate pages in it."""
    for number, name in enumerate(["Ana", "ana!", "../../ana", "Ünal", "日本"]):
        hand_in(tmp_path / "class", f"x{number}", ADA[: number + 1])
        path = tmp_path / "class" / f"x{number}.jsonl"
        path.write_text(path.read_text().replace(f'"id": "x{number}"', f'"id": {json.dumps(name)}'))
    assert report.main([str(tmp_path / "class"), "-o", str(tmp_path / "r.html"), "--pages"]) == 0
    found = sorted(path.name for path in (tmp_path / "r_pages").iterdir())
    assert found == ["ana-2.html", "ana-3.html", "ana.html", "ünal.html", "日本.html"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{class}", "-o", "{class}/ada.jsonl"], "give a name that ends in .html"),
        (["{class}/nothing", "-o", "{class}/r.html"], "is no folder"),
        (["{empty}", "-o", "{class}/r.html"], "no learner was found in"),
        (["{class}", "-o", "{class}/ada.jsonl/r.html"], "cannot be written"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_with_a_reason(
    arguments: list[str], words: str, class_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each wrong use ends with code 1 and a sentence, and no file of the class is changed."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("nothing here")
    before = {path: path.read_bytes() for path in class_folder.iterdir()}
    places = {"class": str(class_folder), "empty": str(tmp_path / "empty")}
    assert report.main([argument.format(**places) for argument in arguments]) == 1
    assert words in capsys.readouterr().err
    assert {path: path.read_bytes() for path in class_folder.iterdir()} == before


def test_help_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    """--help names every option, the demo class, and what a rerun means."""
    with pytest.raises(SystemExit, match="0"):
        report.main(["--help"])
    told = " ".join(capsys.readouterr().out.split())
    for words in (
        "--csv",
        "--pages",
        "--rerun",
        "--seconds",
        "labkit.teach.report.demo_class",
        "learners' code with your rights",
    ):
        assert words in told


def test_a_generated_class_is_labelled_and_the_same_each_time(tmp_path: Path) -> None:
    """The demo class has thirty learners, the same bytes for the same seed, and its label on every page."""
    first, second = (write_class(tmp_path / name) for name in ("one", "two"))
    assert len(first) == 30
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert report.main([str(tmp_path / "one"), "-o", str(tmp_path / "r.html"), "--pages"]) == 0
    pages = [tmp_path / "r.html", *(tmp_path / "r_pages").iterdir()]
    assert len(pages) == 31
    assert all("Generated: these learners do not exist" in page.read_text("utf-8") for page in pages)
    class_ = read_class(tmp_path / "one")
    assert {one.fate for one in class_.files} == {"read"}
    assert not any(one.tally.foreign for one in class_.students)
    assert write_class(tmp_path / "three", 2, seed=8)[0].read_bytes() != first[0].read_bytes()


def test_a_demo_class_gives_every_question_right_and_wrong_answers() -> None:
    """Each option, order or number that is no right answer can be given, and none that is."""
    for question in questions().values():
        right, wrong = key_and_slips(question)
        assert right not in wrong
        assert len(wrong) >= (1 if question.kind == "number" else len(question.options) - 1)


def test_a_demo_class_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder with something in it, and a class of nobody, are refused."""
    from labkit.teach.report import demo_class

    (tmp_path / "mine.txt").write_text("mine")
    assert demo_class.main([str(tmp_path)]) == 1
    assert "is not empty: name a new folder" in capsys.readouterr().err
    assert demo_class.main([str(tmp_path / "new"), "--learners", "0"]) == 1
    assert "ask for at least 1" in capsys.readouterr().err
    assert demo_class.main([str(tmp_path / "new"), "--learners", "1"]) == 0
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mine.txt"]
