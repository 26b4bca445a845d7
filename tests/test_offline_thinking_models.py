"""Thinking by model: which types are accepted, what happens when a request says nothing, and what it costs."""

import pytest
from offline_doors import STRICT, WEATHER, accepted, ask, assistant, refused, text, tool_result, tool_use, user

from labkit import models
from labkit.offline import OfflineClaude
from labkit.offline.catalog import Catalog
from labkit.offline.platform.thinking import signed

pytestmark = [
    pytest.mark.filterwarnings("ignore:The model .* is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Using Claude with .* is deprecated:UserWarning"),
]
EVERY = list(models.known())
CONFIGURED = {
    "adaptive": {"type": "adaptive"},
    "enabled": {"type": "enabled", "budget_tokens": 1_024},
    "disabled": {"type": "disabled"},
    "between_tools": {"type": "between_tools"},
}
NOT_ENABLED = (
    '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" '
    "to control thinking behavior."
)
WORDS = {
    "enabled": NOT_ENABLED,
    "disabled": '"thinking.type.disabled" is not supported for this model. Thinking defaults to adaptive mode when not '
    'specified; use "thinking.type.enabled" with "budget_tokens" for extended thinking.',
    "adaptive": "adaptive thinking is not supported on this model",
    "between_tools": '"thinking.type.between_tools" is not supported for this model.',
}
THINKING_ROOM = 2_000


@pytest.fixture(scope="module")
def claude():
    """An offline Claude that always says the same."""
    return OfflineClaude(reply="Fine.")


def kinds(message):
    """The types of a message's blocks, in order."""
    return [block["type"] for block in message["content"]]


@pytest.mark.parametrize("kind", CONFIGURED)
def test_thinking_type_by_model(claude, kind):
    """Each type is accepted by the models that have it and refused in the API's words by the others."""
    refusing = "claude-opus-5-5" if kind in ("enabled", "disabled") else "claude-haiku-4-5"
    assert refused(claude, ask(model=refusing, thinking=CONFIGURED[kind], max_tokens=THINKING_ROOM)) == WORDS[kind]
    client = claude.client(**STRICT)
    for name, row in models.known().items():
        asked = ask(model=name, thinking=CONFIGURED[kind], max_tokens=THINKING_ROOM)
        if kind in row.thinking.types:
            assert client.messages.create(**asked).stop_reason == "end_turn"
        else:
            with pytest.raises(Exception, match="not supported"):
                client.messages.create(**asked)


@pytest.mark.parametrize("name", EVERY)
def test_a_request_that_says_nothing_thinks_as_its_model_does(claude, name):
    """On from Claude 5 on and off before: a thinking block is first where it is on, and is never asked for."""
    message = claude.client(**STRICT).messages.create(**ask(model=name)).to_dict()
    on = "-4-" not in name
    assert kinds(message) == (["thinking", "text"] if on else ["text"])


def test_a_request_that_says_nothing_thinks_on_every_way_in(claude):
    """Sync, async and streamed, the reply begins with thinking whose text is omitted and whose signature is not."""
    message = accepted(claude, ask(model="claude-haiku-5-5"))
    assert kinds(message) == ["thinking", "text"]
    assert message["content"][0]["thinking"] == ""
    assert message["content"][0]["signature"]


@pytest.mark.parametrize("name", [name for name in EVERY if "adaptive" in models.find(name).thinking.types])
def test_thinking_is_shown_as_its_model_shows_it(claude, name):
    """Without `display` thinking is omitted from Claude 4.7 on; either display may be asked for, at the same price."""
    client = claude.client(**STRICT)
    shown = {
        display: client.messages.create(**ask(model=name, thinking={"type": "adaptive", **display_of(display)}))
        for display in (None, "summarized", "omitted")
    }
    texts = {display: message.content[0].thinking for display, message in shown.items()}
    assert texts["summarized"].startswith("[simulated] ")
    assert texts["omitted"] == ""
    assert texts[None] == texts[models.find(name).thinking.display]
    assert (texts[None] == "") == (name not in ("claude-opus-4-6", "claude-sonnet-4-6"))
    assert len({message.usage.output_tokens for message in shown.values()}) == 1


def display_of(display):
    """The field `display`, or nothing."""
    return {"display": display} if display else {}


@pytest.mark.parametrize("shown", ["summarized", "omitted"])
def test_a_reply_cut_off_inside_its_thinking_has_no_text(claude, shown):
    """Thinking counts in max_tokens: with too little of it there is a thinking block, no text, and stop max_tokens."""
    thinking = {"type": "adaptive", "display": shown}
    message = accepted(claude, ask(model="claude-opus-5", thinking=thinking, max_tokens=12))
    assert (kinds(message), message["stop_reason"]) == (["thinking"], "max_tokens")
    assert message["usage"]["output_tokens"] == 12
    assert bool(message["content"][0]["thinking"]) == (shown == "summarized")
    going_on = ask(user("Hello."), assistant(message["content"]), user("Go on."), model="claude-opus-5")
    accepted(claude, going_on)


def test_thinking_is_billed_as_output(claude):
    """The same answer costs more output tokens with thinking than without, though none of it is shown."""
    client = claude.client(**STRICT)
    on = client.messages.create(**ask(model="claude-opus-5"))
    off = client.messages.create(**ask(model="claude-opus-5", thinking={"type": "disabled"}))
    assert on.content[-1].text == off.content[-1].text
    assert on.usage.output_tokens > off.usage.output_tokens + 10


def test_more_effort_is_more_thinking(claude):
    """Output tokens grow with every level of effort, and the model's default is one of them."""
    client = claude.client(**STRICT)
    spent = [
        client.messages.create(**ask(model="claude-opus-5-5", output_config={"effort": level})).usage.output_tokens
        for level in ("low", "medium", "high", "xhigh", "max")
    ]
    assert spent == sorted(set(spent))
    assert client.messages.create(**ask(model="claude-opus-5-5")).usage.output_tokens == spent[1]


def test_thinking_off_by_effort(claude):
    """From Claude Opus 5 on thinking cannot be off at the two highest levels; before, it can."""
    for level in ("low", "high"):
        accepted(claude, ask(model="claude-opus-5", thinking={"type": "disabled"}, output_config={"effort": level}))
    for model, kind in (("claude-opus-5", "disabled"), ("claude-sonnet-5-5", "between_tools")):
        for level in ("xhigh", "max"):
            asked = ask(model=model, thinking={"type": kind}, output_config={"effort": level})
            assert refused(claude, asked).startswith(f'"thinking.type.{kind}" is not supported with')
    accepted(claude, ask(model="claude-opus-4-8", thinking={"type": "disabled"}, output_config={"effort": "max"}))


def test_manual_thinking_begins_the_turn(claude):
    """With a thinking budget an open loop's turn begins with thinking; adaptive thinking asks for none."""
    asked = {"max_tokens": THINKING_ROOM, "tools": [WEATHER]}
    messages = (user("Weather?"), assistant([tool_use()]), user([tool_result()]))
    manual = ask(*messages, thinking=CONFIGURED["enabled"], **asked)
    words = "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When"
    assert refused(claude, manual).startswith(words)
    accepted(claude, {**manual, "thinking": {"type": "adaptive"}})
    thought = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    whole = ask(messages[0], assistant([thought, tool_use()]), messages[2], **asked)
    model = Catalog().find("claude-sonnet-4-6")
    accepted(claude, {**signed(whole, model), "thinking": CONFIGURED["enabled"]})
    accepted(claude, ask(user("Hello."), assistant("Hi."), user("And now?"), thinking=CONFIGURED["enabled"], **asked))


def test_no_prefill_while_thinking(claude):
    """A model that allows prefill does not allow it while it thinks."""
    prefilled = ask(user("Name a colour."), assistant("The colour is"), model="claude-haiku-4-5")
    accepted(claude, prefilled)
    words = "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`."
    asked = {**prefilled, "thinking": CONFIGURED["enabled"], "max_tokens": THINKING_ROOM}
    assert refused(claude, asked).startswith(words)


@pytest.mark.parametrize(
    ("name", "kept"), [("claude-haiku-4-5", False), ("claude-sonnet-4-5", False), ("claude-sonnet-4-6", True)]
)
def test_thinking_of_earlier_turns_is_billed_where_it_is_read(claude, name, kept):
    """Up to Claude 4.5 the thinking of earlier turns costs nothing, later it does; that of an open loop always does."""
    thought = {"type": "thinking", "thinking": "A long thought on the weather. " * 20, "signature": ""}
    model = Catalog().find(name)
    client = claude.client(**STRICT)

    def tokens(*messages):
        """Input tokens of a request with really signed thinking."""
        body = signed(ask(*messages, model=name, tools=[WEATHER]), model)
        return client.messages.create(**body).usage.input_tokens

    earlier = (user("Hello."), assistant([thought, text("Hi.")]), user("And now?"))
    more = tokens(*earlier) - tokens(earlier[0], assistant([text("Hi.")]), earlier[2])
    assert (more > 100) == kept
    assert kept or more == 0
    loop = (user("Weather?"), assistant([thought, tool_use()]), user([tool_result()]))
    assert tokens(*loop) - tokens(loop[0], assistant([tool_use()]), loop[2]) > 100


def test_words_between_two_tool_calls_are_thinking_from_5_5_on():
    """In a loop a 5.5 model's progress report is thinking, omitted by default and shown with between_tools."""
    claude = OfflineClaude()
    tools = [WEATHER, {**WEATHER, "name": "forecast", "description": "The forecast for a city"}]
    asked = ask(user("The weather and then the forecast for Rome, please?"), tools=tools, model="claude-sonnet-5-5")
    first = accepted(claude, asked)
    assert "tool_use" in kinds(first)
    calls = [block for block in first["content"] if block["type"] == "tool_use"][:1]
    messages = [*asked["messages"], assistant(calls), user([tool_result(calls[0]["id"])])]
    for thinking, shown in ((None, False), ({"type": "between_tools"}, True)):
        second = accepted(claude, ask(*messages, tools=tools, model="claude-sonnet-5-5", thinking=thinking))
        assert kinds(second) == ["thinking", "tool_use"]
        assert ("I'll call" in second["content"][0]["thinking"]) == shown
    older = accepted(claude, ask(*messages, tools=tools, model="claude-opus-4-8"))
    assert kinds(older) == ["text", "tool_use"]
