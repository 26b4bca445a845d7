"""Questions with drawn numbers: the same for the same seed, another one on every retake, and sound with all of them."""

import re

import pytest

from labkit.teach.questions.entries import question_from
from labkit.teach.questions.files import ALL, entries, questions_of
from labkit.teach.questions.kinds import Number
from labkit.teach.questions.numbers import combinations, drawn, order
from tests.verdicts import QUESTIONS, drawn_questions

DRAWN = [entry for entry in entries().values() if "draw" in entry]


@pytest.mark.parametrize("entry", DRAWN, ids=lambda entry: entry["id"])
def test_every_combination_makes_a_sound_question(entry):
    """The key is unlike every slip for any draw, no two slips are alike, and no gap is left in a text."""
    for values in combinations(entry["draw"]):
        question = question_from(entry, values=values)
        texts = " ".join([question.ask, *question.lines(), *question.answers()])
        assert not re.search(r"[{}]", texts)
        if isinstance(question, Number):
            assert question.answer > 0
            assert len({slip.value for slip in question.slips}) == len(question.slips)
            assert all(slip.value > 0 for slip in question.slips)


def test_the_stated_numbers_are_the_stored_ones():
    """With the first and the last numbers, each question asks and answers what is stored: python -m tests.verdicts."""
    assert drawn_questions() == QUESTIONS.read_text("utf-8").splitlines()


@pytest.mark.parametrize("entry", DRAWN, ids=lambda entry: entry["id"])
def test_a_retake_draws_what_was_not_drawn_before(entry):
    """Seed 0 asks with the first values; each seed behind it asks with others, until all of them have been asked."""
    all_values = combinations(entry["draw"])
    rounds = [drawn(entry["draw"], entry["id"], seed) for seed in range(len(all_values))]
    assert rounds[0] == {name: choices[0] for name, choices in entry["draw"].items()}
    assert sorted(map(str, rounds)) == sorted(map(str, all_values))
    assert len(all_values) >= 2


def test_the_same_seed_asks_the_same():
    """Numbers and order come from the seed alone, in this process or in another one."""
    first = [(question.public(), question.answers()) for question in questions_of(ALL, 5)]
    questions_of.cache_clear()
    assert [(question.public(), question.answers()) for question in questions_of(ALL, 5)] == first
    assert order(5, "07-q1", 1) == (2, 3, 4, 0, 1)
    assert order(5, "07-q1", 0) == (0, 1, 2, 3, 4)


def test_the_first_try_shows_options_as_written_and_later_ones_do_not():
    """Only steps to be put in order are shuffled from the start; afterwards most options stand in another place."""
    for question in questions_of(ALL):
        assert (question.kind == "order") == (question.shown != tuple(range(len(question.options))))
    shuffled = [q for q in questions_of(ALL, 1) if q.kind in ("one", "several")]
    assert sum(q.shown != tuple(range(len(q.options))) for q in shuffled) > len(shuffled) / 2


def test_messages_keep_their_order():
    """A conversation is not shuffled, whatever the seed."""
    assert all(q.shown == tuple(range(len(q.options))) for q in questions_of(ALL, 7) if q.kind == "messages")
