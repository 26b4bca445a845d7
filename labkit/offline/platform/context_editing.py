"""Context editing: old tool results and old thinking cleared on the way to the model; the client's copy stays as it is.

Not verified: whether `clear_tool_uses` clears one more result on every later request, so that the cache is never read
again. It does so here, because the documentation calls it stateless; in a run that Anthropic published (its cookbook on
costs, trigger 150,000, keep 1) 3 of 6 requests after the trigger read the cache.

Evidence: Anthropic docs, Context editing, read August 2026; SDK 2.12.0, BetaClearToolUses20250919Edit and
BetaClearThinking20251015Edit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.offline.billing.tokens import Tally, request_tokens
from labkit.offline.catalog import CLEARING_TRIGGER, Model
from labkit.offline.signatures import THINKING as THINKING_BLOCKS
from labkit.offline.wire import Json, blocks_of, turn_numbers

TOOL_USES = "clear_tool_uses_20250919"
THINKING = "clear_thinking_20251015"
KEPT_TOOL_USES = 3
PLACEHOLDER = "[Old tool result content cleared]"
"""The text in place of a cleared result. The API's own words are not published."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A request after context editing, and what was done: `applied` in the form of the response."""

    body: Json
    applied: list[Json]
    original_tokens: int


def edit(body: Json, model: Model, tally: Tally) -> Edited:
    """Apply the request's edits, in order; nothing is applied that would clear nothing."""
    wanted = (body.get("context_management") or {}).get("edits") or ()
    original = tokens = request_tokens(body, model, tally)
    applied: list[Json] = []
    for asked in wanted:
        method = METHODS.get(asked["type"])
        changed, count = method(body, asked, tokens, model) if method else (body, 0)
        if not count:
            continue
        after = request_tokens(changed, model, tally)
        if tokens - after < _least(asked, model):
            continue
        applied.append({"type": asked["type"], COUNTS[asked["type"]]: count, "cleared_input_tokens": tokens - after})
        body, tokens = changed, after
    return Edited(body, applied, original)


COUNTS = {TOOL_USES: "cleared_tool_uses", THINKING: "cleared_thinking_turns"}


def _least(asked: Json, model: Model) -> int:
    least = asked.get("clear_at_least")
    return model.scaled(least["value"]) if least else 0


def _clear_tool_uses(body: Json, asked: Json, tokens: int, model: Model) -> tuple[Json, int]:
    """Clear the results of all but the latest tool calls, once the trigger is reached."""
    calls = [block for message in body["messages"] for block in _of_type(message, "tool_use")]
    trigger = asked.get("trigger") or {"type": "input_tokens", "value": CLEARING_TRIGGER}
    reached = len(calls) if trigger["type"] == "tool_uses" else tokens
    level = trigger["value"] if trigger["type"] == "tool_uses" else model.scaled(trigger["value"])
    if reached <= level:
        return body, 0
    keep = (asked.get("keep") or {}).get("value", KEPT_TOOL_USES)
    spared = set(asked.get("exclude_tools") or ())
    old = {call["id"] for call in calls[: max(0, len(calls) - keep)] if call["name"] not in spared}
    inputs = _whose_inputs(asked.get("clear_tool_inputs"))
    cleared = [_cleared(message, old, inputs) for message in body["messages"]]
    count = sum(_is_cleared(block, old) for message in body["messages"] for block in blocks_of(message.get("content")))
    return {**body, "messages": cleared}, count


def _whose_inputs(choice: Any) -> Callable[[str], bool]:
    if isinstance(choice, list):
        return lambda name: name in choice
    return lambda name: bool(choice)


def _of_type(message: Mapping[str, Any], kind: str) -> list[Json]:
    return [block for block in blocks_of(message.get("content")) if block.get("type") == kind]


def _is_cleared(block: Json, old: set[str]) -> bool:
    return block.get("type") == "tool_result" and block["tool_use_id"] in old and block.get("content") != PLACEHOLDER


def _cleared(message: Json, old: set[str], inputs: Callable[[str], bool]) -> Json:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [_cleared_block(block, old, inputs) for block in content]}


def _cleared_block(block: Json, old: set[str], inputs: Callable[[str], bool]) -> Json:
    if _is_cleared(block, old):
        return {**block, "content": PLACEHOLDER}
    if block.get("type") == "tool_use" and block["id"] in old and inputs(block["name"]):
        return {**block, "input": {}}
    return block


def _clear_thinking(body: Json, asked: Json, tokens: int, model: Model) -> tuple[Json, int]:
    """Clear the thinking of all but the latest assistant turns that have any; a tool loop is one turn.

    Evidence: Anthropic docs, Context editing and Thinking, read August 2026.
    """
    messages, numbers = body["messages"], turn_numbers(body["messages"])
    thinking = [index for index, message in enumerate(messages) if _thinks(message)]
    turns = sorted({numbers[index] for index in thinking})
    keep = _kept_turns(asked.get("keep"), model)
    old = set(turns[:-keep]) if keep is not None else set()
    cleared = [
        _without_thinking(message) if index in thinking and numbers[index] in old else message
        for index, message in enumerate(messages)
    ]
    return {**body, "messages": [message for message in cleared if message.get("content")]}, len(old)


def _thinks(message: Json) -> bool:
    return any(block.get("type") in THINKING_BLOCKS for block in blocks_of(message.get("content")))


def _kept_turns(keep: Any, model: Model) -> int | None:
    """Return how many turns keep their thinking, None for all; without a word of the request, as the model does it."""
    if keep is None:
        return None if model.thinking.keeps == "all" else 1
    if keep == "all" or keep["type"] == "all":
        return None
    value: int = keep["value"]
    return value


def _without_thinking(message: Json) -> Json:
    kept = [block for block in message["content"] if block.get("type") not in THINKING_BLOCKS]
    return {**message, "content": kept}


type Method = Callable[[Json, Json, int, Model], tuple[Json, int]]
METHODS: Mapping[str, Method] = {TOOL_USES: _clear_tool_uses, THINKING: _clear_thinking}


def edit_types(body: Mapping[str, Any]) -> Sequence[str]:
    """The types of the edits that a request asks for, in order."""
    return [asked["type"] for asked in (body.get("context_management") or {}).get("edits") or ()]
