"""Anything that a class hands in is named: read, read and marked, or skipped with the reason; none of it is fatal."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.teach.exercises import exercise
from labkit.teach.record import ledger
from labkit.teach.record.progress import as_file_name
from labkit.teach.report import files as report_files
from labkit.teach.report.files import Class, Handed, read_class
from labkit.teach.report.notebooks import NotANotebook, claims_in
from labkit.teach.report.tables import by_learner

AT = "2026-03-02T10:00:00+00:00"


def attempt(number: int = 1, **details: Any) -> dict[str, Any]:
    """The record of a right attempt."""
    return {"v": 2, "at": AT, "kind": "attempt", "id": "01-a", "ok": True, "number": number, **details}


def named(name: str) -> dict[str, Any]:
    """The record that says whose file it is."""
    return {"v": 2, "at": AT, "kind": "learner", "id": name}


def hand_in(path: Path, *entries: dict[str, Any]) -> Path:
    """Write a progress file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(ledger.written(entries)) + "\n")
    return path


def notebook(*texts: str) -> dict[str, Any]:
    """A notebook whose cells check exercises and show these texts."""
    cells = [
        {"cell_type": "code", "source": 'exercise("01-a").check()', "outputs": [{"data": {"text/plain": [text]}}]}
        for text in texts
    ]
    return {"nbformat": 4, "cells": cells}


def fates(class_: Class) -> dict[str, Handed]:
    """The files by their paths."""
    return {one.path: one for one in class_.files}


def test_one_folder_a_learner(tmp_path: Path) -> None:
    """Progress file and notebook of one folder are one learner's, under the name that the progress file says."""
    hand_in(tmp_path / "s1" / "progress.jsonl", attempt(), named("Ada"))
    hand_in(tmp_path / "s2" / "progress.jsonl", attempt(2))
    hand_in(tmp_path / "progress-cleo.jsonl", attempt(3))
    (tmp_path / "s1" / "01_statelessness.ipynb").write_text(json.dumps(notebook("✓ Exercise 01-a: all right.")))
    (tmp_path / "01_statelessness (dan).ipynb").write_text(json.dumps(notebook("✗ Exercise 01-a: 1 of 4.")))
    class_ = read_class(tmp_path)
    assert [one.name for one in class_.students] == ["Ada", "cleo", "dan", "s2"]
    assert [(one.stored, one.has_progress) for one in class_.students] == [
        ({"01-a": "right"}, True), ({}, True), ({"01-a": "wrong"}, False), ({}, True)
    ]  # fmt: skip
    assert all(one.fate == "read" for one in class_.files)


def broken_files(folder: Path) -> dict[str, str]:
    """Files that cannot be read, with a word of the reason that each is skipped for."""

    def put(name: str, data: bytes) -> None:
        (folder / name).write_bytes(data)

    put("binary.jsonl", b"\x00\x01\x02" * 100)
    put("deep.jsonl", b"[" * 200_000)
    put("deep.ipynb", b"[" * 200_000)
    put("empty.jsonl", b"")
    put("essay.docx", b"PK")
    put("foreign.jsonl", b'{"event": "click"}\n')
    put("foreign.ipynb", json.dumps({"nbformat": 4, "cells": []}).encode())
    put("broken.ipynb", b'{"cells": [')
    put("list.ipynb", b"[1, 2]")
    put("latin.ipynb", b"\xff\xfe{}")
    put("many.ipynb", b'{"cells": ' + b"9" * 5000 + b"}")
    put("odd.ipynb", json.dumps({"cells": [3, {"outputs": 5, "source": 7}, {"outputs": [1, {"data": 2}]}]}).encode())
    put(".hidden.jsonl", b"{}")
    put("huge.jsonl", b"x")
    os.truncate(folder / "huge.jsonl", report_files.LARGEST + 1)
    (folder / "link.jsonl").symlink_to(folder / "good.jsonl")
    (folder / "dead.jsonl").symlink_to(folder / "nothing")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.jsonl")
    return {
        "binary.jsonl": "binary", "deep.jsonl": "no record", "deep.ipynb": "cannot be read", "empty.jsonl": "no record",
        "essay.docx": "neither", "foreign.jsonl": "no record", "foreign.ipynb": "without an exercise",
        "broken.ipynb": "cannot be read", "list.ipynb": "not a notebook", "latin.ipynb": "cannot be read",
        "many.ipynb": "cannot be read", "odd.ipynb": "without an exercise", ".hidden.jsonl": "hidden",
        "huge.jsonl": "more than the 20,000,000", "link.jsonl": "a link", "dead.jsonl": "a link", "loop": "a link",
        "pipe.jsonl": "a device or pipe",
    }  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes, and links need rights there")
def test_broken_foreign_and_hostile_files_are_named_and_skipped(tmp_path: Path) -> None:
    """One good file among all kinds of bad ones is read, and each bad one is skipped with its own reason."""
    hand_in(tmp_path / "good.jsonl", attempt())
    expected = broken_files(tmp_path)
    class_ = read_class(tmp_path)
    found = fates(class_)
    assert [one.name for one in class_.students] == ["good"]
    assert {path for path, one in found.items() if one.fate == "skipped"} == expected.keys()
    assert {path: word for path, word in expected.items() if word not in found[path].why} == {}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this account may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    """A file without the right to read it is skipped."""
    hand_in(tmp_path / "closed.jsonl", attempt()).chmod(0)
    assert "cannot be read" in fates(read_class(tmp_path))["closed.jsonl"].why


def test_changed_and_older_files_are_marked_and_counted(tmp_path: Path) -> None:
    """A changed line, lines of the older form, of a later version, torn ones and unknown exercises are each named."""
    changed = hand_in(tmp_path / "changed.jsonl", attempt(ok=False, missed=["x"]), attempt(2), named("Ada"))
    changed.write_text(changed.read_text().replace('"ok": false', '"ok": true'))
    (tmp_path / "older.jsonl").write_text(f"\n{json.dumps(attempt(3))}\n{json.dumps(attempt(4))}")
    hand_in(tmp_path / "later.jsonl", attempt(5, v=99))
    torn = hand_in(tmp_path / "torn.jsonl", attempt(6), attempt(7))
    torn.write_text(torn.read_text()[:-20])
    hand_in(tmp_path / "unknown.jsonl", attempt(8), attempt(9, id="99-z"), attempt(10, kind="dance"))
    class_ = read_class(tmp_path)
    assert {one.path: one.why for one in class_.files} == {
        "changed.jsonl": "changed: lines that do not follow from the one before them (1, 2)",
        "older.jsonl": "2 lines of an older form, without a chain",
        "later.jsonl": "1 line written by a later version of labkit",
        "torn.jsonl": "1 line that cannot be read",
        "unknown.jsonl": "2 records of something that this version does not have",
    }
    assert {one.fate for one in class_.files} == {"marked"}
    assert all(one.tally.work["01-a"].right for one in class_.students)


def test_a_learner_who_handed_in_twice_is_counted_once(tmp_path: Path) -> None:
    """Of two files of one name the one with more records counts; the other is skipped and says which one did."""
    hand_in(tmp_path / "a.jsonl", attempt(), named("Ada"))
    hand_in(tmp_path / "b.jsonl", attempt(), attempt(2), named("ADA"))
    class_ = read_class(tmp_path)
    assert [one.name for one in class_.students] == ["ADA"]
    assert fates(class_)["a.jsonl"].fate == "skipped"
    assert "the same learner as in b.jsonl" in fates(class_)["a.jsonl"].why


def test_a_longer_file_under_a_classmates_name_is_marked_on_her_row(tmp_path: Path) -> None:
    """Two files under one name are both named where the figures are shown, whichever of them is counted."""
    hand_in(tmp_path / "ada" / "progress.jsonl", attempt(), named("Ada"))
    hand_in(tmp_path / "eve" / "progress.jsonl", attempt(), attempt(2), named("Ada"))
    class_ = read_class(tmp_path)
    told = "several files under this name: eve/progress.jsonl is counted, ada/progress.jsonl not"
    assert [one.marks for one in class_.students] == [[told]]
    assert by_learner(class_.students).rows[0][-1] == told
    assert fates(class_)["eve/progress.jsonl"].fate == "marked"


@pytest.mark.parametrize("name", ["日本 花子", "Ünal Çağlar", "\u0645\u06cc\u200c\u062e", "अनन्\u200dया", "Ngũgĩ", "🦊"])
def test_a_name_of_any_script_is_kept_as_it_is(name: str, tmp_path: Path) -> None:
    """Letters, marks, signs and the joiners that some scripts need stay; a file's name can hold what of them it may."""
    hand_in(tmp_path / "a.jsonl", attempt(), named(name))
    assert [one.name for one in read_class(tmp_path).students] == [name]
    kept = as_file_name(name)
    (tmp_path / f"{kept}.html").touch()
    assert len(kept) <= 40


def test_a_file_under_two_names_is_marked(tmp_path: Path) -> None:
    """When two learners hand in files that begin alike, each is marked with the other's name."""
    hand_in(tmp_path / "a.jsonl", attempt(), named("Ada"))
    hand_in(tmp_path / "b.jsonl", attempt(), named("Ben"))
    marks = {one.name: one.marks for one in read_class(tmp_path).students}
    assert marks == {"Ada": ["begins with the same records as Ben"], "Ben": ["begins with the same records as Ada"]}


def test_a_name_is_made_fit_to_be_shown(tmp_path: Path) -> None:
    """Control and direction characters are left out of a name, long ones are cut, an empty one is named."""
    for number, name in enumerate(["A\u202edA\x1b[2J", "x" * 500, "\u200b", "<b>"]):
        hand_in(tmp_path / f"{number}.jsonl", attempt(number), named(name))
    assert sorted(one.name for one in read_class(tmp_path).students) == ["<b>", "AdA[2J", "without a name", "x" * 60]


def test_a_missing_folder_is_named_to_the_instructor(tmp_path: Path) -> None:
    """A folder that does not exist is an error in a sentence."""
    with pytest.raises(NotADirectoryError, match="give the one that holds what the class handed in"):
        read_class(tmp_path / "nothing")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["ok", "missed", "mistake", "step", "right", "given", "shown", "seed", "guess", "value", "sure", "at", "v"]
RECORDS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["attempt", "hint", "solution", "answer", "prediction", "outcome", "learner"]) | JSON,
        "id": st.sampled_from(["01-a", "01-q1", "01-third", "01-drop"]) | JSON,
        "at": st.sampled_from([AT, "0001-01-01", "9999-12-31T23:59:59-12:00"]) | JSON,
    },
    optional={name: JSON for name in FIELDS if name != "at"},
)


@settings(max_examples=150)
@given(st.lists(RECORDS, max_size=6), st.dictionaries(st.just("cells"), JSON))
def test_no_record_makes_the_report_fail(records: list[dict[str, Any]], stored: Any) -> None:
    """Records with anything in any field are counted or passed over, and their page can be written."""
    from labkit.teach.report.files import Student
    from labkit.teach.report.pages import learner_page
    from labkit.teach.results.tally import tally

    student = Student("Ada", tally(records), has_progress=True)
    assert "Report for Ada" in learner_page(student, generated=False)
    with pytest.raises(NotANotebook):
        claims_in(stored)


@pytest.mark.parametrize("id", ["00-a", "01-a", "02-b"])
def test_a_stored_output_is_read_as_it_was_meant(id: str) -> None:
    """The words of a check's verdict are understood: a right answer, each known mistake, and the untouched stub."""
    one = exercise(id)
    told = {one.reference: "right", one.mistakes[0]: "wrong", one.mistakes[-1]: "wrong"}
    for answer, claim in told.items():
        assert claims_in(notebook(str(one.verdict(answer)))) == {id: claim}
    assert claims_in(notebook(str(one.verdict(lambda *_: ...)))) == {id: "not yet"}
    assert claims_in(notebook(str(one.verdict(one.mistakes[0])), str(one.verdict(one.reference)))) == {id: "right"}
