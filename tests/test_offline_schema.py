"""Field errors read as the API's do, for every request type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from offline_doors import WEATHER, accepted, ask, assistant, refused, text, tool_use, user

from labkit.offline import OfflineClaude
from labkit.offline.rules.fields import check
from labkit.offline.wire import ApiError

KINDS = ("create", "count_tokens", "beta_create", "beta_count_tokens")


@pytest.fixture(scope="module")
def claude():
    """An offline Claude that always says the same."""
    return OfflineClaude(reply="Fine.")


def problem(kind, body):
    """The words with which a request type refuses a body, or None."""
    try:
        check(kind, body)
    except ApiError as error:
        return error.message
    return None


def without(block, key):
    """A block that lacks one key."""
    return {name: value for name, value in block.items() if name != key}


PUBLISHED = [
    (ask(user([without(text("a"), "text")])), "messages.0.content.0.text.text: Field required"),
    (ask({**user("a"), "importance": 1}), "messages.0.importance: Extra inputs are not permitted"),
    (ask(assistant([without(tool_use(), "input")])), "messages.0.content.0.tool_use.input: Field required"),
    (ask(tools=[without(WEATHER, "input_schema")]), "tools.0.custom.input_schema: Field required"),
    (
        ask(system=[{**text("a"), "cache_control": {"type": "ephemeral", "scope": "x"}}]),
        "system.0.cache_control.ephemeral.scope: Extra inputs are not permitted",
    ),
    (ask({"content": "a"}), "messages.0.role: Field required"),
    (ask({"role": "user"}), "messages.0.content: Field required"),
    (ask(user(None)), "messages.0.content: Input should be a valid list"),
    (
        ask(user(["a"])),
        "messages.0.content.0: Input does not match the expected shape.",
    ),
    (ask(user([{"text": "a"}])), "messages.0.content.0.type: Field required"),
    (ask(max_tokens="9"), "max_tokens: Input should be a valid integer"),
    (ask(max_tokens=True), "max_tokens: Input should be a valid integer"),
    (ask(messages="a"), "messages: Input should be a valid list"),
    (ask(stop_sequences="a"), "stop_sequences: Input should be a valid list"),
    (ask(metadata={"user_id": 5}), "metadata.user_id: Input should be a valid string"),
    (ask(importance=1), "importance: Extra inputs are not permitted"),
]


@pytest.mark.parametrize(("body", "words"), PUBLISHED, ids=[words.split(":")[0] for _, words in PUBLISHED])
def test_field_errors_have_the_api_s_path_and_words(claude, body, words):
    """Each wrong field is named by its path, in pydantic's words, on every way in."""
    assert refused(claude, body) == words


@pytest.mark.parametrize("field", ["model", "max_tokens", "messages"])
def test_required_fields_are_required(claude, field):
    """Without a required field the answer names it."""
    body = without(ask(), field)
    kinds = [kind for kind in KINDS if not (field == "max_tokens" and "count" in kind)]
    for kind in kinds:
        given_body = without(body, "max_tokens") if "count" in kind else body
        assert problem(kind, given_body) == f"{field}: Field required"


@pytest.mark.parametrize("kind", KINDS)
def test_every_request_type_refuses_unknown_keys(kind):
    """A key that the API does not know is refused at the top, in a message and in a block."""
    body = without(ask(), "max_tokens") if "count" in kind else ask()
    assert problem(kind, body) is None
    for changed, path in (
        ({**body, "x": 1}, "x"),
        ({**body, "messages": [{**user("a"), "x": 1}]}, "messages.0.x"),
        ({**body, "messages": [user([{**text("a"), "x": 1}])]}, "messages.0.content.0.text.x"),
    ):
        assert problem(kind, changed) == f"{path}: Extra inputs are not permitted"


def test_count_tokens_does_not_know_max_tokens_or_stream():
    """Counting takes the same inputs without those that only a reply needs."""
    for name, value in (("max_tokens", 5), ("stream", True)):
        body = {**without(ask(), "max_tokens"), name: value}
        assert problem("count_tokens", body) == f"{name}: Extra inputs are not permitted"


def test_a_number_or_a_truth_in_quotes_is_none():
    """Nothing is read into a text that looks like a number or a truth: `stream` is held to it like every field."""
    assert problem("create", {**ask(), "stream": True}) is None
    assert problem("create", {**ask(), "stream": "true"}) == "stream: Input should be a valid boolean"
    assert problem("create", {**ask(), "max_tokens": "50"}) == "max_tokens: Input should be a valid integer"


def test_headers_of_the_sdk_are_no_fields():
    """A header of the SDK is an unknown key in a body."""
    for name in ("betas", "user_profile_id", "workspace_id"):
        assert problem("beta_create", {**ask(), name: "x"}) == f"{name}: Extra inputs are not permitted"


def test_beta_fields_need_the_beta_resource(claude):
    """Fields of beta features are unknown to the plain endpoint."""
    body = ask(thread={"type": "create"})
    assert problem("create", body) == "thread: Extra inputs are not permitted"
    assert problem("beta_create", body) is None


def test_an_unknown_block_type_names_the_known_ones(claude):
    """A block type that the API does not know is answered with those it does."""
    words = refused(claude, ask(user([{"type": "reasoning"}])))
    assert words.startswith("messages.0.content.0: Input tag 'reasoning' found using 'type' does not match any of")
    assert "'tool_result'" in words


def test_an_unknown_role_is_named(claude):
    """A role of another vendor's API is answered with the two that are allowed."""
    words = refused(claude, ask({"role": "tool", "content": "a"}))
    assert words.startswith('messages: Unexpected role "tool". Allowed roles are "user" or "assistant".')


def test_tool_schemas_may_hold_anything(claude):
    """A tool's JSON schema is not the API's to check, unknown keys included."""
    schema = {"type": "object", "properties": {"a": {"anyOf": [{}]}}, "additionalProperties": False, "x": [1]}
    accepted(claude, ask(tools=[{"name": "t", "input_schema": schema}]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(KINDS), st.sampled_from([*ask(), "system", "tools", "metadata", "thinking"]), JSON)
def test_any_value_in_any_field_is_taken_or_refused_with_a_path(kind, field, value):
    """The check ends in acceptance or in one error that names a field, for any value."""
    body = {**(without(ask(), "max_tokens") if "count" in kind else ask()), field: value}
    words = problem(kind, body)
    assert words is None or ": " in words


def test_a_tool_in_the_form_of_openai_is_refused_in_the_api_s_words():
    """The words name the key `type`, and no code of the simulator."""
    claude = OfflineClaude(reply="Fine.")
    tool = {"type": "function", "function": {"name": "x", "parameters": {"type": "object"}}}
    said = refused(claude, ask(tools=[tool]))
    assert said.startswith("tools.0: Input tag 'function' found using 'type' does not match any of the expected tags")


def test_what_should_be_an_object_is_refused_in_the_api_s_words():
    """A message that is a string, and a schema that is a truth value."""
    claude = OfflineClaude(reply="Fine.")
    assert refused(claude, ask(messages=["Hello."])) == "messages.0: Input does not match the expected shape."
    said = refused(claude, ask(tools=[{"name": "x", "input_schema": True}]))
    assert said == "tools.0.custom.input_schema: Input does not match the expected shape."
