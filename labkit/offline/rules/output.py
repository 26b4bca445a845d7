"""The API's rules on what comes out: effort, the format of the reply, and requests that allow no output at all."""

from collections.abc import Iterator, Mapping
from typing import Any

from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.settings import thinking_type
from labkit.offline.wire import ApiError, Json

UNSUPPORTED = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
]
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
    """An object of an output schema forbids additional properties; no schema has limits. The words are not verified.

    Evidence: Anthropic docs, Structured outputs (Not supported), read August 2026.
    """
    asked = (call.body.get("output_config") or {}).get("format")
    for where, schema in _schemas(asked["schema"], "output_config.format.schema") if asked else ():
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            words = "For 'object' type, 'additionalProperties' must be explicitly set to false"
            raise ApiError(400, f"{where}: {words}")
        for key in UNSUPPORTED:
            if key in schema:
                kind = schema.get("type", "any")
                raise ApiError(400, f"{where}: For '{kind}' type, property '{key}' is not supported")


def _schemas(schema: Any, where: str) -> Iterator[tuple[str, Json]]:
    """Every schema within a schema, with its path."""
    if isinstance(schema, list):
        for place, inner in enumerate(schema):
            yield from _schemas(inner, f"{where}.{place}")
    elif isinstance(schema, dict):
        yield where, schema
        for key in ("items", "anyOf", "allOf", "oneOf"):
            yield from _schemas(schema.get(key), f"{where}.{key}")
        for key in ("properties", "$defs", "definitions"):
            for name, inner in (schema.get(key) or {}).items():
                yield from _schemas(inner, f"{where}.{key}.{name}")


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
