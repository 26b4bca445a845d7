"""The ends of replies, and their reasons."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_doors import ASK, accepted, ask, text, tool_use, user

from labkit.offline import OfflineClaude, Reply

MODEL = str(ASK["model"])


@given(words=st.text(st.characters(codec="utf-8"), min_size=1, max_size=300), limit=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_a_reply_never_exceeds_max_tokens(words, limit):
    """At most max_tokens are billed for any words, and the given text is a beginning of the reply."""
    message = OfflineClaude(reply=words).client().messages.create(**ask(max_tokens=limit))
    said = "".join(block.text for block in message.content)
    assert message.usage.output_tokens <= limit
    assert words.startswith(said)
    assert (said == words) >= (message.stop_reason == "end_turn")
    assert (message.stop_reason == "max_tokens") >= (said != words)


def test_a_part_of_a_character_is_not_said():
    """A butterfly takes several tokens, so one token is not enough for it."""
    message = OfflineClaude(reply="\N{BUTTERFLY}").client().messages.create(**ask(max_tokens=1))
    assert "".join(block.text for block in message.content) == ""
    assert message.stop_reason == "max_tokens"


@pytest.mark.parametrize(("limit", "said"), [(1, "one"), (2, "one two"), (3, "one two three")])
def test_a_reply_is_as_long_as_max_tokens_allows(limit, said):
    """The allowed length is used, to the last token."""
    message = OfflineClaude(reply="one two three").client().messages.create(**ask(max_tokens=limit))
    assert (message.content[0].text, message.usage.output_tokens) == (said, limit)


def test_a_stop_sequence_ends_the_reply_before_it():
    """The earliest stop sequence ends the reply, is named, and is not part of it."""
    claude = OfflineClaude(reply="one, two; three")
    message = accepted(claude, ask(stop_sequences=["; ", ", "]))
    assert message["content"][0]["text"] == "one"
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", ", ")


def test_a_stop_sequence_that_is_not_said_changes_nothing():
    """A reply without the sequence ends as it would have."""
    message = accepted(OfflineClaude(reply="one"), ask(stop_sequences=["zwei"]))
    assert message["stop_reason"] == "end_turn"
    assert "stop_sequence" not in message


def test_a_reply_that_begins_with_a_stop_sequence_is_empty():
    """Nothing before the sequence means no content."""
    message = accepted(OfflineClaude(reply="END of it"), ask(stop_sequences=["END"]))
    assert (message["content"], message["stop_reason"]) == ([], "stop_sequence")


def test_the_window_ends_a_reply_where_max_tokens_would_not():
    """A reply that runs into the window stops with a separate reason, and fills the window exactly."""
    claude = OfflineClaude(reply="word " * 500, windows={MODEL: 200})
    message = accepted(claude, ask(user("word " * 100), max_tokens=5000))
    usage = message["usage"]
    assert message["stop_reason"] == "model_context_window_exceeded"
    assert usage["input_tokens"] + usage["output_tokens"] == 200


@pytest.mark.parametrize("reason", ["tool_use", "pause_turn", "end_turn"])
def test_the_reply_function_says_why_it_stopped(reason):
    """Within the limits the reply's stop reason stays."""
    claude = OfflineClaude(reply=lambda request: Reply([text("Hm."), tool_use()], reason))
    assert accepted(claude, ask(max_tokens=5000))["stop_reason"] == reason


def test_a_tool_call_that_does_not_fit_is_left_out():
    """A cut never leaves half a tool call behind."""
    claude = OfflineClaude(reply=lambda request: Reply([text("Let me look."), tool_use()], "tool_use"))
    message = accepted(claude, ask(max_tokens=12))
    assert [block["type"] for block in message["content"]] == ["text"]
    assert message["stop_reason"] == "max_tokens"
