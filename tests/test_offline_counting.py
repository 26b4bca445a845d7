"""Token estimates: exact sums of ctok's counts, framed as recorded requests were."""

import subprocess
import sys

import pytest
from ctok import token_count
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_doors import WEATHER, ask, assistant, text, tool_result, tool_use, user

from labkit.offline import OfflineClaude
from labkit.offline.billing.tokens import FRAMINGS, framing, request_tokens, text_tokens
from labkit.offline.catalog import Catalog

MODELS = Catalog()
OLD, NEW, OPUS_4_7 = (MODELS.find(name) for name in ("claude-sonnet-4-6", "claude-opus-5", "claude-opus-4-7"))
WORDS = st.lists(st.sampled_from(["the", "Cat", "it's", "18", "café", "!", "NASA", "a", "x_y", "—"]), min_size=1)
PROSE = st.builds(" ".join, WORDS) | st.text(max_size=80)


def tokens(*messages, model=OLD, **more):
    """Input tokens of a request."""
    return request_tokens(ask(*messages, **more), model)


@pytest.mark.parametrize("frame", FRAMINGS.values(), ids=FRAMINGS)
@given(words=PROSE)
@settings(deadline=None)
def test_a_text_counted_in_parts_is_the_text_counted_whole(frame, words):
    """Counting between seams gives what ctok gives for the whole text, on every tokenizer generation."""
    assert text_tokens(words, frame.version) == token_count(words, frame.version) - frame.first


@pytest.mark.parametrize(("model", "first", "turn"), [(OLD, 7, 3), (NEW, 6, 2), (OPUS_4_7, 11, 2)])
def test_messages_are_framed_as_recorded(model, first, turn):
    """One user message costs its frame and content, a change of role a further frame."""
    one, two = (text_tokens(words, framing(model).version) for words in ("Good morning", "Hello"))
    assert tokens(user("Good morning"), model=model) == first + one
    assert tokens(user("Good morning"), assistant("Hello"), model=model) == first + one + turn + two


def test_a_second_block_or_message_of_one_role_costs_one_more():
    """A merged turn costs one token more than its parts, however it is written."""
    whole = tokens(user("Good"), user("morning"))
    assert whole == tokens(user([text("Good"), text("morning")]))
    assert whole == tokens(user("Good")) + text_tokens("morning", "3.0") + 1


def test_a_system_prompt_costs_its_content_alone():
    """System text has no frame, as a string or as a block."""
    extra = tokens(system="You are a scientist.") - tokens()
    assert extra == text_tokens("You are a scientist.", "3.0")
    assert tokens(system=[text("You are a scientist.")]) - tokens() == extra


def test_tools_cost_a_preamble_and_more_when_forced():
    """Tool definitions bring the model's preamble; forcing a tool lengthens it."""
    free = tokens(tools=[WEATHER])
    assert free > tokens() + OLD.tool_preamble
    assert tokens(tools=[WEATHER], tool_choice={"type": "any"}) == free + 92
    assert tokens(tools=[WEATHER], tool_choice={"type": "tool", "name": "weather"}) == free + 97


LOCATION = {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
PUBLISHED = {
    "name": "get_weather",
    "description": "Get the current weather in a given location",
    "input_schema": {"type": "object", "properties": {"location": LOCATION}, "required": ["location"]},
}


def test_published_counts_are_met_within_three_percent():
    """The examples of Anthropic's page on token counting (August 2026), 14 tokens and 403 with a tool, and a recorded
    count of 2026, which has 43 for the first of them with a thinking budget.
    """
    hello = ask(user("Hello, Claude"), system="You are a scientist")
    assert request_tokens(hello, OLD) == 14
    assert request_tokens(hello | {"thinking": {"type": "enabled", "budget_tokens": 1_024}}, OLD) == 43
    weather = ask(user("What's the weather like in San Francisco?"), tools=[PUBLISHED])
    assert request_tokens(weather, Catalog().find("claude-opus-5")) == pytest.approx(403, rel=0.03)


def test_calls_and_results_are_counted():
    """A tool round costs more than its words."""
    round_ = (user("Weather?"), assistant([tool_use()]), user([tool_result()]))
    assert tokens(*round_) > tokens(user("Weather?"), assistant("weather city Rome"), user("18 degrees"))


def test_newer_tokenizers_count_more():
    """The same prose has more tokens from Claude 4.7 on."""
    prose = "Conversation history is sent again with every single request, and you pay for all of it."
    assert text_tokens(prose, "4.8") > text_tokens(prose, "3.0")


@given(st.lists(PROSE.filter(str.strip), min_size=1, max_size=6))
@settings(deadline=None)
def test_longer_conversations_never_count_less(texts):
    """Adding a message never lowers the count."""
    messages = [user(words) if index % 2 == 0 else assistant(words) for index, words in enumerate(texts)]
    counts = [tokens(*messages[: index + 1]) for index in range(len(messages))]
    assert counts == sorted(counts)


@given(st.recursive(st.text(max_size=4), lambda inner: st.dictionaries(st.text(max_size=4), inner, max_size=3)))
@settings(deadline=None)
def test_any_block_can_be_counted(value):
    """A block of a kind without a rule is counted by its JSON."""
    assert tokens(user([{"type": "something", "value": value}])) > 0


def test_a_reply_costs_its_content_and_its_end():
    """Output tokens are the content's and a few that end it."""
    for model, version, end in ((OLD, "3.0", 3), (NEW, "4.8", 2)):
        client = OfflineClaude(reply="Hello").client()
        ask = [{"role": "user", "content": "hi"}]
        off = {"type": "disabled"}
        reply = client.messages.create(model=model.id, max_tokens=64, messages=ask, thinking=off)
        assert reply.usage.output_tokens == text_tokens("Hello", version) + end


def test_an_image_counts_by_its_pixels():
    """A PNG's tokens come from its size: recorded 263 for 540 by 360 pixels, frame included."""
    png = "iVBORw0KGgoAAAANSUhEUgAAAhwAAAFoCAIAAAA="
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png}}
    assert tokens(user([image])) - tokens(user([])) == 263


def test_usage_of_a_cut_reply_is_what_was_allowed():
    """A reply cut by max_tokens bills exactly max_tokens."""
    client = OfflineClaude(reply="word " * 500).client()
    message = client.messages.create(**ask(max_tokens=20))
    assert (message.usage.output_tokens, message.stop_reason) == (20, "max_tokens")
    assert text_tokens(message.content[0].text, "3.0") <= 20


GROWN = """
import psutil, sys
from ctok import token_count
from labkit.offline.billing.tokens import fresh_text_tokens
before = psutil.Process().memory_full_info().uss
count = {"ctok": lambda: token_count("hello", "3.0"), "labkit": lambda: fresh_text_tokens("hello", "3.0")}
count[sys.argv[1]]()
print(psutil.Process().memory_full_info().uss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc gives memory back when asked")
def test_a_count_keeps_less_of_the_vocabulary_than_ctok_reads() -> None:
    """The witnesses that come with a vocabulary are let go after it is read: a quarter of the memory at the least."""
    grown = {
        name: int(
            subprocess.run([sys.executable, "-c", GROWN, name], capture_output=True, text=True, check=True).stdout
        )
        for name in ("ctok", "labkit")
    }
    assert grown["labkit"] < 0.75 * grown["ctok"]
