"""Recorded runs of agents, read from files of yours in the forms that agents and benchmarks write.

Five forms are read: messages as the API takes them, OpenAI's chat form (tau-bench), SWE-agent's trajectories (also
those of MLGym and others that use its form), and sessions of pi in lines of JSON. A file may hold one run or many.
System prompts are left out of a run, because a history holds none of them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labkit.messages import Block, History, Message, assistant, from_wire, user

type Said = Sequence[Mapping[str, Any]]


def read_runs(path: str | Path) -> list[History]:
    """Read every run of a file, in its order; a run in which no tool is called is left out.

    Raises ValueError for a file in none of the forms, with the keys that it has.
    """
    path = Path(path)
    runs = [History(run) for run in _runs(path, _read(path.read_text("utf-8"), path))]
    return [run for run in runs if any(message.has("tool_use") for message in run)]


def _read(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise ValueError(f"{path} is neither JSON nor lines of JSON ({error}): give a recorded run") from None


def _runs(path: Path, read: Any) -> Iterator[Iterable[Message]]:
    rows = [read] if isinstance(read, Mapping) else read if isinstance(read, list) else []
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError(f"{path} holds {type(read).__name__}: give a run, a list of runs, or lines of JSON")
    if all("role" in row for row in rows):
        yield _messages(rows)
    elif any(row.get("type") == "session" for row in rows):
        yield _alternating(_from_pi(rows))
    else:
        for row in rows:
            yield _run(row, path)


def _run(row: Mapping[str, Any], path: Path) -> Iterable[Message]:
    history = row.get("history") or ()
    if any(said["role"] == "tool" for said in history):
        return _messages([said for said in history if not said.get("is_demo")])
    if "trajectory" in row:
        return _alternating(_from_actions(row))
    said = row.get("messages") or row.get("traj")
    if not said:
        raise ValueError(f"{path} has the keys {', '.join(row)}: give messages, traj, trajectory or history")
    return _messages(said)


def _messages(said: Said) -> Iterable[Message]:
    """Return messages that are in the API's own form or in the chat form."""
    if any("tool_calls" in one or one["role"] == "tool" for one in said):
        return _alternating(_from_chat(said))
    return [from_wire(one) for one in said]


def _alternating(messages: Iterable[Message]) -> Iterator[Message]:
    """Yield messages from the first of the user on, without results whose call is not in the run, and close open calls.

    A recording may begin or end in the middle: the API takes no result without its call, and no call without a result.
    """
    begun, open_calls = False, dict[str, Block]()
    for message in messages:
        begun = begun or (message.role == "user" and not message.has("tool_result"))
        if not begun:
            continue
        if message.has("tool_result"):
            known = [block for block in message.blocks if open_calls.pop(str(block.get("tool_use_id")), None)]
            if known:
                yield user(known)
            continue
        if open_calls:
            yield _stopped(open_calls)
            open_calls = {}
        open_calls = {block["id"]: block for block in message.blocks if block["type"] == "tool_use"}
        yield message
    if open_calls:
        yield _stopped(open_calls)


def _stopped(calls: Iterable[str]) -> Message:
    return user([_result(call, "(the recording has no result)", True) for call in calls])


def _result(call: Any, content: Any, failed: bool = False) -> Block:
    found = {"type": "tool_result", "tool_use_id": str(call), "content": content or "-"}
    return found | {"is_error": True} if failed else found


def _text(content: Any) -> str:
    """Return the words of a content that is text or a list of parts; '' where there are none."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if part.get("type") == "text")
    return str(content or "")


def _words(content: Any) -> list[Block]:
    text = _text(content).strip()
    return [{"type": "text", "text": text}] if text else []


def _from_chat(said: Said) -> Iterator[Message]:
    for one in said:
        if one["role"] in ("tool", "function"):
            call = one.get("tool_call_id") or next(iter(one.get("tool_call_ids") or ()), "")
            yield user([_result(call, _text(one["content"]))])
        elif one["role"] == "assistant":
            if blocks := [*_words(one.get("content")), *map(_call, one.get("tool_calls") or ())]:
                yield assistant(blocks)
        elif one["role"] == "user" and (words := _words(one["content"])):
            yield user(words)


def _call(call: Mapping[str, Any]) -> Block:
    function = call["function"]
    given = function.get("arguments") or {}
    try:
        given = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        given = {"arguments": given}
    given = given if isinstance(given, Mapping) else {"arguments": given}
    return {"type": "tool_use", "id": call["id"], "name": function["name"], "input": given}


def _from_actions(row: Mapping[str, Any]) -> Iterator[Message]:
    """Yield the run of a trajectory: a thought and an action are a call of a shell, an observation is its result."""
    asked = (said for said in row.get("history") or () if said["role"] == "user" and not said.get("is_demo"))
    goal = row.get("problem_statement") or next((_text(said["content"]) for said in asked), "")
    yield user(goal.strip() or "Solve the task.")
    for number, step in enumerate(row["trajectory"]):
        call = {"type": "tool_use", "id": f"toolu_{number}", "name": "bash", "input": {"command": step["action"]}}
        yield assistant([*_words(step.get("thought")), call])
        yield user([_result(call["id"], step.get("observation"))])


def _from_pi(rows: Said) -> Iterator[Message]:
    for said in (row["message"] for row in rows if row.get("type") == "message"):
        if said["role"] == "toolResult":
            yield user([_result(said["toolCallId"], _text(said["content"]), bool(said.get("isError")))])
        elif said["role"] == "assistant":
            calls = (part for part in said["content"] if part.get("type") == "toolCall")
            made = [{"type": "tool_use", "id": c["id"], "name": c["name"], "input": c["arguments"]} for c in calls]
            if blocks := [*_words(said["content"]), *made]:
                yield assistant(blocks)
        elif said["role"] == "user" and (words := _words(said["content"])):
            yield user(words)
