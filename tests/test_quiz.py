"""The quiz grades, scores, records and asks again; predictions show the guess in the cell and nothing else."""

import json
from pathlib import Path

import pytest
import traitlets

from labkit.teach.questions.files import names, predictions, questions_of
from labkit.teach.questions.kinds import Number, Ordered
from labkit.teach.questions.predictions import outcome, predict
from labkit.teach.questions.quiz import Quiz, mixed_quiz, quiz
from labkit.teach.record import progress


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the tests record away from a learner's own progress."""
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(tmp_path))


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
    """A learner who asks for the answer reads every reason; the score stays as it was, even when the right answer
    follows.
    """
    widget = quiz("01")
    widget.given = {"01-q1": {"shown": True, "try": 1}}
    assert all(widget.results["01-q1"]["notes"])
    assert widget.answer("01-q1", right_of(widget, "01-q1")) == "✓ Right. It counts when you try again."
    assert widget.score.startswith("Score: 0 of")
    widget.seed = 1
    widget.answer("01-q1", right_of(widget, "01-q1"))
    assert widget.score.startswith("Score: 1 of")


def right_of(widget: Quiz, id: str) -> object:
    """The right answer to a question of a widget, in places as shown now."""
    question = widget.asked[id]
    if isinstance(question, Number):
        return question.answer
    if isinstance(question, Ordered):
        return [question.shown.index(place) for place in range(len(question.options))]
    right = [at for at, place in enumerate(question.shown) if question.options[place].right]
    return right[0] if question.kind == "one" else right


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_question_can_be_answered_on_every_try(seed: int) -> None:
    """With the right answers to all questions of the notebook the score is full, whatever the seed."""
    widget = quiz("07", seed=seed) if seed else quiz("07")
    assert widget.seed == seed
    for id in widget.asked:
        widget.answer(id, right_of(widget, id))
    many = len(questions_of("07"))
    assert widget.score.startswith(f"Score: {many} of {many} right, {many} answered.")


def test_a_retake_asks_again_and_records_its_seed() -> None:
    """Another seed brings other numbers and empties the answers; each record says which seed it belongs to."""
    widget = quiz("07")
    widget.answer("07-q2", 153_604)
    before = widget.questions
    widget.seed = 1
    assert widget.questions != before
    assert (widget.given, widget.results) == ({}, {})
    assert widget.score.endswith("0 answered. Round 2.")
    assert widget.answer("07-q2", 153_604) != "✓ Right."
    kept = [(entry["seed"], entry["right"], entry["given"]) for entry in progress.records("answer")]
    assert kept == [(0, True, 153_604), (1, False, 153_604)]


def test_choices_are_recorded_in_places_as_written() -> None:
    """On a retake the options stand elsewhere, and the records still name the same ones."""
    widget = quiz("07", seed=1)
    question = widget.asked["07-q1"]
    assert question.shown != (0, 1, 2, 3)
    widget.answer("07-q1", 0)
    widget.answer("07-q17", [*range(4)])
    kept = [entry["given"] for entry in progress.records("answer")]
    assert kept == [question.shown[0], [*widget.asked["07-q17"].shown]]


@pytest.mark.parametrize("given", [None, [], "", "some", [[]], {}])
def test_an_answer_that_is_none_is_recorded_as_none(given: object) -> None:
    """An answer that cannot be graded gets a sentence, and is kept as no answer."""
    widget = quiz("07")
    for id in widget.asked:
        assert widget.answer(id, given)
    assert {entry["given"] for entry in progress.records("answer")} == {None}
    assert widget.score.startswith("Score: 0 of")


def test_rows_choose_questions() -> None:
    """A part of a check has the questions of some letters of the curriculum; a letter without any is named."""
    parts = ["G", "AB", "C", "D", "E"]
    ids = [id for part in parts for id in quiz("07", part).asked]
    assert ids == [question.id for question in questions_of("07")]
    with pytest.raises(ValueError, match="no question belongs to 'X'"):
        quiz("07", "X")
    with pytest.raises(traitlets.TraitError):
        quiz("07", seed=-1)


def test_a_mixed_quiz_takes_from_all_notebooks_before_it() -> None:
    """Two of each, of different kinds; another seed draws others, the same seed the same."""
    first, same, other = mixed_quiz(2), mixed_quiz(2), mixed_quiz(2, seed=1)
    assert {id[:2] for id in first.asked} == set(names()) - {"00", "07", "08", "09", "10"}
    assert list(first.asked) == list(same.asked) != list(other.asked)
    kinds = {number: [q.kind for id, q in first.asked.items() if id[:2] == number] for number in names()}
    assert all(len(set(found)) == 2 for number, found in kinds.items() if found)
    with pytest.raises(ValueError, match="ask for at least 1"):
        mixed_quiz(0)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_browser_gets_no_key(seed: int) -> None:
    """The data sent to the browser before an answer holds neither the right option nor why, and steps in no right
    order.
    """
    for number in names():
        widget = quiz(number, seed=seed)
        sent = repr(widget.get_state())
        assert [o.why for q in widget.asked.values() for o in q.options if o.why in sent] == []
        assert [q.id for q in widget.asked.values() if isinstance(q, Number) and f"'{q.answer}'" in sent] == []
        for question, public in zip(widget.asked.values(), widget.questions, strict=True):
            assert set(public) <= {"id", "kind", "ask", "hint", "options", "unit", "roles", "mark", "rest"}
            assert question.kind != "order" or public["options"] != [option.text for option in question.options]


def test_stored_forms_do_not_depend_on_progress() -> None:
    """A widget shows the same text before and after answers, in this kernel or in a later one."""
    widget = quiz("07")
    before = widget._repr_mimebundle_()[0]
    for id in widget.asked:
        widget.answer(id, right_of(widget, id))
    for after in (widget._repr_mimebundle_()[0], quiz("07")._repr_mimebundle_()[0]):
        assert (before["text/plain"], before["text/html"]) == (after["text/plain"], after["text/html"])


@pytest.mark.parametrize("id", list(predictions()))
def test_a_prediction_shows_the_guess_of_its_cell_only(id: str) -> None:
    """Without a guess, what is shown is the same whatever was guessed before, in this kernel or an earlier one."""
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


def test_a_number_is_close_within_a_fifth_and_a_small_one_exact() -> None:
    """A guessed number counts as right when it is within 20% of the outcome; up to ten it has to be the number."""
    for id, guess, came, right in (
        ("05-nested", 250, 300, True),
        ("05-nested", 230, 300, False),
        ("01-third", 5, 5, True),
        ("01-third", 4, 5, False),
    ):
        predict(id, guess)
        assert ("✓ As predicted" if right else "✗ Not as predicted") in str(outcome(id, came))


def test_a_letter_may_come_with_its_bracket_or_its_text_and_the_text_alone_is_a_guess_too() -> None:
    """A learner copies what the cell shows, in part or whole; each form is the same guess."""
    text = predictions()["01-drop"].options[1].text
    said = [
        str(predict("01-drop", guess)) for guess in ("b", "B", " b) ", "(b)", "b.", f"b) {text}", text, text.upper())
    ]
    assert set(said) == {f"{predict('01-drop', 'b')}"}
    assert f"You guess b) {text}." in said[0]


@pytest.mark.parametrize("guess", ["z", "", None, [], {"a": 1}, "both", "about the same", "answer a"])
def test_a_guess_that_is_no_answer_is_refused(guess: object) -> None:
    """A mistyped guess says what can be written; nothing is recorded."""
    assert 'write one of "a", "b"' in str(predict("01-drop", guess))
    assert list(progress.records()) == []


def test_a_changed_experiment_is_reported() -> None:
    """An outcome that no option predicts is no error."""
    assert "you changed the experiment" in str(outcome("01-drop", "something else"))


def cells_of(id: str) -> list[str]:
    """The sources of the cells of the notebook that an id belongs to."""
    [path] = (Path(__file__).parents[1] / "notebooks").glob(f"{id[:2]}_*.ipynb")
    return ["".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"]]


@pytest.mark.parametrize("id", list(predictions()))
def test_each_prediction_is_asked_open_and_answered_below(id: str) -> None:
    """The stored notebook asks without a guess, and a later cell shows what happened."""
    cells = cells_of(id)
    asked = next(at for at, source in enumerate(cells) if f'predict("{id}", ...)' in source)
    assert [f'outcome("{id}",' in cell for cell in cells[: asked + 1]].count(True) == 0
    assert any(f'outcome("{id}",' in cell for cell in cells[asked + 1 :])


def test_unknown_ids_are_named() -> None:
    """A mistyped id of a prediction or a notebook says which there are."""
    with pytest.raises(KeyError, match="no prediction '01-x'"):
        predict("01-x")
    with pytest.raises(KeyError, match="no questions for notebook '99'"):
        quiz("99")
