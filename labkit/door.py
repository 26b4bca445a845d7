"""The door through which a history comes in from elsewhere: repaired where its meaning is plain, refused where it is
not.

Other tools, crashes and hands leave histories that the API refuses on every later turn. What is repaired here says so
in the history; the transcript keeps what came.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from labkit.messages import Block, History, Message, user

NO_RESULT = "No result: the call was interrupted."
"""The answer to a call whose result never came, marked as an error; labkit's words, never a tool's."""
NOT_RUN = "(a server tool was called and brought no result)"
"""The rest of a reply that was nothing but a server tool's call without its result."""


def admitted(history: History) -> History:
    """The history as the API takes it; the very same one where nothing is wrong.

    A call without its result gets one that says so, a call id used before gets a new one, and a server tool's call
    without its result is left out. Raises ValueError, with the place, for a result without its call, a result that is
    there twice, and two calls of one turn with the same id.
    """
    if not any(isinstance(message.content, tuple) for message in history):
        return history
    mended = list(_Round().through(history))
    same = len(mended) == len(history) and all(new is old for new, old in zip(mended, history, strict=True))
    return history if same else History(mended)


class _Round:
    """The calls that wait for their results while a history is walked, and every id that was used."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._waiting: dict[str, str] = {}  # the id that came: the id by which it is sent

    def through(self, history: History) -> Iterator[Message]:
        """The messages, repaired."""
        place = 0
        for role, turn in groupby(history, key=lambda message: message.role):
            messages = list(turn)
            if role == "assistant":
                yield from self._called(messages, place)
            elif role == "user":
                yield from self._answered(messages, place)
            else:
                yield from self._interrupted()
                yield from messages
            place += len(messages)
        if len(history) and not history[-1].has("tool_use"):  # Claude went on without the results, or they came in part
            yield from self._interrupted()

    def _interrupted(self) -> list[Message]:
        """A message with a result for each call that still waits; none when no call waits."""
        missing = [_no_result(name) for name in self._waiting.values()]
        self._waiting = {}
        return [user(missing)] if missing else []

    def _called(self, messages: Sequence[Message], place: int) -> Iterator[Message]:
        yield from self._interrupted()
        ran = {str(b.get("tool_use_id")) for m in messages for b in m.blocks if b["type"].endswith("_tool_result")}
        for at, message in enumerate(messages, place):
            if isinstance(message.content, str):
                yield message
                continue
            blocks = [self._call(block, at) for block in message.blocks if not _orphan(block, ran)]
            yield _with(message, blocks or [{"type": "text", "text": NOT_RUN}])

    def _call(self, block: Block, place: int) -> Block:
        if block["type"] != "tool_use":
            return block
        came = str(block.get("id"))
        if came in self._waiting:
            raise ValueError(f"message {place} calls {came} twice: give each call an id of its own")
        name, number = came, 2
        while name in self._used:
            name, number = f"{came}_{number}", number + 1
        self._used.add(name)
        self._waiting[came] = name
        return block if name == came else {**block, "id": name}

    def _answered(self, messages: Sequence[Message], place: int) -> Iterator[Message]:
        calls, done = self._waiting, set[str]()
        self._waiting = {}
        made = [[_result(block, calls, done, at) for block in m.blocks] for at, m in enumerate(messages, place)]
        missing = [_no_result(name) for came, name in calls.items() if came not in done]
        for number, (message, blocks) in enumerate(zip(messages, made, strict=True)):
            yield _with(message, [*missing, *blocks] if number == 0 else blocks)


def _result(block: Block, calls: dict[str, str], done: set[str], place: int) -> Block:
    if block["type"] != "tool_result":
        return block
    came = str(block.get("tool_use_id"))
    if came not in calls:
        raise ValueError(
            f"message {place} has the result of {came}, but the turn before it has no such call: leave this block out, "
            "or put the call back before it"
        )
    if came in done:
        raise ValueError(f"message {place} has the result of {came} a second time: leave one of them out")
    done.add(came)
    return block if calls[came] == came else {**block, "tool_use_id": calls[came]}


def _orphan(block: Block, ran: Iterable[str]) -> bool:
    """True for a server tool's call without its result. Source: gsd-pi#1330 (July 2026); the words are not verified."""
    return block["type"] in ("server_tool_use", "mcp_tool_use") and str(block.get("id")) not in ran


def _no_result(call: str) -> Block:
    return {"type": "tool_result", "tool_use_id": call, "content": NO_RESULT, "is_error": True}


def _with(message: Message, blocks: list[Block]) -> Message:
    changed: Any = tuple(blocks)
    if changed == message.blocks:
        return message
    return replace(message, content=changed, replaces=(message,))
