"""Bugs of other projects in what comes in: torn tool rounds, half emoji, a fifth breakpoint, blocks where text was
meant.
"""

import asyncio
import json
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from anthropic.types.content_block import ContentBlock
from anthropic.types.content_block_param import ContentBlockParam
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from labkit import (
    AsyncConversationManager,
    ConversationManager,
    OfflineClaude,
    SlidingWindowManager,
    SmartConversationManager,
    assistant,
    user,
)
from labkit.breakpoints import MOST, within_breakpoints
from labkit.conversation import CaseFact, Conversation
from labkit.door import NO_RESULT, admitted
from labkit.manager import production
from labkit.messages import History, Message, from_wire
from labkit.reply import WRITTEN_ONLY
from labkit.stores import JSONStore
from labkit.stores.saved_form import Saved, SavedFormError
from labkit.summarization import ClaudeSummarizer
from tests.conversations import TOOL, conversations
from tests.far_side import HOWS, Script, ask, reply, text
from tests.peers import call, chat, refusal, result

DONE, GO = assistant("Done."), user("Do it.")
TORN = {
    "a call without a result": [GO, call("t1"), user("Stop."), DONE],
    "a call without a result, and nothing after it but words": [GO, call("t1"), user("Stop.")],
    "two calls, one answered": [GO, call("t1", "t2"), result("t1"), DONE],
    "two calls, one answered, at the end": [GO, call("t1", "t2"), result("t1")],
    "two assistant messages, the first a call": [GO, call("t1"), DONE],
    "one id used twice": [GO, call("t1"), result("t1"), DONE, GO, call("t1"), result("t1"), DONE],
    "one id used three times": [m for _ in range(3) for m in (GO, call("t1"), result("t1"), DONE)],
    "a server tool without its result": [
        GO,
        assistant([text("I look."), {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}]),
        user("And?"),
    ],
}
REFUSED: dict[str, tuple[list[Message], str]] = {
    "a result without a call": ([result("t9"), DONE], "message 0 has the result of t9"),
    "a result a turn late": ([GO, call("t1"), user("Stop."), DONE, result("t1")], "message 4 has the result of t1"),
    "a result twice": ([GO, call("t1"), result("t1", "t1"), DONE], "message 2 has the result of t1 a second time"),
    "two calls of one name": ([GO, call("t1", "t1"), result("t1"), DONE], "message 1 calls t1 twice"),
}
KINDS = (ConversationManager, SmartConversationManager, SlidingWindowManager, AsyncConversationManager)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("torn", TORN.values(), ids=TORN)
def test_opencode_10616_a_torn_history_is_repaired_at_the_door(kind: Any, torn: list[Message]) -> None:
    """Every later turn is possible if the meaning is plain, and the transcript keeps what came."""
    offline, is_async = OfflineClaude(reply="ok"), kind is AsyncConversationManager
    client: Any = offline.async_client() if is_async else offline.client()
    for place in (lambda m: m, lambda m: History(m).wire()):
        manager = kind(client=client, messages=place(torn), tools=[TOOL])
        assert list(manager.transcript) == torn
        assert ask("async send" if is_async else "send", manager, "Go on.") == "ok"
        assert [fate.fate for fate in manager.explain()].count("dropped") == 0 or kind is SlidingWindowManager
        manager.messages = torn
        manager.rewind(manager.conversation.turns)
        manager.mark(0, pinned=True)
        assert ask("async send" if is_async else "send", manager, "Go on.") == "ok"


@pytest.mark.parametrize(("torn", "said"), REFUSED.values(), ids=REFUSED)
def test_strands_1123_what_cannot_be_repaired_is_refused_with_its_place(torn: list[Message], said: str) -> None:
    """Made, set or loaded: an error says where it is and what to do, never a 400 on every turn."""
    manager = ConversationManager()
    for use in (
        lambda: ConversationManager(messages=torn),
        lambda: AsyncConversationManager(messages=torn),
        lambda: setattr(manager, "messages", torn),
    ):
        with pytest.raises(ValueError, match=said):
            use()
    assert manager.messages == []


@pytest.mark.parametrize("torn", [*TORN.values(), *(history for history, _ in REFUSED.values())])
def test_openclaw_19048_a_torn_history_that_was_saved_is_repaired_or_refused(tmp_path: Path, torn: Any) -> None:
    """A file of an older version, or written by hand, comes through the same door."""
    said = History(torn)
    JSONStore(tmp_path / "talk.json").write(
        Saved("ConversationManager", {}, Conversation(transcript=said, history=said))
    )
    try:
        manager = ConversationManager.load(tmp_path / "talk.json", client=OfflineClaude(reply="ok").client())
    except SavedFormError as error:
        assert "message" in str(error)  # noqa: PT017 - either is right
    else:
        assert list(manager.transcript) == torn
        assert manager.send("Go on.") == "ok"


def test_the_result_that_never_came_says_so() -> None:
    """It is an error, in labkit's own words, first in the turn after the call."""
    history = Conversation.of([GO, call("t1", "t2"), result("t1"), DONE]).history
    first, second = history[2].blocks
    assert (first["tool_use_id"], first["content"], first["is_error"]) == ("t2", NO_RESULT, True)
    assert second["tool_use_id"] == "t1"
    assert history[2].replaces[0].blocks == result("t1").blocks


@settings(max_examples=150)
@given(conversations(), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), min_size=1, max_size=4))
def test_whatever_is_torn_out_of_a_conversation_it_is_repaired_or_refused(
    history: History, torn: list[tuple[int, int]]
) -> None:
    """Messages and blocks are taken out or doubled anywhere: what gets through the door is what the API takes."""
    left = list(history)
    for place, way in torn:
        at = place % len(left)
        blocks = list(left[at].blocks)
        if way == 0 and len(left) > 1:
            del left[at]
        elif way == 1 and len(blocks) > 1:
            left[at] = Message(left[at].role, tuple(blocks[1:]))
        elif way == 2 and len(blocks) > 1:
            left[at] = Message(left[at].role, tuple(blocks[:-1]))
        elif way == 3:
            left.insert(at, left[at])
    try:
        conversation = Conversation.of(left)
    except ValueError:
        return
    if conversation.history[-1].has("tool_use"):
        return
    asked = conversation.said(user("And now?"))
    if "tool" in (words := refusal(asked.history)):
        raise AssertionError(words)


@given(conversations())
def test_a_whole_conversation_passes_the_door_untouched(history: History) -> None:
    """It is the very same history: nothing is copied, nothing is said in anybody's place."""
    assert admitted(history) is history
    assert Conversation.of(history).history is history


halves = st.text(st.characters(codec=None), max_size=20).map(lambda words: f"x{words}")


@given(halves)
def test_claude_code_72995_half_a_surrogate_pair_can_be_sent(words: str) -> None:
    """In a text, a block, a result, a fact and the system prompt: what is kept has its UTF-8, and whole text stays."""
    blocks = [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": words}], words: 1}]
    message, fact = user(words), CaseFact(words, words)
    for kept in (message.text, str(user(blocks).wire()), fact.text, fact.source, Conversation(system=words).system):
        kept.encode()
    try:
        words.encode()
    except UnicodeEncodeError:
        assert message.text != words
    else:
        assert message.text == words


def test_half_an_emoji_is_marked_and_two_halves_are_one() -> None:
    """U+FFFD replaces what was cut; both halves in a row, as bad JSON brings them, are the emoji."""
    assert user("cut \ud83d").text == "cut \ufffd"
    assert user("whole \ud83d\ude00").text == "whole \U0001f600"
    manager = ConversationManager(client=OfflineClaude(reply="ok").client())
    assert manager.send("cut \ud83d") == manager.send("Are you still there?") == "ok"


@given(halves)
def test_half_a_surrogate_pair_in_tools_and_settings_ends_no_conversation(words: str) -> None:
    """Descriptions of tools and settings of the request travel with the messages, and a summary's instruction too."""
    schema = {"type": "object", "properties": {words: {"type": "string", "description": words}}}
    tools = [{"name": "look", "description": words, "input_schema": schema}]
    request = {"metadata": {"user_id": words}, "stop_sequences": [words]}
    client = OfflineClaude(reply="ok").client()
    manager = ConversationManager(words, client=client, tools=tools, request=request)
    assert manager.send("Are you there?") == manager.send("Still?") == "ok"
    asked = ClaudeSummarizer(instruction=words, system=words).request("user: Hello.")
    assert client.messages.create(**asked).stop_reason == "end_turn"


@pytest.mark.parametrize("make", [*KINDS[:3], production], ids=lambda make: make.__name__)
@pytest.mark.parametrize("cache", [False, True])
def test_continue_6937_a_fifth_breakpoint_does_not_end_the_conversation(make: Callable[..., Any], cache: bool) -> None:
    """Every question is marked for the cache, as tutorials did; the newest marks stay, and every turn is answered."""
    manager = make(client=OfflineClaude(reply="ok").client(), cache=cache)
    for place in range(7):
        manager.send([{**text(f"Question {place}"), "cache_control": {"type": "ephemeral"}}])
    assert sum("cache_control" in m["content"][0] for m in manager.messages if m["role"] == "user") == 7


marks = st.lists(st.booleans(), max_size=6)


@given(marks, marks, marks, st.booleans())
def test_no_request_has_more_breakpoints_than_the_api_takes(
    tools: list[bool], system: list[bool], said: list[bool], automatic: bool
) -> None:
    """Of the messages' own marks the newest stay; tools and system prompt keep theirs."""

    def marked(places: list[bool]) -> list[dict[str, Any]]:
        return [
            text(str(at)) | ({"cache_control": {"type": "ephemeral"}} if mark else {}) for at, mark in enumerate(places)
        ]

    request = {
        "tools": marked(tools),
        "system": marked(system),
        "messages": [{"role": "user", "content": marked(said)}],
    }
    request |= {"cache_control": {"type": "ephemeral"}} if automatic else {}
    others = sum(tools) + sum(system) + automatic
    kept = [bool(b.get("cache_control")) for b in within_breakpoints(request)["messages"][0]["content"]]
    assert sum(kept) == min(sum(said), max(MOST - others, 0))
    newest = [at for at, mark in enumerate(said) if mark][-sum(kept) :] if sum(kept) else []
    assert [at for at, mark in enumerate(kept) if mark] == newest


def test_anthropic_auth_203_case_facts_go_with_a_system_prompt_of_blocks() -> None:
    """Given as blocks, or as another text, the system prompt of a request has the facts behind it, and is accepted."""
    for system in ([{**text("Be kind."), "cache_control": {"type": "ephemeral"}}], "Be kind."):
        manager = ConversationManager(request={"system": system}, client=OfflineClaude(reply="ok").client())
        assert manager.next_request()["system"] == system
        manager.add_fact("The patient is allergic to penicillin.", "intake form")
        sent = json.dumps(manager.next_request()["system"])
        assert "Be kind." in sent
        assert "allergic to penicillin" in sent
        assert manager.send("What should she take?") == "ok"


@pytest.mark.parametrize("given", [[text("Be kind.")], None, 4])
def test_a_system_prompt_that_is_no_text_is_refused_with_the_way_out(given: Any) -> None:
    """At once, and not as an AttributeError at the first turn."""
    for kind in (ConversationManager, AsyncConversationManager):
        with pytest.raises(TypeError, match=r"give text, or blocks as request="):
            kind(system_prompt=given)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("max_tokens", [21_333, 21_334, 64_000])
def test_sdk_python_1430_a_large_max_tokens_works_in_every_way(how: str, max_tokens: int) -> None:
    """Above what the SDK sends without a stream, a whole reply is streamed and put together."""
    far = Script(lambda body: reply([text("Fine."), *CITED], "end_turn"))
    manager = far.manager(how, max_tokens=max_tokens)
    assert ask(how, manager, "hello").startswith("Fine.")
    assert manager.usage.requests == 1


CITED = [
    {
        **text("It ends in June."),
        "citations": [
            {"type": "char_location", "cited_text": "June", "document_index": 0, "document_title": None, "file_id":
            None,
             "start_char_index": 0, "end_char_index": 4},
            {"type": "page_location", "cited_text": "June", "document_index": 0, "document_title": None, "file_id":
            "f1",
             "start_page_number": 1, "end_page_number": 2},
            {"type": "content_block_location", "cited_text": "June", "document_index": 0, "document_title": "t",
             "file_id": None, "start_block_index": 0, "end_block_index": 1},
            {"type": "web_search_result_location", "cited_text": "June", "encrypted_index": "e", "title": None, "url":
            "u"},
        ],
    },
    {**text("And that is all."), "citations": None},
]  # fmt: skip


@pytest.mark.parametrize("how", HOWS[::2])
def test_a_reply_with_citations_can_be_sent_again(how: str) -> None:
    """Fields that the API writes and does not take are left out of what is kept; the rest stays."""
    manager = Script(lambda body: reply(CITED)).manager(how)
    ask(how, manager, "When?")
    kept = manager.messages[-1]["content"]
    assert [c["type"] for c in kept[0]["citations"]] == [c["type"] for c in CITED[0]["citations"]]
    assert not refusal(History([*manager.transcript, user("And then?")]))


def test_the_fields_that_cannot_be_sent_are_those_of_the_sdk() -> None:
    """Each field of a response's blocks and citations that no request has is in labkit's table, and nothing else."""
    taken: dict[str, set[str]] = {}
    for one in _walk(ContentBlockParam, lambda kind: hasattr(kind, "__required_keys__"), typing.get_type_hints):
        for name in _types(typing.get_type_hints(one).get("type")):
            taken.setdefault(name, set()).update(typing.get_type_hints(one))
    written: dict[str, set[str]] = {}
    is_model = lambda kind: isinstance(kind, type) and issubclass(kind, BaseModel)  # noqa: E731
    for one in _walk(ContentBlock, is_model, lambda kind: {k: f.annotation for k, f in kind.model_fields.items()}):
        for name in _types(getattr(one.model_fields.get("type"), "annotation", None)):
            if extra := set(one.model_fields) - taken[name]:
                written[name] = extra
    assert written == {name: set(fields) for name, fields in WRITTEN_ONLY.items() if name != "text"}


def _walk(root: Any, wanted: Callable[[Any], bool], fields_of: Callable[[Any], dict[str, Any]]) -> Iterator[Any]:
    seen: set[Any] = set()
    todo = [root]
    while todo:
        kind = todo.pop()
        if wanted(kind) and kind not in seen:
            seen.add(kind)
            todo += fields_of(kind).values()
            yield kind
        todo += [inner for inner in get_args(kind) if not isinstance(inner, str | int)]


def _types(kind: Any) -> list[str]:
    if get_origin(kind) is typing.Literal:
        return list(get_args(kind))
    return [name for inner in get_args(kind) if not isinstance(inner, str | int) for name in _types(inner)]


def test_blank_texts_beside_other_blocks_are_left_out_of_what_is_handed_in() -> None:
    """A list that another tool kept has them; a message that is nothing else is refused, with its place."""
    kept = from_wire(
        {"role": "assistant", "content": [text(""), {"type": "tool_use", "id": "t", "name": "f", "input": {}}]}
    )
    assert [block["type"] for block in kept.blocks] == ["tool_use"]
    with pytest.raises(ValueError, match="text block 0 is empty") as caught:
        ConversationManager(messages=[*chat(1).wire(), {"role": "assistant", "content": [text(" ")]}])
    assert "message 3 of the 4" in caught.value.__notes__[0]


def test_inspect_ai_4420_counting_does_what_sending_does() -> None:
    """Thinking that no longer fits the messages before it is left out of the count as it is of the request."""
    settings = {"model": "claude-fable-5-2", "request": {"thinking": {"type": "adaptive"}}}
    manager = ConversationManager(client=OfflineClaude().client(), **settings)
    manager.send("hello")
    manager.add_fact("The order is urgent.", "user")
    counted = manager.count("And now?")
    talk = AsyncConversationManager(client=OfflineClaude().async_client(), **settings)
    talk.conversation = manager.conversation
    assert asyncio.run(talk.count("And now?")) == counted
    manager.send("And now?")
    assert manager.last_input_tokens == counted


def test_langchain_8329_the_async_manager_has_everything_that_the_other_has() -> None:
    """One list of public names."""
    names = [{name for name in dir(kind) if not name.startswith("_")} for kind in KINDS[::3]]
    assert names[0] == names[1]


def test_an_async_manager_is_saved_and_loaded(tmp_path: Path) -> None:
    """In the same places and the same form: either kind goes on where the other was saved."""
    talk = AsyncConversationManager(client=OfflineClaude(reply="ok").async_client(), max_tokens=99)
    asyncio.run(talk.send("hello"))
    talk.save(tmp_path / "talk.json")
    loaded = AsyncConversationManager.load(tmp_path / "talk.json", client=OfflineClaude(reply="ok").async_client())
    assert loaded.conversation == talk.conversation
    assert loaded.max_tokens == 99
    assert asyncio.run(loaded.send("again")) == "ok"
    loaded.save(tmp_path / "talk.json")
    plain = ConversationManager.load(tmp_path / "talk.json", client=OfflineClaude(reply="ok").client())
    assert plain.send("and again") == "ok"
    plain.save(tmp_path / "talk.json")
    assert len(AsyncConversationManager.load(tmp_path / "talk.json").transcript) == 6
