"""`python -m labkit.evidence`: the table, its rows, and a learner's own function among them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.evidence.strategies import STEPS, at_budget, named, newest
from labkit.evidence.table import BESIDE, BUDGETS, HEAD, ORACLE, Labelled, Row, cache_share, labelled_set, main, table
from labkit.messages import History, assistant, user
from labkit.steps.relevance.choice import Relevance
from labkit.strategies import KeepRecent, full_history
from labkit.tokens import ESTIMATED_TOKENS

ROOT = Path(__file__).resolve().parent.parent
SET = labelled_set()
SMALL = [replace(one, questions=one.questions[:2]) for one in SET[::5]]


def last_four(history: History) -> History:
    """A step of a learner."""
    return history[-4:]


def fitting(history: History, limit: int) -> History:
    """A step of a learner that knows the limit."""
    return KeepRecent(limit, size=ESTIMATED_TOKENS)(history)


def fitting_the_other_way_round(limit: int, history: History) -> History:
    """The same with its parameters in another order."""
    return fitting(history, limit)


def making(budget: int) -> Callable[[History], History]:
    """A function that makes such a step."""
    return lambda history: fitting(history, budget)


MANY = {"four": last_four, "fitting": fitting}


@pytest.mark.parametrize("function", [fitting, fitting_the_other_way_round, making, KeepRecent, newest])
@given(st.integers(1, 400))
@settings(max_examples=10)
def test_each_form_of_a_function_is_the_same_strategy(function: Any, limit: int) -> None:
    """Step with a limit, limit and step, a maker, or a class whose size is then in tokens."""
    history = SET[0].history.append(user("And?"))
    assert list(at_budget(function)(limit)(history)) == list(newest(limit)(history))


def test_a_step_without_a_limit_is_the_same_at_every_budget() -> None:
    """It may then be over budget, which its row says."""
    (row, _) = table(SMALL, {"four": at_budget(last_four)})
    assert len({tuple(one.tokens for one in row.at(share)) for share in BUDGETS}) == 1
    (whole, _) = table(SMALL, {"everything": at_budget(full_history)})
    assert f"{whole.over} over budget" in str(whole)
    assert whole.recall(0.05).share == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("labkit.strategies", "my_module:my_function"),
        ("no_such_module_here:step", "run this in the folder"),
        ("labkit.strategies:nothing", "has no 'nothing'"),
        ("labkit.evidence.strategies:FORMS", "is no function"),
        ("labkit.summarization:Summarize", "needs summarizer: write it as"),
        ("builtins:dict", "needs nothing|no signature"),
    ],
)
def test_what_cannot_be_a_strategy_is_refused_in_words(given: str, words: str) -> None:
    """And the command then ends with 2 and that sentence."""
    with pytest.raises(ValueError, match=words):
        named(given)
    assert main(["own", "--strategy", given]) == 2


def test_names_stand_for_one_function_or_for_many() -> None:
    """A mapping gives a row for each of its names."""
    assert list(named("labkit.steps.relevance.choice:Relevance")) == ["Relevance"]
    assert named("labkit.steps.relevance.choice:Relevance")["Relevance"](500) == Relevance(500)
    assert named("labkit.evidence.strategies:STEPS").keys() == STEPS.keys()


def test_the_table_of_labkits_steps() -> None:
    """A row each and the oracle's last; nobody is over budget, and nobody knows more than the oracle."""
    rows = list(table(SMALL, STEPS))
    assert [row.name for row in rows] == [*STEPS, ORACLE]
    for row in rows:
        assert row.over == 0
        for share in BUDGETS:
            assert row.recall(share, whole=True).share <= rows[-1].recall(share).share
            assert row.recall(share, whole=True).share <= row.recall(share).share
        assert len(str(row)) == len(HEAD)
    assert rows[-1].cached is None


def talk(turns: int) -> Labelled:
    """A conversation of equal turns."""
    history = History(m for at in range(turns) for m in (user(f"Number {at:03}."), assistant(f"Noted {at:03}.")))
    return Labelled("talk", "chat", "", "numbers", history, ())


def test_the_cache_share_is_what_a_cache_could_give_back() -> None:
    """All but the newest turn while everything is sent, nothing where each turn moves the window, most in blocks."""
    long = talk(40)
    everything = cache_share(long, lambda limit: full_history, BESIDE)
    sliding = cache_share(long, newest, BESIDE)
    blocks = cache_share(long, STEPS["newest first, in blocks"], BESIDE)
    sizes = [long.history[: 2 * at + 1].total(ESTIMATED_TOKENS) for at in range(40)]
    assert everything == pytest.approx(sum(sizes[:-1]) / sum(sizes))
    assert sliding < 0.2 < 0.5 < blocks < everything


@pytest.mark.parametrize("arguments", [["own", "--kind", "poem"], ["no such file"]])
def test_a_set_that_is_not_there_is_said_in_words(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With what there is."""
    assert main(arguments) == 2
    assert re.search(
        "has no conversation of that part and kind: it has chat/dev|cannot be read", capsys.readouterr().err
    )


def test_the_command_prints_the_table_for_a_function_of_yours() -> None:
    """In a separate process, as the README and the notebook say, for a module in the folder it is run in."""
    command = [sys.executable, "-m", "labkit.evidence", "own", "--part", "unseen", "--kind", "chat"]
    command += ["--strategy", "test_evidence_table:last_four", "--strategy", "test_evidence_table:MANY"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    ran = subprocess.run(command, cwd=ROOT / "tests", env=environment, capture_output=True, encoding="utf-8")
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert re.match(r"2 conversations, \d+ questions: the project's own labelled set \(MIT", lines[0])
    assert "kept is not answered" in ran.stdout
    assert [line[:27].strip() for line in lines[lines.index(HEAD) + 1 :]] == ["last_four", "four", "fitting", ORACLE]


def test_the_bar_is_for_a_terminal_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of it goes where the table goes; asked for, it counts the conversations."""
    out = StringIO()
    assert main(["own", "--part", "dev", "--kind", "chat", "--strategy", "test_evidence_table:last_four"], out) == 0
    assert capsys.readouterr() == ("", "")
    list(table(SMALL[:1], {"four": at_budget(last_four)}, bar=True))
    assert "talk" in capsys.readouterr().err


def test_rows_are_pooled_from_their_findings() -> None:
    """A row without findings at a budget says so instead of a number."""
    with pytest.raises(ValueError, match="no findings"):
        Row("empty", ()).recall(0.05)
