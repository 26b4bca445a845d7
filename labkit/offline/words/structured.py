"""Structured output: JSON for a schema, from the request's own words; null or an empty value where they say nothing.

Evidence: Anthropic docs, Structured outputs, read August 2026. The live model thinks of values; the offline Claude only
finds them, the latest message first, by the names and types in the schema.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.offline.words.arguments import empty, found_in, plain, properties_of
from labkit.offline.words.statements import text_of

DEEPEST = 8
"""Levels of a schema that are filled; the API takes no recursive schema, so that real ones end well before."""


def structured(schema: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """Return JSON that fits a schema, made from what the user and the system prompt of a request say."""
    users = [message for message in reversed(request["messages"]) if message["role"] == "user"]
    texts = [text_of(message.get("content", "")) for message in users] + [text_of(request.get("system") or "")]
    return json.dumps(_value("answer", _resolved(schema, schema, DEEPEST), texts, set()), ensure_ascii=False)


def _resolved(schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    """The schema with its references replaced by what they refer to."""
    if isinstance(schema, list):
        return [_resolved(inner, root, depth) for inner in schema]
    if not isinstance(schema, Mapping) or depth == 0:
        return {} if isinstance(schema, Mapping) else schema
    if "$ref" in schema:
        target: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target.get(part, {})
        return _resolved(target, root, depth - 1)
    return {
        name: _resolved(inner, root, depth) for name, inner in schema.items() if name not in ("$defs", "definitions")
    }


def _value(name: str, schema: Mapping[str, Any], texts: Sequence[str], used: set[str]) -> Any:
    """The value of a property; a text that is another property's value already is not offered again."""
    inner = plain(schema)
    if "properties" in inner:
        return {key: _value(key, listed, texts, used) for key, listed in _listed(inner).items()}
    items = plain(inner.get("items"))
    if "properties" in items:
        one = _value(name, items, texts, used)
        return [one] if any(one.values()) else []
    offered = (value for text in texts for value in found_in(name, inner, text) if str(value) not in used)
    found = next(offered, None)
    if found is not None:
        used.update([found] if isinstance(found, str) else [])
        return found
    return None if _takes_null(schema) else empty(inner, ())


def _listed(schema: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The properties as the schema gives them, so that null stays among their alternatives."""
    raw = schema["properties"]
    return {name: raw[name] if isinstance(raw[name], Mapping) else {} for name in properties_of(schema)}


def _takes_null(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type")
    choices = schema.get("anyOf") or schema.get("oneOf") or ()
    return "null" in (kinds if isinstance(kinds, list) else [kinds]) or any(c.get("type") == "null" for c in choices)
