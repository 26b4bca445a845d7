"""Tools that come and go in mid-conversation: which ones the model is offered at the end of a request.

A system message adds a tool or takes one away, so that the `tools` of the request, and with them the cached prefix,
stay as they are. A tool with `defer_loading` is neither offered nor counted before it is added. Not simulated: MCP
tools, and the tool changes that a compaction block carries. Evidence: SDK 2.14.0, BetaRequestToolAdditionBlockParam and
BetaRequestToolRemovalBlockParam; Anthropic docs, Mid-conversation tool changes, as quoted in GitHub
elgorro/aiquila#412, July 2026.
"""

from collections.abc import Iterator, Sequence

from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.wire import ApiError, Json

HEADER = "mid-conversation-tool-changes-2026-07-01"
INLINE_HEADER = "inline-tools-2026-09-15"
ADDITION, REMOVAL, DEFINITION = "tool_addition", "tool_removal", "tool_definition"


def changes(messages: Sequence[Json]) -> Iterator[tuple[int, int, Json]]:
    """Yield every block that adds or removes a tool, with its message and place."""
    for index, message in enumerate(messages):
        content = message.get("content")
        if message["role"] == "system" and isinstance(content, list):
            blocks = enumerate(content)
            yield from ((index, place, block) for place, block in blocks if block["type"] in (ADDITION, REMOVAL))


def _name(tool: Json) -> str:
    """The name of the tool that a block refers to or defines."""
    return str((tool["definition"] if tool["type"] == DEFINITION else tool).get("name"))


@rule
def tool_changes_need_their_header(call: Call) -> None:
    """A tool is added or removed under the feature's header, and defined in a message under that of inline tools.

    The words are not verified. Evidence: SDK 2.14.0, BetaRequestToolAdditionBlockParam; release notes of
    langchain/anthropic 1.5.12, 1 October 2026.
    """
    for index, place, block in changes(call.messages):
        where, inline = f"messages.{index}.content.{place}", block["tool"]["type"] == DEFINITION
        if not call.betas & ({INLINE_HEADER} if inline else {HEADER, INLINE_HEADER}):
            tag = DEFINITION if inline else block["type"]
            words = f"Input tag '{tag}' found using 'type' does not match any of the expected tags"
            raise ApiError(400, f"{where}.{block['type']}.tool: {words}" if inline else f"{where}: {words}")


@rule
def changed_tools_are_known(call: Call) -> None:
    """A tool that is added or removed is one of `tools`, or was defined in an earlier message.

    The path before the words is not verified. Evidence: body quoted in GitHub pydantic-ai#6985, July 2026.
    """
    known = {str(tool.get("name")) for tool in call.body.get("tools") or ()}
    for index, place, block in changes(call.messages):
        name = _name(block["tool"])
        if block["tool"]["type"] == DEFINITION:
            known.add(name)
        elif name not in known:
            words = f"tool_addition/tool_removal references unknown tool '{name}'"
            raise ApiError(400, f"messages.{index}.content.{place}: {words}")


def loaded(body: Json) -> Json:
    """Return a request without its deferred tools, each of which is defined where a message adds it instead."""
    deferred = {
        tool.get("name"): {key: value for key, value in tool.items() if key != "defer_loading"}
        for tool in body.get("tools") or ()
        if tool.get("defer_loading")
    }
    if not deferred:
        return body
    messages = [dict(message) for message in body["messages"]]
    for index, place, block in changes(messages):
        if block["type"] == ADDITION and block["tool"].get("name") in deferred:
            defined = {"type": DEFINITION, "definition": deferred[block["tool"]["name"]]}
            content = messages[index]["content"]
            messages[index]["content"] = [*content[:place], {**block, "tool": defined}, *content[place + 1 :]]
    tools = [tool for tool in body["tools"] if not tool.get("defer_loading")]
    return {**body, "tools": tools, "messages": messages}


def offered(body: Json) -> Json:
    """Return a request with the tools that are offered at its end, and no others."""
    known = {str(tool.get("name")): tool for tool in body.get("tools") or ()}
    now = dict(known)
    for _, _, block in changes(body["messages"]):
        tool, name = block["tool"], _name(block["tool"])
        if tool["type"] == DEFINITION:
            known[name] = tool["definition"]
        if block["type"] == ADDITION and name in known:
            now[name] = known[name]
        elif block["type"] == REMOVAL:
            now.pop(name, None)
    return body if list(now.values()) == list(body.get("tools") or ()) else {**body, "tools": list(now.values())}
