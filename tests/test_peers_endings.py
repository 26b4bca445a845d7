"""Bugs of other projects in how a turn ends: refused, paused, cut off, empty, broken off, billed and forgotten."""

import asyncio
import itertools
import json
import sys
import threading
from contextlib import suppress
from typing import Any

import anthropic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import AsyncConversationManager, ConversationManager, OfflineClaude, claude
from labkit.conversation import Conversation
from labkit.messages import History, assistant, user
from labkit.offline import Fault
from labkit.reply import CutCall, CutOffWarning, EmptyReply, IncompleteReply, Refused, TurnFailed
from labkit.turn import MOST_PAUSES
from tests.conversations import TOOL
from tests.far_side import HOWS, Script, ask, reply, text
from tests.peers import refusal

every_way = pytest.mark.parametrize("how", HOWS)
CALL = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"q": "889"}}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s"}
BILL = (100, 50)


def bill(manager: Any) -> tuple[int, int]:
    """The tokens counted so far, in and out."""
    return manager.total_input_tokens, manager.total_output_tokens


@every_way
@pytest.mark.parametrize("content", [[text(""), CALL], [text("\n\n"), CALL], [THOUGHT, text(""), CALL]])
def test_claude_code_62396_blank_text_beside_a_call_is_left_out(how: str, content: list[Any]) -> None:
    """Claude writes blank text blocks that the API then refuses: the call is kept, the bill counted, the blank gone."""
    manager = Script(lambda body: reply(content, "tool_use")).manager(how)
    ask(how, manager, "go")
    kept = [block["type"] for block in manager.messages[-1]["content"]]
    assert kept == [block["type"] for block in content if block["type"] != "text"]
    assert manager.stop_reason == "tool_use"
    assert bill(manager) == BILL


blocks = st.sampled_from(
    [text(""), text(" \n"), text("Hi."), CALL, THOUGHT, {"type": "redacted_thinking", "data": "x"}]
)


@settings(max_examples=100)
@given(
    st.lists(blocks, max_size=5), st.sampled_from(["end_turn", "tool_use", "max_tokens", "stop_sequence", "refusal"])
)
@pytest.mark.filterwarnings("ignore::labkit.reply.CutOffWarning")
def test_whatever_a_reply_holds_the_bill_counts_and_the_next_turn_is_possible(content: list[Any], stop: str) -> None:
    """One turn of any blocks and any ending, then another question: both bills are counted, and no history is torn."""
    content = [{**block, "id": f"toolu_{place}"} if "input" in block else block for place, block in enumerate(content)]
    answers = iter([reply(content, stop), reply([text("Fine.")])])
    manager = Script(lambda body: next(answers)).manager("send")
    with suppress(TurnFailed):
        manager.send("one")
    assert bill(manager) == BILL
    calls = [block["id"] for block in manager.messages[-1]["content"] if "input" in block] if manager.messages else []
    results = [{"type": "tool_result", "tool_use_id": name, "content": "ok"} for name in calls]
    assert manager.send(results or "two") == "Fine."
    assert bill(manager) == (200, 100)


@every_way
@pytest.mark.parametrize("content", [[], [text(" ")], [THOUGHT]], ids=["nothing", "blank", "only thinking"])
def test_hermes_agent_100891_an_empty_reply_keeps_its_bill(how: str, content: list[Any]) -> None:
    """Nothing can be kept of it, and it was paid: the tokens count, the question is not in the way of the next one."""
    answers = iter([reply(content), reply([text("Fine.")])])
    manager = Script(lambda body: next(answers)).manager(how)
    with pytest.raises(EmptyReply, match="'end_turn'"):
        ask(how, manager, "one")
    assert bill(manager) == BILL
    assert ask(how, manager, "two") == "Fine."
    assert [m.text for m in manager.transcript] == ["two", "Fine."]
    assert bill(manager) == (200, 100)


@every_way
def test_laravel_ai_493_a_paused_turn_goes_on_within_the_same_send(how: str) -> None:
    """It is sent back as it came, as often as it is paused, and becomes one reply; every bill counts."""
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rain"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    answers = iter(
        [reply([text("I look."), search], "pause_turn"), reply([found], "pause_turn"), reply([text("Rain.")])]
    )
    far = Script(lambda body: next(answers))
    manager = far.manager(how)
    said = ask(how, manager, "Did it rain?")
    assert "I look." in said
    assert "Rain." in said
    assert [m["role"] for m in manager.messages] == ["user", "assistant"]
    assert manager.messages[-1]["content"] == [text("I look."), search, found, text("Rain.")]
    assert [body["messages"][-1]["role"] for body in far.seen] == ["user", "assistant", "assistant"]
    assert far.seen[2]["messages"][-1]["content"] == [text("I look."), search, found]
    assert (manager.stop_reason, bill(manager)) == ("end_turn", (300, 150))


@every_way
def test_a_turn_that_never_ends_is_given_up(how: str) -> None:
    """A service that pauses for ever costs a bounded sum, and the conversation is as it was."""
    far = Script(lambda body: reply([text("Wait.")], "pause_turn"))
    manager = far.manager(how)
    with pytest.raises(TurnFailed, match="paused"):
        ask(how, manager, "go")
    assert len(far.seen) == MOST_PAUSES + 1
    assert manager.messages == []
    assert bill(manager)[0] == 100 * len(far.seen)


@every_way
def test_a_failure_after_a_pause_keeps_the_bill_of_what_came_before(how: str) -> None:
    """The first part was paid; the turn is not there, and the next one works."""
    answers = iter([reply([text("Wait.")], "pause_turn"), 529, reply([text("Fine.")])])
    manager = Script(lambda body: next(answers)).manager(how)
    with pytest.raises(anthropic.APIStatusError):
        ask(how, manager, "one")
    assert bill(manager) == BILL
    assert manager.messages == []
    assert ask(how, manager, "two") == "Fine."


@every_way
def test_streaming_refusals_a_refused_turn_leaves_the_history(how: str) -> None:
    """An error names it, the next question is answered without it, and the transcript has it, marked."""
    offline = OfflineClaude(reply="Hello!")
    manager = made(how, offline)
    ask(how, manager, "first")
    offline.faults.add(Fault("refusal", category="bio", sticks=True))
    with pytest.raises(Refused, match="bio") as caught:
        ask(how, manager, "something forbidden")
    assert caught.value.details.category == "bio"
    assert manager.stop_reason == caught.value.stop_reason == "refusal"
    assert [m["content"] for m in manager.messages] == ["first", "Hello!"]
    assert ask(how, manager, "hello") == "Hello!"
    assert manager.stop_reason == "end_turn"
    assert [("refused" in m.flags, m.stop_reason) for m in manager.transcript] == [
        (False, None), (False, "end_turn"), (True, None), (True, "refusal"), (False, None), (False, "end_turn"),
    ]  # fmt: skip
    fates = [fate.fate for fate in manager.explain()]
    assert fates == ["kept", "kept", "dropped", "dropped", "kept", "kept"]
    assert "refused" in manager.explain()[2].why
    assert manager.usage.requests == 3


def made(how: str, offline: OfflineClaude, **more: Any) -> Any:
    """A manager of the kind that this way needs."""
    if how.startswith("async"):
        return AsyncConversationManager(client=offline.async_client(max_retries=0), **more)
    return ConversationManager(client=offline.client(max_retries=0), **more)


def test_a_refusal_in_the_middle_of_a_reply_keeps_its_words_in_the_transcript() -> None:
    """The refused words are there for the reader, and no request carries them."""
    manager = Script(lambda body: reply([text("The first step is")], "refusal")).manager("stream")
    stream = manager.stream("something forbidden")
    with pytest.raises(Refused):
        list(stream)
    assert stream.partial == "The first step is" == manager.transcript[-1].text
    assert manager.messages == []


def test_a_refused_tool_round_leaves_with_the_question_that_began_it() -> None:
    """The whole turn goes, so that no call is left without its result."""
    answers = iter([reply([CALL], "tool_use"), reply([], "refusal"), reply([text("Fine.")])])
    manager = Script(lambda body: next(answers)).manager("send", tools=[TOOL])
    manager.send("Look it up.")
    with pytest.raises(Refused):
        manager.send([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "secret"}])
    assert manager.messages == []
    assert len(manager.transcript) == 4
    assert manager.send("And now?") == "Fine."


refusals = st.lists(st.booleans(), min_size=1, max_size=8)


@settings(max_examples=60)
@given(refusals, st.integers(0, 8), st.integers(0, 20))
def test_refused_turns_never_come_back(refused: list[bool], turn: int, place: int) -> None:
    """Rewind, edit, remove and mark rebuild the history from the transcript: no refused turn is ever in it."""
    conversation = Conversation(system="s")
    for number, no in enumerate(refused):
        conversation = conversation.said(user(f"q{number} {'BAD' if no else ''}"))
        conversation = conversation.refused() if no else conversation.said(assistant(f"a{number}"))
    assert conversation.turns == len(refused)
    place %= len(conversation.transcript)
    changed = [
        conversation.rewind(min(turn, conversation.turns)),
        conversation.without(place),
        conversation.marked(place, pinned=True),
    ]
    if conversation.transcript[place].role == "user":
        changed.append(conversation.edit(place, "otherwise"))
        assert changed[-1].history[-1].text == "otherwise"
        assert not changed[-1].history[-1].flags
    for one in changed:
        assert "BAD" not in json.dumps(one.history.wire())
        assert not refusal(History([*one.history, user("next")]))


@every_way
def test_claude_code_a_reply_cut_at_max_tokens_is_said_to_be_cut(how: str) -> None:
    """The words that came are kept, a warning and the stop_reason say that they are not all."""
    manager = Script(lambda body: reply([text("The answer is")], "max_tokens")).manager(how, max_tokens=3)
    with pytest.warns(CutOffWarning, match="max_tokens"):
        assert ask(how, manager, "go") == "The answer is"
    assert manager.stop_reason == manager.transcript[-1].stop_reason == "max_tokens"


@every_way
@pytest.mark.parametrize("before", [[], [text("I look it up.")]])
def test_a_call_cut_at_max_tokens_is_never_run(how: str, before: list[Any]) -> None:
    """Half an input passes for a whole one nowhere: an error names the tool, and the turn can be asked again."""
    cut = {**CALL, "input": {}}
    answers = iter([reply([*before, cut], "max_tokens"), reply([text("Fine.")])])
    manager = Script(lambda body: next(answers)).manager(how, tools=[TOOL])
    with pytest.raises(CutCall, match="'look_up'"):
        ask(how, manager, "go")
    assert manager.messages == []
    assert bill(manager) == BILL
    assert ask(how, manager, "again") == "Fine."


@pytest.mark.parametrize("how", ["stream", "async stream"])
@pytest.mark.parametrize("without", [("message_stop",), ("message_stop", "message_delta")])
def test_a_stream_without_its_last_event_is_an_error(how: str, without: tuple[str, ...]) -> None:
    """A proxy closed it in good order: half a reply never passes for a whole one, and `partial` has what came."""
    from tests.far_side import streamed

    manager = Script(lambda body: streamed(reply([text("The answer")]), without)).manager(how)
    before, stream = manager.conversation, manager.stream("go")
    with pytest.raises(IncompleteReply, match="broke off"):
        read(stream)
    assert stream.partial == "The answer"
    assert manager.conversation is before


@pytest.mark.parametrize("how", ["send", "async send"])
def test_a_response_without_a_stop_reason_is_an_error(how: str) -> None:
    """The same for a body that says nothing of its end."""
    manager = Script(lambda body: reply([text("The answer")], None)).manager(how)
    with pytest.raises(IncompleteReply):
        ask(how, manager, "go")
    assert manager.messages == []


def read(stream: Any) -> str:
    """Read a stream of either kind."""

    async def pieces() -> str:
        return "".join([piece async for piece in stream])

    return asyncio.run(pieces()) if hasattr(stream, "__aiter__") else "".join(stream)


@pytest.mark.parametrize("how", ["stream", "async stream"])
def test_pydantic_ai_1620_a_stream_is_read_once(how: str) -> None:
    """A second reading asks nothing and costs nothing: it is refused, and the words are in `partial`."""
    far = Script(lambda body: reply([text("Fine.")]))
    manager = far.manager(how)
    stream = manager.stream("go")
    assert read(stream) == "Fine."
    with pytest.raises(RuntimeError, match="read already"):
        read(stream)
    assert len(far.seen) == 1
    assert stream.partial == "Fine."
    assert len(manager.messages) == 2


@every_way
@pytest.mark.parametrize("usage", [{}, {"input_tokens": None, "output_tokens": None}, {"input_tokens": 7}])
def test_usage_that_a_proxy_leaves_out_counts_as_nothing(how: str, usage: dict[str, Any]) -> None:
    """Null and missing fields are 0 tokens, never an error after a reply was paid."""
    manager = Script(lambda body: reply([text("Fine.")], usage=usage)).manager(how)
    assert ask(how, manager, "go") == "Fine."
    assert manager.total_input_tokens in (0, 7)


@pytest.mark.parametrize("how", ["send", "async send"])
def test_the_bill_of_a_reply_at_the_window_counts_when_its_retry_fails(how: str) -> None:
    """The one retry met an overload: what the first answer cost is not forgotten."""
    window = {"input_tokens": 199_000, "output_tokens": 1_000}
    answers = iter([reply([text("Half")], "model_context_window_exceeded", window), 529])
    said = [m for place in range(9) for m in (user(f"q{place}"), assistant("word " * 50))]
    manager = Script(lambda body: next(answers)).manager(how, messages=said)
    with pytest.raises(anthropic.APIStatusError):
        ask(how, manager, "go")
    assert bill(manager) == (199_000, 1_000)
    assert len(manager.messages) == len(said)


@every_way
@pytest.mark.parametrize("stop", [KeyboardInterrupt, asyncio.CancelledError])
def test_a_stop_during_the_summary_takes_the_turn_back(how: str, stop: type[BaseException]) -> None:
    """The caller got no reply, so asking again must not double the turn; what was billed stays billed."""

    def answer(body: Any) -> Any:
        if "condense" in str(body.get("system")):
            raise stop
        return reply([text("Fine.")])

    manager = Script(answer).manager(how, token_threshold=150, recent_turns_to_keep=1)
    ask(how, manager, "one")
    before, spent = manager.conversation, bill(manager)
    object.__setattr__(manager.settings.compaction, "threshold", 50)  # from here on a summary is due
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever an event loop makes of it
        ask(how, manager, "two")
    assert isinstance(caught.value, stop | KeyboardInterrupt | asyncio.CancelledError)
    assert manager.transcript == before.transcript
    assert bill(manager) == (spent[0] + 100, spent[1] + 50)


def test_threads_that_begin_at_the_same_moment_are_one_turn() -> None:
    """One begins, the others are refused, and every turn that was paid is in the transcript."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(60):
            paid = itertools.count()

            def answer(body: Any, paid: Any = paid) -> Any:
                next(paid)
                return reply([text("Fine.")])

            manager = Script(answer).manager("send")
            manager.client  # noqa: B018 - made before the threads begin
            at_once, refused = threading.Barrier(6), list[str]()

            def turn(manager: Any = manager, at_once: Any = at_once, refused: list[str] = refused) -> None:
                at_once.wait()
                try:
                    manager.send("go")
                except RuntimeError as error:
                    refused.append(str(error))

            threads = [threading.Thread(target=turn) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert next(paid) == len(manager.transcript) // 2
            assert len(refused) + len(manager.transcript) // 2 == 6
            assert manager.usage.requests == len(manager.transcript) // 2
    finally:
        sys.setswitchinterval(interval)


def test_pi_401_a_request_of_too_many_bytes_is_an_overflow() -> None:
    """A 413 is cured as the other overflows are: the oldest go, one more try, and the transcript has them all."""
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 12_000_000}}
    log: list[Any] = []
    manager = ConversationManager(client=claude(log=log))
    for place in range(3):
        manager.send([picture, text(f"Screenshot {place}.")])
    assert [sent.status for sent in log] == [200, 200, 413, 200]
    assert len(manager.transcript) == 6
    with pytest.raises(anthropic.APIStatusError) as caught:
        ConversationManager().send([picture, picture, picture])
    assert "nothing more can be left out" in caught.value.__notes__[0]
