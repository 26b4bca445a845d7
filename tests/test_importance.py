"""Importance: what would be lost goes up, filler goes down, every point has a reason, the score can be your own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.messages import History, Message, assistant, user
from labkit.steps.importance import KeepImportant, importance, score
from labkit.strategies import apply, explain
from tests.conversations import conversations
from tests.keeping import TOKENS, most, problems


@given(conversations())
def test_a_score_is_the_sum_of_its_parts(history: History) -> None:
    """Between 0 and 1, and explained to the last point."""
    for message in history:
        scored = score(message)
        assert scored.score == pytest.approx(min(max(sum(part.points for part in scored.parts), 0), 1))
        assert all(part.why for part in scored.parts)


@pytest.mark.parametrize("filler", ["Hello! How are you today?", "Thanks a lot!", "ok", "Great, thank you so much"])
def test_greetings_and_thanks_are_worth_nothing(filler: str) -> None:
    """They are the first to go."""
    assert importance(user(filler)) == 0


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("The reference is KR-58213.", "The reference is somewhere."),
        ("It costs 2,340 pounds.", "It costs a lot."),
        ("We take Postgres, that is decided.", "There is Postgres."),
        ("I can't eat shellfish.", "There was shellfish."),
        ("The van comes on 14 September.", "The van comes."),
        ("Ask Ingrid about it.", "Ask about it."),
        ("It was moved to the 16th.", "It was on the 16th."),
        ("The deadline is near.", "Is the deadline near?"),
    ],
)
def test_what_names_or_decides_something_is_worth_more(more: str, less: str) -> None:
    """Each kind of thing that raises a score, beside the same sentence without it."""
    assert importance(user(more)) > importance(user(less))


def test_tool_results_and_the_user_count_more() -> None:
    """By role: the user's words before the assistant's, a tool result before text of the same words."""
    result = user([{"type": "tool_result", "tool_use_id": "t", "content": "the parcel left the depot"}])
    assert importance(result) > importance(user("the parcel left the depot"))
    assert importance(user("the parcel left")) > importance(assistant("the parcel left"))


def test_metadata_has_the_last_word() -> None:
    """A score set on the message itself wins over its words."""
    assert importance(user("hello", importance=0.9)) == 0.9


@given(conversations(), st.integers(1, 400))
def test_the_step_keeps_the_budget_and_the_newest_turn(history: History, limit: int) -> None:
    """Never over the limit but for what must stay, never invalid, never without the newest turn."""
    view = apply((KeepImportant(limit),), history)
    assert problems(view, history) == []
    assert view.total(TOKENS) <= most(history, limit)


def test_the_account_number_outlives_the_small_talk() -> None:
    """However old it is: the sliding window would have dropped it first."""
    small = [m for i in range(8) for m in (user("Nice day, isn't it?"), assistant("Lovely!"))]
    history = History([user("My account is AC-4471-X."), assistant("Noted."), *small, user("What is my account?")])
    assert "AC-4471-X" in apply((KeepImportant(40),), history)[0].text


def test_a_learner_can_give_their_own_score() -> None:
    """Any function from a message to a number; it is asked once for each message."""
    asked: list[str] = []

    def long_words(message: Message) -> float:
        asked.append(message.text)
        return max(map(len, message.text.split()))

    turns = [m for i in range(6) for m in (user(f"word {i}"), assistant("ok"))]
    history = History([user("incomprehensibilities"), assistant("yes"), *turns, user("and?")])
    step = KeepImportant(20, score=long_words)
    assert step(history)[0].text == "incomprehensibilities"
    step(history)
    assert len(asked) == len(set(map(id, history))) - 1


def test_explain_tells_the_score_of_what_went_and_what_stayed() -> None:
    """The step's own reasons, word by word, in place of the general one."""
    history = History([user("hello"), assistant("Hi!"), user("My code is KR-58213."), assistant("Noted."), user("so?")])
    fates = explain((KeepImportant(22),), history)
    assert [fate.fate for fate in fates] == ["dropped", "dropped", "kept", "kept", "kept"]
    assert "a greeting" in fates[0].why
    assert "identifier KR-58213" in fates[2].why
    assert fates[4].why == "the newest turn"


def test_a_limit_of_nothing_is_refused() -> None:
    """With what was given and what is allowed."""
    with pytest.raises(ValueError, match="at least 1"):
        KeepImportant(0)
