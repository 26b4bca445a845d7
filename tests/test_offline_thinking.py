"""Thinking blocks: simulated, signed, and bound to the model and to all that precedes them."""

import pytest
from offline_doors import STRICT, accepted, ask, assistant, refused, text, tool_result, tool_use, user

from labkit.offline import OfflineClaude
from labkit.offline.catalog import Catalog
from labkit.offline.platform.thinking import signed

BINDING = "claude-sonnet-5-5"
FREE = "claude-sonnet-4-6"
ADAPTIVE = {"type": "adaptive"}
CONTROLS = ["thinking-binding-controls-2026-08-01"]
DROP = {**ADAPTIVE, "block_binding": {"prefix_mismatch_behavior": "drop_block"}}


@pytest.fixture
def claude():
    """An offline Claude that always says the same."""
    return OfflineClaude(reply="Fine.")


def thought(words="Hm."):
    """A thinking block that still lacks its signature."""
    return {"type": "thinking", "thinking": words, "signature": ""}


def conversation(model, *messages, **more):
    """A request whose thinking was really signed for that model and place."""
    return signed(ask(*messages, model=model, **more), Catalog().find(model))


def talk(model=BINDING, **more):
    """Two turns, the first answered with thinking."""
    messages = (user("Hello."), assistant([thought(), text("Hi.")]), user("And now?"))
    return conversation(model, *messages, **more)


def test_thinking_comes_first_when_asked_for(claude):
    """A request with thinking is answered with a signed thinking block before the text, streamed or whole."""
    message = accepted(claude, ask(thinking=ADAPTIVE))
    assert [block["type"] for block in message["content"]] == ["thinking", "text"]
    assert message["content"][0]["signature"]
    assert message["content"][0]["thinking"].startswith("[simulated] ")
    hidden = accepted(claude, ask(thinking={**ADAPTIVE, "display": "omitted"}))
    assert hidden["content"][0]["thinking"] == ""
    assert [block["type"] for block in accepted(claude, ask(thinking={"type": "disabled"}))["content"]] == ["text"]


def test_an_append_only_conversation_stays_valid(claude):
    """Sending back what came, unchanged, is always taken, on models that bind thinking too."""
    client = claude.client(**STRICT)
    messages = [user("Hello.")]
    for words in ("And now?", "And then?", "The end."):
        reply = client.messages.create(**ask(*messages, model=BINDING, thinking=ADAPTIVE))
        messages += [reply.to_param(), user(words)]
    assert client.messages.create(**ask(*messages, model=BINDING)).stop_reason == "end_turn"


def test_thinking_has_its_signature(claude):
    """A signature that was invented or altered is refused on every model; the visible text does not count."""
    for model in (BINDING, FREE):
        body = talk(model)
        accepted(claude, body)
        body["messages"][1]["content"][0]["thinking"] = "Something else."
        accepted(claude, body)
        body["messages"][1]["content"][0]["signature"] = "invented"
        assert refused(claude, body) == "messages.1.content.0: Invalid `signature` in `thinking` block"
        assert refused(claude, {**body, "thinking": DROP}, beta=True, default_headers=headers()).endswith("block")


def headers(*names):
    """The beta header with these names, or the one for thinking controls."""
    return {"anthropic-beta": ",".join(names or CONTROLS)}


def changed(body, **parts):
    """A copy of a request with some of its parts replaced."""
    return {**body, **parts}


def test_thinking_is_bound_to_what_precedes_it(claude):
    """A changed message, system prompt or tool before it makes a block invalid where thinking is bound."""
    body = talk()
    words = (
        "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different "
        'conversation. Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to "drop_block".'
    )
    edited = changed(body, messages=[user("Changed."), *body["messages"][1:]])
    assert refused(claude, edited).startswith(words)
    assert "`anthropic-beta` header." in refused(claude, edited)
    assert refused(claude, edited, beta=True, default_headers=headers()) == words
    assert refused(claude, changed(body, system="Be brief.")).startswith(words)
    assert refused(claude, changed(body, messages=body["messages"][1:])).startswith("messages.0.content.0")
    accepted(claude, changed(talk(FREE), messages=[user("Changed."), *talk(FREE)["messages"][1:]]))


def test_what_is_the_same_prompt_is_the_same_prefix(claude):
    """Text as string or block, a cache breakpoint, or a turn in two messages changes nothing before a block."""
    body = talk()
    first = {**text("Hello."), "cache_control": {"type": "ephemeral"}}
    accepted(claude, changed(body, messages=[user([first]), *body["messages"][1:]]))
    rest = body["messages"][1:]
    two = conversation(BINDING, user([text("a"), text("b")]), assistant([thought(), text("c")]), user("d"))["messages"]
    accepted(claude, changed(body, messages=[user("a"), user("b"), *two[1:]]))
    accepted(claude, changed(body, messages=[*body["messages"], assistant("x"), user("y")]))
    assert rest


def test_leading_thinking_may_be_left_out_but_nothing_between(claude):
    """Older thinking can go from the front; a gap between two blocks is a change."""
    turns = []
    for number in range(3):
        turns += [user(f"Question {number}."), assistant([thought(f"Hm {number}."), text("So.")])]
    body = conversation(BINDING, *turns, user("End."))
    messages = body["messages"]

    def without(*places):
        """The request without the thinking of these messages."""
        return changed(
            body, messages=[{**m, "content": m["content"][1:]} if i in places else m for i, m in enumerate(messages)]
        )

    accepted(claude, without(1))
    accepted(claude, without(1, 3))
    accepted(claude, without(1, 3, 5))
    assert refused(claude, without(3)).startswith("messages.5.content.0")


def test_bound_blocks_are_dropped_on_request(claude):
    """With drop_block the request goes through, and what was dropped is reported and not billed."""
    body = talk()
    edited = changed(body, messages=[user("Changed."), *body["messages"][1:]], thinking=DROP)
    client = claude.client(**STRICT)
    message = client.beta.messages.create(**edited, betas=CONTROLS)
    reported = [(entry.type, entry.path, entry.reason) for entry in message.input_transformations]
    assert reported == [("thinking_dropped", "messages.1.content.0", "prefix_binding_mismatch")]
    plain = changed(edited, messages=[edited["messages"][0], assistant("Hi."), edited["messages"][2]])
    assert message.usage.input_tokens == client.beta.messages.create(**plain, betas=CONTROLS).usage.input_tokens
    honest = client.beta.messages.create(**talk(thinking=DROP), betas=CONTROLS)
    assert honest.input_transformations == []
    assert client.beta.messages.create(**talk()).input_transformations is None


def test_another_model_does_not_read_it(claude):
    """Thinking of another model is dropped in any case, silently without the header."""
    body = changed(talk(BINDING), model="claude-opus-5-5")
    client = claude.client(**STRICT)
    assert client.beta.messages.create(**body).input_transformations is None
    told = client.beta.messages.create(**body, betas=CONTROLS).input_transformations
    assert [entry.reason for entry in told] == ["model_binding_mismatch"]


def test_thinking_stays_valid_within_an_open_tool_round(claude):
    """A tool round goes on from its thinking; the result behind it does not count as a change."""
    body = conversation(BINDING, user("Weather?"), assistant([thought(), tool_use()]), user([tool_result()]), tools=[])
    accepted(claude, body)
    assert refused(claude, changed(body, messages=[user("Weather now?"), *body["messages"][1:]]))


def test_counting_makes_the_same_check(claude):
    """count_tokens refuses what create refuses."""
    body = talk()
    edited = {"model": BINDING, "messages": [user("Changed."), *body["messages"][1:]]}
    with pytest.raises(Exception, match="bound to a different conversation"):
        claude.client(**STRICT).messages.count_tokens(**edited)
