"""Cache diagnostics: the API says what broke the prefix."""

import pytest
from offline_doors import STRICT, WEATHER, ask, assistant, text, user

from labkit.offline import OfflineClaude

LONG = "The parcel was sent on Monday and has not arrived. " * 150
CONTROL = {"type": "ephemeral"}
FORMAT = {"type": "json_schema", "schema": {"type": "object", "properties": {}, "additionalProperties": False}}
FAST = {"anthropic-beta": "fast-mode-2026-02-01"}


@pytest.fixture
def first():
    """A client and its first answer, with diagnostics asked for."""
    client = OfflineClaude(reply="Fine.").client(**STRICT)
    return client, send(client, None)


def send(client, previous, *messages, **more):
    """One cached request that names the answer before it."""
    body = ask(*(messages or (user(LONG),)), **{"system": "Be kind.", "cache_control": CONTROL, **more})
    return client.messages.create(**body, diagnostics={"previous_message_id": previous})


def reason(message):
    """The type of the reason, if any."""
    return message.diagnostics and message.diagnostics.cache_miss_reason.type


def test_nothing_is_said_when_nothing_diverged(first):
    """The first request, and one that only adds, have no diagnosis."""
    client, message = first
    assert message.diagnostics is None
    grown = send(client, message.id, user(LONG), assistant("Fine."), user("And?"))
    assert grown.diagnostics is None
    assert grown.usage.cache_read_input_tokens > 0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model": "claude-opus-4-6"}, "model_changed"),
        ({"system": "Be brief."}, "system_changed"),
        ({"tools": [WEATHER]}, "tools_changed"),
        ({"thinking": {"type": "adaptive"}}, "unavailable"),
        ({"output_config": {"effort": "low"}}, "unavailable"),
        ({"output_config": {"format": FORMAT}}, "unavailable"),
        ({"extra_body": {"speed": "fast"}, "extra_headers": FAST}, "model_changed"),
    ],
)
def test_what_changed_is_named(first, changes, expected):
    """Model and speed, system prompt, tools and other settings are distinguished."""
    client, message = first
    changed = send(client, message.id, **changes)
    assert reason(changed) == expected
    assert changed.usage.cache_read_input_tokens == 0


@pytest.mark.parametrize(
    "changes", [{"thinking": {"type": "disabled"}}, {"output_config": {"effort": "high"}}, {"tool_choice": None}]
)
def test_a_default_said_aloud_is_no_change(first, changes):
    """A setting that says what holds without it has no reason, because the cache is read."""
    client, message = first
    same = send(client, message.id, **changes)
    assert reason(same) is None
    assert same.usage.cache_read_input_tokens == message.usage.cache_creation_input_tokens


def test_a_changed_message_is_named_with_what_it_cost(first):
    """A message that differs costs what would have been read."""
    client, message = first
    changed = send(client, message.id, user("X" + LONG))
    assert reason(changed) == "messages_changed"
    missed = changed.diagnostics.cache_miss_reason.cache_missed_input_tokens
    assert missed == message.usage.cache_creation_input_tokens > 0


def test_what_was_read_all_the_same_is_not_missed():
    """The part that a breakpoint before the change still gives is not counted in the cost."""
    client, system = OfflineClaude(reply="Fine.").client(**STRICT), [{**text(LONG), "cache_control": CONTROL}]
    message = send(client, None, system=system)
    changed = send(client, message.id, user("X" + LONG), system=system)
    missed = changed.diagnostics.cache_miss_reason.cache_missed_input_tokens
    read = changed.usage.cache_read_input_tokens
    assert missed == message.usage.cache_creation_input_tokens - read
    assert 0 < missed > read > 0


def test_an_unknown_answer_is_named(first):
    """An id that the API does not know is said to be unknown."""
    client, _ = first
    assert reason(send(client, "msg_nothing")) == "previous_message_not_found"


def test_only_requests_that_ask_leave_a_trace():
    """A request without diagnostics cannot be compared with later."""
    client = OfflineClaude(reply="Fine.").client(**STRICT)
    silent = client.messages.create(**ask())
    assert silent.diagnostics is None
    assert reason(send(client, silent.id)) == "previous_message_not_found"
