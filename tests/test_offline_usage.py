"""Keys and headers of an answer: the ones that every recorded answer of the live API has."""

import asyncio
from typing import Any

import anthropic
import pytest
from offline_doors import STRICT, WEATHER, ask, user

from labkit.offline import OfflineClaude

EDITING = "context-management-2025-06-27"
KEYS = {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details", "usage"}
COUNTED = {"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation", "output_tokens"}
USAGE = {*COUNTED, "service_tier", "inference_geo"}


def answer_of(body: dict[str, Any], beta: bool = False) -> dict[str, Any]:
    """The body of one answer as it crossed the wire, the same for a synchronous and an asynchronous client."""
    claude = OfflineClaude(reply="Fine.")
    client, other = claude.client(**STRICT), claude.async_client(**STRICT)
    (client.beta if beta else client).messages.create(**body)
    asyncio.run((other.beta if beta else other).messages.create(**body))
    first, second = (exchange.response for exchange in claude.requests)
    assert first == second
    return first


@pytest.mark.filterwarnings("ignore:The model .* is deprecated")
@pytest.mark.parametrize(
    ("model", "geo"),
    [
        ("claude-haiku-4-5", "not_available"),
        ("claude-opus-4-5", "not_available"),
        ("claude-sonnet-4-6", "global"),
        ("claude-opus-5", "global"),
        ("claude-haiku-5-5", "global"),
    ],
)
def test_no_key_of_a_real_answer_is_missing(model: str, geo: str) -> None:
    """stop_details is there and null, and inference_geo says where."""
    answer = answer_of(ask(user("Hello."), model=model))
    assert answer.keys() >= KEYS
    assert answer["usage"].keys() >= USAGE
    assert (answer["stop_details"], answer["usage"]["inference_geo"]) == (None, geo)


@pytest.mark.parametrize(
    ("model", "thinking", "told"),
    [
        ("claude-sonnet-4-6", None, False),
        ("claude-sonnet-4-6", {"type": "adaptive"}, True),
        ("claude-haiku-4-5", {"type": "enabled", "budget_tokens": 1024}, True),
        ("claude-opus-4-8", None, True),
        ("claude-sonnet-5", {"type": "disabled"}, True),
    ],
)
def test_thinking_tokens_are_reported(model: str, thinking: dict[str, object] | None, told: bool) -> None:
    """output_tokens_details is there where thinking is on, and from Opus 4.8 on in any case."""
    answer = answer_of(ask(user("Hello."), model=model, max_tokens=2_000, thinking=thinking))
    details = answer["usage"].get("output_tokens_details")
    assert (details is not None) == told
    thought = [block for block in answer["content"] if block["type"] == "thinking"]
    if told:
        assert (details["thinking_tokens"] > 0) == bool(thought)
        assert details["thinking_tokens"] <= answer["usage"]["output_tokens"]


def events_of(**body: object) -> list[dict[str, object]]:
    """The events of one stream, as dicts."""
    client = OfflineClaude(reply="Fine.").client(**STRICT)
    return [event.to_dict() for event in client.messages.create(**ask(user("Hello."), **body), stream=True)]


def test_a_stream_begins_and_closes_with_these_keys() -> None:
    """message_start has the stop_details and where it was made; message_delta has stop_details and not the place."""
    events = events_of(model="claude-opus-4-8")
    begun, closing = events[0]["message"], next(event for event in events if event["type"] == "message_delta")
    assert begun["stop_details"] is None
    assert begun["usage"]["inference_geo"] == "global"
    assert closing["delta"]["stop_details"] is None
    assert closing["usage"].keys() == {
        *("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"),
        "output_tokens_details",
    }


def test_the_editing_header_alone_is_answered_with_no_edits() -> None:
    """With the header of context editing the answer says which edits were applied, none if none was asked for."""
    asked = ask(user("Hello."), tools=[{"type": "memory_20250818", "name": "memory"}])
    assert answer_of({**asked, "betas": [EDITING]}, beta=True)["context_management"] == {"applied_edits": []}
    assert "context_management" not in answer_of(asked, beta=True)


def test_an_answer_says_what_is_left_of_the_limits() -> None:
    """Every limit has its three headers; tokens read from the cache do not count towards input tokens a minute."""
    client = OfflineClaude(reply="Fine.").client(**STRICT)
    long = [{"type": "text", "text": "A rule of the shop. " * 2_000, "cache_control": {"type": "ephemeral"}}]
    first, second = (client.messages.with_raw_response.create(**ask(user("Hello."), system=long)) for _ in range(2))
    for kind in ("requests", "tokens", "input-tokens", "output-tokens"):
        for part in ("limit", "remaining", "reset"):
            assert first.headers[f"anthropic-ratelimit-{kind}-{part}"]
    assert first.headers["anthropic-organization-id"]
    left = [int(answer.headers["anthropic-ratelimit-input-tokens-remaining"]) for answer in (first, second)]
    assert left == [30_000 - 12_000, 30_000]
    assert first.headers["anthropic-ratelimit-requests-remaining"] == "49"


def test_max_tokens_takes_nothing_from_the_limit_on_output() -> None:
    """A large max_tokens that is not used leaves the limit on output tokens as it is."""
    client = OfflineClaude(reply="Fine.").client(**STRICT)
    name = "anthropic-ratelimit-output-tokens-remaining"
    answers = [client.messages.with_raw_response.create(**ask(user("Hello."), max_tokens=most)) for most in (10, 8_000)]
    assert [answer.headers[name] for answer in answers] == ["8000", "8000"]


def test_a_429_of_the_rate_and_one_of_the_spend_differ() -> None:
    """The one says when to try again; the other has the code of the spend limit and no retry-after."""
    claude = OfflineClaude(reply="Fine.")
    claude.faults.add(429, "spend_limit")
    client = claude.client(**STRICT)
    with pytest.raises(anthropic.RateLimitError) as rate:
        client.messages.create(**ask(user("Hello.")))
    with pytest.raises(anthropic.RateLimitError) as spend:
        client.messages.create(**ask(user("Hello.")))
    assert rate.value.response.headers["retry-after"] == "1"
    assert rate.value.response.headers["anthropic-ratelimit-input-tokens-remaining"] == "0"
    assert "retry-after" not in spend.value.response.headers
    assert spend.value.body["error"]["details"]["error_code"] == "enforced_spend_limit_reached"
    assert client.messages.create(**ask(user("Hello."))).role == "assistant"


WORDS = ask(user("What is the weather in Rome?"), max_tokens=None)


def counted(**more: object) -> int:
    """Input tokens of a request, by count_tokens."""
    client = OfflineClaude().client(**STRICT)
    betas = more.pop("betas", None)
    body = {**WORDS, **more}
    return (
        client.beta.messages.count_tokens(**body, betas=betas).input_tokens
        if betas
        else client.messages.count_tokens(**body).input_tokens
    )


@pytest.mark.filterwarnings("ignore:The model .* is deprecated")
@pytest.mark.parametrize(
    ("model", "thinking", "more"),
    [
        ("claude-haiku-4-5", {"type": "enabled", "budget_tokens": 1024}, 29),
        ("claude-sonnet-4-5", {"type": "enabled", "budget_tokens": 1024}, 29),
        ("claude-sonnet-4-6", {"type": "enabled", "budget_tokens": 1024}, 29),
        ("claude-opus-4-6", {"type": "adaptive"}, 17),
        ("claude-sonnet-4-6", {"type": "adaptive"}, 0),
        ("claude-opus-4-8", {"type": "adaptive"}, 0),
    ],
)
def test_thinking_has_its_own_frame(model: str, thinking: dict[str, object], more: int) -> None:
    """The recorded tokens for thinking, by model and type."""
    assert counted(model=model, thinking=thinking) - counted(model=model) == more


def test_interleaved_thinking_has_one_too() -> None:
    """With tools and the header of interleaved thinking a 4.5 model has 150 tokens more."""
    asked = {"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 1024}, "tools": [WEATHER]}
    assert counted(**asked, betas=["interleaved-thinking-2025-05-14"]) - counted(**asked) == 150


@pytest.mark.filterwarnings("ignore:The model .* is deprecated")
@pytest.mark.parametrize(
    ("model", "choice", "more"),
    [
        ("claude-sonnet-4-5", {"type": "any"}, 92),
        ("claude-sonnet-4-5", {"type": "tool", "name": "weather"}, 97),
        ("claude-sonnet-5", {"type": "any"}, 120),
        ("claude-sonnet-5", {"type": "tool", "name": "weather"}, 132),
        ("claude-opus-5", {"type": "any"}, 120),
        ("claude-opus-4-8", {"type": "any"}, 120),
        ("claude-opus-4-7", {"type": "any"}, 129),
        ("claude-haiku-4-5", {"type": "auto", "disable_parallel_tool_use": True}, -206),
        ("claude-haiku-4-5", {"type": "tool", "name": "weather", "disable_parallel_tool_use": True}, 107),
        ("claude-sonnet-5", {"type": "tool", "name": "weather", "disable_parallel_tool_use": True}, 132),
    ],
)
def test_a_forced_tool_costs_what_it_costs_on_that_model(model: str, choice: dict[str, object], more: int) -> None:
    """The preamble of a forced tool is that of the price list and of the recordings, by model."""
    asked = {"model": model, "tools": [WEATHER]}
    assert counted(**asked, tool_choice=choice) - counted(**asked) == more


def test_the_memory_tool_is_counted() -> None:
    """The tool of the platform has 1,057 tokens on the older tokenizer, as recorded."""
    memory = {"type": "memory_20250818", "name": "memory"}
    small = {"name": "memory", "input_schema": {"type": "object"}}
    assert 1_040 < counted(tools=[memory]) - counted(tools=[small]) < 1_060


def test_the_place_of_an_assistant_turn_is_counted() -> None:
    """A first message of the assistant costs 12 tokens, and a prefill saves 3."""
    pair = [user("Say it."), {"role": "assistant", "content": "I say it."}]
    turned = [*pair[::-1], pair[0]]
    plain = counted(messages=[pair[0], pair[1], pair[0]], model="claude-haiku-4-5")
    first = counted(messages=turned, model="claude-haiku-4-5")
    filled = counted(messages=pair, model="claude-haiku-4-5")
    assert first - plain == 12 - 3 + 1  # one change of role less, and one repetition more
    assert plain - filled == 3 + 3 + counted_text("Say it.")


def counted_text(words: str) -> int:
    """Tokens of a text alone, on the older tokenizer."""
    from labkit.offline.billing.tokens import text_tokens

    return text_tokens(words, "3.0")


def test_an_output_format_is_counted() -> None:
    """A JSON schema for the output adds between 110 and 400 tokens."""
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "degrees": {"type": "number"}},
        "required": ["city", "degrees"],
        "additionalProperties": False,
    }
    more = counted(output_config={"format": {"type": "json_schema", "schema": schema}}) - counted()
    assert 110 <= more <= 400
