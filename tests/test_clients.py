"""Offline unless asked for by name, a real client either way, and a log of exactly what left."""

import asyncio
import json
from typing import Any

import anthropic
import pytest

from labkit import OfflineClaude, async_claude, claude
from labkit.clients import price_warning
from labkit.request_log import Log

ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 60,
    "messages": [{"role": "user", "content": "My name is Ada."}],
}


def test_a_key_in_the_environment_does_not_make_it_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is ever spent because a key happens to be set."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-a-real-looking-key")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://api.anthropic.com")
    log: Log = []
    text = claude(log=log).messages.create(**ASK).content[0].text
    assert text.startswith("[simulated]")
    assert log[0].source == "offline (simulated)"


@pytest.mark.parametrize(("key", "said"), [(None, "is not set"), ("", "is set but empty"), ("  ", "is set but empty")])
def test_live_without_a_key_says_what_to_do(monkeypatch: pytest.MonkeyPatch, key: str | None, said: str) -> None:
    """No key and an empty key are distinguished, and neither makes a client."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    for make in (claude, async_claude):
        with pytest.raises(ValueError, match=f"{said}.*leave live out to work offline"):
            make(live=True)


def test_live_says_what_it_costs_before_it_spends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The price of the model, its date and its source are said when the client is made."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test")
    said: list[str] = []
    client = claude(live=True, say=said.append)
    assert isinstance(client, anthropic.Anthropic)
    assert client.api_key == "sk-ant-test"
    assert said == [price_warning("claude-sonnet-4-6")]
    assert "$3 per million input tokens" in said[0]
    assert "2026" in said[0]


def test_the_log_holds_the_bytes_that_left_and_never_a_key() -> None:
    """Each record is one request with its reply; headers, and with them keys, are not kept."""
    log: Log = []
    client = claude(log=log).with_options(api_key="sk-ant-secret")
    client.messages.create(**ASK)
    assert json.loads(log[0].sent) == log[0].request == ASK
    assert log[0].status == 200
    assert log[0].reply["role"] == "assistant"
    assert log[0].usage.total_input > 0
    assert "sk-ant-secret" not in repr(log)


def test_a_stream_is_logged_as_the_message_it_became() -> None:
    """The log of a streamed reply has the same text and usage as the stream's final message."""
    log: Log = []
    with claude(log=log).messages.stream(**ASK) as stream:
        final = stream.get_final_message()
    assert log[0].reply["content"][0]["text"] == final.content[0].text
    assert log[0].usage.output_tokens == final.usage.output_tokens


def test_the_async_client_is_the_same_claude() -> None:
    """Async replies are the same bytes, and are logged too."""

    async def ask(log: Log) -> str:
        client = async_claude(log=log)
        return (await client.messages.create(**ASK)).content[0].text

    log: Log = []
    assert asyncio.run(ask(log)) == claude().messages.create(**ASK).content[0].text
    assert log[0].usage.requests == 1


def test_an_error_is_logged_with_its_status() -> None:
    """A refused request is on the log as it left, with the refusal."""
    log: Log = []
    with pytest.raises(anthropic.BadRequestError):
        claude(log=log).messages.create(**ASK | {"messages": []})
    assert log[0].status == 400
    assert log[0].reply["error"]["type"] == "invalid_request_error"
    assert log[0].usage.requests == 0


def test_a_request_without_an_answer_is_logged_with_no_status() -> None:
    """A request is kept when the connection breaks, with status 0, and the retry comes after it."""
    far, log = OfflineClaude(), list[Any]()
    far.faults.add("connection_reset")
    claude(offline=far, log=log).messages.create(**ASK)
    assert [sent.status for sent in log] == [0, 200]
    assert log[0].sent == log[1].sent


def test_an_offline_claude_of_ones_own_is_used() -> None:
    """Its settings and its log are the ones that answer."""
    offline = OfflineClaude()
    claude(offline=offline).messages.create(**ASK)
    assert len(offline.requests) == 1
