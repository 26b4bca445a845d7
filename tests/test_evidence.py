"""Evidence: the labelled set says what it claims, recall counts what is there, and the steps are worth their words."""

from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.evidence.strategies import STEPS, at_random, oracle, oracle_findings
from labkit.evidence.table import (
    BUDGETS,
    Evidence,
    Finding,
    Labelled,
    LabelledQuestion,
    covers,
    findings,
    labelled_set,
    recall,
)
from labkit.messages import History, assistant, user
from labkit.steps.relevance.choice import Relevance
from labkit.strategies import KeepRecent, full_history
from labkit.text.words import searchable_text
from tests.keeping import TOKENS, problems
from tests.measure.ablation import ROWS

SET = labelled_set()


def test_the_set_is_as_large_as_it_says() -> None:
    """Fifteen conversations of 60 to 200 messages, three kinds, two fifths of them unseen, 120 questions and more."""
    assert len(SET) == 15
    assert all(60 <= len(labelled.history) <= 200 for labelled in SET)
    assert sum(len(labelled.questions) for labelled in SET) >= 120
    assert {(labelled.kind, labelled.part) for labelled in SET} == {
        (kind, part) for kind in ("chat", "long", "tools") for part in ("dev", "unseen")
    }
    assert len(labelled_set("unseen")) == 6
    told = files("labkit.evidence").joinpath("conversations/README.md").read_text("utf-8")
    lengths = [len(labelled.history) for labelled in SET]
    assert f"{sum(len(labelled.questions) for labelled in SET)} questions" in told
    assert f"{min(lengths)} to {max(lengths)} messages" in " ".join(told.split())


@pytest.mark.parametrize("labelled", SET, ids=lambda labelled: labelled.name)
def test_every_piece_of_evidence_is_where_it_says(labelled: Labelled) -> None:
    """In just these messages before the question, in a conversation that could be sent, and not in the question."""
    for question in labelled.questions:
        asked = labelled.history[: question.at].append(user(question.ask))
        assert problems(asked, asked) == []
        for evidence in question.evidence:
            told = tuple(at for at, message in enumerate(asked[:-1]) if evidence.words in searchable_text(message))
            assert evidence.places == told != ()
            assert evidence.words not in question.ask


@pytest.mark.parametrize("labelled", SET, ids=lambda labelled: labelled.name)
def test_the_whole_history_covers_every_question(labelled: Labelled) -> None:
    """And an empty one covers none."""
    assert all(one.covered and one.whole for one in findings(labelled, lambda limit: full_history, 1.0))
    assert not any(covers(History(), question) for question in labelled.questions)


TALK = History([user("The code is 4471."), assistant("Noted."), user("The bus is blue."), assistant("Nice.")])
SMALL = Labelled(
    "small",
    "chat",
    "dev",
    "two facts",
    TALK,
    (
        LabelledQuestion("Which code?", 4, (Evidence("4471", (0,)),)),
        LabelledQuestion("Which bus?", 4, (Evidence("blue", (2,)),)),
        LabelledQuestion("Code and bus?", 4, (Evidence("4471", (0,)), Evidence("blue", (2,)))),
    ),
)


def test_a_question_is_covered_when_all_its_evidence_is_there() -> None:
    """Half of the tokens hold the newer exchange alone."""
    found = list(findings(SMALL, lambda limit: KeepRecent(limit, size=TOKENS), 0.6))
    assert [one.covered for one in found] == [False, True, False]
    assert all(one.tokens <= one.limit for one in found)


def test_words_quoted_count_as_covered_and_not_as_whole() -> None:
    """The stricter measure wants the message itself."""

    def quoting(history: History) -> History:
        return History([user("[4471, blue]", replaces=tuple(history[:4])), assistant("Noted."), history[-1]])

    found = list(findings(SMALL, lambda limit: quoting, 1.0))
    assert all(one.covered for one in found)
    assert not any(one.whole for one in found)


def finding(conversation: str, covered: bool) -> Finding:
    """One answer of one conversation."""
    return Finding(conversation, "chat", "?", 0.1, covered, covered, 1, 1)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), min_size=1, max_size=40))
def test_recall_lies_within_its_interval(answers: list[tuple[str, bool]]) -> None:
    """The share is that of all questions; the interval is the same each time, and a point where all agree."""
    found = [finding(*answer) for answer in answers]
    pooled = recall(found)
    assert pooled.share == pytest.approx(sum(covered for _, covered in answers) / len(answers))
    assert 0 <= pooled.low <= pooled.high <= 1
    assert pooled == recall(found)
    if len({covered for _, covered in answers}) == 1:
        assert pooled.low == pooled.high == pooled.share


def test_an_interval_is_over_conversations() -> None:
    """Two that disagree leave everything open, however many questions each has."""
    pooled = recall([finding("a", True)] * 50 + [finding("b", False)] * 50)
    assert (pooled.low, pooled.share, pooled.high) == (0.0, 0.5, 1.0)
    assert str(pooled) == "50% [0, 100]"
    with pytest.raises(ValueError, match="no findings"):
        recall([])


def test_relevance_keeps_far_more_than_the_window_on_each_kind() -> None:
    """At a tenth of the tokens, on the dev part; the table of `python -m labkit.evidence own` has all figures."""
    for kind in ("chat", "long", "tools"):
        labelled = [one for one in labelled_set("dev") if one.kind == kind]
        chosen = recall([one for each in labelled for one in findings(each, Relevance, 0.1)])
        window = [one for each in labelled for one in findings(each, lambda n: KeepRecent(n, size=TOKENS), 0.1)]
        assert chosen.share >= 0.5
        assert chosen.share >= 4 * recall(window).share


def test_the_rows_of_the_tables_keep_their_budgets_and_know_less_than_the_oracle() -> None:
    """Every strategy of the table and of the ablation, on one conversation of tool runs."""
    (labelled,) = [one for one in SET if one.name == "tools-2"]
    first = replace(labelled, questions=labelled.questions[-1:])
    for strategy in {**STEPS, **ROWS}.values():
        found = [one for share in BUDGETS for one in findings(first, strategy, share)]
        assert all(one.tokens <= one.limit for one in found)
    assert [one.whole for one in oracle_findings(first, 0.4)] == [True]
    (limited,) = findings(first, oracle(first.questions[0]), 0.4)
    assert limited.tokens <= limited.limit


def test_chance_is_drawn_again_only_for_another_history() -> None:
    """Random, and still reproducible."""
    history = SET[0].history.append(user("And?"))
    assert at_random(200)(history) == at_random(200)(history)
    assert at_random(200)(history) != at_random(200)(history[2:])
