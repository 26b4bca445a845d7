"""The memory tool: the offline Claude looks into its files before it answers, and notes the facts of the user's words.

Evidence: Anthropic docs, Memory tool, read November 2026: Claude checks its memory directory before it starts, then
reads what is in it; the calls are run by the client. SDK 2.12.0, MemoryTool20250818Param and its commands. Its
tokens were recorded (see billing.tokens). The facts that are noted, and in which words, are the simulator's own.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.offline.words.statements import text_of

KIND, NAME = "memory_20250818", "memory"
ROOT, NOTES = "/memories", "/memories/notes.md"
MOST_FILES = 5
"""Files that are read before an answer, so that a round comes to an end."""
_FILE = re.compile(rf"{ROOT}/\S*[^\s/]")


@dataclass(frozen=True, slots=True)
class Command:
    """One call of the tool that was made: its arguments, what came back, and the index of its message."""

    input: Mapping[str, Any]
    result: str
    failed: bool
    index: int

    @property
    def path(self) -> str:
        """The file or folder that it was about."""
        return str(self.input.get("path", ""))


def offered(request: Mapping[str, Any]) -> bool:
    """Check whether the request holds the memory tool and leaves the choice to use it."""
    choice = request.get("tool_choice") or {}
    return choice.get("type") != "none" and any(tool.get("type") == KIND for tool in request.get("tools") or ())


def next_command(messages: Sequence[Mapping[str, Any]], opening: int, note: str) -> dict[str, Any] | None:
    """Return what to do next before the turn that opens at `opening` is answered, or None when all is done.

    First the folder, once a conversation; then every file in it that was not read; then `note`, if there is one, into
    the file of notes. A command that failed is not tried again.
    """
    done = commands(messages)
    seen = {command.path for command in done}
    if ROOT not in seen:
        return {"command": "view", "path": ROOT}
    listed = [path for command in done if command.path == ROOT for path in _FILE.findall(command.result)]
    unread = [path for path in listed if path not in seen][: max(0, MOST_FILES - len(seen))]
    if unread:
        return {"command": "view", "path": unread[0]}
    noted = any(command.input.get("command") in ("create", "insert") for command in done if command.index > opening)
    if not note or noted:
        return None
    if NOTES in listed or any(command.path == NOTES and not command.failed for command in done):
        return {"command": "insert", "path": NOTES, "insert_line": 0, "insert_text": f"{note}\n"}
    return {"command": "create", "path": NOTES, "file_text": f"{note}\n"}


def commands(messages: Sequence[Mapping[str, Any]]) -> list[Command]:
    """Return the tool's calls that have a result, oldest first."""
    made: dict[str, tuple[Mapping[str, Any], int]] = {}
    found: list[Command] = []
    for index, message in enumerate(messages):
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            if block.get("type") == "tool_use" and block.get("name") == NAME:
                made[str(block.get("id"))] = (block.get("input") or {}, index)
            elif block.get("type") == "tool_result" and block.get("tool_use_id") in made:
                given, at = made[block["tool_use_id"]]
                outcome = text_of(block.get("content", ""))
                found.append(Command(given, outcome, bool(block.get("is_error")), at))
    return found
