"""The manager sends what it says it sends, remembers everything, and is unchanged by every failure."""

import inspect
from collections.abc import Callable
from typing import Any

import anthropic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import (
    AsyncConversationManager,
    ConversationManager,
    KeepRecent,
    OfflineClaude,
    SlidingWindowManager,
    SmartConversationManager,
    TokenBudget,
    claude,
    user,
)
from labkit.manager import production
from labkit.messages import History
from labkit.reply import EmptyReply
from labkit.request_log import Log
from labkit.strategies import Step
from labkit.summarization import ClaudeSummarizer
from tests.conversations import conversations
from tests.promises import CLUMSY, STEPS

TOOL = {
    "name": "look_up",
    "description": "Look up an order.",
    "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}},
}


def test_the_third_message_travels_with_the_four_before_it() -> None:
    """Full history: every request carries everything said so far, word for word."""
    log: Log = []
    manager = ConversationManager(client=claude(log=log))
    for question in ("My name is Ada.", "I live in Oslo.", "What is my name?"):
        manager.send(question)
    assert [len(sent.messages) for sent in log] == [1, 3, 5]
    assert log[2].messages[:4] == manager.get_messages()[:4]
    assert manager.get_token_usage() == {
        "total_input_tokens": sum(sent.usage.total_input for sent in log),
        "total_output_tokens": sum(sent.usage.output_tokens for sent in log),
        "message_count": 6,
    }
    assert manager.last_input_tokens == log[2].usage.total_input


def test_a_window_of_4_sends_3_and_remembers_all() -> None:
    """The request is a view; the transcript keeps everything."""
    log: Log = []
    manager = SlidingWindowManager(window_size=4, client=claude(log=log))
    for place in range(6):
        manager.send(f"Note number {place}.")
    assert [len(sent.messages) for sent in log] == [1, 3, 3, 3, 3, 3]
    assert len(manager.get_messages()) <= 4
    assert len(manager.messages) == 12 == len(manager.transcript)


own = st.builds(
    lambda name, number: STEPS[name](number), st.sampled_from(("window", "window with marks")), st.integers(0)
)
clumsy = st.sampled_from([CLUMSY[name] for name in ("last two", "every other", "nothing", "backwards", "twice")])


@pytest.mark.filterwarnings("ignore::labkit.reply.CutOffWarning")
@settings(max_examples=150)
@given(st.lists(own | clumsy, max_size=4), conversations())
def test_the_api_accepts_whatever_the_steps_make_of_any_conversation(steps: list[Step], history: History) -> None:
    """P1, on the wire: the offline API refuses none of the requests that a manager builds."""
    *past, newest = history
    manager = ConversationManager(
        messages=past, client=CLIENT, steps=steps, tools=[TOOL], model="claude-sonnet-4-6", max_tokens=64
    )
    assert isinstance(manager.send(newest.blocks), str)
    assert manager.transcript[: len(history)] == (*tuple(past), manager.transcript[len(past)])


CLIENT = claude()


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
def test_a_failure_of_any_kind_leaves_no_phantom_message(error: type[BaseException]) -> None:
    """P3: the conversation is the very value it was before, whatever was raised."""

    def fails(request: Any) -> Any:
        raise error

    offline = OfflineClaude(reply=fails)
    manager = ConversationManager(client=offline.client(max_retries=0), messages=[{"role": "user", "content": "hi"}])
    before = manager.conversation
    with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever the SDK makes of it
        manager.send("this cell was stopped")
    assert manager.conversation is before


def test_errors_of_the_sdk_pass_through() -> None:
    """A wrong key is the SDK's own AuthenticationError, not something of ours."""
    manager = ConversationManager(client=claude().with_options(api_key="wrong-key"))
    with pytest.raises(anthropic.AuthenticationError):
        manager.send("hi")
    assert len(manager.transcript) == 0


BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: ConversationManager(model="gpt-4"), "'gpt-4' is not in labkit's table"),
    (lambda: ConversationManager(max_tokens=0), "max_tokens 0 is not between 1 and 128,000"),
    (lambda: ConversationManager(max_tokens=200_000), "max_tokens 200,000"),
    (lambda: SlidingWindowManager(window_size=0), "a window of 0 keeps nothing"),
    (lambda: SlidingWindowManager(window_size=-2), "a window of -2 keeps nothing"),
    (lambda: ConversationManager(messages=[{"role": "robot", "content": "hi"}]), "role 'robot'"),
    (lambda: ConversationManager(messages=[{"role": "user", "content": "hi", "importance": 1}]), "extra key"),
]


@pytest.mark.parametrize(("build", "said"), BAD, ids=[said for _, said in BAD])
def test_bad_settings_say_what_was_given_and_what_is_allowed(build: Callable[[], Any], said: str) -> None:
    """Nothing is sent and nothing is guessed."""
    with pytest.raises(ValueError, match=said):
        build()


MANAGERS: tuple[Callable[..., Any], ...] = (
    ConversationManager,
    SlidingWindowManager,
    SmartConversationManager,
    AsyncConversationManager,
    production,
)


@pytest.mark.parametrize("make", MANAGERS, ids=lambda make: make.__name__)
def test_every_setting_has_its_name_in_the_signature(make: Callable[..., Any]) -> None:
    """Help and Shift-Tab show them all, and a mistyped one is an error that names what was called."""
    shown = inspect.signature(make).parameters
    assert not {one.kind for one in shown.values()} & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
    plain = inspect.signature(ConversationManager).parameters
    assert set(plain) - set(shown) <= {"token_threshold", "recent_turns_to_keep"}
    with pytest.raises(TypeError, match=rf"{make.__name__}\S* got an unexpected keyword argument 'sytem_prompt'"):
        make(sytem_prompt="Be brief.")


@pytest.mark.parametrize("make", MANAGERS, ids=lambda make: make.__name__)
def test_every_setting_arrives(make: Callable[..., Any]) -> None:
    """A setting that is given to a preset is the setting that its requests are made with."""
    given = {"system_prompt": "Be brief.", "model": "claude-opus-5", "max_tokens": 77, "messages": [user("hi")]}
    more = {
        "tools": [TOOL],
        "cache": True,
        "clock": str,
        "request": {"metadata": {"user_id": "a"}},
        "steps": [KeepRecent(9)],
    }
    manager = make(**given, **more, budget=TokenBudget(), summarizer=ClaudeSummarizer(max_tokens=88))
    assert (manager.system_prompt, manager.model, manager.max_tokens) == ("Be brief.", "claude-opus-5", 77)
    request = manager.next_request()
    assert request["tools"] == [TOOL]
    assert request["metadata"] == {"user_id": "a"}
    assert request["cache_control"] == {"type": "ephemeral"}
    assert manager.messages == [{"role": "user", "content": "hi"}]
    assert manager.settings.steps[0] == KeepRecent(9)
    assert manager.settings.budget == TokenBudget()
    assert manager.settings.compaction.summarizer.max_tokens == 88
    assert manager.settings.clock is str


@pytest.mark.parametrize("message", ["", "  \n", [], [{"type": "text", "text": ""}]])
def test_an_empty_message_changes_nothing(message: Any) -> None:
    """It is refused before anything is sent."""
    log: Log = []
    manager = ConversationManager(client=claude(log=log))
    before = manager.conversation
    with pytest.raises(ValueError, match=r"needs|empty"):
        manager.send(message)
    assert manager.conversation is before
    assert log == []


def test_messages_are_handed_out_as_copies() -> None:
    """Changing what `messages` or `get_messages` gave changes nothing inside; setting it does."""
    manager = ConversationManager(client=claude())
    manager.send("hi")
    manager.messages.clear()
    manager.get_messages()[0]["content"] = "changed"
    assert manager.messages[0]["content"] == "hi"
    manager.messages = [{"role": "user", "content": "new"}]
    assert [m["content"] for m in manager.messages] == ["new"]


def test_messages_can_be_added_without_sending() -> None:
    """The two `add_` methods of the textbook manager."""
    manager = ConversationManager(client=claude())
    manager.add_user_message("My city is Oslo.")
    manager.add_assistant_message("Noted.")
    assert "Oslo" in manager.send("Which city is mine?")


def test_a_tool_round_is_sent_as_blocks() -> None:
    """A tool call is answered with a tool_result, and text alone is refused while it waits."""
    manager = ConversationManager(client=claude(), tools=[TOOL])
    manager.messages = [
        {"role": "user", "content": "Look up order 889."},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"q": "889"}}],
        },
    ]
    with pytest.raises(ValueError, match="waits for the result of toolu_1"):
        manager.send("and?")
    reply = manager.send(
        [
            {
                "type": "tool_result",
                "tool_use_id": "toolu_1",
                "content": '{"order": "889", "status": "shipped"}',
            }
        ]
    )
    assert reply
    assert manager.conversation.turns == 1


def test_a_reply_without_content_is_an_error_that_leaves_things_as_they_were() -> None:
    """There is nothing to remember, and a turn without an answer would be a phantom."""
    from labkit.offline.words.reply import Reply

    offline = OfflineClaude(reply=lambda request: Reply(content=[], stop_reason="end_turn"))
    manager = ConversationManager(client=offline.client())
    with pytest.raises(EmptyReply, match="'end_turn'"):
        manager.send("hi")
    assert len(manager.transcript) == 0


def test_explain_tells_what_the_next_request_leaves_out() -> None:
    """P4, from the manager."""
    manager = ConversationManager(client=claude(), steps=[KeepRecent(2)])
    for note in ("one", "two", "three"):
        manager.send(note)
    fates = manager.explain()
    assert [f.fate for f in fates] == ["dropped"] * 4 + ["kept"] * 2
    assert fates[0].step == "the newest 2 messages"
