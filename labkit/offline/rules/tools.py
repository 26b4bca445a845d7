"""The API's rules on tools in a conversation: each tool_use is answered at once, each tool_result answers one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.wire import ApiError, Json

PAIRED = ("tool_use", "tool_result", "server_tool_use")
PLAIN = re.compile("[a-zA-Z0-9_-]+")


@dataclass(slots=True)
class Turn:
    """Messages of one role in a row, which the API reads as one turn; each block with its message and place."""

    role: str
    last: int = 0
    blocks: list[tuple[int, int, Json]] = field(default_factory=list)


def turns(messages: list[Json]) -> Iterator[Turn]:
    """The turns of a conversation. Evidence for the merging: SDK 2.12.0, messages docstring."""
    turn: Turn | None = None
    for index, message in enumerate(messages):
        if turn is None or turn.role != message["role"]:
            if turn is not None:
                yield turn
            turn = Turn(message["role"])
        turn.last = index
        content = message.get("content")
        if isinstance(content, list):
            turn.blocks.extend((index, place, block) for place, block in enumerate(content))
        else:
            turn.blocks.append((index, 0, {"type": "text"}))
    if turn is not None:
        yield turn


@rule
def tool_use_ids_are_unique(call: Call) -> None:
    """No two tool_use blocks of one assistant turn share an id; two turns may.

    Evidence: body quoted in GitHub claude-code#20901, January 2026; recorded answers of August 2026 to the same id in
    two turns.
    """
    for turn in turns(call.messages):
        seen: set[str] = set()
        for index, place, block in turn.blocks:
            if block["type"] == "tool_use":
                if block["id"] in seen:
                    raise ApiError(400, f"messages.{index}.content.{place}: `tool_use` ids must be unique")
                seen.add(block["id"])


@rule
def tool_results_answer_the_turn_before(call: Call) -> None:
    """A tool_result answers a tool_use of the turn just before.

    Evidence: body quoted in GitHub claude-code#25959, February 2026.
    """
    asked: set[str] = set()
    for turn in turns(call.messages):
        for index, place, block in turn.blocks:
            if block["type"] == "tool_result" and block["tool_use_id"] not in asked:
                raise ApiError(
                    400,
                    f"messages.{index}.content.{place}: unexpected `tool_use_id` found in `tool_result` "
                    "blocks: "
                    f"{block['tool_use_id']}. Each `tool_result` block must have a corresponding `tool_use` "
                    "block in the previous message.",
                )
        asked = _asked(turn)


@rule
def tool_uses_are_answered_at_once(call: Call) -> None:
    """Each tool_use has its tool_result at the head of the next turn: all of them, before any text.

    Evidence: body quoted in GitHub claude-code#7929, September 2025; Anthropic docs, Handle tool calls, read
    August 2026.
    """
    before: Turn | None = None
    for turn in [*turns(call.messages), Turn("end")]:
        if before is not None and _asked(before):
            missing = [name for name in _in_order(before) if name not in _answered_first(turn)]
            if missing:
                raise ApiError(
                    400,
                    f"messages.{before.last}: `tool_use` ids were found without `tool_result` blocks "
                    f"immediately after: {', '.join(missing)}. Each `tool_use` block must have a "
                    "corresponding `tool_result` block in the next message.",
                )
        before = turn


def _in_order(turn: Turn) -> list[str]:
    return (
        [block["id"] for _, _, block in turn.blocks if block["type"] == "tool_use"] if turn.role == "assistant" else []
    )


def _asked(turn: Turn) -> set[str]:
    return set(_in_order(turn))


def _answered_first(turn: Turn) -> set[str]:
    """The ids answered by the tool_result blocks at the head of a user turn."""
    answered: set[str] = set()
    if turn.role == "user":
        for _, _, block in turn.blocks:
            if block["type"] != "tool_result":
                break
            answered.add(block["tool_use_id"])
    return answered


@rule
def tool_blocks_are_in_their_place(call: Call) -> None:
    """A tool_use is the assistant's, a tool_result the user's.

    Evidence: live bodies quoted in several public repositories, 2026.
    """
    for turn in turns(call.messages):
        for index, _, block in turn.blocks:
            if block["type"] == "tool_result" and turn.role != "user":
                raise ApiError(400, f"messages.{index}: `tool_result` blocks can only be in `user` messages")
            if block["type"] == "tool_use" and turn.role != "assistant":
                raise ApiError(400, f"messages.{index}: `tool_use` blocks can only be in `assistant` messages")


@rule
def tool_ids_are_plain(call: Call) -> None:
    """The id of a tool call has letters, digits, underscores and hyphens only.

    Evidence: body quoted in GitHub opencode#1279, July 2025.
    """
    for turn in turns(call.messages):
        for index, place, block in turn.blocks:
            name = {"tool_use": "id", "tool_result": "tool_use_id"}.get(block["type"])
            if name and not PLAIN.fullmatch(block[name]):
                where = f"messages.{index}.content.{place}.{block['type']}.{name}"
                raise ApiError(400, f"{where}: String should match pattern '^[a-zA-Z0-9_-]+$'")


@rule
def one_result_for_each_call(call: Call) -> None:
    """A tool call has one result. The path before the words is not verified.

    Evidence: live body quoted in several public repositories, June 2026.
    """
    for turn in turns(call.messages):
        seen: set[str] = set()
        for index, place, block in turn.blocks:
            if block["type"] == "tool_result":
                name = block["tool_use_id"]
                if name in seen:
                    words = (
                        f"each tool_use must have a single result. Found multiple `tool_result` blocks with id: {name}"
                    )
                    raise ApiError(400, f"messages.{index}.content.{place}: {words}")
                seen.add(name)


@rule
def server_tools_have_their_results(call: Call) -> None:
    """A server tool's call in an earlier turn has its result in that turn; only the last message may wait for one.

    Evidence: body quoted in GitHub gsd-pi#1330, July 2026; the words before the type of the block are not verified.
    """
    *earlier, last = turns(call.messages)
    for turn in earlier if last.role == "user" else ():
        done = {block.get("tool_use_id") for _, _, block in turn.blocks}
        for index, place, block in turn.blocks:
            if block["type"] == "server_tool_use" and block["id"] not in done:
                found = f"`{block['name']}` tool use with id `{block['id']}` was found"
                words = f"{found} without a corresponding `{block['name']}_tool_result` block"
                raise ApiError(400, f"messages.{index}.content.{place}: {words}")


RULES = (
    server_tools_have_their_results,
    tool_ids_are_plain,
    tool_blocks_are_in_their_place,
    tool_use_ids_are_unique,
    tool_results_answer_the_turn_before,
    one_result_for_each_call,
    tool_uses_are_answered_at_once,
)


def check_pairs(call: Call) -> None:
    """Apply the rules on tools, in order, if the conversation has any."""
    if any(_has_tools(message) for message in call.messages):
        for check in RULES:
            check(call)


def _has_tools(message: Json) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(block["type"] in PAIRED for block in content)
