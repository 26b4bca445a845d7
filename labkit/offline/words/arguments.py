"""Arguments of a tool call, taken from what was said, as the tool's input_schema asks for them."""

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.offline.words.phrases import free_text, is_date, is_free, name_words, numbers, strings
from labkit.offline.words.stems import stem, tokens, words


def properties_of(schema: Any) -> dict[str, Mapping[str, Any]]:
    """Return the properties of an object schema, each reduced to the plain schema that its value follows."""
    listed = schema.get("properties") if isinstance(schema, Mapping) else None
    return {str(name): plain(inner) for name, inner in listed.items()} if isinstance(listed, Mapping) else {}


def plain(schema: Any) -> Mapping[str, Any]:
    """Return a schema without its alternatives: the first that is not null; what is no schema allows any string."""
    if not isinstance(schema, Mapping):
        return {}
    choices = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(choices, list):
        return plain(next((c for c in choices if isinstance(c, Mapping) and c.get("type") != "null"), None))
    return schema


def required(schema: Mapping[str, Any]) -> list[str]:
    """Return the names of the properties that an object schema requires."""
    listed = schema.get("required")
    return [str(name) for name in listed] if isinstance(listed, list) else []


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "string")
    return str(next((k for k in kind if k != "null"), "string") if isinstance(kind, list) else kind)


def _allowed(schema: Mapping[str, Any]) -> list[Any] | None:
    listed = schema.get("enum")
    return listed if isinstance(listed, list) else [schema["const"]] if "const" in schema else None


def _mentioned(value: Any, text: str) -> bool:
    named = {stem(word) for word in tokens(str(value).replace("_", " "))}
    return bool(named) and named <= {stem(word) for word in tokens(text)}


def found_in(name: str, schema: Mapping[str, Any], text: str) -> tuple[Any, ...]:
    """Return every value for a property that a text offers, in order; `schema` is the property's JSON schema."""
    allowed, kind = _allowed(schema), _type(schema)
    if allowed is not None:
        return tuple(value for value in allowed if "const" in schema or _mentioned(value, text))
    match kind:
        case "integer" | "number":
            return numbers(name, kind == "integer", text)
        case "boolean":
            return (True,) if any(stem(w) in words(text).stems for w in name_words(name)) else ()
        case "array":
            listed = list(found_in(name.removesuffix("s"), plain(schema.get("items")), text))
            return (listed,) if listed else ()
        case "object":
            inner = fill(schema, (text,), {})
            return (inner,) if inner else ()
        case _:
            return tuple(dict.fromkeys(strings(name, str(schema.get("format", "")), text)))


def empty(schema: Mapping[str, Any], texts: Sequence[str]) -> Any:
    """Return what is put where nothing was said: the default, the first allowed value, or an empty one."""
    allowed = _allowed(schema)
    if "default" in schema or allowed:
        return schema.get("default", (allowed or [None])[0])
    blank: dict[str, Any] = {"integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}
    return blank.get(_type(schema), free_text(texts[0]) if texts else "")


def fill(schema: Mapping[str, Any], texts: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments for an object schema: required ones from the first text that has one, others from texts[0]."""
    needed = required(schema)
    filled: dict[str, Any] = {}
    for name, inner in properties_of(schema).items():
        if name in given:
            filled[name] = given[name]
            continue
        for text in texts if name in needed else texts[:1]:
            offered = [v for v in found_in(name, inner, text) if v not in filled.values() or isinstance(v, bool)]
            if offered and (name in needed or not is_free(name) or "enum" in inner):
                filled[name] = offered[0]
                break
    return filled


def missing(schema: Mapping[str, Any], filled: Mapping[str, Any]) -> list[str]:
    """Return the required properties that have no value, in the schema's order."""
    return [name for name in required(schema) if name not in filled]


def forced(schema: Mapping[str, Any], filled: dict[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """Return arguments in which every required property has some value, as a call that must be made needs."""
    properties = properties_of(schema)
    whole = filled | {name: empty(properties.get(name, {}), texts) for name in missing(schema, filled)}
    return {name: whole[name] for name in dict.fromkeys((*properties, *whole)) if name in whole}


def several(schema: Mapping[str, Any], text: str) -> tuple[str, tuple[Any, ...]] | None:
    """Return the first required property for which a text names two or more values, with those values."""
    properties = properties_of(schema)
    for name in required(schema):
        inner = properties.get(name, {})
        if _type(inner) in ("array", "object", "boolean") or is_free(name) or is_date(name):
            continue
        offered = found_in(name, inner, text)
        if len(offered) > 1:
            return name, offered
    return None
