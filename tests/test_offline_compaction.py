"""Compaction: a signed summary on demand, or one by threshold, in place of the conversation."""

import pytest
from offline_doors import STRICT, WEATHER, accepted, ask, assistant, refused, text, tool_use, user

from labkit.offline import OfflineClaude, Reply
from labkit.offline.catalog import Catalog
from labkit.offline.platform.compaction import PROMPT
from labkit.offline.platform.thinking import signed

MODEL = "claude-sonnet-4-6"
ON_DEMAND = {"betas": ["compact-2026-09-04"]}
THRESHOLD = {"betas": ["compact-2026-01-12"]}
SUMMARIZE = {"compaction": {"type": "summarize"}}
TALK = (user("My order is 889."), assistant("Noted."), user("It is late."))


def words_of(request):
    """Say how many messages there are and repeat the last one's words."""
    last = request["messages"][-1]["content"]
    said = last if isinstance(last, str) else " ".join(block.get("text", "") for block in last)
    return Reply([text(f"{len(request['messages'])} messages, last: {said}")])


@pytest.fixture
def claude():
    """An offline Claude whose words show what it was asked."""
    return OfflineClaude(reply=words_of)


def create(claude, *messages, **more):
    """A beta message."""
    return claude.client(**STRICT).beta.messages.create(**ask(*messages, **more))


def compacted(claude, *messages, **more):
    """The summary of a conversation, as the message that goes first from then on."""
    reply = create(claude, *messages, **SUMMARIZE, **ON_DEMAND, **more)
    return {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in reply.content]}


def test_a_summary_on_demand_is_all_that_comes(claude):
    """One signed block, a separate stop reason, no top-level usage, the cost among the iterations."""
    body = ask(*TALK, **SUMMARIZE)
    message = accepted(claude, body, beta=True, default_headers={"anthropic-beta": ON_DEMAND["betas"][0]})
    (block,) = message["content"]
    assert (block["type"], message["stop_reason"]) == ("compaction", "compaction")
    assert block["content"].startswith("4 messages")
    assert PROMPT[:40] in block["content"]
    assert (message["usage"]["input_tokens"], message["usage"]["output_tokens"]) == (0, 0)
    (iteration,) = message["usage"]["iterations"]
    assert iteration["type"] == "compaction"
    assert min(iteration["input_tokens"], iteration["output_tokens"]) > 10


def test_instructions_replace_the_prompt(claude):
    """The model is asked in the request's own words; blank ones count as none."""
    asked = {"compaction": {"type": "summarize", "instructions": "Only the order."}}
    assert create(claude, *TALK, **asked, **ON_DEMAND).content[0].content.endswith("last: Only the order.")
    blank = {"compaction": {"type": "summarize", "instructions": " "}}
    assert PROMPT[:40] in create(claude, *TALK, **blank, **ON_DEMAND).content[0].content
    longest = {"compaction": {"type": "summarize", "instructions": "x" * 16_384}}
    assert create(claude, *TALK, **longest, **ON_DEMAND).stop_reason


def test_the_block_goes_first_and_is_read_as_text(claude):
    """Sent back first, in place of what it summarizes, the block is what the model reads."""
    views = []
    claude.service.reply = lambda request: views.append(request) or words_of(request)
    block = compacted(claude, *TALK)
    reply = create(claude, block, user("And now?"), **ON_DEMAND)
    assert reply.content[0].text == "2 messages, last: And now?"
    assert views[-1]["messages"][0]["content"][0]["text"] == block["content"][0]["content"]
    first = {"role": "user", "content": [*block["content"], text("And now?")]}
    assert create(claude, first, **ON_DEMAND).content[0].text.startswith("1 messages")


def test_a_summary_that_is_cut_off_is_none(claude):
    """When the summary does not fit max_tokens the content is empty and the reason says so; it is billed."""
    message = create(claude, *TALK, **SUMMARIZE, **ON_DEMAND, max_tokens=5)
    assert (message.content, message.stop_reason) == ([], "max_tokens")
    assert message.usage.iterations[0].output_tokens == 5


def test_a_block_streams_whole(claude):
    """A signed block comes in its opening event, without deltas."""
    body = ask(*TALK, **SUMMARIZE)
    with claude.client(**STRICT).beta.messages.stream(**body, **ON_DEMAND) as events:
        kinds = [event.type for event in events if event.type.startswith("content_block")]
    assert kinds == ["content_block_start", "content_block_stop"]


HEADERS = {"beta": True, "default_headers": {"anthropic-beta": "compact-2026-09-04,context-management-2025-06-27"}}


def test_compaction_needs_its_header(claude):
    """Parameter, edit and block are refused without the header of their feature."""
    assert refused(claude, ask(**SUMMARIZE), beta=True) == "compaction: Extra inputs are not permitted"
    other = {"beta": True, "default_headers": {"anthropic-beta": "context-management-2025-06-27"}}
    assert "requires anthropic-beta: compact-2026-09-04" in refused(claude, ask(**SUMMARIZE), **other)
    block = compacted(claude, *TALK)
    assert "'compaction'" in refused(claude, ask(block, user("a")), beta=True)
    assert "'compaction'" in refused(claude, ask(block, user("a")))
    edit = {"context_management": {"edits": [{"type": "compact_20260112"}]}}
    assert "'compact_20260112'" in refused(claude, ask(**edit), **HEADERS)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"context_management": {"edits": []}}, "context_management"),
        ({"stop_sequences": ["x"]}, "stop_sequences"),
        ({"tool_choice": {"type": "any"}, "tools": [WEATHER]}, "tool_choice"),
        ({"output_config": {"format": {"type": "json_schema", "schema": {}}}}, "output_config.format"),
        ({"compaction": {"type": "summarize", "instructions": "x" * 16_385}}, "compaction.summarize.instructions"),
    ],
)
def test_compaction_is_alone(claude, more, named):
    """An option that would do nothing on a summarization call is refused."""
    assert refused(claude, ask(*TALK, **{**SUMMARIZE, **more}), **HEADERS).startswith(named)


def test_compaction_by_model(claude):
    """Models before 4.6 do not compact on demand."""
    words = refused(claude, ask(model="claude-haiku-4-5", **SUMMARIZE), **HEADERS)
    assert words == "compaction: not supported on this model"
    edit = {"context_management": {"edits": [{"type": "compact_20260112"}]}}
    words = refused(
        claude,
        ask(model="claude-haiku-4-5", **edit),
        beta=True,
        default_headers={"anthropic-beta": THRESHOLD["betas"][0]},
    )
    assert "compact_20260112 is not supported on this model" in words
    accepted(claude, ask(**edit), beta=True, default_headers={"anthropic-beta": THRESHOLD["betas"][0]})


def code_of(claude, body):
    """The error code with which a request is refused, through the SDK's typed errors."""
    with pytest.raises(Exception, match=r".") as caught:
        claude.client(**STRICT).beta.messages.create(**body, betas=["compact-2026-09-04"])
    assert caught.value.status_code == 400
    return caught.value.error_code


def test_compaction_has_something_to_do(claude):
    """An empty conversation has nothing to summarize."""
    assert code_of(claude, ask(messages=[], **SUMMARIZE)) == "compaction_nothing_to_summarize"
    assert refused(claude, ask(messages=[], **SUMMARIZE), **HEADERS)


def test_compaction_ends_on_a_finished_turn(claude):
    """A tool call without its result must be answered first."""
    body = ask(user("a"), assistant([tool_use()]), **SUMMARIZE)
    assert code_of(claude, body) == "compaction_incomplete_turn"
    assert refused(claude, body, **HEADERS)
    accepted(claude, ask(user("a"), assistant("b"), **SUMMARIZE), **HEADERS)


def test_signed_block_comes_first(claude):
    """The messages that a block summarizes must not be sent before it; those sent after it are read again."""
    block = compacted(claude, *TALK)
    body = ask(*TALK, block, user("And now?"))
    assert code_of(claude, body) == "compaction_block_misplaced"
    words = "`compaction` block must be sent first, in place of the messages it summarizes; remove those messages"
    assert refused(claude, body, **HEADERS) == words
    accepted(claude, ask(block, *TALK), **HEADERS)


def test_one_signed_block(claude):
    """Only the newest block is sent; compacting again summarizes the old summary."""
    block = compacted(claude, *TALK)
    twice = {"role": "assistant", "content": block["content"] * 2}
    assert refused(claude, ask(twice, user("a")), **HEADERS)
    again = compacted(claude, block, user("More."))
    accepted(claude, ask(again, user("And?")), **HEADERS)


def test_signed_block_is_unchanged(claude):
    """A block whose words or signature were altered is refused, each with a separate code."""
    (block,) = compacted(claude, *TALK)["content"]
    altered = ask(assistant([{**block, "content": block["content"] + " And more."}]), user("a"))
    assert code_of(claude, altered) == "compaction_content_mismatch"
    assert refused(claude, altered, **HEADERS) == "`compaction` block `content` does not match its `signature`"
    forged = ask(assistant([{**block, "signature": "forged"}]), user("a"))
    assert code_of(claude, forged) == "compaction_signature_invalid"


def test_kept_turns_keep_their_thinking(claude):
    """Turns that follow the summarized ones stay valid behind the block, thinking included."""
    model = "claude-sonnet-5-5"
    thought = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    kept = (assistant([thought, text("So.")]), user("And now?"))
    body = signed(ask(*TALK, *kept, model=model), Catalog().find(model))
    block = compacted(claude, *TALK, model=model)
    create(claude, block, *body["messages"][3:], model=model, **ON_DEMAND)
    assert "bound to a different" in refused(
        claude, ask(block, user("Between."), *body["messages"][3:], model=model), **HEADERS
    )
    assert "bound to a different" in refused(
        claude, ask(block, *body["messages"][3:], model=model, system="New."), **HEADERS
    )


LONG = "The customer reports that the parcel has not arrived and asks where it is. "


@pytest.fixture
def small():
    """An offline Claude with a classroom window, in which compaction starts at 600 tokens and may at 200."""
    return OfflineClaude(reply=words_of, windows={MODEL: 4_000})


def managed(**more):
    """Threshold compaction with these settings."""
    return {"context_management": {"edits": [{"type": "compact_20260112", **more}]}}


def test_nothing_happens_below_the_threshold(small):
    """A short conversation is answered as ever, with one iteration that says so."""
    message = create(small, *TALK, **managed(), **THRESHOLD)
    assert [block.type for block in message.content] == ["text"]
    (only,) = message.usage.iterations
    assert (only.type, only.input_tokens) == ("message", message.usage.input_tokens)
    assert create(small, *TALK).usage.iterations is None


def test_a_compaction_keeps_the_summary_alone(small):
    """The message iteration has the tokens of the summary and about a hundred more, whatever the last turn was."""
    for last in ("Now say hello.", "Now say hello, and do it in the words of an old sailor. " * 20):
        message = create(small, user(LONG * 60), assistant("Noted."), user(last), **managed(), **THRESHOLD)
        first, second = message.usage.iterations
        assert 81 <= second.input_tokens - first.output_tokens <= 101
        assert first.input_tokens > 5 * second.input_tokens


@pytest.mark.parametrize(("model", "prompt"), [("claude-sonnet-4-6", 146), ("claude-opus-5", 154)])
def test_the_prompt_of_a_summary_is_billed_as_recorded(claude, model, prompt):
    """The API's own prompt costs 146 tokens on the older tokenizer and 154 on the newer."""
    plain = create(claude, *TALK, model=model).usage.input_tokens
    (iteration,) = create(claude, *TALK, model=model, **SUMMARIZE, **ON_DEMAND).usage.iterations
    assert iteration.input_tokens - plain == prompt


def test_a_block_read_back_costs_96_tokens_more_than_its_text(claude):
    """A compaction block in the history is counted with the frame that was recorded, and named as an iteration."""
    block = compacted(claude, *TALK)
    words = block["content"][0]["content"]
    with_block = create(claude, block, user("And now?"), **ON_DEMAND)
    as_text = create(claude, assistant(words), user("And now?"))
    assert with_block.usage.input_tokens - as_text.usage.input_tokens == 96
    assert [one.type for one in with_block.usage.iterations] == ["message"]


def test_a_stream_begins_with_the_tokens_before_the_compaction(small):
    """message_start counts what was sent and has no iterations; message_delta has both and the tokens after."""
    talk = (user(LONG * 60), assistant("Noted."), user("And now?"))
    asked = ask(*talk, **managed(), **THRESHOLD)
    events = list(small.client(**STRICT).beta.messages.create(**asked, stream=True))
    begun, closing = events[0].message.usage, next(e for e in events if e.type == "message_delta").usage
    whole = create(small, *talk).usage.input_tokens
    assert (begun.input_tokens, begun.iterations) == (whole, None)
    assert closing.input_tokens == closing.iterations[1].input_tokens < whole
    assert [one.type for one in closing.iterations] == ["compaction", "message"]


def test_past_the_threshold_a_summary_precedes_the_reply(small):
    """Once the trigger is reached the answer begins with a summary and goes on from it."""
    talk = (user(LONG * 60), assistant("Noted."), user("And now?"))
    message = create(small, *talk, **managed(), **THRESHOLD)
    assert [block.type for block in message.content] == ["compaction", "text"]
    assert message.content[1].text == "2 messages, last: And now?"
    first, second = message.usage.iterations
    assert (first.type, second.type) == ("compaction", "message")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (second.input_tokens, second.output_tokens)
    assert first.input_tokens > 600


def test_what_precedes_the_block_is_ignored_afterwards(small):
    """With the answer appended, the API counts and reads from the summary on, whether the rest is sent or not."""
    talk = [user(LONG * 60), assistant("Noted."), user("And now?")]
    answer = create(small, *talk, **managed(), **THRESHOLD).to_param()
    whole = create(small, *talk, answer, user("Then?"), **managed(), **THRESHOLD)
    short = create(small, answer, user("Then?"), **managed(), **THRESHOLD)
    assert whole.usage.input_tokens == short.usage.input_tokens < 600
    assert whole.content == short.content


def test_it_can_pause_in_between(small):
    """With pause_after_compaction the summary comes alone."""
    message = create(small, user(LONG * 60), **managed(pause_after_compaction=True), **THRESHOLD)
    assert ([block.type for block in message.content], message.stop_reason) == (["compaction"], "compaction")
    assert message.content[0].signature is None
    assert (message.usage.input_tokens, len(message.usage.iterations)) == (0, 1)


def test_a_threshold_block_streams_in_one_delta(small):
    """An unsigned block opens empty and comes in a single delta."""
    body = ask(user(LONG * 60), **managed())
    with small.client(**STRICT).beta.messages.stream(**body, **THRESHOLD) as events:
        deltas = [e.delta.type for e in events if e.type == "content_block_delta" and e.index == 0]
        final = events.get_final_message()
    assert deltas == ["compaction_delta"]
    assert final.content[0].content.startswith("2 messages")


def test_threshold_is_high_enough(claude, small):
    """A trigger below 50,000 is refused, and below its share in a classroom window."""
    headers = {"beta": True, "default_headers": {"anthropic-beta": THRESHOLD["betas"][0]}}
    low = managed(trigger={"type": "input_tokens", "value": 49_999})
    words = "context_management.edits.0.compact_20260112: trigger.value must be at least 50000"
    assert refused(claude, ask(**low), **headers) == words
    accepted(claude, ask(**managed(trigger={"type": "input_tokens", "value": 50_000})), **headers)
    accepted(small, ask(**managed(trigger={"type": "input_tokens", "value": 200})), **headers)


def test_unsigned_block_needs_its_edit(small):
    """A block by threshold comes back with the edit that made it."""
    block = assistant([{"type": "compaction", "content": "So far so good."}, text("Yes.")])
    headers = {"beta": True, "default_headers": {"anthropic-beta": THRESHOLD["betas"][0]}}
    words = "`compaction` blocks require a `compact_20260112` strategy in `context_management.edits`."
    assert refused(small, ask(block, user("a")), **headers) == words
    accepted(small, ask(block, user("a"), **managed()), **headers)
    accepted(
        small, ask(assistant([{"type": "compaction", "content": None}, text("b")]), user("a"), **managed()), **headers
    )


def test_one_kind_of_compaction(claude):
    """A signed block and threshold compaction do not go together."""
    block = compacted(claude, *TALK)
    both = {"beta": True, "default_headers": {"anthropic-beta": "compact-2026-09-04,compact-2026-01-12"}}
    assert "compact_20260112" in refused(claude, ask(block, user("a"), **managed()), **both)


def test_counting_ignores_the_parameter_and_never_compacts(small):
    """count_tokens counts the conversation as sent, from an existing summary on."""
    client = small.client(**STRICT)
    messages = [user(LONG * 60)]
    plain = client.beta.messages.count_tokens(model=MODEL, messages=messages).input_tokens
    asked = client.beta.messages.count_tokens(model=MODEL, messages=messages, **SUMMARIZE, **ON_DEMAND).input_tokens
    managed_count = client.beta.messages.count_tokens(model=MODEL, messages=messages, **managed(), **THRESHOLD)
    assert plain == asked == managed_count.input_tokens
