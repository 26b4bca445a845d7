"""Tools that come and go in mid-conversation, through the real SDK."""

import pytest
from offline_doors import WEATHER, accepted, ask, refused, text, user

from labkit.offline import OfflineClaude
from labkit.offline.platform.tool_changes import HEADER, INLINE_HEADER

MODEL = {"model": "claude-opus-5", "thinking": {"type": "disabled"}}
ASKED = user("How is the weather in Rome?")
CALCULATOR = {
    "name": "calculator",
    "input_schema": {"type": "object", "properties": {"expression": {"type": "string"}}},
}


def change(kind, tool):
    """A system message that adds or removes a tool, by name or by its definition."""
    named = {"type": "tool_reference", "name": tool} if isinstance(tool, str) else tool
    return {"role": "system", "content": [{"type": kind, "tool": named}]}


def defined(tool):
    """A tool as a message defines it."""
    return {"type": "tool_definition", "definition": tool}


def called(*messages, betas=(HEADER,), tools=(WEATHER, CALCULATOR), **more):
    """The names of the tools that a request calls, on every way in."""
    body = ask(*messages, **MODEL, tools=list(tools), betas=list(betas), **more)
    return [block["name"] for block in accepted(OfflineClaude(), body, beta=True)["content"] if "name" in block]


def test_a_removed_tool_is_not_called():
    """It is called before it is removed, and again once it was added back."""
    assert called(ASKED) == ["weather"]
    assert called(ASKED, change("tool_removal", "calculator")) == ["weather"]
    assert called(ASKED, change("tool_removal", "weather")) == []
    assert called(ASKED, change("tool_removal", "weather"), change("tool_addition", "weather")) == ["weather"]


def test_a_deferred_tool_waits_until_it_is_added():
    """It is neither called nor counted before, and both after."""
    tools = [{**WEATHER, "defer_loading": True}, CALCULATOR]
    added = [ASKED, change("tool_addition", "weather")]
    assert called(ASKED, tools=tools) == []
    assert called(*added, tools=tools) == ["weather"]
    sizes = []
    for messages, given in (([ASKED], [CALCULATOR]), ([ASKED], tools), (added, tools)):
        body = ask(*messages, **MODEL, tools=given, betas=[HEADER])
        sizes.append(accepted(OfflineClaude(), body, beta=True)["usage"]["input_tokens"])
    assert sizes[0] == sizes[1] < sizes[2]


def test_a_tool_can_be_defined_in_a_message():
    """It is called from there on, and it can be removed again by its name."""
    added = [ASKED, change("tool_addition", defined(WEATHER))]
    assert called(*added, betas=[INLINE_HEADER], tools=[CALCULATOR]) == ["weather"]
    gone = [*added, change("tool_removal", "weather")]
    assert called(*gone, betas=[INLINE_HEADER, HEADER], tools=[CALCULATOR]) == []


def test_a_change_of_tools_keeps_the_cache():
    """The prefix is read as it was, which a change of `tools` costs."""
    claude = OfflineClaude(reply="Fine.")
    body = {**MODEL, "max_tokens": 50, "cache_control": {"type": "ephemeral"}, "betas": [HEADER]}
    long = user("The parcel was sent on Monday. " * 200)

    def read(*messages, tools=(WEATHER, CALCULATOR)):
        client = claude.client(max_retries=0)
        usage = client.beta.messages.create(**body, messages=list(messages), tools=list(tools)).usage
        return usage.cache_read_input_tokens

    read(long)
    assert read(long, change("tool_removal", "weather")) > 500
    assert read(long, tools=[CALCULATOR]) == 0


@pytest.mark.parametrize("kind", ["tool_addition", "tool_removal"])
def test_changed_tools_are_known(kind):
    """A name that no tool has is refused; one that was defined in an earlier message is not."""
    words = "messages.1.content.0: tool_addition/tool_removal references unknown tool 'radio'"
    body = {**MODEL, "tools": [WEATHER], "betas": [HEADER, INLINE_HEADER]}
    assert refused(OfflineClaude(reply="x"), ask(ASKED, change(kind, "radio"), **body), beta=True) == words
    assert accepted(OfflineClaude(reply="x"), ask(ASKED, change(kind, "weather"), **body), beta=True)
    radio = defined({**WEATHER, "name": "radio"})
    both = [
        {"type": "tool_addition", "tool": radio},
        {"type": kind, "tool": {"type": "tool_reference", "name": "radio"}},
    ]
    assert accepted(OfflineClaude(reply="x"), ask(ASKED, {"role": "system", "content": both}, **body), beta=True)


@pytest.mark.parametrize("tool", ["weather", defined(WEATHER)], ids=["named", "defined"])
def test_tool_changes_need_their_header(tool):
    """Without the header of the feature a change is refused; text in its place is not."""
    other = ["context-management-2025-06-27"]
    body = {**MODEL, "tools": [WEATHER, CALCULATOR], "betas": other}
    words = refused(OfflineClaude(reply="x"), ask(ASKED, change("tool_addition", tool), **body), beta=True)
    assert words.startswith("messages.1.content.0")
    assert "does not match any of the expected tags" in words
    said = {"role": "system", "content": [text("Be brief.")]}
    assert accepted(OfflineClaude(reply="x"), ask(ASKED, said, **body), beta=True)
    right = {**body, "betas": [INLINE_HEADER if isinstance(tool, dict) else HEADER]}
    assert accepted(OfflineClaude(reply="x"), ask(ASKED, change("tool_addition", tool), **right), beta=True)


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "mcp_toolset_reference", "server_name": "desk"},
        defined({"type": "web_search_20250305", "name": "web_search"}),
    ],
    ids=["mcp", "server tool"],
)
def test_tools_that_are_not_simulated_are_refused_in_a_message_too(tool):
    """The simulator says so itself, as it does for `tools`."""
    body = ask(ASKED, change("tool_addition", tool), **MODEL, tools=[WEATHER], betas=[HEADER, INLINE_HEADER])
    assert refused(OfflineClaude(reply="x"), body, beta=True).startswith("[simulated] messages.1.content.0: ")
