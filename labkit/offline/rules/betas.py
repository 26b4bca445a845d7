"""The API's rules on beta features: which header each needs, and what does not go together."""

from functools import cache
from typing import get_args

from labkit.offline.catalog import COMPACTION_FLOOR
from labkit.offline.platform import context_editing, thinking
from labkit.offline.platform.compaction import COMPACT_EDIT, COMPACTING, THRESHOLD, compaction_blocks
from labkit.offline.platform.tool_changes import changed_tools_are_known, tool_changes_need_their_header
from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.wire import ApiError, blocks_of

THREADS = "message-threads-2026-08-12"
EDITING = "context-management-2025-06-27"
MOST_INSTRUCTIONS = 16_384
ANSWERED = frozenset(
    [
        "advanced-tool-use-2025-11-20",
        "afk-mode-2026-01-31",
        "claude-code-20250219",
        "code-execution-2025-08-25",
        "dangerous-tool-use-2026-09-03",
        "effort-2025-11-24",
        "fine-grained-tool-streaming-2025-05-14",
        "mid-conversation-system-2026-04-07",
        "oauth-2025-04-20",
        "per-turn-control-2026-07-01",
        "prompt-caching-scope-2026-01-05",
        "web-fetch-2025-09-10",
    ]
)
"""Names that the SDK does not list, seen in requests that the API answered. Source: headers of Claude Code caught in
July 2026 (GitHub opencode-anthropic-auth#174) and October 2026 (a public repository), GitHub zai-org/feedback#172, July
2026, a public log with a request id, 2026, and Anthropic docs, Web fetch and Skills, 2025 and 2026."""
ONCE = frozenset(["max-tokens-3-5-sonnet-2024-07-15", "tools-2024-04-04", "tools-2024-05-16", "web-search-2025-03-05"])
"""Names that were documented or are often sent, 2024 and 2025; no answer of today to one of them was found."""


@rule
def beta_exists(call: Call) -> None:
    """A name in the anthropic-beta header is one that the API knows: those of the SDK, and a few others.

    That `tools-2024-04-04`, `tools-2024-05-16`, `max-tokens-3-5-sonnet-2024-07-15` and `web-search-2025-03-05` still
    pass is not verified, and more names may pass than are known here. Evidence: Anthropic docs, Beta headers, read
    August 2026; the names in SDK 2.14.0, AnthropicBetaParam; names in requests that were answered, 2025 and 2026.
    """
    unknown = sorted(call.betas - _known_betas() - ANSWERED - ONCE)
    if unknown:
        named = ", ".join(f"`{name}`" for name in unknown)
        words = "Please consult our documentation at platform.claude.com/docs or try again without the header."
        raise ApiError(400, f"Unexpected value(s) {named} for the `anthropic-beta` header. {words}")


@cache
def _known_betas() -> frozenset[str]:
    from anthropic.types import AnthropicBetaParam

    return frozenset(name for branch in get_args(AnthropicBetaParam) for name in get_args(branch))


@rule
def beta_fields_need_their_header(call: Call) -> None:
    """A field of a beta feature is an unknown key without the feature's header.

    Evidence: Anthropic docs, Message threads, Context editing and Preserved thinking, read August to November 2026;
    the words in Anthropic docs, Compaction, read September 2026.
    """
    needed = {"thread": {THREADS}, "context_management": {EDITING, THRESHOLD}}
    for name, headers in needed.items():
        if call.body.get(name) is not None and not headers & call.betas:
            raise ApiError(400, f"{name}: Extra inputs are not permitted")
    asked = call.body.get("thinking") or {}
    if asked.get("block_binding") is not None and thinking.HEADER not in call.betas:
        raise ApiError(400, f"thinking.{asked['type']}.block_binding: Extra inputs are not permitted")


@rule
def compaction_needs_its_header(call: Call) -> None:
    """The compaction parameter, its edit and its block need their headers. The first sentence's words are not verified.

    Evidence: Anthropic docs, Compact on demand, read September 2026.
    """
    if call.body.get("compaction") is not None and COMPACTING not in call.betas:
        raise ApiError(400, f"compaction: the `compaction` parameter requires anthropic-beta: {COMPACTING}")
    for place, name in enumerate(context_editing.edit_types(call.body)):
        if name == COMPACT_EDIT and THRESHOLD not in call.betas:
            raise ApiError(400, f"context_management.edits.{place}: {_unexpected(name)}")
    for index, place, _ in compaction_blocks(call.messages):
        if not call.betas & {COMPACTING, THRESHOLD}:
            raise ApiError(400, f"messages.{index}.content.{place}: {_unexpected('compaction')}")


def _unexpected(tag: str) -> str:
    return f"Input tag '{tag}' found using 'type' does not match any of the expected tags"


@rule
def clearing_thinking_comes_first(call: Call) -> None:
    """The edit that clears thinking is the first. The words are not verified.

    Evidence: Anthropic docs, Context editing, read August 2026.
    """
    if context_editing.THINKING in context_editing.edit_types(call.body)[1:]:
        raise ApiError(400, f"context_management.edits: {context_editing.THINKING} must be the first edit")


@rule
def cleared_thinking_keeps_a_turn_or_more(call: Call) -> None:
    """The edit that clears thinking keeps the thinking of one turn at least. The words are not verified.

    Evidence: Anthropic docs, Context editing, read August 2026.
    """
    for place, edit in enumerate((call.body.get("context_management") or {}).get("edits") or ()):
        keep = edit.get("keep")
        if edit["type"] == context_editing.THINKING and isinstance(keep, dict) and keep.get("value", 1) < 1:
            where = f"context_management.edits.{place}.{context_editing.THINKING}.keep"
            raise ApiError(400, f"{where}: thinking_turns must be greater than 0")


@rule
def threshold_is_high_enough(call: Call) -> None:
    """The trigger of threshold compaction is at least 50,000 input tokens (scaled down with a classroom window).

    Evidence: live probe of 26 September 2026, GitHub tdavison784/context-runtime.
    """
    floor = call.model.scaled(COMPACTION_FLOOR)
    for place, edit in enumerate((call.body.get("context_management") or {}).get("edits") or ()):
        trigger = edit.get("trigger") if edit["type"] == COMPACT_EDIT else None
        if trigger and trigger["value"] < floor:
            where = f"context_management.edits.{place}.{COMPACT_EDIT}"
            raise ApiError(400, f"{where}: trigger.value must be at least {floor}")


@rule
def compaction_is_alone(call: Call) -> None:
    """A compaction request sends no context_management, stop_sequences, output format or forced tool, and short
    instructions. The words are not verified.

    Evidence: Anthropic docs, Compact on demand, read September 2026.
    """
    asked = call.body.get("compaction")
    if asked is None or call.counting:
        return
    forced = (call.body.get("tool_choice") or {}).get("type") in ("any", "tool")
    given = {
        "context_management": call.body.get("context_management"),
        "stop_sequences": call.body.get("stop_sequences"),
        "output_config.format": (call.body.get("output_config") or {}).get("format"),
        "tool_choice": forced,
    }
    for name, value in given.items():
        if value:
            raise ApiError(400, f"{name}: cannot be combined with `compaction`")
    if len(asked.get("instructions") or "") > MOST_INSTRUCTIONS:
        words = f"String should have at most {MOST_INSTRUCTIONS} characters"
        raise ApiError(400, f"compaction.summarize.instructions: {words}")


@rule
def compaction_by_model(call: Call) -> None:
    """Compaction, on demand or by its edit, is for models from Claude 4.6 on. The words are not verified.

    Evidence: Anthropic docs, Compaction, read August 2026, and Compact on demand, read September 2026.
    """
    if call.model.version >= (4, 6):
        return
    if call.body.get("compaction") is not None:
        raise ApiError(400, "compaction: not supported on this model")
    for place, name in enumerate(context_editing.edit_types(call.body)):
        if name == COMPACT_EDIT:
            raise ApiError(400, f"context_management.edits.{place}: {COMPACT_EDIT} is not supported on this model")


@rule
def compaction_has_something_to_do(call: Call) -> None:
    """A compaction request has messages to summarize.

    Evidence: SDK 2.12.0, CompactionNothingToSummarizeErrorDetails; the words are not verified.
    """
    if call.body.get("compaction") is None or call.counting:
        return
    if not any(blocks_of(m.get("content")) for m in call.messages if m["role"] != "system"):
        code = "compaction_nothing_to_summarize"
        raise ApiError(400, "messages: there is no user or assistant content to summarize", code)


@rule
def compaction_ends_on_a_finished_turn(call: Call) -> None:
    """A compaction request does not end on a tool call without its result.

    Evidence: SDK 2.12.0, CompactionIncompleteTurnErrorDetails; the words are not verified.
    """
    if call.body.get("compaction") is None or call.counting:
        return
    last = call.messages[-1]
    if last["role"] == "assistant" and any(block["type"] == "tool_use" for block in blocks_of(last.get("content"))):
        code = "compaction_incomplete_turn"
        raise ApiError(400, "messages: the last assistant turn ends in a tool call without its result", code)


RULES = (
    beta_exists,
    beta_fields_need_their_header,
    compaction_needs_its_header,
    clearing_thinking_comes_first,
    cleared_thinking_keeps_a_turn_or_more,
    threshold_is_high_enough,
    compaction_by_model,
    compaction_is_alone,
    compaction_has_something_to_do,
    compaction_ends_on_a_finished_turn,
    tool_changes_need_their_header,
    changed_tools_are_known,
)


def check_betas(call: Call) -> None:
    """Apply the rules on beta features, in order, to requests that could use one."""
    if call.beta:
        for check in RULES:
            check(call)
