"""The pictures of notebook 04 show what labkit would send, and their words agree with their numbers."""

import re

import pytest

from labkit.messages import exchanges
from labkit.steps.importance import KeepImportant
from labkit.steps.pruning import ClearToolResults, Prune, retain_by_role
from labkit.strategies import apply
from labkit.summarization import Summarize
from labkit.teach.lessons.talks import support
from labkit.teach.views.pruning import answers_left, by_turn, fates
from labkit.tokens import estimate_tokens, estimator

TALK, SIZE = support(), estimator()


def summed_up(history):
    """A step that tells the older part in one sentence."""
    return Summarize(lambda old: "The customer has account AC-77120.", keep=4)(history)


STEPS = {
    "nothing": (),
    "oldest first": (Prune(600, SIZE),),
    "importance": (KeepImportant(600),),
    "by role": (retain_by_role, Prune(600, SIZE)),
    "emptied": (ClearToolResults(1), Prune(600, SIZE)),
    "summary": (summed_up,),
}
every_rule = pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)


def numbers(words):
    """The numbers of a sentence, in order."""
    return [int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", words)]


def test_the_conversation_is_what_the_notebook_says():
    """Forty-one messages in fifteen turns, ten questions that can all be answered, the last turn unanswered."""
    assert (len(TALK.history), len(list(exchanges(TALK.history)))) == (41, 15)
    assert len(TALK.questions) == 10 == len(TALK.answerable(TALK.history))
    assert TALK.history[-1].role == "user"
    called = {b["name"] for message in TALK.history for b in message.blocks if b["type"] == "tool_use"}
    assert called == {tool["name"] for tool in TALK.tools}


@every_rule
def test_the_list_shows_every_message_and_every_question(steps):
    """There is a row for each message and each question, and each message has its tokens in one colour."""
    chart = fates(TALK, steps, 600, "a rule")
    assert len(chart.categories) == len(TALK.history) + len(TALK.questions)
    for place in range(10, 10 + len(TALK.history)):
        assert [series.values[place] is None for series in chart.series].count(False) == 1
    assert all(series.values[:10] == (None,) * 10 for series in chart.series)


@every_rule
def test_the_words_agree_with_the_rows(steps):
    """Counts by fate, tokens sent and questions answered are those of the rows and of the view that is sent."""
    chart, view = fates(TALK, steps, 600), apply(steps, TALK.history)
    kept = sum(category.endswith("kept") for category in chart.categories)
    alive = chart.categories.count("answered")
    assert f"{kept} kept" in chart.words
    assert f"about {estimate_tokens(view):,} tokens (estimated) are sent" in chart.words
    assert chart.words.endswith(f"{alive} of 10 questions can still be answered.")
    assert alive == len(TALK.answerable(view))


def test_each_fate_has_its_colour_and_reason():
    """Emptied results are shortened, old turns dropped as older, pins kept as pinned; importance gives its score."""
    emptied = fates(TALK, STEPS["emptied"], 600)
    assert any(note.startswith("[result emptied] ") for note in fates(TALK, (ClearToolResults(1),), 900).notes)
    assert emptied.notes[10].startswith("[older] ")
    by_name = {series.part: series for series in fates(TALK, STEPS["by role"], 600).series}
    assert any(by_name["facts"].values)
    assert any(note.startswith("[importance 0.") for note in fates(TALK, STEPS["importance"], 600).notes)
    assert any(by_name["current"].values)
    assert any(next(s for s in fates(TALK, STEPS["summary"], 600).series if s.part == "summary").values)


def test_a_broken_budget_is_reported():
    """When what must stay is more than the budget, the words say by how much; otherwise they do not."""
    chart, view = fates(TALK, STEPS["by role"], 600), apply(STEPS["by role"], TALK.history)
    assert f"That is {estimate_tokens(view) - 600:,} more than the budget" in chart.words
    assert "more than the budget" not in fates(TALK, STEPS["oldest first"], 600).words


def test_the_picture_does_not_jump():
    """Height, axis and number of rows are the same for every rule and budget."""
    shapes = {(c.height, c.end, len(c.categories)) for steps in STEPS.values() for c in [fates(TALK, steps, 600)]}
    assert len(shapes) == 1


def test_turns_are_listed_with_their_tokens():
    """The table of turns adds up to the whole conversation."""
    rows = str(by_turn(TALK.history)).splitlines()[1:]
    assert sum(int(row.split()[-2]) for row in rows) == estimate_tokens(TALK.history)


def test_the_table_of_rules_counts_what_is_left():
    """Each cell holds the questions answered and the tokens sent."""
    shown = str(answers_left(TALK, {"all": [(), ()], "old": [STEPS["oldest first"]] * 2}, (300, 600)))
    view = apply(STEPS["oldest first"], TALK.history)
    assert "10 (1,381)" in shown
    assert shown.count(f"{len(TALK.answerable(view))} ({estimate_tokens(view):,})") == 2
