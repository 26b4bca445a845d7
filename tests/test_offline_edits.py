"""Context editing: what is cleared on the way to the model, and what the answer says about it."""

import pytest
from offline_doors import STRICT, ask, assistant, refused, text, tool_result, tool_use, user

from labkit.offline import OfflineClaude, Reply
from labkit.offline.catalog import Catalog
from labkit.offline.platform.context_editing import PLACEHOLDER
from labkit.offline.platform.thinking import signed

BETAS = ["context-management-2025-06-27"]
HEADER = {"default_headers": {"anthropic-beta": BETAS[0]}}
REPORT = "The weather in Rome is mild with some clouds and a light wind from the west. " * 20


def rounds(count, name="weather"):
    """A conversation of that many tool rounds with long results."""
    messages = [user("Watch the weather.")]
    for number in range(count):
        call = {**tool_use(f"toolu_{number}"), "name": name}
        messages += [assistant([call]), user([tool_result(f"toolu_{number}", REPORT)])]
    return messages


def managed(*edits):
    """Context management with these edits."""
    return {"context_management": {"edits": list(edits)}}


def clear(**more):
    """Clear tool results once there are more than two calls, unless asked otherwise."""
    return {"type": "clear_tool_uses_20250919", "trigger": {"type": "tool_uses", "value": 2}, **more}


@pytest.fixture
def seen():
    """A Claude that notes what the model saw of each request."""
    views = []

    def reply(request):
        """Note the request and say something short."""
        views.append(request)
        return Reply([text("Fine.")])

    return views, OfflineClaude(reply=reply)


def results(view):
    """The contents of the tool results that the model saw."""
    blocks = [block for message in view["messages"] for block in message["content"] if isinstance(block, dict)]
    return [block["content"] for block in blocks if block["type"] == "tool_result"]


def test_old_results_are_cleared_and_the_latest_kept(seen):
    """All but three results are replaced for the model; the answer says how many, the request stays as sent."""
    views, claude = seen
    body = ask(*rounds(5), **managed(clear()))
    message = claude.client(**STRICT).beta.messages.create(**body, betas=BETAS)
    assert results(views[-1]) == [PLACEHOLDER] * 2 + [REPORT] * 3
    (edit,) = message.context_management.applied_edits
    assert (edit.type, edit.cleared_tool_uses) == ("clear_tool_uses_20250919", 2)
    assert claude.requests[-1].request["messages"] == body["messages"]


def test_what_is_cleared_is_not_billed(seen):
    """The usage is that of the edited request; the difference is reported; counting agrees."""
    _, claude = seen
    client = claude.client(**STRICT)
    whole = client.beta.messages.create(**ask(*rounds(5))).usage.input_tokens
    body = ask(*rounds(5), **managed(clear()))
    message = client.beta.messages.create(**body, betas=BETAS)
    cleared = message.context_management.applied_edits[0].cleared_input_tokens
    assert message.usage.input_tokens + cleared == whole
    counted = client.beta.messages.count_tokens(**{k: v for k, v in body.items() if k != "max_tokens"}, betas=BETAS)
    assert counted.input_tokens == message.usage.input_tokens
    assert counted.context_management.original_input_tokens == whole


@pytest.mark.parametrize(
    ("edit", "cleared"),
    [
        (clear(keep={"type": "tool_uses", "value": 1}), 4),
        (clear(keep={"type": "tool_uses", "value": 9}), 0),
        (clear(exclude_tools=["weather"]), 0),
        (clear(trigger={"type": "tool_uses", "value": 5}), 0),
        (clear(trigger={"type": "input_tokens", "value": 100}), 2),
        ({"type": "clear_tool_uses_20250919"}, 0),
        (clear(clear_at_least={"type": "input_tokens", "value": 100}), 2),
        (clear(clear_at_least={"type": "input_tokens", "value": 100_000}), 0),
    ],
)
def test_each_setting_does_what_it_says(seen, edit, cleared):
    """Trigger, keep, exclusions and the least to clear decide how much goes."""
    _, claude = seen
    message = claude.client(**STRICT).beta.messages.create(**ask(*rounds(5), **managed(edit)), betas=BETAS)
    applied = message.context_management.applied_edits
    assert sum(edit.cleared_tool_uses for edit in applied) == cleared


@pytest.mark.parametrize(("choice", "emptied"), [(True, True), (["weather"], True), (["other"], False), (None, False)])
def test_inputs_are_cleared_when_asked(seen, choice, emptied):
    """The arguments of old calls go only on request."""
    views, claude = seen
    body = ask(*rounds(5), **managed(clear(clear_tool_inputs=choice)))
    claude.client(**STRICT).beta.messages.create(**body, betas=BETAS)
    assert (views[-1]["messages"][1]["content"][0]["input"] == {}) is emptied


def test_old_thinking_is_cleared():
    """All but the latest turns lose their thinking; where all is kept by default nothing is cleared."""
    turns = []
    for number in range(3):
        thought = {"type": "thinking", "thinking": "Let me think about it. " * 20, "signature": ""}
        turns += [user(f"Question {number}."), assistant([thought, text("So.")])]
    model = "claude-sonnet-4-6"
    body = signed(ask(*turns, user("End."), model=model), Catalog().find(model))
    client = OfflineClaude(reply="Fine.").client(**STRICT)
    whole = client.beta.messages.create(**body).usage.input_tokens
    keep = {"type": "clear_thinking_20251015", "keep": {"type": "thinking_turns", "value": 1}}
    message = client.beta.messages.create(**{**body, **managed(keep)}, betas=BETAS)
    (edit,) = message.context_management.applied_edits
    assert edit.cleared_thinking_turns == 2
    assert message.usage.input_tokens + edit.cleared_input_tokens == whole
    for kept in ({"keep": "all"}, {"keep": {"type": "all"}}, {}):
        asked = {**body, **managed({"type": "clear_thinking_20251015", **kept})}
        assert client.beta.messages.create(**asked, betas=BETAS).context_management.applied_edits == []


def test_edits_are_reported_in_a_stream(seen):
    """A streamed answer tells the edits too, in its closing event."""
    _, claude = seen
    body = ask(*rounds(5), **managed(clear()))
    with claude.client(**STRICT).beta.messages.stream(**body, betas=BETAS) as events:
        closing = [event for event in events if event.type == "message_delta"][-1]
    assert closing.context_management.applied_edits[0].cleared_tool_uses == 2


def test_clearing_makes_room_in_the_window():
    """A request that fits only after clearing is answered."""
    claude = OfflineClaude(reply="Fine.", windows={"claude-sonnet-4-6": 2_000})
    body = ask(*rounds(5))
    assert "prompt is too long" in refused(claude, body)
    keep = clear(keep={"type": "tool_uses", "value": 1})
    edited = claude.client(**STRICT).beta.messages.create(**{**body, **managed(keep)}, betas=BETAS)
    assert edited.stop_reason == "end_turn"


def test_classroom_windows_scale_the_trigger():
    """The default trigger of 100,000 tokens shrinks with the window."""
    small = OfflineClaude(reply="Fine.", windows={"claude-sonnet-4-6": 10_000}).client(**STRICT)
    body = ask(*rounds(5), **managed({"type": "clear_tool_uses_20250919"}))
    assert small.beta.messages.create(**body, betas=BETAS).context_management.applied_edits


def test_a_tool_loop_is_one_turn_of_thinking():
    """Keeping one turn's thinking keeps that of a whole open loop, and clears that of the turn before it."""
    claude = OfflineClaude(reply="Fine.")
    thought = {"type": "thinking", "thinking": "Let me think about it. " * 20, "signature": ""}
    messages = [user("Hello."), assistant([thought, text("Hi.")]), *rounds(8)]
    messages = [m if m["role"] == "user" else {**m, "content": [thought, *m["content"]]} for m in messages]
    messages[1] = assistant([thought, text("Hi.")])
    keep = {"type": "clear_thinking_20251015", "keep": {"type": "thinking_turns", "value": 1}}
    client = claude.client(**STRICT)
    for sent, cleared in ((messages, [1]), (messages[2:], [])):
        body = signed(ask(*sent), Catalog().find("claude-sonnet-4-6")) | managed(keep)
        edits = client.beta.messages.create(**body, betas=BETAS).context_management.applied_edits
        assert [edit.cleared_thinking_turns for edit in edits] == cleared


def test_cleared_thinking_keeps_a_turn_or_more():
    """Keeping no turn at all is refused, and keeping one is not."""
    claude = OfflineClaude(reply="Fine.")
    for turns in (0, -1):
        edit = {"type": "clear_thinking_20251015", "keep": {"type": "thinking_turns", "value": turns}}
        words = "context_management.edits.0.clear_thinking_20251015.keep: thinking_turns must be greater than 0"
        assert refused(claude, ask(**managed(edit)), beta=True, **HEADER) == words


def test_clearing_thinking_comes_first():
    """The edit that clears thinking must be the first."""
    claude = OfflineClaude(reply="Fine.")
    body = ask(**managed(clear(), {"type": "clear_thinking_20251015"}))
    assert "must be the first edit" in refused(claude, body, beta=True, **HEADER)


def test_beta_fields_need_their_header():
    """Without its header a beta field is an unknown key."""
    claude = OfflineClaude(reply="Fine.")
    for field, value in (("context_management", {"edits": []}), ("thread", {"type": "create"})):
        assert refused(claude, ask(**{field: value}), beta=True) == f"{field}: Extra inputs are not permitted"
    binding = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}
    words = "thinking.adaptive.block_binding: Extra inputs are not permitted"
    assert refused(claude, ask(thinking=binding), beta=True) == words
