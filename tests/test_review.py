"""Questions come back: after even gaps, with other numbers, until each objective was asked on three days."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.teach.questions.files import predictions
from labkit.teach.questions.predictions import outcome, predict, why
from labkit.teach.questions.quiz import Quiz
from labkit.teach.record import progress
from labkit.teach.results.review import GAPS, MANY, due_questions, retention, review, seen
from labkit.teach.results.syllabus import notebook_of, notebooks, questions
from labkit.teach.results.tally import tally

START = date(2026, 9, 1)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Keep what the tests record away from a learner's own progress."""
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(tmp_path))


def answer(id, day, right=True, seed=0):
    """The record of an answer on a day, counted from the start."""
    at = datetime.combine(START + timedelta(day), datetime.min.time(), UTC) + timedelta(hours=9)
    return {"kind": "answer", "id": id, "at": at.isoformat(), "right": right, "given": 0, "seed": seed}


def simulated(days):
    """The log of a learner who does a notebook's check every other day, and a review on every day."""
    log = []
    for day in range(days):
        log += [answer(id, day, seed=seed) for id, seed in due_questions(log, START + timedelta(day))]
        if day % 2 == 0 and day // 2 < len(notebooks()):
            number = list(notebooks())[day // 2]
            log += [answer(id, day) for id in questions() if notebook_of(id) == number]
    return log


def test_each_objective_comes_back_on_three_days():
    """In a simulated learner's log of twelve weeks, every objective with a question is asked on three days or more."""
    rows = {row for question in questions().values() for row in question.covers}
    asked = seen(simulated(84))
    assert {row: len(asked[row].days) for row in rows if len(asked[row].days) < 3} == {}


@given(st.lists(st.tuples(st.sampled_from(sorted(questions())), st.integers(0, 20)), max_size=40), st.integers(0, 30))
def test_a_review_is_short_and_holds_what_is_due(answers, today):
    """At most five questions, each on an objective whose gap is over, none twice, with a seed that was not asked."""
    log = [answer(id, day) for id, day in sorted(answers, key=lambda one: one[1])]
    known = seen(log)
    day = START + timedelta(today)
    due = {row for row, one in known.items() if one.due <= day}
    chosen = due_questions(log, day)
    assert len(chosen) <= MANY
    assert len({id for id, _ in chosen}) == len(chosen)
    assert all(due & set(questions()[id].covers) for id, _ in chosen)
    assert all(seed == sum(entry["id"] == id for entry in log) for id, seed in chosen)
    assert bool(chosen) == bool(due)


def test_the_gaps_are_one_three_and_seven_days():
    """After the first day a gap of one, then three, then seven, and seven again."""
    id = next(iter(questions()))
    row = questions()[id].covers[0]
    log, day = [], 0
    for gap in (*GAPS, GAPS[-1]):
        log.append(answer(id, day))
        assert seen(log)[row].due == START + timedelta(day + gap)
        day += gap


def test_nothing_due_is_one_sentence_and_due_questions_are_a_quiz():
    """A new learner sees a sentence without a nag; a day after an answer there is a quiz with other numbers."""
    assert "nothing is due" in str(review())
    progress.record("answer", "01-q1", right=True, given=0, shown=False, seed=0)
    assert "nothing is due" in str(review())
    later = review(datetime.now(UTC).date() + timedelta(1))
    assert isinstance(later, Quiz)
    assert set(later.asked) <= set(questions())


def test_the_first_try_rate_is_counted_by_the_days_between():
    """Two objectives' answers a day and a week after the last ones; the first day of an objective has no gap."""
    log = [answer("01-q1", 0), answer("01-q1", 1), answer("01-q1", 8, right=False)]
    many = len(questions()["01-q1"].covers)
    assert retention(log) == {1: (many, many), 7: (0, many)}


OWN = [one.id for one in predictions().values() if one.own]


def test_fifteen_turning_points_ask_for_a_reason():
    """Each has a question, and the author's sentence comes only after the learner's own."""
    assert len(OWN) == 15
    for id in OWN:
        asked = predictions()[id]
        assert asked.own.endswith("?")
        assert asked.why not in str(outcome(id, None))
        assert asked.why not in str(why(id))
        shown = str(why(id, "Because the request is all there is."))
        assert shown.index("You: Because") < shown.index(asked.why)


def test_own_words_stay_on_the_machine_unless_they_are_handed_in(tmp_path):
    """The record says how many words there were; a copy holds them only when asked to."""
    words = "My sentence names the lighthouse."
    why(OWN[0], words)
    (entry,) = progress.records()
    assert (entry["kind"], entry["words"]) == ("why", 5)
    assert tally([entry]).foreign == 0
    copy = progress.export(tmp_path / "in.jsonl", name="Ada")
    assert "lighthouse" not in copy.read_text("utf-8")
    assert not (tmp_path / "in-own-words.md").exists()
    progress.export(tmp_path / "in.jsonl", name="Ada", own_words=True)
    assert words in (tmp_path / "in-own-words.md").read_text("utf-8")


def test_a_prediction_without_a_reason_is_refused():
    """The error names those that ask for one."""
    other = next(one.id for one in predictions().values() if not one.own)
    with pytest.raises(KeyError, match=OWN[0]):
        why(other)


def test_an_outcome_without_a_guess_is_folded():
    """It would answer the question that is on the same screen; with a guess it is open."""
    id = next(one.id for one in predictions().values() if not one.options)
    predict(id)
    assert "<details>" in outcome(id, 3).rich
    predict(id, 3)
    assert "<details>" not in outcome(id, 3).rich
