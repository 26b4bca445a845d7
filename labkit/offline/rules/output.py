"""The API's rules on what comes out: effort, the format of the reply, and requests that allow no output at all."""

from collections.abc import Iterator, Mapping
from typing import Any

from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.settings import thinking_type
from labkit.offline.wire import ApiError, Json

UNSUPPORTED = frozenset(
    [
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
    ]
)
"""Keys of a JSON schema that structured outputs refuse. Source: Anthropic docs, Structured outputs, August 2026."""


@rule
def effort_by_model(call: Call) -> None:
    """A model takes some levels of effort, or none; a system message that changes the effort is held to the same.

    Evidence: a recorded 400 on Claude Opus 4.6, 2026; for models without effort a body quoted in GitHub
    llm-rosetta#289, June 2026; by model in labkit/facts.toml.
    """
    effort = call.model.effort
    for level in _levels(call.body):
        if effort is None:
            raise ApiError(400, "This model does not support the effort parameter.")
        if level not in effort.levels:
            levels = ", ".join(sorted(effort.levels))
            raise ApiError(400, f"This model does not support effort level '{level}'. Supported levels: {levels}.")


def _levels(body: Mapping[str, Any]) -> Iterator[str]:
    for holder in (body, *body["messages"]):
        level = (holder.get("output_config") or {}).get("effort")
        if level:
            yield str(level)


@rule
def schema_is_supported(call: Call) -> None:
    """An object of an output schema, or of a strict tool's, forbids additional properties, and no schema has limits.

    The error names no place within the schema. Evidence: Anthropic docs, Structured outputs (Not supported), read
    August 2026; bodies quoted in GitHub ax#458, November 2025 (a nested object), and future-agi#412, May 2026; for
    limits in GitHub the-llm-council#55, July 2026, and in many public repositories, one of August 2026 with its request
    id; for strict tools in public repositories, 2026. The words for `additionalProperties: true` are not verified.
    """
    asked = (call.body.get("output_config") or {}).get("format")
    given = [("output_config.format.schema", asked["schema"])] if asked else []
    tools = enumerate(call.body.get("tools") or ())
    given += [(f"tools.{place}.custom", tool["input_schema"]) for place, tool in tools if tool.get("strict")]
    for where, whole in given:
        for schema in _schemas(whole):
            for problem in _problems(schema):
                raise ApiError(400, f"{where}: For '{schema.get('type', 'any')}' type, {problem}")


def _problems(schema: Json) -> Iterator[str]:
    """Yield each problem of a schema in the API's words; the schemas within it are not looked at."""
    more = schema.get("additionalProperties")
    if schema.get("type") == "object" and more is None:
        yield "'additionalProperties' must be explicitly set to false"
    if schema.get("type") == "object" and more not in (None, False):
        kind = "object" if isinstance(more, dict) else "true"
        yield f"'additionalProperties: {kind}' is not supported. Please set 'additionalProperties' to false"
    if schema.get("minItems", 0) not in (0, 1):
        yield "'minItems' values other than 0 or 1 are not supported"
    limits = sorted(UNSUPPORTED & schema.keys())
    if limits:
        yield (
            f"property '{limits[0]}' is not supported"
            if len(limits) == 1
            else (f"properties {', '.join(limits)} are not supported")
        )


def _schemas(schema: Any) -> Iterator[Json]:
    """Yield a schema and every schema within it."""
    if isinstance(schema, list):
        for inner in schema:
            yield from _schemas(inner)
    elif isinstance(schema, dict):
        yield schema
        for key in ("items", "anyOf", "allOf", "oneOf"):
            yield from _schemas(schema.get(key))
        for key in ("properties", "$defs", "definitions"):
            for inner in (schema.get(key) or {}).values():
                yield from _schemas(inner)


@rule
def no_output_asks_for_none(call: Call) -> None:
    """With max_tokens 0 there is no stream, manual thinking, format or forced tool. The words are not verified.

    Evidence: Anthropic docs, Prompt caching (Pre-warming, Limitations), read August 2026.
    """
    if call.counting or call.body["max_tokens"] != 0:
        return
    given = {
        "stream": call.body.get("stream"),
        "thinking.enabled": thinking_type(call.body, call.model) == "enabled",
        "output_config.format": (call.body.get("output_config") or {}).get("format"),
        "tool_choice": (call.body.get("tool_choice") or {}).get("type") in ("any", "tool"),
    }
    for name, value in given.items():
        if value:
            raise ApiError(400, f"max_tokens: 0 is not supported together with `{name}`")


RULES = (effort_by_model, no_output_asks_for_none, schema_is_supported)


def check_output(call: Call) -> None:
    """Apply the rules on output, in order."""
    for check in RULES:
        check(call)
