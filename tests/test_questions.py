"""Questions are data that can be trusted: every kind grades, explains and reads as it should, whatever is given."""

import json
import re
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.teach.questions.entries import question_from
from labkit.teach.questions.files import ALL, as_page, names, predictions, questions_of
from labkit.teach.questions.kinds import KINDS, Marked, Number, Ordered, Question, SeveralOf, as_number

QUESTIONS = questions_of(ALL)
RETAKEN = questions_of(ALL, 3)
CHOICES = [question for question in (*QUESTIONS, *RETAKEN) if isinstance(question, SeveralOf)]
NUMBERS = [question for question in (*QUESTIONS, *RETAKEN) if isinstance(question, Number)]
ORDERS = [question for question in (*QUESTIONS, *RETAKEN) if isinstance(question, Ordered)]
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("question", CHOICES, ids=lambda q: q.id)
def test_only_the_right_choice_is_right(question: SeveralOf) -> None:
    """Of all subsets of the options exactly one is right, and it explains every option."""
    places = range(len(question.options))
    subsets = [[i for i in places if mask >> i & 1] for mask in range(1, 2 ** len(places))]
    right = [chosen for chosen in subsets if question.grade(chosen).right]
    assert right == [[i for i in places if question.options[question.shown[i]].right]]
    assert all(question.grade(right[0]).notes)


@pytest.mark.parametrize("question", CHOICES, ids=lambda q: q.id)
def test_a_wrong_choice_is_explained_without_giving_the_rest_away(question: SeveralOf) -> None:
    """A learner who chose wrongly reads why about their choice; the other options keep their secret."""
    for place, written in enumerate(question.shown):
        graded = question.grade([place])
        assert graded.given in (written, [written])
        if not graded.right:
            assert [bool(note) for note in graded.notes] == [i == place for i in range(len(question.options))]
            assert question.options[written].why in graded.notes[place]


@pytest.mark.parametrize("question", ORDERS, ids=lambda q: q.id)
def test_only_one_order_is_right(question: Ordered) -> None:
    """Of all orders one is right, it is not the one that is shown, and the first step out of place is explained."""
    places = range(len(question.options))
    graded = {order: question.grade(order) for order in permutations(places)}
    right = [order for order in graded if graded[order].right]
    assert [[question.shown[place] for place in order] for order in right] == [[*places]]
    assert right != [tuple(places)]
    for order, one in graded.items():
        if not one.right:
            stand = next(at for at, place in enumerate(order) if question.shown[place] != at)
            assert [at for at, note in enumerate(one.notes) if note] == [order[stand]]
            assert str(stand) in one.sentence or stand < 2


@pytest.mark.parametrize("question", NUMBERS, ids=lambda q: q.id)
def test_a_number_is_right_within_its_tolerance_and_a_slip_is_explained(question: Number) -> None:
    """The answer is right as a number or as people write it; each known slip gets its own words, other numbers a
    direction.
    """
    assert question.grade(question.answer).right
    assert question.grade(f"{question.answer:,} {question.unit}").right
    for slip in question.slips:
        assert question.grade(slip.value).notes == (slip.why,)
    assert "too large" in question.grade(question.answer + 1e7).sentence
    assert "too small" in question.grade(question.answer - 1e7).sentence


@given(
    st.text()
    | st.none()
    | st.floats()
    | st.lists(st.integers() | st.booleans() | st.none())
    | st.dictionaries(st.text(), st.integers())
)
def test_no_answer_makes_a_grader_fail(given_: Any) -> None:
    """Grading gives a sentence for anything that a browser sends, and the record can be said in words."""
    for question in QUESTIONS:
        graded = question.grade(given_)
        assert graded.sentence
        assert isinstance(question.in_words(graded.given), str)


@given(st.integers(-(10**9), 10**9))
def test_numbers_are_read_as_people_write_them(value: int) -> None:
    """Digits, separators, a unit behind: all are the same number."""
    assert as_number(value) == as_number(str(value)) == as_number(f"{value:,} tokens") == value


@pytest.mark.parametrize("question", CHOICES, ids=lambda q: q.id)
def test_what_is_kept_does_not_depend_on_the_order_shown(question: SeveralOf) -> None:
    """The same options chosen are kept as the same places, and read as the same words, on every try."""
    again = {other.id: other for other in RETAKEN}[question.id]
    for place in range(len(question.options)):
        kept = question.grade([question.shown.index(place)]).given
        assert kept in (place, [place])
        assert again.grade([again.shown.index(place)]).given == kept
        assert question.options[place].text == question.in_words(kept)


def test_there_are_enough_questions_of_every_kind() -> None:
    """At least 45 in all, at least five of each kind, and no kind is more than half of them."""
    kinds = [question.kind for question in QUESTIONS]
    assert len(kinds) >= 45
    assert all(5 <= kinds.count(kind) <= len(kinds) / 2 for kind in KINDS)


@pytest.mark.parametrize("number", [number for number in names() if number != "00"])
def test_each_notebook_asks_in_several_ways(number: str) -> None:
    """At least seven questions, and at least three kinds."""
    asked = questions_of(number)
    assert len(asked) >= 7
    assert len({question.kind for question in asked}) >= 3


def test_ids_are_unique_and_name_their_notebook() -> None:
    """Records are bound to ids, so no id may stand for two questions."""
    ids = [question.id for question in QUESTIONS] + list(predictions())
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"\d\d-[a-z0-9-]+", id) for id in ids)


def test_the_rows_that_questions_cover_are_in_the_curriculum() -> None:
    """Each question names what it is about, by rows that there are."""
    rows = set(re.findall(r"^\[(\w+)\]", (ROOT / "labkit/teach/curriculum.toml").read_text("utf-8"), re.MULTILINE))
    assert [q.id for q in QUESTIONS if not q.covers or not set(q.covers) <= rows] == []


def entry(**changes: Any) -> dict[str, Any]:
    """The data of a question that can be asked, changed."""
    options = [{"text": "a", "right": True, "why": "w"}, {"text": "b", "why": "w"}]
    return {"id": "99-q1", "covers": ["A1"], "kind": "one", "ask": "?", "option": options} | changes


A, B = entry()["option"]
SAID = [{"role": "user", "content": "hello", "why": "w"}, {"role": "assistant", "content": "hi", "why": "w"}]
FIGURE = {"kind": "number", "answer": 5, "unit": "turns", "why": "w", "slip": [{"value": 4, "why": "w"}]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "guess"}, "kind 'guess' is not one of one, several"),
        ({"option": [A, A]}, "exactly one option must be right"),
        ({"option": [B, B], "kind": "several"}, "at least one option must be right"),
        ({"option": [A, {"text": "b"}]}, "every option needs a why"),
        ({"option": [A]}, "it needs 2 to 10 options"),
        ({"option": [A, *[B] * 10]}, "it needs 2 to 10 options"),
        ({"kind": "messages", "message": SAID, "mark": "m", "rest": "r"}, "at least one option must be right"),
        (FIGURE | {"why": ""}, "a number needs an answer and a why"),
        (FIGURE | {"slip": [{"value": 5.2, "why": "w"}]}, r"the slip \[5.2\] counts as right"),
        (FIGURE | {"compute": "nothing"}, "'nothing' is not one of"),
        ({"kind": "messages", "message": SAID, "mark": "m", "rest": "r", "step": "x"}, "'x' is not one of"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(changes: dict[str, Any], words: str) -> None:
    """A mistake in the data is found when it is read, and names the question."""
    with pytest.raises(ValueError, match=f"question 99-q1: .*{words}"):
        question_from(entry(**changes))


def test_the_good_entries_are_taken() -> None:
    """The neighbours of the refused ones are questions."""
    assert question_from(entry()).kind == "one"
    assert question_from(entry(**FIGURE)).kind == "number"
    marked = [{**SAID[0], "right": True}, SAID[1]]
    assert question_from(entry(kind="messages", message=marked, mark="m", rest="r")).kind == "messages"
    with pytest.raises(ValueError, match="may not be shown in the right order"):
        Ordered(id="x", covers=("A1",), ask="?", options=question_from(entry()).options)


@pytest.mark.parametrize("number", names())
def test_the_text_form_has_every_question_option_and_reason(number: str) -> None:
    """Without a kernel a reader has it all: questions and options in the open, answers folded away, of every kind."""
    asked = questions_of(number)
    page = as_page(asked)
    folded = "".join(re.findall(r"<details>.*?</details>", page.rich))
    for question in asked:
        assert question.ask in page.plain
        assert all(option.text in page.plain for option in question.options)
        for why in reasons(question):
            assert why not in page.plain
            assert re.split('[`&<"]', why)[0] in folded


def reasons(question: Question) -> list[str]:
    """Every explanation that a question has."""
    if isinstance(question, Number):
        return [question.why, *(slip.why for slip in question.slips)]
    return [option.why for option in question.options]


def test_messages_with_one_reason_stand_together_in_the_answer() -> None:
    """The text form says a reason once, for all messages that it holds for; each message has exactly one."""
    for question in QUESTIONS:
        if isinstance(question, Marked):
            numbered = [re.findall(r"\[(\d+)\] ", line) for line in question.answers()]
            assert sorted(int(n) for line in numbered for n in line) == [*range(1, len(question.options) + 1)]
            assert len(numbered) == len(set(question.notes()))


def cells_of(id: str) -> list[str]:
    """The sources of the cells of the notebook that an id belongs to."""
    [path] = (ROOT / "notebooks").glob(f"{id[:2]}_*.ipynb")
    return ["".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"]]


@pytest.mark.parametrize("number", names())
def test_each_notebook_asks_its_own_questions(number: str) -> None:
    """Questions that are written for a notebook are asked in it, all of them."""
    calls = re.findall(rf'^quiz\("{number}"(?:, "(\w+)")?\)$', "\n".join(cells_of(number)), re.MULTILINE)
    assert [q.id for q in questions_of(number) if not any(not rows or q.covers[0][0] in rows for rows in calls)] == []
