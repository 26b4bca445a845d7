"""Features that the offline Claude does not simulate: each is refused in its own words, so that none is passed over."""

from collections.abc import Iterator

from labkit.offline.platform.tool_changes import changes
from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.wire import ApiError, blocks_of

SERVER_TOOLS = ("web_search", "web_fetch", "code_execution", "tool_search_tool", "advisor", "mcp_tool")
"""The beginnings of the types of tools that run on the API's side. Source: SDK 2.14.0, BetaToolUnionParam."""
PATHS = ("/v1/messages/batches", "/v1/files")
FIELDS = {"mcp_servers": "MCP", "fallbacks": "fallbacks", "container": "code execution"}


@rule
def feature_is_simulated(call: Call) -> None:
    """Server tools, citations, MCP, fallbacks, task budgets and files are refused by an error of the simulator itself.

    The live API takes them all. Evidence: no answer of the API; SDK 2.14.0 has the fields.
    """
    for where, name in _beyond(call):
        raise ApiError(400, words(f"{where}: {name}"))


def words(feature: str) -> str:
    """Return the error for a feature that is not simulated."""
    return f"[simulated] {feature} is not simulated by the offline Claude, and the live API has it: leave it out here"


def _beyond(call: Call) -> Iterator[tuple[str, str]]:
    tools = [(f"tools.{place}", tool) for place, tool in enumerate(call.body.get("tools") or ())]
    for index, place, block in changes(call.messages):
        tools.append((f"messages.{index}.content.{place}", block["tool"].get("definition") or block["tool"]))
    for where, tool in tools:
        if str(tool.get("type") or "").startswith(SERVER_TOOLS):
            yield where, f"the server tool {tool['type']}"
    for field, name in FIELDS.items():
        if call.body.get(field):
            yield field, name
    if (call.body.get("output_config") or {}).get("task_budget"):
        yield "output_config.task_budget", "a task budget"
    for index, message in enumerate(call.messages):
        for place, block in enumerate(blocks_of(message.get("content"))):
            where = f"messages.{index}.content.{place}"
            if isinstance(block.get("citations"), dict) and block["citations"].get("enabled"):
                yield f"{where}.citations", "a document with citations"
            if (block.get("source") or {}).get("type") == "file" or block["type"] == "container_upload":
                yield where, "a file of the Files API"
