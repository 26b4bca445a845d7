"""Field checks derived from the SDK's own request types, so that their errors read as the API's do.

The TypedDicts of anthropic 2.12 are the API's published schema. As they stand pydantic would check lists lazily, ignore
unknown keys and not tag unions; their core schema is rewritten to eager lists, forbidden extras and tagged unions, and
compiled once per request type. Error words: pydantic's, as the API's own are (GitHub RooCode#11429, claude-code#4378).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from labkit.offline.wire import ApiError

HEADER_FIELDS = frozenset({"betas", "user_profile_id", "workspace_id"})
"""Parameters of the SDK's methods that travel as headers and are unknown keys in a body (SDK 2.12.0, messages
resource)."""
ROLES = frozenset({"user", "assistant", "system"})
QUIET = "~"
"""Marks a union tag that the API leaves out of an error's path."""
SHAPE = "Input does not match the expected shape."
"""Words for a value that should be an object. Source: recorded 400s of June 2024 and 2026."""
PYTHON_ONLY = frozenset({"model", "is-instance", "callable", "is-subclass", "model-fields"})
"""Branches of the SDK's types that no JSON body can take: response objects, open files, paths."""
SCALARS = frozenset({"int", "str", "bool", "float"})

type Schema = dict[str, Any]


def check(kind: str, body: Mapping[str, Any]) -> None:
    """Raise the API's 400 for the first field of `body` that the request type `kind` does not allow.

    `kind` is "create", "count_tokens", "beta_create" or "beta_count_tokens".
    """
    from pydantic_core import ValidationError

    try:
        validator(kind).validate_python(body)
    except ValidationError as error:
        raise ApiError(400, describe(error)) from None


def describe(error: Any) -> str:
    """The first problem, as path and words: `messages.0.content.0.text.text: Field required`."""
    problems = error.errors(include_url=False, include_input=True)
    first = problems[0]
    path, words = _path(first["loc"]), first["msg"].replace("<lambda>()", "'type'")
    if path and words.startswith("Input should be a valid dictionary"):
        words = SHAPE
    if first["type"] == "union_tag_not_found":
        return f"{path}.{first['ctx']['discriminator'].strip(chr(39))}: Field required"
    if first["type"] == "union_tag_invalid" and "'role'" in first["ctx"]["discriminator"]:
        return f'messages: Unexpected role "{first["ctx"]["tag"]}". Allowed roles are "user" or "assistant".'
    return f"{path}: {words}" if path else words


def _path(loc: Iterable[int | str]) -> str:
    """The dotted path, without the tags that the API does not show: roles, and which branch of a plain union
    was tried."""
    parts = list(loc)
    if len(parts) > 2 and parts[0] == "messages" and parts[2] in ROLES:
        del parts[2]
    return ".".join(str(part) for part in parts if not str(part).startswith(QUIET))


@cache
def validator(kind: str) -> Any:
    """The compiled check of one request type."""
    from pydantic_core import SchemaValidator

    return SchemaValidator(_request_schema(kind))


def _request_schema(kind: str) -> Any:
    from pydantic import TypeAdapter

    document = TypeAdapter(_request_type(kind)).core_schema
    definitions = {item["ref"]: item for item in document.get("definitions", ())}
    rewritten = _Rewriter(definitions).rewrite(document)
    fields = rewritten["schema"]["fields"]
    for name in HEADER_FIELDS & set(fields):
        del fields[name]
    if "count" not in kind:  # strict as the scalars of the SDK's types are; whether the API is, here, was not seen
        fields["stream"] = {"type": "typed-dict-field", "schema": {"type": "bool", "strict": True}, "required": False}
    return rewritten


def _request_type(kind: str) -> Any:
    from anthropic.types import message_count_tokens_params, message_create_params
    from anthropic.types.beta import message_count_tokens_params as beta_count
    from anthropic.types.beta import message_create_params as beta_create

    return {
        "create": message_create_params.MessageCreateParamsBase,
        "count_tokens": message_count_tokens_params.MessageCountTokensParams,
        "beta_create": beta_create.MessageCreateParamsBase,
        "beta_count_tokens": beta_count.MessageCountTokensParams,
    }[kind]


class _Rewriter:
    """Rewrites a core schema from lazy and lenient to eager and strict."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        """Take the shared definitions, so that a reference in a union can be looked into."""
        self.known = definitions

    def rewrite(self, node: Any) -> Any:
        """The schema rewritten, all the way down."""
        if isinstance(node, list):
            return [self.rewrite(item) for item in node]
        if not isinstance(node, dict) or not isinstance(node.get("type"), str):
            return node
        special: Callable[[Schema], Any] | None = getattr(self, "_" + node["type"].replace("-", "_"), None)
        return special(node) if special else self._plain(node)

    def _plain(self, node: Schema) -> Schema:
        keep = {key: value for key, value in node.items() if key not in ("metadata", "serialization")}
        rewritten = {
            key: self.rewrite(value) if isinstance(value, dict | list) else value for key, value in keep.items()
        }
        return rewritten | ({"strict": True} if node["type"] in SCALARS else {})

    def _generator(self, node: Schema) -> Schema:
        return {"type": "list", "items_schema": self.rewrite(node["items_schema"])}

    def _json_or_python(self, node: Schema) -> Any:
        return self.rewrite(node["json_schema"])

    def _typed_dict(self, node: Schema) -> Schema:
        fields = {name: self._field(name, field) for name, field in node["fields"].items()}
        strict = {"type": "typed-dict", "fields": fields, "total": False}
        strict["extra_behavior"] = "allow" if node.get("extras_schema") else "forbid"
        return strict | ({"ref": node["ref"]} if "ref" in node else {})

    def _field(self, name: str, field: Schema) -> Schema:
        """A field; that of a cache breakpoint shows its type in the path, as the API does (GitHub copilot-api#145)."""
        inner = field["schema"]
        if name == "cache_control" and inner["type"] == "nullable":
            tagged = {"type": "tagged-union", "discriminator": "type"}
            choices = {tag: self.rewrite(inner["schema"]) for tag in _literals(self._target(inner["schema"]), "type")}
            inner = {"type": "nullable", "schema": {**tagged, "choices": choices}}
        else:
            inner = self.rewrite(inner)
        return {"type": "typed-dict-field", "schema": inner, "required": field["required"]}

    def _union(self, node: Schema) -> Any:
        choices = list(self._flat(node))
        if {choice["type"] for choice in choices} == {"literal", "str"}:
            return {"type": "str"}
        tagged = self._tags(choices)
        if tagged:
            return tagged
        if len(choices) == 1:
            return self.rewrite(choices[0])
        texts = [choice for choice in choices if choice["type"] == "str"]
        if len(texts) == 1 and len(choices) == 2:
            other = next(choice for choice in choices if choice["type"] != "str")
            return {
                "type": "tagged-union",
                "discriminator": _text_or_not,
                "choices": {QUIET + "text": self.rewrite(texts[0]), QUIET + "other": self.rewrite(other)},
            }
        return {"type": "union", "choices": [(self.rewrite(choice), _quiet(choice)) for choice in choices]}

    def _flat(self, node: Schema) -> Iterator[Schema]:
        """The choices of a union that a JSON body can take, unions within it opened."""
        for choice in map(_bare, node["choices"]):
            target = self._target(choice)
            if target["type"] == "union":
                yield from self._flat(target)
            elif target["type"] not in PYTHON_ONLY:
                yield choice

    def _target(self, choice: Schema) -> Schema:
        while choice["type"] == "definition-ref":
            choice = self.known[choice["schema_ref"]]
        return choice

    def _tags(self, choices: list[Schema]) -> Schema | None:
        """A tagged union on `type` or `role`, if each choice is an object that names itself by one of them."""
        for key in ("type", "role"):
            branches: dict[str, Any] = {}
            for choice in choices:
                for tag in _literals(self._target(choice), key):
                    branches[tag] = self.rewrite(choice)
            if branches and len(branches) >= len(choices) > 1:
                return {
                    "type": "tagged-union",
                    "discriminator": _discriminator(key, branches),
                    "choices": branches,
                }
        return None


def _text_or_not(value: Any) -> str:
    return QUIET + ("text" if isinstance(value, str) else "other")


def _bare(choice: Any) -> Schema:
    schema: Schema = choice[0] if isinstance(choice, tuple) else choice
    return schema


def _quiet(choice: Schema) -> str:
    return QUIET + str(choice["type"])


def _literals(target: Schema, key: str) -> list[str]:
    field = target.get("fields", {}).get(key) if target["type"] == "typed-dict" else None
    schema = field["schema"] if field else {"type": "none"}
    if schema["type"] == "nullable":
        schema = schema["schema"]
    return list(schema["expected"]) if schema["type"] == "literal" else []


def _discriminator(key: str, branches: Mapping[str, Any]) -> Any:
    """The key itself, or for tools a function: a tool without a `type` is a custom one."""
    if "custom" not in branches:
        return key
    return lambda value: (value.get(key) or "custom") if isinstance(value, dict) else "custom"
