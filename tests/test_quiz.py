"""Questions are data that can be trusted; the quiz grades them; predictions show the guess in the cell and
nothing else.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.teach import progress
from labkit.teach.predictions import outcome, predict
from labkit.teach.questions import Option, Question, as_number, as_page, numbers, predictions, questions_of
from labkit.teach.quiz import quiz

QUESTIONS = [question for number in numbers() for question in questions_of(number)]
CHOICES = [question for question in QUESTIONS if question.kind != "number"]
NUMBERS = [question for question in QUESTIONS if question.kind == "number"]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the tests record away from a learner's own progress."""
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(tmp_path))


@pytest.mark.parametrize("question", CHOICES, ids=lambda q: q.id)
def test_only_the_right_choice_is_right(question: Question) -> None:
    """Of all subsets of the options exactly one is right, and it explains every option."""
    places = range(len(question.options))
    subsets = [[i for i in places if mask >> i & 1] for mask in range(1, 2 ** len(places))]
    right = [chosen for chosen in subsets if question.grade(chosen).right]
    assert right == [[i for i, option in enumerate(question.options) if option.right]]
    assert all(question.grade(right[0]).notes)


@pytest.mark.parametrize("question", CHOICES, ids=lambda q: q.id)
def test_a_wrong_choice_is_explained_without_giving_the_rest_away(question: Question) -> None:
    """Whoever chose wrongly reads why about what they chose; the other options keep their secret."""
    for place, option in enumerate(question.options):
        graded = question.grade([place])
        if not graded.right:
            assert [bool(note) for note in graded.notes] == [i == place for i in range(len(question.options))]
            assert option.why in graded.notes[place]


@pytest.mark.parametrize("question", NUMBERS, ids=lambda q: q.id)
def test_a_number_is_right_within_its_tolerance_and_a_slip_is_explained(question: Question) -> None:
    """The answer is right as a number or as people write it; each known slip gets its own words, other
    numbers a direction.
    """
    assert question.grade(question.answer).right
    assert question.grade(f"{question.answer:,.0f} {question.unit}").right
    for slip in question.slips:
        assert question.grade(slip.value).notes == (slip.why,)
    assert "too large" in question.grade(question.answer + 1e6).sentence
    assert "too small" in question.grade(question.answer - 1e6).sentence


@given(st.text() | st.none() | st.floats() | st.lists(st.integers()) | st.dictionaries(st.text(), st.integers()))
def test_no_answer_makes_a_grader_fail(given_: Any) -> None:
    """Whatever a browser sends, grading gives a sentence."""
    for question in QUESTIONS:
        assert question.grade(given_).sentence


@given(st.integers(-(10**9), 10**9))
def test_numbers_are_read_as_people_write_them(value: int) -> None:
    """Digits, separators, a unit behind: all are the same number."""
    assert as_number(value) == as_number(str(value)) == as_number(f"{value:,} tokens") == value


def test_notebook_01_has_enough_questions_of_several_kinds() -> None:
    """At least six questions, and not all of them one of four."""
    questions = questions_of("01")
    assert len(questions) >= 6
    assert {question.kind for question in questions} == {"one", "several", "number"}


def test_ids_are_unique_and_name_their_notebook() -> None:
    """Records are bound to ids, so no id may stand for two questions."""
    ids = [question.id for question in QUESTIONS] + list(predictions())
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"\d\d-[a-z0-9-]+", id) for id in ids)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "order"}, "kind 'order' is not one of"),
        ({"options": (Option("a", True, "w"), Option("b", True, "w"))}, "exactly one option must be right"),
        ({"options": (Option("a", True, "w"), Option("b"))}, "every option needs a why"),
        ({"options": (Option("a", True, "w"),)}, "it needs 2 to 10 options"),
        ({"kind": "number"}, "a number needs an answer and a why"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(change: dict[str, Any], words: str) -> None:
    """A mistake in the data is found when it is read, and names the question."""
    with pytest.raises(ValueError, match=rf"question {CHOICES[0].id}: .*{words}"):
        replace(next(q for q in CHOICES if q.kind == "one"), id=CHOICES[0].id, **change)


def test_the_text_form_has_every_question_option_and_reason() -> None:
    """Without a kernel a reader has it all: questions and options in the open, answers folded away."""
    page = as_page(questions_of("01"))
    for question in questions_of("01"):
        assert question.ask in page.plain
        assert all(option.text in page.plain for option in question.options)
        assert all(option.why not in page.plain for option in question.options)
    folded = "".join(re.findall(r"<details>.*?</details>", page.rich))
    reasons = [option.why for question in questions_of("01") for option in question.options]
    assert sum(reason.split("`")[0].replace("&", "&amp;") in folded for reason in reasons) == len(reasons)


def test_the_widget_grades_scores_and_records() -> None:
    """An answer in `given` gives a result and a score, and each try is recorded."""
    widget = quiz("01")
    first = questions_of("01")[0]
    right = next(i for i, option in enumerate(first.options) if option.right)
    assert widget.answer(first.id, 0) == "✗ Not right yet."
    assert widget.answer(first.id, right) == "✓ Right."
    assert widget.score == f"Score: 1 of {len(questions_of('01'))} right, 1 answered."
    assert [entry["right"] for entry in progress.records("answer")] == [False, True]


def test_an_answer_that_was_shown_does_not_count() -> None:
    """Whoever asks for the answer reads every reason; the score stays as it was."""
    widget = quiz("01")
    widget.given = {"01-q1": {"shown": True, "try": 1}}
    assert all(widget.results["01-q1"]["notes"])
    assert widget.score.startswith("Score: 0 of")


def test_the_browser_gets_no_key() -> None:
    """What is sent to the browser before an answer holds neither what is right nor why."""
    sent = repr(quiz("01").questions)
    assert all(option.why not in sent for question in QUESTIONS for option in question.options)
    assert "right" not in sent.replace("several may be right", "")


def test_stored_forms_do_not_depend_on_progress() -> None:
    """A widget shows the same text before and after answers."""
    widget = quiz("01")
    before = widget._repr_mimebundle_()[0]
    widget.answer("01-q1", 0)
    after = widget._repr_mimebundle_()[0]
    assert (before["text/plain"], before["text/html"]) == (after["text/plain"], after["text/html"])


@pytest.mark.parametrize("id", list(predictions()))
def test_a_prediction_shows_the_guess_of_its_cell_only(id: str) -> None:
    """Without a guess, what is shown is the same whatever was guessed before, in this kernel or an earlier
    one.
    """
    asked = predictions()[id]
    came: object = asked.options[0].is_ if asked.options else 7
    fresh = str(predict(id, ...)), str(outcome(id, came))
    predict(id, "a" if asked.options else 7)
    assert "As predicted" in str(outcome(id, came))
    assert (str(predict(id, ...)), str(outcome(id, came))) == fresh


def test_a_wrong_guess_is_said_and_both_are_recorded() -> None:
    """The report can later set guesses against outcomes."""
    predict("01-drop", "a")
    assert "Not as predicted" in str(outcome("01-drop", False))
    kept = [(entry["kind"], entry["guess"]) for entry in progress.records()]
    assert kept == [("prediction", "a"), ("outcome", "a")]
    assert next(progress.records("outcome"))["right"] is False


def test_a_number_is_close_within_a_fifth() -> None:
    """A guessed number counts as right when it is within 20% of the outcome."""
    predict("01-third", 4)
    assert "✓ As predicted" in str(outcome("01-third", 5))
    predict("01-third", 3)
    assert "✗ Not as predicted" in str(outcome("01-third", 5))


@pytest.mark.parametrize("guess", ["z", "", None, [], {"a": 1}])
def test_a_guess_that_is_no_answer_is_told(guess: object) -> None:
    """A mistyped guess says what can be written; nothing is recorded."""
    assert 'write one of "a", "b"' in str(predict("01-drop", guess))
    assert list(progress.records()) == []


def test_a_changed_experiment_is_told() -> None:
    """An outcome that no option stands for is no error."""
    assert "you changed the experiment" in str(outcome("01-drop", "something else"))


def cells_of(id: str) -> list[str]:
    """The sources of the cells of the notebook that an id belongs to."""
    [path] = (Path(__file__).parents[1] / "notebooks").glob(f"{id[:2]}_*.ipynb")
    return ["".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"]]


@pytest.mark.parametrize("id", list(predictions()))
def test_each_prediction_is_asked_open_and_answered_below(id: str) -> None:
    """The stored notebook asks without a guess, and a later cell shows what happened."""
    cells = cells_of(id)
    asked = cells.index(f'predict("{id}", ...)')
    assert [f'outcome("{id}",' in cell for cell in cells[: asked + 1]].count(True) == 0
    assert any(f'outcome("{id}",' in cell for cell in cells[asked + 1 :])


@pytest.mark.parametrize("number", numbers())
def test_each_notebook_asks_its_own_questions(number: str) -> None:
    """Questions that are written for a notebook are asked in it."""
    assert f'quiz("{number}")' in cells_of(number)


def test_unknown_ids_are_named() -> None:
    """A mistyped id of a prediction or a notebook says which there are."""
    with pytest.raises(KeyError, match="no prediction '01-x'"):
        predict("01-x")
    with pytest.raises(KeyError, match="no questions for notebook '99'"):
        quiz("99")
