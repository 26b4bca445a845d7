"""The API's rules on the `thinking` parameter: which types a model accepts, and what does not go with thinking."""

from labkit.offline.catalog import LEVELS
from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.settings import OFF, effort, thinking_type, thinks
from labkit.offline.signatures import THINKING
from labkit.offline.wire import ApiError, Json, blocks_of, turn_numbers

LEAST_THINKING = 1024
"""Tokens of a thinking budget at least. Source: SDK 2.14.0, thinking docstring of the messages parameters."""
REFUSED = {
    "enabled": '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
    '"output_config.effort" to control thinking behavior.',
    "disabled": '"thinking.type.disabled" is not supported for this model. Thinking defaults to adaptive mode when not '
    'specified; use "thinking.type.enabled" with "budget_tokens" for extended thinking.',
    "adaptive": "adaptive thinking is not supported on this model",
    "between_tools": '"thinking.type.between_tools" is not supported for this model.',
}


@rule
def thinking_type_by_model(call: Call) -> None:
    """A model accepts some types of thinking only. The words for `between_tools` are not verified.

    Evidence: Anthropic docs, Troubleshooting thinking, read August 2026, for the words, and live bodies of 9 September
    2026 quoted in GitHub aelix-ai#258; by model in labkit/facts.toml.
    """
    kind = thinking_type(call.body, call.model)
    if kind not in call.model.thinking.types:
        raise ApiError(400, REFUSED[kind])


@rule
def thinking_off_by_effort(call: Call) -> None:
    """From Claude Opus 5 on thinking is not off at the two highest levels of effort. The words are not verified.

    Evidence: Anthropic docs, Troubleshooting thinking, read August 2026; later models in labkit/facts.toml.
    """
    most = call.model.effort and call.model.effort.most_without_thinking
    level, kind = effort(call.body, call.model), thinking_type(call.body, call.model)
    if most and level and kind in OFF and LEVELS.index(level) > LEVELS.index(most):
        words = f"is not supported with `output_config.effort` above '{most}' on this model."
        raise ApiError(400, f'"thinking.type.{kind}" {words}')


@rule
def thinking_budget(call: Call) -> None:
    """A thinking budget is at least 1,024 tokens and below max_tokens.

    Evidence: body quoted in GitHub llm.js#30, August 2026; SDK 2.14.0, thinking docstring; the second sentence's words
    in GitHub zotero-rag#227, April 2026.
    """
    thinking = call.body.get("thinking") or {}
    budget = thinking.get("budget_tokens")
    if thinking.get("type") != "enabled" or budget is None:
        return
    if budget < LEAST_THINKING:
        words = f"Input should be greater than or equal to {LEAST_THINKING}"
        raise ApiError(400, f"thinking.enabled.budget_tokens: {words}")
    if not call.counting and 0 < call.body["max_tokens"] <= budget:
        raise ApiError(400, "`max_tokens` must be greater than `thinking.budget_tokens`")


@rule
def thinking_does_not_force_a_tool(call: Call) -> None:
    """With a thinking budget no tool can be forced; adaptive thinking goes with a forced tool.

    Evidence: live body quoted in several public repositories, 2026; Anthropic docs, Thinking, read August 2026.
    """
    forced = (call.body.get("tool_choice") or {}).get("type") in ("any", "tool")
    if forced and thinking_type(call.body, call.model) == "enabled":
        raise ApiError(400, "Thinking may not be enabled when tool_choice forces tool use.")


@rule
def no_prefill_while_thinking(call: Call) -> None:
    """While thinking is on the last message is not the assistant's. The words are not verified.

    Evidence: Anthropic docs, Thinking (Limits), read August 2026.
    """
    last = call.messages[-1]
    if call.model.prefill and last["role"] == "assistant" and thinks(call.body, call.model):
        blocks = blocks_of(last.get("content"))
        if blocks and blocks[0]["type"] not in THINKING:
            raise ApiError(400, _expected(len(call.messages) - 1, blocks[0]))


@rule
def manual_thinking_begins_the_turn(call: Call) -> None:
    """With a thinking budget, the assistant turn of an open tool loop begins with thinking.

    Evidence: Anthropic docs, Thinking (Thinking with tool use), read August 2026; body quoted in many public
    repositories, 2025 and 2026.
    """
    messages = call.messages
    if thinking_type(call.body, call.model) != "enabled" or not _is_result(messages[-1]):
        return
    turns = turn_numbers(messages)
    open_turn = (place for place, number in enumerate(turns) if number == turns[-1])
    first = next((place for place in open_turn if messages[place]["role"] == "assistant"), None)
    if first is not None and blocks_of(messages[first]["content"])[0]["type"] not in THINKING:
        raise ApiError(400, _expected(first, blocks_of(messages[first]["content"])[0]))


def _is_result(message: Json) -> bool:
    return any(block["type"] == "tool_result" for block in blocks_of(message.get("content")))


def _expected(index: int, block: Json) -> str:
    return (
        f"messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{block['type']}`. "
        "When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the "
        "lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous "
        "turns. To avoid this requirement, disable `thinking`."
    )


ON_PARAMETERS = (thinking_type_by_model, thinking_off_by_effort, thinking_budget, thinking_does_not_force_a_tool)
ON_MESSAGES = (no_prefill_while_thinking, manual_thinking_begins_the_turn)


def check_thinking_parameters(call: Call) -> None:
    """Apply the rules on the parameter, in order."""
    for check in ON_PARAMETERS:
        check(call)


def check_thinking_messages(call: Call) -> None:
    """Apply the rules on messages while thinking is on, in order."""
    for check in ON_MESSAGES:
        check(call)
