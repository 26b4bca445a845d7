"""A learner's standing: read from the records, by notebook and by objective, and empty when nothing was recorded."""

from pathlib import Path

import pytest

from labkit.teach.exercises import all_exercises, exercise
from labkit.teach.questions.files import predictions
from labkit.teach.questions.predictions import outcome, predict
from labkit.teach.questions.quiz import quiz
from labkit.teach.record import progress
from labkit.teach.results.standing import where_you_stand
from labkit.teach.results.syllabus import notebooks, objectives, questions


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what the tests record away from a learner's own progress."""
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(tmp_path / "progress"))
    return tmp_path


def row(number: str) -> str:
    """A notebook's row of the page, as text."""
    return next(line for line in str(where_you_stand()).splitlines() if line.startswith(f"{int(number)} · "))


def test_with_nothing_recorded_it_says_where_to_begin() -> None:
    """The page names every notebook and the first thing to do, and creates no file."""
    page = where_you_stand()
    assert str(page).startswith("Nothing is recorded yet. Next: exercise 00-a in notebook 0.")
    assert all(f"{int(number)} · {title}" in str(page) for number, title in notebooks().items())
    assert not progress.folder().exists()
    assert 'scope="col"' in page.rich
    assert page.rich.count("<details>") == len({one.notebook for one in objectives().values()})


def test_what_was_done_is_counted() -> None:
    """An exercise, its hint, a question and two predictions appear in their notebook's row and in the sentence."""
    exercise("01-a").check(exercise("01-a").mistakes[0])
    exercise("01-a").hint(1)
    exercise("01-a").check(exercise("01-a").reference)
    quiz("01").answer("01-q1", 2)
    for guess in (5, 30):
        predict("01-third", guess)
        outcome("01-third", 5)
    predict("01-drop", "a")
    outcome("01-drop", False)
    of_notebook = [sum(id.startswith("01-") for id in ids) for ids in (all_exercises(), questions())]
    cells = row("01").split("  ")
    assert [cell.strip() for cell in cells if cell.strip()] == [
        "1 · Statelessness", f"1 of {of_notebook[0]}", "1", "0", f"1 of {of_notebook[1]}", "1 of 2", "exercise 01-b",
    ]  # fmt: skip
    said = str(where_you_stand()).splitlines()[0]
    assert said.startswith(f"Right so far: 1 of {len(all_exercises())} exercises, 1 of {len(questions())} questions")
    assert "1 of 2 predictions. Next: exercise 00-a in notebook 0." in said


def test_the_objectives_of_a_notebook_are_listed_one_by_one() -> None:
    """An objective is done when all that covers it is right; one without exercise or question is for reading."""
    exercise("01-b").check(exercise("01-b").reference)
    lines = {line.split()[0]: line for line in str(where_you_stand("01")).splitlines()[2:]}
    assert set(lines) == {id for id, one in objectives().items() if one.notebook == "01"}
    many = len(objectives()["A4"].exercises) + len(objectives()["A4"].questions)
    assert lines["A4"].endswith(f"1 of {many} ✓")  # one exercise is enough
    by_reading = [id for id, one in objectives().items() if one.notebook == "01" and not one.exercises + one.questions]
    assert all(lines[id].endswith("by reading") for id in by_reading)
    with pytest.raises(KeyError, match="there is no notebook '99'; there are 00, 01"):
        where_you_stand("99")


def test_when_all_is_right_nothing_is_left() -> None:
    """With every exercise and question right, the page says that nothing is left to do."""
    for id in all_exercises():
        progress.record("attempt", id, ok=True, mistake="", missed=[])
    for id in questions():
        progress.record("answer", id, right=True, given=0, shown=False, seed=0)
    assert "Nothing is left to do." in str(where_you_stand())
    assert row("00").endswith("done")


def test_a_folder_that_cannot_be_written_is_named(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says so, and what to set, where nothing can be kept."""
    (empty_folder / "file").write_text("")
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(empty_folder / "file" / "below"))
    assert "cannot be written. Set LABKIT_PROGRESS" in str(where_you_stand())


@pytest.mark.parametrize(
    ("guess", "came", "right"),
    [(5, 5, True), (4, 5, False), (10, 9, False), (11, 12, True), (90, 110, True), (80, 110, False)],
)
def test_a_guessed_number_is_right_when_it_is_near(guess: float, came: float, right: bool) -> None:
    """Small numbers have to be exact; larger ones may be off by a fifth."""
    [id] = [id for id, one in predictions().items() if not one.options][:1]
    predict(id, guess)
    assert ("✓ As predicted" in str(outcome(id, came))) is right


@pytest.mark.parametrize(
    ("sure", "words", "kept"),
    [
        (80, "are 80% sure", 80.0),
        ("90%", "are 90% sure", 90.0),
        (120, "from 0 to 100, not 120", None),
        (None, "Run on", None),
    ],
)
def test_how_sure_one_is_is_kept_with_the_guess(sure: object, words: str, kept: float | None) -> None:
    """A percentage is recorded with the guess and with its outcome; anything else is named, and the guess kept."""
    assert words in str(predict("01-drop", "a", sure=sure))  # type: ignore[arg-type]
    outcome("01-drop", False)
    assert [entry.get("sure") for entry in progress.records()] == [kept, kept]
