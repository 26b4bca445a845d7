"""Effort, structured output, betas and what is not simulated, each through the real SDK."""

import json

import pytest
from offline_doors import STRICT, WEATHER, accepted, ask, refused, text, user
from pydantic import BaseModel

from labkit.offline import OfflineClaude

pytestmark = pytest.mark.filterwarnings("ignore:The model .* is deprecated:DeprecationWarning")
NEEDED = "mcp-client-2025-11-20,server-side-fallback-2026-07-01,task-budgets-2026-03-13"
FIXED = OfflineClaude(reply="Fine.")
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "mood": {"type": ["string", "null"]}},
    "required": ["city", "days", "mood"],
    "additionalProperties": False,
}


def formatted(schema, **more):
    """The output configuration that asks for this schema."""
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}, **more}}


def test_effort_by_model():
    """A level that the model has not, or any on a model without effort, is refused in the API's words."""
    none = "This model does not support the effort parameter."
    assert refused(FIXED, ask(model="claude-haiku-4-5", output_config={"effort": "low"})) == none
    words = "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium."
    for model in ("claude-opus-4-6", "claude-sonnet-4-6"):
        assert refused(FIXED, ask(model=model, output_config={"effort": "xhigh"})) == words
        accepted(FIXED, ask(model=model, output_config={"effort": "max"}))
    words = "This model does not support effort level 'max'. Supported levels: high, low, medium."
    assert refused(FIXED, ask(model="claude-opus-4-5", output_config={"effort": "max"})) == words
    accepted(FIXED, ask(model="claude-opus-4-8", output_config={"effort": "xhigh"}))


def test_structured_output_is_made_of_the_request_s_own_words():
    """The reply is JSON that fits the schema: what was said, and null where nothing was and null is allowed."""
    claude = OfflineClaude()
    body = ask(user("I am travelling to Lisbon for 4 days."), **formatted(CITY))
    message = accepted(claude, body)
    answer = json.loads(message["content"][0]["text"])
    assert set(answer) == {"city", "days", "mood"}
    assert answer["days"] == 4
    assert answer["mood"] is None
    assert isinstance(answer["city"], str)


class Trip(BaseModel):
    """A model such as a caller of `messages.parse` has."""

    days: int
    mood: str | None
    stops: list[str]


def test_messages_parse_gives_an_object():
    """The SDK's own helper parses what came, with references and lists in the schema too."""
    client = OfflineClaude().client(**STRICT)
    parsed = client.messages.parse(**ask(user("We travel for 3 days.")), output_format=Trip)
    assert parsed.parsed_output.days == 3


def test_a_reply_in_the_format_stays_as_it_was_written():
    """A reply function that writes JSON itself is not overruled."""
    message = accepted(OfflineClaude(reply='{"city": "Rome"}'), ask(**formatted(CITY)))
    assert message["content"][0]["text"] == '{"city": "Rome"}'


def with_property(**schema):
    """A schema of an object with one property."""
    return {**CITY, "properties": {"one": schema}, "required": ["one"]}


OPEN = {name: value for name, value in CITY.items() if name != "additionalProperties"}
NUMBER = {"type": "number", "minimum": 0, "maximum": 1}
REFUSED = [
    (OPEN, "For 'object' type, 'additionalProperties' must be explicitly set to false"),
    (with_property(**OPEN), "For 'object' type, 'additionalProperties' must be explicitly set to false"),
    (
        {**CITY, "additionalProperties": {"type": "string"}},
        "For 'object' type, 'additionalProperties: object' is not supported. "
        "Please set 'additionalProperties' to false",
    ),
    (with_property(type="integer", minimum=1), "For 'integer' type, property 'minimum' is not supported"),
    (with_property(**NUMBER), "For 'number' type, properties maximum, minimum are not supported"),
    (with_property(anyOf=[NUMBER]), "For 'number' type, properties maximum, minimum are not supported"),
    (with_property(type="array", items=NUMBER), "For 'number' type, properties maximum, minimum are not supported"),
    (with_property(type="array", maxItems=3), "For 'array' type, property 'maxItems' is not supported"),
    (
        with_property(type="array", minItems=2, maxItems=3),
        "For 'array' type, 'minItems' values other than 0 or 1 are not supported",
    ),
]


@pytest.mark.parametrize(("schema", "words"), REFUSED)
def test_schema_is_supported(schema, words):
    """A problem is refused wherever in the schema it is, of an output and of a strict tool alike."""
    assert refused(FIXED, ask(**formatted(schema))) == f"output_config.format.schema: {words}"
    tool = {"name": "look", "input_schema": schema}
    assert refused(FIXED, ask(tools=[WEATHER, {**tool, "strict": True}])) == f"tools.1.custom: {words}"
    accepted(FIXED, ask(tools=[tool]))


def test_a_schema_without_limits_is_taken():
    """An array may have one item at least, and properties may have the names of limits."""
    schema = with_property(type="array", minItems=1, items={"type": "string"})
    accepted(OfflineClaude(), ask(**formatted(schema)))
    accepted(OfflineClaude(), ask(**formatted({**CITY, "properties": {"maximum": {"type": "string"}}, "required": []})))


def test_no_output_asks_for_none():
    """With max_tokens 0 each setting that needs output is refused; alone it warms the cache."""
    client = FIXED.client(**STRICT)
    assert client.messages.create(**ask(max_tokens=0)).content == []
    settings = {
        "stream": {"stream": True},
        "output_config.format": formatted(CITY),
        "tool_choice": {"tools": [WEATHER], "tool_choice": {"type": "any"}},
        "thinking.enabled": {"thinking": {"type": "enabled", "budget_tokens": 1_024}},
    }
    for name, setting in settings.items():
        with pytest.raises(Exception, match=f"max_tokens: 0 is not supported together with `{name}`"):
            client.messages.create(**ask(max_tokens=0, **setting))


def test_beta_exists():
    """A misspelt beta is refused by its name, and so is one of another platform; those of the SDK, and others that were
    seen in answered requests, pass.
    """
    words = (
        "Unexpected value(s) `compact-2026-09-4` for the `anthropic-beta` header. Please consult our documentation at "
        "platform.claude.com/docs or try again without the header."
    )
    misspelt = {"anthropic-beta": "compact-2026-09-4,compact-2026-09-04"}
    assert refused(FIXED, ask(), default_headers=misspelt) == words
    elsewhere = {"anthropic-beta": "tool-search-tool-2025-10-19"}
    assert "`tool-search-tool-2025-10-19`" in refused(FIXED, ask(), default_headers=elsewhere)
    right = {"anthropic-beta": "compact-2026-09-04,prompt-caching-2024-07-31,oauth-2025-04-20,afk-mode-2026-01-31"}
    accepted(FIXED, ask(), default_headers=right)


@pytest.mark.parametrize(
    ("feature", "where"),
    [
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0"),
        ({"mcp_servers": [{"type": "url", "name": "x", "url": "https://example.com"}]}, "mcp_servers"),
        ({"fallbacks": [{"model": "claude-opus-5"}]}, "fallbacks"),
        ({"output_config": {"task_budget": {"type": "tokens", "total": 20_000}}}, "output_config.task_budget"),
        (
            {
                "messages": [
                    user(
                        [
                            {
                                "type": "document",
                                "source": {"type": "text", "media_type": "text/plain", "data": "It rains."},
                                "citations": {"enabled": True},
                            },
                            text("Does it rain?"),
                        ]
                    )
                ]
            },
            "messages.0.content.0.citations",
        ),
    ],
)
def test_feature_is_simulated(feature, where):
    """Features that are not simulated are refused, by an error that is labelled as the simulator's own."""
    said = refused(FIXED, {**ask(), **feature}, beta=True, default_headers={"anthropic-beta": NEEDED})
    assert said.startswith(f"[simulated] {where}: ")
    assert "is not simulated by the offline Claude" in said


def test_batches_and_files_are_not_simulated():
    """The endpoints are named by an error of the simulator, not passed off as unknown to the API."""
    client = FIXED.client(**STRICT)
    for asked in (client.messages.batches.list, client.beta.files.list):
        with pytest.raises(Exception, match=r"\[simulated\] /v1/.* is not simulated by the offline Claude"):
            asked()
