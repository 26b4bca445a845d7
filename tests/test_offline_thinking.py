"""Thinking blocks: simulated, signed, and bound to the model and to all that precedes them."""

import pytest
from offline_doors import STRICT, WEATHER, accepted, ask, assistant, refused, text, tool_result, tool_use, user

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
    """A signature that was invented or altered is refused on every model, and so is invented redacted thinking."""
    for model in (BINDING, FREE):
        body = talk(model)
        accepted(claude, body)
        body["messages"][1]["content"][0]["signature"] = "invented"
        assert refused(claude, body) == "messages.1.content.0: Invalid `signature` in `thinking` block"
        asked = {"thinking": DROP} if model == BINDING else {}
        assert refused(claude, {**body, **asked}, beta=True, default_headers=headers()).endswith("block")
        hidden = conversation(model, user("Hello."), assistant([REDACTED, text("Hi.")]), user("And now?"))
        accepted(claude, hidden)
        hidden["messages"][1]["content"][0]["data"] = "forged"
        assert refused(claude, hidden) == "messages.1.content.0: Invalid `data` in `redacted_thinking` block"


REDACTED = {"type": "redacted_thinking", "data": ""}


def cannot_be_modified(index, spot):
    """The API's words for changed thinking at this place."""
    return (
        f"messages.{index}.content.{spot}: `thinking` or `redacted_thinking` blocks in the latest assistant message "
        "cannot be modified. These blocks must remain as they were in the original response."
    )


def loop(*content, **more):
    """An open tool loop on a model that does not bind thinking: a call, with these blocks before it, and the result."""
    messages = (user("Weather?"), assistant([*content, tool_use()]), user([tool_result()]))
    return conversation(FREE, *messages, **{"thinking": ADAPTIVE, "tools": [WEATHER], **more})


def test_latest_thinking_is_unchanged(claude):
    """Edited, moved or partly left out, the latest message's thinking is refused; whole or left out it is taken."""
    body = loop(thought("First."), thought("Second."), text("So."))
    accepted(claude, body)
    blocks = body["messages"][1]["content"]

    def with_blocks(*blocks):
        """The same loop with other blocks in its assistant message."""
        return changed(body, messages=[body["messages"][0], assistant(list(blocks)), body["messages"][2]])

    edited = {**blocks[0], "thinking": "Something else."}
    assert refused(claude, with_blocks(edited, *blocks[1:])) == cannot_be_modified(1, 0)
    assert refused(claude, with_blocks(*blocks[2:], *blocks[:2])) == cannot_be_modified(1, 2)
    assert refused(claude, with_blocks(blocks[1], blocks[0], *blocks[2:])) == cannot_be_modified(1, 0)
    for kept in (blocks[1:], [blocks[0], *blocks[2:]]):
        assert refused(claude, with_blocks(*kept)) == cannot_be_modified(1, 0)
    accepted(claude, with_blocks(*blocks[2:]))


def test_redacted_thinking_of_the_latest_message_is_unchanged_too(claude):
    """Redacted thinking cannot be left out of a run, which code that filters blocks by type does."""
    body = loop(thought("First."), REDACTED)
    accepted(claude, body)
    first, _, call = body["messages"][1]["content"]
    less = changed(body, messages=[body["messages"][0], assistant([first, call]), body["messages"][2]])
    assert refused(claude, less) == cannot_be_modified(1, 0)


def test_thinking_of_an_earlier_message_may_be_edited(claude):
    """The rule is on the latest assistant message alone."""
    body = conversation(FREE, user("a"), assistant([thought(), text("b")]), user("c"), assistant("d"), user("e"))
    body["messages"][1]["content"][0]["thinking"] = "Something else."
    accepted(claude, body)


def test_text_in_an_omitted_block_is_ignored(claude):
    """A block that came without its text stays valid whatever is written into it, and costs the same."""
    client = claude.client(**STRICT)
    reply = assistant(client.messages.create(**ask(model="claude-opus-5")).to_dict()["content"])
    assert reply["content"][0]["thinking"] == ""
    whole = ask(user("Hello."), reply, user("And now?"), model="claude-opus-5")
    tokens = accepted(claude, whole)["usage"]["input_tokens"]
    reply["content"][0]["thinking"] = "My own words, which nobody reads."
    assert accepted(claude, whole)["usage"]["input_tokens"] == tokens


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


def test_dropping_goes_on_to_the_end(claude):
    """With drop_block the failing block and every later one are dropped, those of a gap in the chain too."""
    turns = []
    for number in range(3):
        turns += [user(f"Question {number}."), assistant([thought(f"Hm {number}."), text("So.")])]
    body = conversation(BINDING, *turns, user("End."), thinking=DROP)
    body["messages"][2] = user("Changed.")
    told = claude.client(**STRICT).beta.messages.create(**body, betas=CONTROLS).input_transformations
    assert [entry.path for entry in told] == ["messages.3.content.0", "messages.5.content.0"]
    assert {entry.reason for entry in told} == {"prefix_binding_mismatch"}


@pytest.mark.parametrize(
    ("writer", "reader", "read"),
    [
        ("claude-opus-5", "claude-opus-5-5", True),
        ("claude-sonnet-4-6", "claude-opus-5-5", True),
        ("claude-haiku-4-5", "claude-opus-5-5", True),
        ("claude-fable-5-1", "claude-opus-5-5", False),
        ("claude-opus-5-5", "claude-fable-5-1", True),
        ("claude-fable-5-2", "claude-fable-5-1", False),
        ("claude-fable-5-2", "claude-opus-5-5", False),
        ("claude-sonnet-5-5", "claude-sonnet-5-5", True),
    ],
)
def test_a_model_reads_its_own_thinking_and_that_of_some_others(claude, writer, reader, read):
    """Dropped thinking of another model is reported with the header, silent without, and never billed."""
    words = "The thought of a whole afternoon on a parcel that did not arrive. " * 9
    messages = (user("Hello."), assistant([thought(words), text("Hi.")]), user("And now?"))
    body = changed(conversation(writer, *messages), model=reader)
    client = claude.client(**STRICT)
    assert client.beta.messages.create(**body).input_transformations is None
    message = client.beta.messages.create(**body, betas=CONTROLS)
    expected = [] if read else ["model_binding_mismatch"]
    assert [entry.reason for entry in message.input_transformations] == expected
    plain = ask(user("Hello."), assistant("Hi."), user("And now?"), model=reader)
    more = message.usage.input_tokens - client.messages.create(**plain).usage.input_tokens
    assert (more > 90) == read
    assert read or more == 0


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
