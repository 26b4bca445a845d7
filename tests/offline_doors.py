"""Every way into the offline Claude through the real SDK: sync, async, streaming, and counting."""

import asyncio
import inspect
from collections.abc import Mapping
from typing import Any

import anthropic

from labkit.offline import OfflineClaude

ASK = {"model": "claude-sonnet-4-6", "max_tokens": 300, "messages": [{"role": "user", "content": "Hello."}]}
STRICT = {"_strict_response_validation": True, "max_retries": 0}


def ask(*messages: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A request with these messages (or one greeting); `more` adds or replaces parameters, None takes one away."""
    body = {**ASK, **({"messages": list(messages)} if messages else {}), **more}
    return {name: value for name, value in body.items() if value is not None}


def user(content: Any) -> dict[str, Any]:
    """A user message."""
    return {"role": "user", "content": content}


def assistant(content: Any) -> dict[str, Any]:
    """An assistant message."""
    return {"role": "assistant", "content": content}


def tool_use(name: str = "toolu_1") -> dict[str, Any]:
    """A call of a weather tool with that id."""
    return {"type": "tool_use", "id": name, "name": "weather", "input": {"city": "Rome"}}


def tool_result(name: str = "toolu_1", content: str = "18 degrees") -> dict[str, Any]:
    """The result of the call with that id."""
    return {"type": "tool_result", "tool_use_id": name, "content": content}


def text(words: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": words}


WEATHER = {
    "name": "weather",
    "description": "The weather in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def everywhere(claude: OfflineClaude, body: Mapping[str, Any], beta: bool = False, **arguments: Any) -> Any:
    """Send `body` synchronously, asynchronously and both again as a stream, and return the one answer that all gave.

    The answer is the message as a dict, or the error as (status, message). Fails if any way in gives another.
    """
    answers = [
        _sync(claude, body, beta, arguments),
        asyncio.run(_async(claude, body, beta, arguments)),
        _stream(claude, body, beta, arguments),
        asyncio.run(_async_stream(claude, body, beta, arguments)),
    ]
    assert all(answer == answers[0] for answer in answers), answers
    return answers[0]


def refused(claude: OfflineClaude, body: Mapping[str, Any], **options: Any) -> str:
    """The words with which every way in refuses `body`; fails unless all are a 400."""
    answer = everywhere(claude, body, **options)
    assert isinstance(answer, tuple), answer
    assert answer[0] == 400, answer
    return str(answer[1])


def accepted(claude: OfflineClaude, body: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """The message with which every way in answers `body`; fails if it is refused."""
    answer = everywhere(claude, body, **options)
    assert isinstance(answer, dict), answer
    return answer


def _sync(claude: OfflineClaude, body: Mapping[str, Any], beta: bool, arguments: Mapping[str, Any]) -> Any:
    client = claude.client(**{**STRICT, **arguments})
    try:
        return _plain(_messages(client, beta).create(**_sdk_arguments(body, beta)))
    except anthropic.APIStatusError as error:
        return _problem(error)


async def _async(claude: OfflineClaude, body: Mapping[str, Any], beta: bool, arguments: Mapping[str, Any]) -> Any:
    client = claude.async_client(**{**STRICT, **arguments})
    try:
        return _plain(await _messages(client, beta).create(**_sdk_arguments(body, beta)))
    except anthropic.APIStatusError as error:
        return _problem(error)


def _stream(claude: OfflineClaude, body: Mapping[str, Any], beta: bool, arguments: Mapping[str, Any]) -> Any:
    client = claude.client(**{**STRICT, **arguments})
    try:
        with _messages(client, beta).stream(**_sdk_arguments(body, beta)) as events:
            return _plain(events.get_final_message())
    except anthropic.APIStatusError as error:
        return _problem(error)


async def _async_stream(
    claude: OfflineClaude, body: Mapping[str, Any], beta: bool, arguments: Mapping[str, Any]
) -> Any:
    client = claude.async_client(**{**STRICT, **arguments})
    try:
        async with _messages(client, beta).stream(**_sdk_arguments(body, beta)) as events:
            return _plain(await events.get_final_message())
    except anthropic.APIStatusError as error:
        return _problem(error)


def _messages(client: Any, beta: bool) -> Any:
    return client.beta.messages if beta else client.messages


def _sdk_arguments(body: Mapping[str, Any], beta: bool) -> dict[str, Any]:
    """The SDK's own arguments by name; what it does not know goes as extra_body, as a learner would send it."""
    resource = anthropic.resources.beta.messages.Messages if beta else anthropic.resources.Messages
    names = set(inspect.signature(resource.stream).parameters) & set(inspect.signature(resource.create).parameters)
    known = {name: value for name, value in body.items() if name in names and _is_sendable(name, value)}
    extra = {name: value for name, value in body.items() if name not in known}
    for name, stand_in in (("model", "claude-sonnet-4-6"), ("max_tokens", 1), ("messages", [])):
        known.setdefault(name, stand_in)
    return {**known, **({"extra_body": extra} if extra else {})}


def _is_sendable(name: str, value: Any) -> bool:
    """True if the SDK lets this value through to the wire: it does arithmetic on max_tokens."""
    return name != "max_tokens" or isinstance(value, int)


def _plain(message: Any) -> dict[str, Any]:
    """The message as a dict without its id, which hashes the body and so differs between a stream and a whole
    answer."""
    data: dict[str, Any] = message.model_dump(mode="json", exclude_none=True)
    data.pop("id")
    for block in data["content"]:
        block.pop("parsed_output", None)
    usage = data["usage"]
    data["usage"] = {name: value for name, value in usage.items() if isinstance(value, int | list)}
    return data


def _problem(error: anthropic.APIStatusError) -> tuple[int, str]:
    body: Any = error.body
    return error.status_code, body["error"]["message"]
