"""References: what a kept message relies on comes back, or is named where there is no room for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.messages import History, Message, assistant, user
from labkit.steps.references import KeepReferences, dangling
from labkit.strategies import KeepRecent, apply, explain
from tests.conversations import conversations
from tests.keeping import TOKENS, most, problems, small_talk

ORDER = (user("My order is #889-B, a blue lamp."), assistant("Thank you."))
SHIPS = (user("Has it left?"), assistant("Your order #889-B left today."))


def cut(history: History) -> tuple[Message, ...]:
    """A clumsy window of two exchanges."""
    return tuple(history[history.starts()[-2] :])


HISTORY = History([*ORDER, *small_talk(6), *SHIPS, user("Great, and what now?")])


def test_a_reply_brings_back_what_it_names() -> None:
    """Between the dropped past and the kept reply is the message with the number, in its old place."""
    view = apply((KeepReferences((cut,), limit=1_000),), HISTORY)
    assert [message.text for message in view][:2] == [message.text for message in ORDER]
    assert dangling(view, HISTORY) == []


def test_without_room_the_loss_is_named() -> None:
    """The view stays as it was, and the report says which message needs which."""
    step = KeepReferences((cut,), limit=History(cut(HISTORY)).total(TOKENS))
    assert len(apply((step,), HISTORY)) == 3
    (lost,) = step.missing(HISTORY)
    assert str(lost) == "#15 names #889-B, which #0 introduced"
    assert "no room to bring it back" in explain((step,), HISTORY)[0].why


def test_explain_says_what_brought_a_message_back() -> None:
    """In place of the general reason."""
    step = KeepReferences((cut,), limit=1_000)
    assert explain((step,), HISTORY)[0].why == "brought back: #15 names #889-B, which #0 introduced"


def test_a_reply_whose_question_is_gone_is_a_non_sequitur() -> None:
    """A reply that repeats the number of a dropped question is reported as dangling."""
    history = History([user("Is KR-58213 paid?"), assistant("KR-58213 is paid."), user("Good.")])
    (lost,) = dangling(history[1:], history)
    assert lost.reply


def test_decisions_count_as_introductions() -> None:
    """A later message that names what was decided needs the decision."""
    decided = (user("We decided to take Postgres."), assistant("Noted."))
    later = (user("How do I start?"), assistant("First install Postgres there."))
    history = History([*decided, *small_talk(5), *later, user("Done.")])
    assert apply((KeepReferences((cut,), limit=1_000),), history)[0].text == decided[0].text


def test_a_value_said_again_needs_nothing() -> None:
    """An identifier that the view itself introduces earlier dangles no more than one that was always there."""
    assert dangling(HISTORY, HISTORY) == []


@given(conversations(), st.integers(1, 12), st.integers(1, 400))
def test_the_step_is_valid_and_keeps_the_budget(history: History, window: int, limit: int) -> None:
    """Whole exchanges come back, and only if there is room."""
    inner = KeepRecent(window)
    view = apply((KeepReferences((inner,), limit),), history)
    assert problems(view, history) == []
    assert view.total(TOKENS) <= max(most(history, limit), apply((inner,), history).total(TOKENS))


@given(conversations(), st.integers(1, 12), st.integers(1, 400))
def test_nothing_that_the_steps_kept_is_lost(history: History, window: int, limit: int) -> None:
    """The step adds and never takes away."""
    inner = KeepRecent(window)
    kept, view = inner(history), KeepReferences((inner,), limit)(history)
    assert {id(m) for m in kept} <= {id(m) for m in view} | {id(old) for m in view for old in m.replaces}


def test_a_limit_of_nothing_is_refused() -> None:
    """With what was given and what is allowed."""
    with pytest.raises(ValueError, match="at least 1"):
        KeepReferences((), 0)
