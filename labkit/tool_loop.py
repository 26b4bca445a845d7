"""A loop of tool calls: Claude asks for a tool, a Python function answers, and so on until Claude answers in words.

The schema of a tool, and the check of its arguments, are the SDK's own `beta_tool`. What was answered stays: after a
limit, an error or a stop in the middle, the conversation can be saved, sent and gone on with, because every open call
is closed with a result that says so. Taught in notebook 10.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from inspect import iscoroutinefunction
from typing import Any, Literal

from labkit.costs import cost
from labkit.manager_state import Shell
from labkit.messages import Block, Content, user
from labkit.repair import asks
from labkit.tokens import Usage

type Ended = Literal["answered", "most_calls", "most_dollars"]

STOPPED = "stopped before it was answered: it may or may not have run, so look before you call it again"
OVER = {
    "most_calls": "not run: the limit of calls is reached",
    "most_dollars": "not run: the limit of dollars is reached",
}


@dataclass(frozen=True, slots=True)
class LoopEnd:
    """The end of a loop: Claude's last words, why it ended, the calls that were run, and its cost in dollars."""

    text: str
    ended: Ended
    calls: int
    usage: Usage
    dollars: float

    def __str__(self) -> str:
        """Claude's last words."""
        return self.text


@dataclass(frozen=True, slots=True)
class Called:
    """A call that was run while a loop is read as it comes: the tool, its arguments, and the result block."""

    name: str
    input: Any
    result: Block


class ToolLoop:
    """One run of a manager's loop: the tools by name, the limits, and what was done so far."""

    def __init__(
        self, manager: Shell, tools: Sequence[Callable[..., Any]], most_calls: int, most_dollars: float | None
    ) -> None:
        """Take the manager, which keeps the schemas of the tools from here on, because its history has their calls.

        Raises ValueError for a limit that means nothing, and for two tools of one name.
        """
        from labkit.clients import as_tool

        if most_calls < 1 or (most_dollars is not None and most_dollars <= 0):
            raise ValueError(
                f"most_calls {most_calls} and most_dollars {most_dollars}: give at least 1 call, and dollars above 0"
            )
        self.manager, self.most_calls, self.most_dollars = manager, most_calls, most_dollars
        made = [as_tool(function) for function in tools]
        self.tools = {tool.name: tool for tool in made}
        if len(self.tools) < len(made):
            raise ValueError(f"two tools have one name: {', '.join(tool.name for tool in made)}")
        others = [tool for tool in manager.settings.tools if tool.get("name") not in self.tools]
        manager.settings = replace(manager.settings, tools=(*others, *(tool.to_dict() for tool in made)))
        self.before, self.calls = manager.usage, 0
        self.ended: Ended = "answered"

    def opening(self, goal: Content | None) -> Content | None:
        """Return what to send first, after the calls that nobody answered were closed: the goal, or None to go on."""
        if waiting := self.waiting():
            closed = [_result(call, STOPPED, True) for call in waiting]
            more = [] if goal is None else list(user(goal).blocks)
            self.manager.add_user_message([*closed, *more])
            return None
        return goal

    def waiting(self) -> list[Block]:
        """Return the calls of Claude's newest message that wait for a result."""
        newest = self.manager.transcript[-1:]
        return [b for m in newest if m.role == "assistant" for b in m.blocks if b["type"] == "tool_use"]

    def over(self) -> Ended | None:
        """Return the limit that forbids to run what waits now, if one does."""
        if self.calls + len(self.waiting()) > self.most_calls:
            return "most_calls"
        return "most_dollars" if self.most_dollars is not None and self.dollars() >= self.most_dollars else None

    def dollars(self) -> float:
        """Return what the run has cost so far, sub-conversations included, by the table of prices."""
        return cost(self.used(), self.manager.settings.row).dollars

    def used(self) -> Usage:
        """Return the tokens billed since the run began."""
        now, before = self.manager.usage, self.before
        return Usage(*(getattr(now, name) - getattr(before, name) for name in Usage.__slots__))

    def close(self, reason: Ended) -> None:
        """End at a limit: what waits is answered by a result that says so."""
        self.ended = reason
        self.manager.add_user_message([_result(call, OVER[reason], True) for call in self.waiting()])

    def keep(self, results: dict[str, Block]) -> list[Called]:
        """Add the results that there are; calls without one were stopped."""
        calls = self.waiting()
        self.calls += len(results)
        answers = [results.get(call["id"]) or _result(call, STOPPED, True) for call in calls]
        self.manager.add_user_message(answers)
        return [Called(call["name"], call["input"], answer) for call, answer in zip(calls, answers, strict=True)]

    def end(self) -> LoopEnd:
        """Return how it ended."""
        said = [message.text for message in self.manager.transcript if message.role == "assistant" and message.text]
        return LoopEnd(said[-1] if said else "", self.ended, self.calls, self.used(), self.dollars())

    def answer(self, call: Block) -> Block:
        """Run one call and return its result; whatever it raises is a result with is_error."""
        try:
            return _result(call, self._tool(call).call(call["input"]))
        except Exception as error:
            return _failure(call, error)

    async def answer_async(self, call: Block) -> Block:
        """Run one call of a function that may be awaited."""
        try:
            tool = self._tool(call)
            done = tool.call(call["input"])
            return _result(call, await done if iscoroutinefunction(tool.func) else done)
        except Exception as error:
            return _failure(call, error)

    def _tool(self, call: Block) -> Any:
        if call["name"] not in self.tools:
            raise LookupError(f"there is no tool {call['name']!r}; there are {', '.join(self.tools) or 'none'}")
        return self.tools[call["name"]]


def _failure(call: Block, error: Exception) -> Block:
    # The SDK's ToolError brings its own content; a ValidationError's cause says which argument is wrong.
    why = f"{type(error).__name__}: {error}" + (f" ({error.__cause__})" if error.__cause__ else "")
    return _result(call, getattr(error, "content", None) or why, True)


def _result(call: Block, said: Any, is_error: bool = False) -> Block:
    if not isinstance(said, str | list):
        said = "" if said is None else json.dumps(said, ensure_ascii=False, default=str)
    block = {"type": "tool_result", "tool_use_id": call["id"], "content": said}
    return block | {"is_error": True} if is_error else block


def turns(loop: ToolLoop, goal: Content | None) -> Iterator[Content | Called | None]:
    """Yield what to send next, a message or None, and every call that was run in between.

    Whatever stops it, a key or an error, the calls that were answered keep their results.
    """
    goal = loop.opening(goal)
    if goal is not None or asks(loop.manager.transcript):
        yield goal
    while loop.waiting():
        if reason := loop.over():
            return loop.close(reason)
        results: dict[str, Block] = {}
        try:
            for call in loop.waiting():
                results[call["id"]] = loop.answer(call)
        finally:
            called = loop.keep(results)
        yield from called
        yield None
    return None


async def turns_async(loop: ToolLoop, goal: Content | None) -> AsyncIterator[Content | Called | None]:
    """The same for async code: the calls of one round are awaited together."""
    goal = loop.opening(goal)
    if goal is not None or asks(loop.manager.transcript):
        yield goal
    while loop.waiting():
        if reason := loop.over():
            loop.close(reason)
            return
        tasks = {call["id"]: asyncio.ensure_future(loop.answer_async(call)) for call in loop.waiting()}
        try:
            await asyncio.gather(*tasks.values())
        finally:
            done = {id: task for id, task in tasks.items() if task.done() and not task.cancelled()}
            called = loop.keep({id: task.result() for id, task in done.items()})
        for one in called:
            yield one
        yield None


class LoopStream:
    """A loop read as it comes: pieces of Claude's words, and each call that was run; `end` says how it ended."""

    def __init__(self, manager: Any, loop: ToolLoop, goal: Content | None) -> None:
        """Take the loop; nothing is sent before it is read."""
        self._manager, self._loop, self._goal = manager, loop, goal

    def __iter__(self) -> Iterator[str | Called]:
        """Yield text and calls; left early, the conversation has all rounds that were finished."""
        for message in turns(self._loop, self._goal):
            if isinstance(message, Called):
                yield message
            else:
                yield from self._manager.stream(message)

    @property
    def end(self) -> LoopEnd:
        """The end of the loop, or its state so far."""
        return self._loop.end()


class AsyncLoopStream:
    """The same for async code: `async for piece in manager.run_stream(...)`."""

    def __init__(self, manager: Any, loop: ToolLoop, goal: Content | None) -> None:
        """Take the loop; nothing is sent before it is read."""
        self._manager, self._loop, self._goal = manager, loop, goal

    async def __aiter__(self) -> AsyncIterator[str | Called]:
        """Yield text and calls."""
        async for message in turns_async(self._loop, self._goal):
            if isinstance(message, Called):
                yield message
            else:
                async for text in self._manager.stream(message):
                    yield text

    @property
    def end(self) -> LoopEnd:
        """The end of the loop, or its state so far."""
        return self._loop.end()
