"""Prompt caching: what is read, written and billed in full, on a clock that a lesson can move."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_doors import STRICT, WEATHER, ask, assistant, refused, text, user

from labkit.offline import OfflineClaude
from labkit.offline.billing.cache import LOOKBACK

EPHEMERAL = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
LONG = "The customer reports that the parcel has not arrived and asks where it is. " * 120
"""Longer than the cache minimum of the model (1,024 tokens)."""


def bill(claude, *messages, **more):
    """Input tokens as billed: (in full, written, read)."""
    usage = claude.client(**STRICT).messages.create(**ask(*messages, **more)).usage
    return usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens


def marked(words, control=EPHEMERAL):
    """A text block with a cache breakpoint."""
    return {**text(words), "cache_control": control}


@pytest.fixture
def claude():
    """An offline Claude with an empty cache."""
    return OfflineClaude(reply="Fine.")


def test_a_prefix_is_written_once_and_then_read(claude):
    """The first request writes up to its breakpoint, the next reads it; the rest is billed in full."""
    first = bill(claude, user([marked(LONG), text("Where is it?")]))
    second = bill(claude, user([marked(LONG), text("And now?")]))
    assert first[1] > 1024
    assert first[2] == 0
    assert (second[1], second[2]) == (0, first[1])


def test_the_three_fields_add_up_to_the_count(claude):
    """Read, written and full input together are what count_tokens says."""
    client = claude.client(**STRICT)
    messages = [user([marked(LONG), text("Where is it?")])]
    counted = client.messages.count_tokens(model="claude-sonnet-4-6", messages=messages).input_tokens
    assert sum(bill(claude, *messages)) == counted
    assert sum(bill(claude, *messages)) == counted


def test_streams_bill_like_whole_answers(claude):
    """A streamed answer carries the same cache fields, sync and async."""
    body = ask(user([marked(LONG)]))
    written = bill(claude, user([marked(LONG)]))[1]
    with claude.client(**STRICT).messages.stream(**body) as events:
        assert events.get_final_message().usage.cache_read_input_tokens == written

    async def read():
        """Stream once more."""
        async with claude.async_client(**STRICT).messages.stream(**body) as events:
            return (await events.get_final_message()).usage.cache_read_input_tokens

    assert asyncio.run(read()) == written


def test_a_short_prefix_is_not_cached_and_nothing_says_so(claude):
    """Below the model's minimum both counters stay at 0."""
    for _ in range(2):
        assert bill(claude, user([marked("Short."), text("And?")]))[1:] == (0, 0)


def test_a_changed_first_message_reads_nothing(claude):
    """A change of the beginning makes every later token a miss."""
    written = bill(claude, user(LONG), cache_control=EPHEMERAL)[1]
    changed = bill(claude, user("X" + LONG), cache_control=EPHEMERAL)
    assert changed[2] == 0
    assert changed[1] >= written


def test_automatic_caching_moves_along(claude):
    """Top-level caching reads what the turn before wrote and writes what is new."""
    first = bill(claude, user(LONG), cache_control=EPHEMERAL)
    second = bill(claude, user(LONG), assistant("Noted."), user("And?"), cache_control=EPHEMERAL)
    assert first[0] == 0
    assert second[2] == first[1]
    assert 0 < second[1] < 30


def test_dropping_the_oldest_turn_misses_every_time(claude):
    """A sliding window never reads what it wrote."""
    turns = [user(LONG + str(number)) for number in range(4)]
    for start in range(3):
        assert bill(claude, *turns[start : start + 2], cache_control=EPHEMERAL)[2] == 0


def test_an_entry_lives_five_minutes_and_reading_renews_it(claude):
    """After five minutes of silence nothing is left; every read starts them again."""
    body = user([marked(LONG)])
    written = bill(claude, body)[1]
    claude.clock.advance(299)
    assert bill(claude, body)[2] == written
    claude.clock.advance(299)
    assert bill(claude, body)[2] == written
    claude.clock.advance(301)
    assert bill(claude, body) == (0, written, 0)


def test_an_entry_can_live_an_hour(claude):
    """The longer life is billed in a separate field."""
    body = ask(user([marked(LONG, HOUR), text("?")]))
    usage = claude.client(**STRICT).messages.create(**body).usage
    assert usage.cache_creation.ephemeral_1h_input_tokens == usage.cache_creation_input_tokens > 0
    claude.clock.advance(3599)
    assert bill(claude, *body["messages"])[2] == usage.cache_creation_input_tokens
    claude.clock.advance(3601)
    assert bill(claude, *body["messages"])[2] == 0


def test_both_lives_in_one_request(claude):
    """Tokens up to the hour's breakpoint are billed as such, the rest as five minutes."""
    body = ask(user([marked(LONG)]), system=[marked(LONG, HOUR)])
    created = claude.client(**STRICT).messages.create(**body).usage.cache_creation
    assert min(created.ephemeral_1h_input_tokens, created.ephemeral_5m_input_tokens) > 1024


def test_a_breakpoint_on_the_system_prompt_survives_a_window(claude):
    """The part before the messages is read for any messages."""
    system = [marked(LONG)]
    written = bill(claude, user("One."), system=system)[1]
    assert bill(claude, user("Two."), system=system)[2] == written
    assert bill(claude, user("Two."), system=[marked(LONG + "!")])[2] == 0


def test_tools_come_before_system_and_messages(claude):
    """A changed tool invalidates everything after it; forcing one invalidates the messages only."""
    tools, system = [{**WEATHER, "cache_control": EPHEMERAL}], [marked(LONG)]
    written = bill(claude, user([marked(LONG)]), system=system, tools=tools)[1]
    assert bill(claude, user([marked(LONG)]), system=system, tools=tools)[2] == written
    other = [{**WEATHER, "description": "Something else", "cache_control": EPHEMERAL}]
    assert bill(claude, user([marked(LONG)]), system=system, tools=other)[2] == 0
    off = {"type": "none"}
    assert 0 < bill(claude, user([marked(LONG)]), system=system, tools=tools, tool_choice=off)[2] < written


@pytest.mark.parametrize(("added", "hit"), [(LOOKBACK - 1, True), (LOOKBACK, False)])
def test_the_lookup_goes_back_twenty_blocks(claude, added, hit):
    """An entry is found up to 19 blocks before the breakpoint, not further."""
    written = bill(claude, user([marked(LONG)]))[1]
    blocks = [text(LONG), *[text(f"Line {number}.") for number in range(added - 1)], marked("Last line.")]
    assert bill(claude, user(blocks))[2] == (written if hit else 0)


def test_moving_a_breakpoint_changes_no_hash(claude):
    """The same text without its breakpoint is still the same prefix."""
    written = bill(claude, user([marked(LONG), text("a")]))[1]
    assert bill(claude, user([text(LONG), marked("a")]))[2] == written


def test_a_cache_can_be_warmed_before_use(claude):
    """max_tokens 0 writes the cache and generates nothing."""
    written = bill(claude, user([marked(LONG)]), max_tokens=0)[1]
    assert bill(claude, user([marked(LONG)]))[2] == written > 0


def test_a_refused_request_writes_nothing(claude):
    """Only answered requests leave an entry."""
    with pytest.raises(Exception, match="Extra inputs"):
        bill(claude, user([marked(LONG)]), extra_body={"importance": 1})
    assert bill(claude, user([marked(LONG)]))[2] == 0


def test_models_do_not_share_entries(claude):
    """Another model reads nothing of it."""
    bill(claude, user([marked(LONG)]))
    assert bill(claude, user([marked(LONG)]), model="claude-opus-5")[2] == 0


def test_classroom_windows_scale_the_minimum():
    """With a small window a short prefix is long enough."""
    claude = OfflineClaude(reply="Fine.", windows={"claude-sonnet-4-6": 10_000})
    assert bill(claude, user([marked("Remember: the code is 4711. " * 3), text("?")]))[1] > 10


def test_at_most_four_breakpoints(claude):
    """A fifth breakpoint is refused, the automatic one counts, four are taken."""
    four = [marked(f"Part {number}.") for number in range(4)]
    words = "A maximum of 4 blocks with cache_control may be provided. Found 5."
    assert refused(claude, ask(user([*four, marked("Part 4.")]))) == words
    assert refused(claude, ask(user([*four, text("End.")]), cache_control=EPHEMERAL)) == words
    assert bill(claude, user(four), cache_control=EPHEMERAL)


def test_longer_lives_come_first(claude):
    """An hour after five minutes is refused, the other way round is not."""
    words = refused(claude, ask(user([marked("a"), marked("b", HOUR)])))
    assert words.startswith(
        "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come after"
    )
    assert "system.0.cache_control" in refused(
        claude, ask(system=[marked("b", HOUR)], tools=[{**WEATHER, "cache_control": EPHEMERAL}])
    )
    assert bill(claude, user([marked("a", HOUR), marked("b")]))


def test_automatic_life_agrees(claude):
    """The automatic breakpoint must not contradict the one on its block."""
    words = "Top-level cache_control has ttl='5m' but the target block already has cache_control with ttl='1h'"
    assert refused(claude, ask(user([marked("a", HOUR)]), cache_control=EPHEMERAL)) == words
    assert bill(claude, user([marked("a")]), cache_control=EPHEMERAL)


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_bills_always_add_up(turns):
    """The three fields add up for any cached request, and the same request twice writes nothing the second time."""
    claude = OfflineClaude(reply="Fine.")
    blocks = [(marked if cached else text)(LONG * size + str(place)) for place, (size, cached) in enumerate(turns[:4])]
    plain = bill(claude, user([text(block["text"]) for block in blocks]))
    for expected in (None, 0):
        full, written, read = bill(claude, user(blocks))
        assert full + written + read == plain[0]
        assert expected is None or written == expected


@pytest.fixture
def opus():
    """Ask a model that thinks by default for a reply to the same cached question, and give the tokens read."""
    claude = OfflineClaude(reply="Fine.")

    def read(**changes):
        """Input tokens read by a request with these changes."""
        body = {"model": "claude-opus-5", "system": [marked(LONG)], "cache_control": EPHEMERAL, **changes}
        messages = body.pop("messages", [user(LONG)])
        return bill(claude, *messages, **body)[2]

    read()
    return read


THUMB = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgoAAAANSUhEUgAAAhwAAAFoCAIAAAA="}
FORMAT = {"type": "json_schema", "schema": {"type": "object", "properties": {}, "additionalProperties": False}}


@pytest.mark.parametrize(
    "changes",
    [
        {"output_config": {"effort": "low"}},
        {"messages": [user(LONG), assistant("Hi."), user([{"type": "image", "source": THUMB}, text("This?")])]},
        {"thinking": {"type": "disabled"}},
        {"tools": [WEATHER], "tool_choice": {"type": "none"}},
    ],
    ids=["effort", "an image at the end", "thinking", "tool choice"],
)
def test_a_setting_that_ends_the_messages_cache(opus, changes):
    """A change of effort, of images or of thinking leaves the system prompt's entry at most, never the messages'."""
    whole = opus()
    assert whole > 0
    assert opus(**changes) <= whole / 2 + 100


def test_effort_leaves_the_system_prompt_cached(opus):
    """The entry of the system prompt, which comes before the setting, is read."""
    assert 0 < opus(output_config={"effort": "low"}) < opus()


@pytest.mark.parametrize("changes", [{"speed": "fast"}, {"output_config": {"format": FORMAT}}], ids=["speed", "format"])
def test_a_setting_that_ends_the_system_prompt_s_cache_too(opus, changes):
    """Another speed, or a format of the reply, reads nothing at all."""
    assert opus() > 0
    assert opus(**changes) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"output_config": {"effort": "high"}},
        {"thinking": {"type": "adaptive"}},
        {"thinking": {"type": "adaptive", "display": "summarized"}},
        {"thinking": {"type": "adaptive", "display": "omitted"}},
        {"speed": "standard"},
    ],
    ids=["effort", "thinking", "summarized", "omitted", "speed"],
)
def test_a_default_said_aloud_keeps_the_cache(opus, changes):
    """The default value of a setting is as good as silence, and the display of thinking is no part of the prompt."""
    assert opus(**changes) == opus() > 0


def test_thinking_off_is_the_default_before_claude_5():
    """On a model that does not think by default, switching thinking off changes nothing."""
    claude = OfflineClaude(reply="Fine.")
    model = {"model": "claude-opus-4-8", "cache_control": EPHEMERAL}
    written = bill(claude, user(LONG), **model)[1]
    assert bill(claude, user(LONG), **model, thinking={"type": "disabled"})[2] == written > 0
    assert bill(claude, user(LONG), **model, thinking={"type": "adaptive"})[2] == 0
