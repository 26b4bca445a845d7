"""The score and what to read again, from records alone, and links that lead to headings that exist."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from labkit.teach.questions.files import ALL, questions_of
from labkit.teach.questions.quiz import quiz
from labkit.teach.record import progress
from labkit.teach.results.scores import NOTEBOOKS, NOTHING, score, section, taught, to_repeat


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the tests record away from a learner's own progress."""
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(tmp_path))


def answered(id: str, right: bool, seed: int = 0, shown: bool = False) -> dict[str, Any]:
    """A record as a quiz writes it."""
    return {"kind": "answer", "id": id, "right": right, "given": 0, "seed": seed, "shown": shown}


def test_without_answers_both_say_so() -> None:
    """A learner who has answered nothing reads what to do; so does whoever opens the stored notebook."""
    assert (str(score()), str(to_repeat())) == (NOTHING, NOTHING)


def test_the_score_is_kept_across_kernels_and_counts_by_notebook() -> None:
    """The records of a quiz are read back from the file: tries, first tries, and the answers that are right by now."""
    widget = quiz("07")
    widget.answer("07-q2", 1)
    widget.answer("07-q2", 153_604)
    widget.answer("07-q1", 2)
    widget.given = {**widget.given, "07-q3": {"shown": True, "try": 1}}
    lines = str(score()).splitlines()
    many = len(questions_of("07"))
    assert lines[0] == f"Score: 2 of {many} right."
    assert lines[2].split()[-4:] == [str(many), "3", "1", "2"]


def test_what_was_shown_counts_only_with_other_numbers() -> None:
    """A right answer behind the key does not count, the same with another seed does."""
    shown = [answered("07-q1", False, shown=True), answered("07-q1", True)]
    assert str(score(shown)).startswith("Score: 0 of")
    assert str(score([*shown, answered("07-q1", True, seed=1)])).startswith("Score: 1 of")


def test_only_what_is_not_right_by_now_is_to_be_repeated() -> None:
    """A question that came right later is not named, one that was only shown is."""
    records = [answered("02-q2", False), answered("02-q2", True, seed=1), answered("04-q2", False, shown=True)]
    found = to_repeat(records)
    assert str(found).startswith("Of 2 answered, 1 question to come back to:\n- 4 · Pruning:")
    assert "(04_pruning.ipynb#Rule-3" in found.rich
    assert "02_strategies" not in found.rich
    assert str(to_repeat(records[:2])) == "Nothing to repeat: all are right by now."


def test_what_was_asked_is_taught_somewhere_else() -> None:
    """Each question leads to a row that is taught in a notebook, the check's own rows left aside."""
    assert [question.id for question in questions_of(ALL) if not taught(question)] == []
    assert all(row[0] != "G" for question in questions_of(ALL) for row in taught(question))


@pytest.mark.parametrize("row", sorted({row for question in questions_of(ALL) for row in taught(question)}))
def test_each_link_leads_to_a_heading(row: str) -> None:
    """The file exists, and the heading is in it as JupyterLab writes its anchors."""
    path, _, anchor = section(row).partition("#")
    cells = json.loads((NOTEBOOKS / path).read_text("utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    headings = [line.lstrip("# ").replace(" ", "-") for text in texts for line in text.splitlines() if line[:1] == "#"]
    assert unquote(anchor) in headings


def test_without_the_notebook_the_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A link still says which notebook it is where only the package is installed."""
    monkeypatch.setattr("labkit.teach.results.scores.NOTEBOOKS", tmp_path)
    assert section("B2") == "02_strategies.ipynb"
