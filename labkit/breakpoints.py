"""Prompt cache breakpoints: three places up to which a request is written to the cache, and read back the next time.

The API looks for what it has cached in the 20 blocks before each breakpoint, and writes at breakpoints only. Source:
Anthropic docs, Prompt caching (read August 2026).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from labkit.blocks import copied
from labkit.messages import History

LOOK_BACK = 20
"""Blocks that the API looks back from a breakpoint, the breakpoint's own included."""

MOST = 4
"""Breakpoints that a request may have, the automatic one among them."""

EPHEMERAL = {"type": "ephemeral"}


def with_breakpoints(request: Mapping[str, Any], view: History, may_be_cut: bool) -> dict[str, Any]:
    """Return the request with the automatic breakpoint at its end, and with others where that one alone does not reach.

    After a cut only the beginning is as it was: where steps may cut, the system prompt, or else the last tool, has a
    breakpoint. The newest round may have more blocks than the API looks back, as with twelve parallel calls: then the
    end of the request before has one. These are three of the four that a request may have.
    """
    request = {**request, "cache_control": EPHEMERAL}
    free = MOST - 1 - sum("cache_control" in block for message in view for block in message.blocks)
    if may_be_cut and free > 0:
        if request.get("system"):
            request["system"] = _marked(request["system"])
        elif request.get("tools"):
            request["tools"] = [*request["tools"][:-1], {**request["tools"][-1], "cache_control": EPHEMERAL}]
    newest = view.newest_reply()
    wide = sum(len(message.blocks) for message in view[newest:]) >= LOOK_BACK
    if wide and free > 1 and newest and view[newest - 1].role == "user":
        before = dict(request["messages"][newest - 1])
        before["content"] = _marked(before["content"])
        request["messages"] = [*request["messages"][: newest - 1], before, *request["messages"][newest:]]
    return request


def _marked(content: Any) -> Any:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else copied(content)
    blocks[-1] = {**blocks[-1], "cache_control": EPHEMERAL}
    return blocks


def within_breakpoints(request: dict[str, Any]) -> dict[str, Any]:
    """The request with the newest cache breakpoints of its messages, as many as the API takes.

    The older ones go: what was cached under them is found again from the newer ones. Changes the messages in place.
    """
    before = ("cache_control" in request) + sum(
        len(list(_breakpoints(request.get(key)))) for key in ("tools", "system")
    )
    marked = list(_breakpoints(request["messages"]))
    for block in marked[: max(before + len(marked) - MOST, 0)]:
        del block["cache_control"]
    return request


def _breakpoints(value: Any) -> Iterator[dict[str, Any]]:
    """Every block with a breakpoint, in order, also inside tool results; tool inputs hold none."""
    if isinstance(value, dict):
        yield from _breakpoints(value.get("content"))
        if value.get("cache_control"):
            yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _breakpoints(item)
