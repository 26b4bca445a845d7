"""The API's rules, each through the real SDK: sync, async, streaming. A test bears the name of its rule."""

import json

import anthropic
import pytest
from offline_doors import (
    STRICT,
    WEATHER,
    accepted,
    ask,
    assistant,
    everywhere,
    refused,
    text,
    tool_result,
    tool_use,
    user,
)

from labkit.offline import OfflineClaude
from labkit.offline.api import handle
from labkit.offline.wire import HttpRequest

OLD = {"default_headers": {"anthropic-version": "2023-06-01"}}
HAIKU = "claude-haiku-4-5"
OPUS = "claude-opus-4-8"


@pytest.fixture(scope="module")
def claude():
    """An offline Claude that always says the same."""
    return OfflineClaude(reply="Fine.")


def bare(body, claude, **headers):
    """Status and words of an answer to a request that the SDK would not send."""
    answer = handle(HttpRequest("POST", "/v1/messages", "", headers, json.dumps(body).encode()), claude.service)
    return answer.status, json.loads(answer.body)["error"]["message"] if answer.status != 200 else ""


def test_key_is_sent(claude):
    """Without a key the answer is a 401, with one it is not."""
    version = {"anthropic-version": "2026-10-21"}
    assert bare(ask(), claude, **version) == (401, "x-api-key header is required")
    assert bare(ask(), claude, **version, authorization="Bearer ") == (401, "x-api-key header is required")
    assert bare(ask(), claude, **version, authorization="Bearer abc")[0] == 200
    assert bare(ask(), claude, **version, **{"x-api-key": "abc"})[0] == 200


def test_key_is_right(claude):
    """A key that starts with `wrong-` is refused, any other is taken; one in the API's form has other words."""
    assert everywhere(claude, ask(), api_key="wrong-key") == (401, "invalid x-api-key")
    assert everywhere(claude, ask(), api_key="sk-ant-wrong-key") == (401, "API key is invalid.")
    accepted(claude, ask(), api_key="right-key")
    accepted(claude, ask(), api_key="sk-ant-right-key")
    with pytest.raises(anthropic.AuthenticationError) as caught:
        claude.client(api_key="sk-ant-wrong-key", **STRICT).messages.create(**ask())
    assert caught.value.body["request_id"] is None
    with pytest.raises(anthropic.AuthenticationError):
        claude.client(api_key="wrong-key", **STRICT).models.list()


def test_one_key_is_sent(claude):
    """Two keys at once are refused."""
    two = {"default_headers": {"x-api-key": "second"}}
    assert everywhere(claude, ask(), **two)[0] == 401


def test_version_is_sent(claude):
    """Without the version header the answer is a 400."""
    assert bare(ask(), claude, **{"x-api-key": "abc"}) == (400, "anthropic-version: header is required")


def test_body_is_not_too_large(claude):
    """A body of more than 32 MB is a 413; just below it is read."""
    headers = {"x-api-key": "abc", "anthropic-version": "2026-10-21"}
    limit = 32 * 1024 * 1024
    for size, status in ((limit + 1, 413), (limit, 400)):
        answer = handle(HttpRequest("POST", "/v1/messages", "", headers, b" " * size), claude.service)
        assert answer.status == status


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
def test_sampling_by_version(claude, name):
    """The newer version does not know sampling parameters; the older one takes them on older models."""
    assert refused(claude, ask(**{name: 1})) == f"{name}: Extra inputs are not permitted"
    accepted(claude, ask(**{name: 1}), **OLD)


def test_sampling_by_model(claude):
    """From Claude 4.7 on sampling parameters are refused in the older version too."""
    words = refused(claude, ask(model=OPUS, temperature=0.5), **OLD)
    assert words == "`temperature` is deprecated for this model."
    assert "Extra inputs" in refused(claude, ask(model=OPUS, temperature=0.5))


def test_max_tokens_within_model(claude):
    """max_tokens is neither negative nor more than the model can write; 0 is allowed and writes nothing."""
    long = {"timeout": 60}
    words = (
        "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5-20251001"
    )
    assert refused(claude, ask(model=HAIKU, max_tokens=64_001), **long) == words
    accepted(claude, ask(model=HAIKU, max_tokens=64_000), **long)
    assert refused(claude, ask(max_tokens=-1)) == "max_tokens: Input should be greater than or equal to 0"
    warmed = claude.client(**STRICT).messages.create(**ask(max_tokens=0))
    assert (warmed.content, warmed.stop_reason) == ([], "max_tokens")


def test_thinking_budget(claude):
    """A thinking budget is at least 1,024 and less than max_tokens."""
    enabled = {"type": "enabled", "budget_tokens": 1023}
    words = "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
    assert refused(claude, ask(max_tokens=5000, thinking=enabled)) == words
    enabled = {"type": "enabled", "budget_tokens": 1024}
    assert "`max_tokens` must be greater" in refused(claude, ask(max_tokens=1024, thinking=enabled))
    accepted(claude, ask(max_tokens=1025, thinking=enabled))


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "weather"}])
def test_forced_tool_by_model(claude, choice):
    """Some models refuse a forced tool, others take it."""
    words = 'tool_choice: type "tool" and "any" are not supported for this model.'
    assert refused(claude, ask(model="claude-opus-5-5", tools=[WEATHER], tool_choice=choice)) == words
    accepted(claude, ask(tools=[WEATHER], tool_choice=choice))


def test_input_fits_the_window():
    """Input longer than the window is refused with both numbers; input that just fits is not, whatever max_tokens."""
    claude = OfflineClaude(reply="Fine.", windows={"claude-sonnet-4-6": 100})
    words = refused(claude, ask(user("word " * 200)))
    assert words == "prompt is too long: 208 tokens > 100 maximum"
    message = accepted(claude, ask(user("word " * 92), max_tokens=5000))
    assert message["stop_reason"] == "model_context_window_exceeded"


def test_at_least_one_message(claude):
    """An empty list of messages is refused."""
    assert refused(claude, ask(messages=[])) == "messages: at least one message is required"


def test_at_most_100_000_messages():
    """100,001 messages are refused, 100,000 are not."""
    claude = OfflineClaude(reply="Fine.")
    client = claude.client(**STRICT)
    many = [user("a"), assistant("b")] * 50_000
    many[-1] = user("c")
    with pytest.raises(anthropic.BadRequestError, match="at most 100000 items"):
        client.messages.count_tokens(model="claude-sonnet-4-6", messages=[*many, user("d")])
    assert client.messages.count_tokens(model="claude-sonnet-4-6", messages=many).input_tokens > 100_000


def test_user_first_on_the_old_platform(claude):
    """The Claude API takes an assistant message first; the legacy platform refuses it."""
    body = ask(assistant("Welcome."), user("Hello."))
    accepted(claude, body)
    old = OfflineClaude(reply="Fine.", platform="bedrock-legacy")
    assert refused(old, body) == 'messages: first message must use the "user" role'
    accepted(old, ask())


def test_alternation_on_the_old_platform(claude):
    """The Claude API merges two turns of one role; the legacy platform refuses them."""
    body = ask(user("One."), user("Two."))
    accepted(claude, body)
    old = OfflineClaude(reply="Fine.", platform="bedrock-legacy")
    words = 'messages: roles must alternate between "user" and "assistant", but found multiple "user" roles in a row'
    assert refused(old, body) == words
    accepted(old, ask(user("One."), assistant("Two."), user("Three.")))


@pytest.mark.parametrize("empty", ["", []])
def test_content_is_not_empty(claude, empty):
    """Empty content is refused, except in a last assistant message where prefill is allowed."""
    assert refused(claude, ask(user(empty))) == "messages.0: user messages must have non-empty content"
    middle = ask(user("a"), assistant(empty), user("b"))
    words = "messages.1: all messages must have non-empty content except for the optional final assistant message"
    assert refused(claude, middle) == words
    accepted(claude, ask(user("a"), assistant(empty), model=HAIKU))


def test_text_is_not_empty(claude):
    """An empty text block is refused."""
    assert refused(claude, ask(user([text("")]))) == "messages: text content blocks must be non-empty"
    assert "non-empty" in refused(claude, ask(user("a"), assistant([text("")]), user("b")))
    assert refused(claude, ask(system=[text("")])) == "system: text content blocks must be non-empty"
    accepted(claude, ask(system=""))


@pytest.mark.parametrize("blank", [" ", "\n\t ", "\u2003"])
def test_text_is_not_blank(claude, blank):
    """Whitespace alone is refused, as a string and in a block; in a tool's result it is not."""
    words = "messages: text content blocks must contain non-whitespace text"
    assert refused(claude, ask(user(blank))) == words
    assert refused(claude, ask(user([text("a"), text(blank)]))) == words
    accepted(claude, ask(user("a"), assistant([tool_use()]), user([tool_result(content=blank)])))


def test_no_prefill(claude):
    """From 4.6 on the last message must not be the assistant's; on 4.5 the reply goes on from it."""
    body = ask(user("a"), assistant("The answer is"))
    words = "This model does not support assistant message prefill. The conversation must end with a user message."
    assert refused(claude, body) == words
    accepted(claude, {**body, "model": HAIKU})


def test_a_paused_turn_may_be_continued(claude):
    """An assistant turn that paused in a server tool is sent back as it is."""
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    accepted(claude, ask(user("Look it up."), assistant([text("Looking."), search])))


def test_prefill_does_not_end_in_space(claude):
    """A prefill that ends in whitespace is refused where prefill is allowed."""
    body = ask(user("a"), assistant("The answer is "), model=HAIKU)
    assert refused(claude, body) == "messages: final assistant content cannot end with trailing whitespace"
    accepted(claude, ask(user("a"), assistant("The answer is"), model=HAIKU))


SYSTEM = {"role": "system", "content": "Be brief from now on."}


def test_system_messages_by_model(claude):
    """A system message among the messages is for newer models only."""
    assert refused(claude, ask(user("a"), SYSTEM)) == "role 'system' is not supported on this model"
    accepted(claude, ask(user("a"), SYSTEM, model=OPUS))


def test_system_message_is_not_first(claude):
    """The first system prompt does not go among the messages."""
    words = refused(claude, ask(SYSTEM, user("a"), model=OPUS))
    assert words.startswith("messages.0: use the top-level 'system' parameter for the initial system prompt")


def test_system_message_has_its_place(claude):
    """A system message follows a user turn and is last or before an assistant turn."""
    assert refused(claude, ask(user("a"), assistant("b"), SYSTEM, user("c"), model=OPUS)).startswith("messages.2: ")
    assert refused(claude, ask(user("a"), SYSTEM, user("c"), model=OPUS)).startswith("messages.1: ")
    accepted(claude, ask(user("a"), SYSTEM, assistant("b"), user("c"), SYSTEM, model=OPUS))


DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A letter."}}


def test_no_document_in_assistant_turns(claude):
    """The newer version refuses a document in an assistant turn, the older takes it; a user may send one."""
    body = ask(user("a"), assistant([DOCUMENT]), user("b"))
    assert refused(claude, body).startswith("messages.1.content.0: ")
    accepted(claude, body, **OLD)
    accepted(claude, ask(user([DOCUMENT, text("What is it?")])))


def test_no_citations_in_user_text(claude):
    """The newer version refuses citations in a user's text, the older takes them."""
    cited = {"type": "char_location", "cited_text": "a", "document_index": 0, "document_title": None}
    block = {**text("a"), "citations": [{**cited, "start_char_index": 0, "end_char_index": 1}]}
    body = ask(user([block]))
    assert refused(claude, body) == "messages.0.content.0.text.citations: Extra inputs are not permitted"
    accepted(claude, body, **OLD)


def test_breakpoints_are_not_on_empty_text(claude):
    """An empty text block with a breakpoint is refused at its place."""
    block = {**text(""), "cache_control": {"type": "ephemeral"}}
    words = "messages.0.content.1.text: cache_control cannot be set for empty text blocks"
    assert refused(claude, ask(user([text("a"), block]))) == words
    accepted(claude, ask(user([{**text("a"), "cache_control": {"type": "ephemeral"}}])))


def test_tool_names_are_unique(claude):
    """Two tools of one name are refused."""
    assert refused(claude, ask(tools=[WEATHER, WEATHER])) == "tools: Tool names must be unique."
    accepted(claude, ask(tools=[WEATHER, {**WEATHER, "name": "other"}]))


@pytest.mark.parametrize("name", ["", "get.weather", "wetter größe", "x" * 129])
def test_tool_names_are_plain(claude, name):
    """A tool's name is short and plain."""
    words = "tools.1.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"
    assert refused(claude, ask(tools=[WEATHER, {**WEATHER, "name": name}])) == words
    accepted(claude, ask(tools=[{**WEATHER, "name": "x" * 128}]))


def test_tool_choice_needs_tools(claude):
    """A choice without anything to choose from is refused."""
    words = "tool_choice may only be specified while providing tools"
    assert refused(claude, ask(tool_choice={"type": "auto"})) == words
    accepted(claude, ask(tool_choice={"type": "auto"}, tools=[WEATHER]))


def test_chosen_tool_is_provided(claude):
    """A forced tool must be among the tools."""
    choice = {"type": "tool", "name": "search"}
    assert refused(claude, ask(tools=[WEATHER], tool_choice=choice)) == "Tool 'search' not found in provided tools"
    accepted(claude, ask(tools=[{**WEATHER, "name": "search"}], tool_choice=choice))


def test_thinking_does_not_force_a_tool(claude):
    """With a thinking budget a tool may be offered, not forced."""
    body = ask(tools=[WEATHER], max_tokens=2000, thinking={"type": "enabled", "budget_tokens": 1024})
    words = "Thinking may not be enabled when tool_choice forces tool use."
    assert refused(claude, {**body, "tool_choice": {"type": "any"}}) == words
    accepted(claude, {**body, "tool_choice": {"type": "auto"}})


def test_tool_blocks_are_in_their_place(claude):
    """The assistant calls, the user's side answers; the other way round is refused."""
    words = "messages.0: `tool_use` blocks can only be in `assistant` messages"
    assert refused(claude, ask(user([tool_use()]))) == words
    words = "messages.1: `tool_result` blocks can only be in `user` messages"
    assert refused(claude, ask(user("a"), assistant([tool_result()]), user("b"))) == words


def test_tool_ids_are_plain(claude):
    """An empty id, or one with other characters, is refused in the call and in the result."""
    words = "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
    assert refused(claude, ask(user("a"), assistant([tool_use("")]), user([tool_result("")]))) == words
    assert refused(claude, ask(user("a"), assistant([tool_use("a b")]), user([tool_result("a b")]))) == words
    assert refused(claude, ask(user([tool_result("a b")]))).startswith("messages.0.content.0.tool_result.tool_use_id")


def test_one_result_for_each_call(claude):
    """Two results for one call are refused."""
    body = ask(user("a"), assistant([tool_use()]), user([tool_result(), tool_result()]))
    words = "each tool_use must have a single result. Found multiple `tool_result` blocks with id: toolu_1"
    assert refused(claude, body) == f"messages.2.content.1: {words}"


def test_tool_use_ids_are_unique(claude):
    """Two tool_use blocks with one id are refused in one turn, and taken in two."""
    twice = ask(user("a"), assistant([tool_use(), tool_use()]), user([tool_result()]))
    assert refused(claude, twice) == "messages.1.content.1: `tool_use` ids must be unique"
    later = ask(
        user("a"),
        assistant([tool_use()]),
        user([tool_result()]),
        assistant([tool_use()]),
        user([tool_result()]),
    )
    accepted(claude, later)


def test_tool_results_answer_the_turn_before(claude):
    """A result whose call was cut off, or came earlier than the turn before, is refused."""
    words = (
        "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1. Each `tool_result` "
        "block must have a corresponding `tool_use` block in the previous message."
    )
    assert refused(claude, ask(user([tool_result()]))) == words
    late = ask(user("a"), assistant([tool_use()]), user([tool_result()]), assistant("b"), user([tool_result()]))
    assert refused(claude, late).startswith("messages.4.content.0: unexpected `tool_use_id`")


def test_tool_uses_are_answered_at_once(claude):
    """Every call has its result in the next turn, before any text, all parallel ones."""
    words = (
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each "
        "`tool_use` block must have a corresponding `tool_result` block in the next message."
    )
    assert refused(claude, ask(user("a"), assistant([tool_use()]), user("b"))) == words
    assert refused(claude, ask(user("a"), assistant([tool_use()]), user([text("b"), tool_result()]))) == words
    parallel = assistant([tool_use(), tool_use("toolu_2")])
    assert "toolu_2. Each" in refused(claude, ask(user("a"), parallel, user([tool_result()])))
    accepted(claude, ask(user("a"), parallel, user([tool_result("toolu_2"), tool_result(), text("And now?")])))
    accepted(claude, ask(user("a"), parallel, user([tool_result("toolu_2")]), user([tool_result()])))


def test_sampling_is_in_range(claude):
    """Older models take temperature and top_p from 0 to 1 only, and only numbers."""
    for name in ("temperature", "top_p"):
        for value in (5, 1.1, -0.1):
            assert refused(claude, ask(**{name: value}), **OLD) == f"{name}: range: 0..1"
        assert refused(claude, ask(**{name: "hot"}), **OLD) == f"{name}: Input should be a valid number"
        accepted(claude, ask(**{name: 0.5}), **OLD)


def test_the_default_temperature_is_taken_by_every_model(claude):
    """From Claude 4.7 on another value than the default is refused."""
    accepted(claude, ask(model=OPUS, temperature=1.0), **OLD)
    assert refused(claude, ask(model=OPUS, temperature=0.5), **OLD) == "`temperature` is deprecated for this model."


def test_stop_sequences_are_not_blank(claude):
    """A stop sequence of whitespace is refused, one with anything else is not."""
    words = "stop_sequences: each stop sequence must contain non-whitespace"
    for blank in ("", " ", "\n"):
        assert refused(claude, ask(stop_sequences=["END", blank])) == words
    accepted(claude, ask(stop_sequences=["END", "\nHuman:"]))


def test_tool_input_is_an_object(claude):
    """A schema without a type, or of another type, is refused in the API's words."""
    where = "tools.0.custom.input_schema.type"
    assert refused(claude, ask(tools=[{"name": "x", "input_schema": {}}])) == f"{where}: Field required"
    named = {"name": "x", "input_schema": {"type": "string"}}
    assert refused(claude, ask(tools=[named])) == f"{where}: Input should be 'object'"
    accepted(claude, ask(tools=[{"name": "x", "input_schema": {"type": "object"}}]))


def test_blank_text_next_to_a_tool_call_is_taken(claude):
    """Blank text is refused alone, and taken in an assistant message that holds more."""
    call = (user("Weather?"), assistant([text("  "), tool_use()]), user([tool_result()]))
    accepted(claude, ask(*call, tools=[WEATHER]))
    alone = ask(user("Weather?"), assistant([text("  ")]), user("And?"))
    assert refused(claude, alone) == "messages: text content blocks must contain non-whitespace text"


def test_server_tools_have_their_results(claude):
    """An earlier turn's server tool without its result is refused; with it, or in the last message, it is not."""
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    words = "without a corresponding `web_search_tool_result` block"
    assert words in refused(claude, ask(user("a"), assistant([text("b"), call]), user("c")))
    accepted(claude, ask(user("a"), assistant([text("b"), call, found]), user("c")))
    accepted(claude, ask(user("a"), assistant([text("b"), call])))
