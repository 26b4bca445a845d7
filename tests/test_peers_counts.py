"""Bugs of other conversation managers in counting, in clearing tool results, and in work that grows with the square.

Work is counted in calls, not in seconds, so that these tests say the same on every machine.
"""

from itertools import pairwise
from typing import Any

import anthropic
import pytest

from labkit import ConversationManager, KeepRecent, OfflineClaude
from labkit.messages import History, Message, assistant, user
from labkit.models import find
from labkit.repair import unpaired
from labkit.steps.keep_within import KeepWithin
from labkit.steps.tool_results import ClearToolResults
from labkit.strategies import apply
from labkit.tokens import estimate_tokens, estimator
from tests import naive
from tests.conversations import TOOL, signed
from tests.peers import CLIENT, agent, call, calls_made, chat, refusal, result, tool_talk

BINDING = "claude-opus-5-5"
WINDOW = {"claude-sonnet-4-6": 4_000}


def test_langchain_29637_a_strict_counter_gets_the_messages_in_order() -> None:
    """The API's own counter validates what it counts; it is asked about the request as it would be sent."""
    history = tool_talk(6)
    manager = ConversationManager(client=CLIENT, messages=history[:-1], steps=[KeepRecent(9)], tools=[TOOL])
    assert manager.count("And the last one?") > 0
    with pytest.raises(anthropic.BadRequestError, match=r"without `tool_result` blocks|unexpected `tool_use_id`"):
        CLIENT.messages.count_tokens(model="claude-sonnet-4-6", messages=history.wire()[::-1])  # type: ignore[arg-type]


def rewrites(views: list[History] | list[naive.Wire]) -> int:
    """Count the requests that do not begin with what the one before them carried before its question."""
    wires = [(view.wire() if isinstance(view, History) else view)[:-1] for view in views]
    return sum(later[: len(earlier)] != earlier for earlier, later in pairwise(wires))


def test_langchain_37815_acontext_130_clearing_results_does_not_rewrite_every_turn() -> None:
    """Thirty turns with a tool each: in batches the line moves rarely; result by result it moves on every turn."""
    talks = [tool_talk(turns, said="shipped " * 60) for turns in range(1, 31)]
    in_batches = ClearToolResults(keep=3, batch=10)
    assert rewrites([apply([in_batches], talk) for talk in talks]) <= 3
    assert rewrites([naive.with_results_cleared(talk.wire(), 3) for talk in talks]) >= 25


def test_langchain_own_clearing_results_is_not_work_that_grows_with_the_square() -> None:
    """Twice the messages are at most a little more than twice the work, on 3,000 messages and on 6,000."""
    small, large = (tool_talk(turns, said="shipped " * 60) for turns in (750, 1_500))
    step = ClearToolResults(keep=3)
    assert calls_made(lambda: apply([step], large)) < 2.2 * calls_made(lambda: apply([step], small))


def test_llama_index_12264_a_long_history_is_measured_once() -> None:
    """A window over 10,000 messages measures each of them once in its life, and no turn walks through them again."""
    measured: list[int] = []

    def ruler(message: Message) -> int:
        measured.append(id(message))
        return len(message.text)

    history = chat(5_000)
    step = KeepRecent(20_000, low=10_000, size=ruler)
    for turn in range(50):
        apply([step], history)
        history = history.append(assistant(f"Answer {turn}."), user(f"Question {turn}?"))
    assert len(measured) == len(set(measured)) == len(history) - 2
    early, late = chat(600), chat(2_000)
    for history in (early, late):
        apply([step], history)
    assert calls_made(lambda: apply([step], late)) <= 1.1 * calls_made(lambda: apply([step], early))


BIG = "x" * 40_000
HEAVY = {
    "arguments": call("t1", document=BIG),
    "thinking": assistant([{"type": "thinking", "thinking": BIG, "signature": "s"}]),
    "result": result("t1", said=BIG),
    "result in blocks": result("t1", said=[{"type": "text", "text": BIG}]),
    "unknown block": assistant([{"type": "brand_new", "payload": BIG}]),
}


@pytest.mark.parametrize("kind", HEAVY)
def test_llama_index_own_what_is_not_text_weighs_something(kind: str) -> None:
    """40,000 characters of arguments, thinking or results are about 10,000 tokens, not none."""
    assert 9_000 <= estimate_tokens(HEAVY[kind], "claude-sonnet-4-6") <= 12_000
    assert naive.words(HEAVY[kind].wire()) == 0


def test_strands_4341_a_large_newer_result_is_cleared_too() -> None:
    """The oldest result is small and a newer one is large: both are cleared, and no message is dropped instead."""
    history = History(
        [
            *(user("first?"), call("t1"), result("t1", said="x" * 60), assistant("A.")),
            *(user("second?"), call("t2"), result("t2", said="x" * 50_000), assistant("B.")),
            user("third?"),
        ]
    )
    view = apply([ClearToolResults(keep=0)], history)
    assert len(view) == len(history)
    assert estimate_tokens(view) < 200
    assert "50,000 characters" in str(view[6].content)
    assert refusal(view) == ""


def test_strands_981_one_result_that_cannot_fit_is_named() -> None:
    """Three messages with a result larger than the window: nothing can be left out, and the error names the largest."""
    offline = OfflineClaude(reply="ok", windows=WINDOW)
    manager = ConversationManager(
        client=offline.client(max_retries=0), messages=[user("read it"), call("t1")], tools=[TOOL], max_tokens=500
    )
    before = manager.conversation
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long") as caught:
        manager.send(result("t1", said="word " * 180_000).content)
    assert any("the largest is a user message of about 225,0" in note for note in caught.value.__notes__)
    assert manager.conversation is before
    assert len(offline.requests) == 1


def test_inspect_ai_4420_a_slice_with_thinking_can_be_counted() -> None:
    """A view is counted without the thinking it cannot keep, where the model binds thinking to what precedes it."""
    thought = {"type": "thinking", "thinking": "hm", "signature": "to be signed"}
    turns = [(user(f"q{i}"), assistant([thought, {"type": "text", "text": f"a{i}"}])) for i in range(6)]
    history = signed(History(message for turn in turns for message in turn), BINDING)
    manager = ConversationManager(
        model=BINDING, client=CLIENT, messages=history, steps=[KeepRecent(5)], tools=[TOOL], max_tokens=64
    )
    assert manager.count("and now?") > 0
    assert manager.send("and now?") == "ok"
    cut = [*naive.last(history.wire(), 5), user("and now?").wire()]
    with pytest.raises(anthropic.BadRequestError, match="bound to a different conversation"):
        CLIENT.messages.count_tokens(model=BINDING, messages=cut, tools=[TOOL])  # type: ignore[arg-type]


@pytest.mark.parametrize("said", ["4", "short", "x" * 36, "x" * 300, [{"type": "text", "text": "eleven word"}]])
def test_agent_framework_7393_clearing_never_makes_a_request_longer(said: Any) -> None:
    """A result shorter than the sentence that would stand for it stays; so does one that was cleared before."""
    history = tool_talk(6, said=said)
    once = apply([ClearToolResults(keep=0)], history)
    twice = apply([ClearToolResults(keep=1), ClearToolResults(keep=0)], history)
    assert estimate_tokens(twice) <= estimate_tokens(once) <= estimate_tokens(history)
    assert words_of_each(once) == words_of_each(twice)
    cleared = naive.with_results_cleared(history.wire(), 0, "[this result was cleared to save room]")
    assert said == "x" * 300 or estimate_tokens(History(cleared)) > estimate_tokens(history)


def words_of_each(view: History) -> list[Any]:
    """The words of a view, message by message."""
    return [message.content for message in view]


def test_openai_agents_2317_nothing_is_cut_between_a_call_and_its_result() -> None:
    """An agent in the middle of its work keeps every call with its result, whatever the step; a window cuts nothing."""
    history = agent(8, said="x" * 4_000)
    for step in (KeepRecent(3), KeepRecent(500, size=estimator())):
        assert apply([step], history) is history
    for step in (ClearToolResults(keep=0), KeepWithin(3_000)):
        view = apply([step], history)
        assert view[0] is history[0]
        assert tuple(view[-2:]) == tuple(history[-2:])
        assert not unpaired(view)
        assert estimate_tokens(view) < estimate_tokens(history) / 2
    assert estimate_tokens(history, find("claude-sonnet-4-6")) > 8_000
