"""A conversation is a value: what happens to it gives a new one, and the older one can always be kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.conversation import Conversation
from labkit.messages import History, Message, assistant, user
from labkit.tokens import Usage
from tests.conversations import as_json, conversations


def talk(turns: int) -> Conversation:
    """A conversation of this many turns."""
    return Conversation.of([m for i in range(turns) for m in (user(f"q{i}"), assistant(f"a{i}"))], system="Be brief.")


@given(conversations(), st.data())
def test_rewind_gives_the_conversation_as_it_was_then(history: History, data: st.DataObject) -> None:
    """Going back to a turn and saying the rest again gives the same conversation."""
    whole = Conversation.of(history)
    turn = data.draw(st.integers(0, whole.turns))
    earlier = whole.rewind(turn)
    assert earlier.turns == turn
    again = earlier
    for message in history[len(earlier.transcript) :]:
        again = again.said(message)
    assert as_json(again.history) == as_json(history)


def test_a_branch_leaves_the_conversation_it_came_from_as_it_was() -> None:
    """Fork by keeping the older value."""
    whole = talk(8)
    branch = whole.rewind(5).said(user("another way"))
    assert [m.text for m in whole.transcript[-2:]] == ["q7", "a7"]
    assert [m.text for m in branch.transcript[-3:]] == ["q4", "a4", "another way"]


@pytest.mark.parametrize("turn", [-1, 4])
def test_rewinding_to_a_turn_that_was_not_says_which_there_are(turn: int) -> None:
    """The error names the turns that exist."""
    with pytest.raises(ValueError, match="has turns 0 to 3"):
        talk(3).rewind(turn)


CALL = Message("assistant", ({"type": "tool_use", "id": "t1", "name": "look_up", "input": {}},))
RESULT = user([{"type": "tool_result", "tool_use_id": "t1", "content": "4"}])


def test_an_unanswered_tool_call_must_be_answered_first() -> None:
    """The API would refuse the next request, so the message is refused now and nothing changes."""
    waiting = Conversation.of([user("a"), CALL])
    with pytest.raises(ValueError, match="waits for the result of t1"):
        waiting.said(user("never mind"))
    assert waiting.said(RESULT).turns == 1


def test_a_result_without_a_call_is_refused() -> None:
    """An orphaned tool_result is a 400 on the wire."""
    with pytest.raises(ValueError, match="tool_result for t1"):
        talk(1).said(RESULT)


def test_leaving_out_one_half_of_a_tool_round_leaves_out_its_exchange() -> None:
    """Messages can be left out one by one, but a tool round goes as a whole."""
    whole = Conversation.of([user("a"), CALL, RESULT, assistant("b"), user("c"), assistant("d")])
    assert [m.text for m in whole.without(2).history] == ["c", "d"]
    assert [m.text for m in whole.without(4).history if m.text] == ["a", "b", "d"]
    with pytest.raises(IndexError, match="places run from 0 to 5"):
        whole.without(9)


def test_usage_adds_up_and_the_last_one_is_kept() -> None:
    """Both numbers are needed: the sum is the bill, the last one says how long the conversation is."""
    billed = talk(1).billed(Usage(10, 5, 3, 2, 1)).billed(Usage(20, 6, 0, 15, 1))
    assert billed.usage == Usage(30, 11, 3, 17, 2)
    assert billed.last.total_input == 35
