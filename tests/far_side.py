"""A far side that answers by script, for what the offline Claude never does: behind the SDK's own transport, both
kinds.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anthropic
import httpx2

from labkit import AsyncConversationManager, ConversationManager

type Json = dict[str, Any]
type Answer = Callable[[Json], Json | str | int]
HOWS = ("send", "stream", "async send", "async stream")


def reply(content: Sequence[Json], stop: str | None = "end_turn", usage: Mapping[str, Any] | None = None) -> Json:
    """The body of one response; `usage` may leave fields out, or be null."""
    billed = {"input_tokens": 100, "output_tokens": 50} if usage is None else usage
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-6", "stop_sequence": None}
    return body | {"content": list(content), "stop_reason": stop, "usage": billed}


def text(words: str) -> Json:
    """A text block."""
    return {"type": "text", "text": words}


def streamed(message: Mapping[str, Any], without: Sequence[str] = ()) -> str:
    """A message as server-sent events, each block in one piece; events named in `without` never come."""
    begun = dict(message) | {"content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    events: list[Json] = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(message["content"]):
        kinds = {"text": ("text", "text_delta"), "thinking": ("thinking", "thinking_delta")}
        key, delta = kinds.get(block["type"], ("", ""))
        opened = {**block, key: ""} if key else {**block, "input": {}} if "input" in block else dict(block)
        events.append({"type": "content_block_start", "index": index, "content_block": opened})
        piece: Json = {"type": delta, key: block[key]} if key else {}
        if "input" in block:
            piece = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        if piece:
            events.append({"type": "content_block_delta", "index": index, "delta": piece})
        events.append({"type": "content_block_stop", "index": index})
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": ending, "usage": message["usage"]})
    events.append({"type": "message_stop"})
    shown = [event for event in events if event["type"] not in without]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in shown)


class Script:
    """The far side's answer: a function from a request's body to a body, to server-sent events, or to a status."""

    def __init__(self, answer: Answer) -> None:
        """Take the function; every body that comes is kept in `seen`."""
        self.answer, self.seen = answer, list[Json]()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        body = json.loads(request.content)
        self.seen.append(body)
        given = self.answer(body)
        if isinstance(given, int):
            error = {"type": "api_error", "message": "scripted"}
            return httpx2.Response(given, json={"type": "error", "error": error})
        if isinstance(given, str) or body.get("stream"):
            events = given if isinstance(given, str) else streamed(given)
            return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=events.encode())
        return httpx2.Response(200, json=given)

    async def async_call(self, request: httpx2.Request) -> httpx2.Response:
        """The same for an async client."""
        return self(request)

    def manager(self, how: str, **settings: Any) -> Any:
        """A manager that talks to this far side in one of HOWS."""
        keys: dict[str, Any] = {"api_key": "k", "max_retries": 0}
        if how.startswith("async"):
            http = anthropic.DefaultAsyncHttpxClient(transport=httpx2.MockTransport(self.async_call))
            return AsyncConversationManager(client=anthropic.AsyncAnthropic(**keys, http_client=http), **settings)
        plain = anthropic.DefaultHttpxClient(transport=httpx2.MockTransport(self))
        return ConversationManager(client=anthropic.Anthropic(**keys, http_client=plain), **settings)


def ask(how: str, manager: Any, *message: Any) -> str:
    """One turn of a manager, in one of HOWS."""
    if how == "send":
        return str(manager.send(*message))
    if how == "stream":
        return "".join(manager.stream(*message))

    async def turn() -> str:
        if how == "async send":
            return str(await manager.send(*message))
        return "".join([piece async for piece in manager.stream(*message)])

    return asyncio.run(turn())
