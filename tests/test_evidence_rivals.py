"""The rivals of the evidence table are valid and within their budget, and a row says which questions it lost."""

from io import StringIO

import pytest

from labkit.evidence.recall import findings
from labkit.evidence.rivals import RIVALS, bm25_scores, langchain_trim
from labkit.evidence.strategies import newest
from labkit.evidence.table import labelled_set, lost, main, table
from labkit.messages import History, user
from labkit.strategies import apply
from tests.keeping import problems

TALKS = labelled_set("unseen")[:3]


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_is_valid_and_within_its_budget(name: str) -> None:
    """On a chat, on long replies and on tool runs, without a repair that would change its choice."""
    for labelled in TALKS:
        for share in (0.1, 0.4):
            assert all(one.tokens <= one.limit for one in findings(labelled, RIVALS[name], share))
        asked = labelled.history.append(user(labelled.questions[0].ask))
        view = RIVALS[name](2_000)(asked)
        assert problems(asked, view) == []
        assert apply((RIVALS[name](2_000),), asked).wire() == view.wire()


def test_bm25_ranks_a_rare_word_above_a_common_one() -> None:
    """And a text that shares nothing has nothing."""
    rare, common, neither = bm25_scores(["the zebra sleeps", "the horse sleeps", "a bus"], "zebra sleeps")
    assert rare > common > neither == 0
    assert bm25_scores([], "zebra") == []


def test_langchains_rule_is_the_newest_exchanges_that_fit() -> None:
    """The same choice as labkit's plainest step, wherever nothing is pinned and the newest turn fits."""
    for labelled in TALKS:
        asked = History([*labelled.history, user("And now?")])
        assert langchain_trim(900)(asked).wire() == newest(900)(asked).wire()


def test_a_row_says_which_questions_it_lost_and_which_message_held_them() -> None:
    """As many as were not covered; the message named says the words."""
    (row, _) = table(TALKS[:1], {"trim": langchain_trim})
    lines = list(lost(row, TALKS[:1]))
    assert sum(line.startswith("  lost in") for line in lines) == sum(not one.covered for one in row.at(0.2)) > 0
    question = next(one for one in TALKS[0].questions if f"  lost in {TALKS[0].name}: {one.ask}" in lines)
    held = question.evidence[0]
    assert f"    message {' or '.join(map(str, held.places))} says: {held.words[:70]}" in lines


def test_the_command_lists_what_was_lost_only_when_asked() -> None:
    """With `--lost` the questions follow their row."""
    arguments = ["own", "--part", "dev", "--kind", "chat", "--strategy", "labkit.evidence.rivals:langchain_trim"]
    plain, listed = StringIO(), StringIO()
    assert main(arguments, plain) == main([*arguments, "--lost"], listed) == 0
    assert "lost in" not in plain.getvalue()
    assert "lost in" in listed.getvalue()
