"""Tool calls over many rounds: which calls a goal still asks for, and which results must be read again.

Everything follows from the request alone. A goal that names what to look up has a call for each. A goal that says
`every`, `each` or `all` walks through the values that another tool listed, in the order of the list, from the furthest
one that was called; one that says `follow` or `until` takes the value that the newest result names. A result that was
cleared is asked for again when the walk or the answer needs it, so that clearing too much costs calls, as it does live.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from labkit.offline.words.arguments import fill, found_in, missing, properties_of, required
from labkit.offline.words.statements import calls, text_of
from labkit.offline.words.tools import Call, chosen, tool_results, wanted

CLEARED = re.compile(r"^\[(?:Old tool result content cleared\]|.*\bcleared\b)", re.I)
"""A result that was cleared: by the platform, by labkit, or by anybody who says so in brackets."""
NOTED = re.compile(r"^- (?P<name>[\w-]+) (?P<input>\{.*\}) -> ", re.M)
"""A call that a note of folded rounds tells of: its tool and its arguments."""
EVERY = re.compile(
    r"\b(?:every|each|all (?:of )?(?:the|them|files|those|these)|in turn"
    r"|one (?:after the other|after another|by one))\b",
    re.I,
)
FOLLOW = re.compile(r"\b(?:follow\w*|until|chain|trail|leads?|next|continu\w+)\b", re.I)


class Made(NamedTuple):
    """One call of a loop: its tool, its arguments, and its result, None where it cannot be read any more."""

    name: str
    arguments: Mapping[str, Any]
    result: str | None

    @property
    def key(self) -> str:
        """The same text for the same call."""
        return key_of(self.name, self.arguments)


def key_of(name: str, arguments: Mapping[str, Any]) -> str:
    """Return a text that is the same for the same call."""
    return json.dumps([name, arguments], sort_keys=True)


def opening_of(messages: Sequence[Mapping[str, Any]], index: int) -> int:
    """Return the index of the message that holds the goal of the loop which ends at `index`.

    The goal is what the user last said before the calls; a note of folded rounds after it belongs to the loop.
    """
    for place in range(index, -1, -1):
        message = messages[place]
        said = text_of(message.get("content", ""))
        if message.get("role") == "user" and not tool_results(message) and not NOTED.search(said):
            return place
    return 0


def goal_of(messages: Sequence[Mapping[str, Any]], index: int) -> str:
    """Return what the user wants at a message: its own words, else those of the goal of the loop that it goes on."""
    own = text_of(messages[index].get("content", ""))
    return own or text_of(messages[opening_of(messages, index)].get("content", ""))


def made_since(messages: Sequence[Mapping[str, Any]], opening: int, index: int) -> list[Made]:
    """Return the calls of a loop, oldest first: those that a note tells of, then those that have a result."""
    found: list[Made] = []
    known = calls(messages[opening : index + 1])
    for message in messages[opening : index + 1]:
        found += _noted(message)
        for block in tool_results(message):
            call = known.get(str(block.get("tool_use_id")))
            if call:
                text = text_of(block.get("content", ""))
                found.append(Made(call["name"], call.get("input") or {}, None if CLEARED.match(text) else text))
    return found


def _noted(message: Mapping[str, Any]) -> Iterator[Made]:
    said = text_of(message.get("content", "")) if message.get("role") == "user" else ""
    for line in NOTED.finditer(said):
        try:
            yield Made(line["name"], json.loads(line["input"]), None)
        except ValueError:
            continue


def due(request: Mapping[str, Any], goal: str, made: Sequence[Made]) -> list[Call]:
    """Return the calls that a goal asks for next, or none when it has them all; `made` are the calls so far."""
    named = _named(request, goal, made)
    if named:
        return named
    walking, following = EVERY.search(goal), FOLLOW.search(goal)
    for tool in chosen(request, goal) if made and (walking or following) else ():
        step = _step(tool, goal, made, bool(walking))
        if step:
            return [step]
    return []


def _named(request: Mapping[str, Any], goal: str, made: Sequence[Made]) -> list[Call]:
    """Return the calls that the goal's own words hold and that were not made.

    A tool that was called in other words than these counts as done: somebody else wrote its calls.
    """
    asked = wanted(request, goal, ())[0]
    done, names = {one.key for one in made}, {one.name for one in made}
    ours = {call.name for call in asked if key_of(*call) in done}
    return [call for call in asked if key_of(*call) not in done and (call.name in ours or call.name not in names)]


def _step(tool: Mapping[str, Any], goal: str, made: Sequence[Made], walking: bool) -> Call | None:
    """Return the next call of one tool on its way through a list or along a trail."""
    schema = tool["input_schema"]
    varying = missing(schema, fill(schema, (goal,), {})) or required(schema)
    if len(varying) != 1:
        return None
    name, inner = varying[0], properties_of(schema).get(varying[0], {})
    value, source = _walked(tool["name"], name, inner, made) if walking else _followed(tool["name"], name, inner, made)
    if value is None:
        return Call(source.name, dict(source.arguments)) if source else None
    return Call(tool["name"], fill(schema, (goal,), {name: value}))


type Next = tuple[Any, Made | None]
"""A value to call with; or None, and the call whose result has to be read again before one can be known."""


def _walked(tool: str, name: str, inner: Mapping[str, Any], made: Sequence[Made]) -> Next:
    """Return the value after the furthest one that was called, in the list that another tool gave."""
    lists = [one for one in made if one.name != tool] or [one for one in made if one.name == tool][:1]
    called = {str(one.arguments.get(name)) for one in made if one.name == tool}
    latest = {one.key: one for one in lists}
    for one in latest.values():
        if one.result is None:
            # Asked for again, unless it has just been and was cleared at once: then it never can be read.
            if made[-1].key == one.key:
                continue
            return None, one
        offered = _offered(name, _frozen(inner), one.result)
        furthest = max((place for place, value in enumerate(offered) if str(value) in called), default=-1)
        if furthest + 1 < len(offered):
            return offered[furthest + 1], None
    return None, None


def _followed(tool: str, name: str, inner: Mapping[str, Any], made: Sequence[Made]) -> Next:
    """Return the value that the newest result names and that was not called yet."""
    called = {str(one.arguments.get(name)) for one in made if one.name == tool}
    offered = _offered(name, _frozen(inner), made[-1].result or "")
    return next((value for value in offered if str(value) not in called), None), None


def _frozen(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, sort_keys=True)


@lru_cache(maxsize=4096)
def _offered(name: str, schema: str, text: str) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(found_in(name, json.loads(schema), text)))


def again(made: Sequence[Made]) -> Call | None:
    """Return the oldest call whose result was cleared and that was not repeated yet; None when there is no such."""
    times = {one.key: sum(other.key == one.key for other in made) for one in made if one.result is None}
    lost = next((one for one in made if times.get(one.key) == 1), None)
    return Call(lost.name, dict(lost.arguments)) if lost else None
