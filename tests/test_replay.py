"""Recording and replay: what was said live is said again without a key, and never anything else."""

import asyncio
import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labkit import ConversationManager, OfflineClaude, async_claude, claude
from labkit.offline.server import OfflineServer, listening
from labkit.replay import exchanges
from labkit.request_log import OFFLINE, Log

KEY = "sk-ant-of-an-instructor-0123456789"
ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 60,
    "messages": [{"role": "user", "content": "My name is Ada."}],
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An offline Claude on a port, in the place of the live endpoint; it says of itself that it is simulated."""
    with listening("127.0.0.1", 0) as bound, OfflineServer(OfflineClaude(), bound) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield "http://{}:{}".format(*bound.getsockname()[:2])
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that a live client needs."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def recorded(file: Path, url: str, **more: Any) -> anthropic.Anthropic:
    """A recording client of a server in place of the live endpoint."""
    return claude(live=True, record=file, base_url=url, say=lambda words: None, max_retries=0, **more)


def replayed(file: Path, **more: Any) -> anthropic.Anthropic:
    """A client of the recording, that says nothing."""
    return claude(replay=file, say=lambda words: None, **more)


def test_a_conversation_is_replayed_word_for_word_without_a_key(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replies, usage and errors are what they were; a manager notices nothing."""
    file, talk = tmp_path / "class.jsonl", ("My name is Ada.", "My order is A-1047.", "What is my name?")
    with recorded(file, url) as client:
        live = ConversationManager(client=client, clock=lambda: "2026-11-22T09:00:00+00:00")
        said = [live.send(sentence) for sentence in talk]
        with pytest.raises(anthropic.BadRequestError) as refused:
            client.messages.create(**ASK | {"messages": []})
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    client = replayed(file)
    again = ConversationManager(client=client, clock=lambda: "2026-11-22T09:00:00+00:00")
    assert [again.send(sentence) for sentence in talk] == said
    assert again.conversation == live.conversation
    with pytest.raises(anthropic.BadRequestError, match="at least one message") as refused_again:
        client.messages.create(**ASK | {"messages": []})
    assert refused_again.value.body == refused.value.body


def test_streams_are_replayed_as_streams_sync_and_async(tmp_path: Path, url: str) -> None:
    """The same events in the same order, whichever client recorded them."""
    file = tmp_path / "class.jsonl"
    with recorded(file, url) as client, client.messages.stream(**ASK) as stream:
        events = [event.to_dict() for event in stream]

    async def ask_again() -> list[Any]:
        async with async_claude(replay=file, say=lambda words: None).messages.stream(**ASK) as stream:
            return [event.to_dict() async for event in stream]

    with replayed(file).messages.stream(**ASK) as stream:
        assert [event.to_dict() for event in stream] == events
    assert asyncio.run(ask_again()) == events


def test_the_async_client_records_too(tmp_path: Path, url: str) -> None:
    """The sync client replays what the async one kept."""
    file = tmp_path / "class.jsonl"

    async def ask() -> str:
        async with async_claude(live=True, record=file, base_url=url, say=lambda words: None) as client:
            return (await client.messages.create(**ASK)).content[0].text

    assert asyncio.run(ask()) == replayed(file).messages.create(**ASK).content[0].text


def test_every_output_names_its_source(tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The client says it when it is made, each record of the log says it, and simulated replies stay simulated."""
    file, log = tmp_path / "class.jsonl", list[Any]()
    with claude(live=True, record=file, base_url=url, log=log) as client:
        client.messages.create(**ASK)
    assert log[0].source == OFFLINE
    said = capsys.readouterr().out
    assert "is billed" in said
    assert f"every reply is kept in {file}" in said
    day = exchanges(file)[0].recorded[:10]
    claude(replay=file, log=log).messages.create(**ASK)
    assert log[1].source == f"replayed, recorded {day} from claude-sonnet-4-6, offline (simulated)"
    assert log[1].reply == log[0].reply
    assert f"nothing leaves this machine; 1 reply in {file} ({log[1].source})" in capsys.readouterr().out


def test_a_recording_of_the_real_endpoint_does_not_say_simulated(tmp_path: Path, url: str) -> None:
    """The mark comes from the server, and a line without it is the live Claude's."""
    file, log = tmp_path / "class.jsonl", list[Any]()
    with recorded(file, url) as client:
        client.messages.create(**ASK)
    file.write_text(file.read_text("utf-8").replace(OFFLINE, "live"), "utf-8")
    replayed(file, log=log).messages.create(**ASK)
    assert log[0].source == f"replayed, recorded {exchanges(file)[0].recorded[:10]} from claude-sonnet-4-6"


def test_no_key_and_no_header_is_in_the_file(tmp_path: Path, url: str) -> None:
    """Not the client's key, not one that a learner typed, in requests, replies and streams; nor who asked."""
    file = tmp_path / "class.jsonl"
    ask = ASK | {"metadata": {"user_id": "learner-7"}}
    ask["messages"] = [{"role": "user", "content": f"My name is {KEY}.\nsk-another-key-of-mine is my order."}]
    with recorded(file, url) as client:
        client.messages.create(**ask)
        with client.messages.stream(**ask) as stream:
            stream.get_final_message()
    text = file.read_text("utf-8")
    for secret in (KEY, "sk-", "learner-7", "authorization", "bearer", "x-api-key", "anthropic-version", "user_id"):
        assert secret.lower() not in text.lower()
    assert "My name is [key].\\n[key] is my order." in text
    other = ask | {"metadata": {"user_id": "learner-8"}}
    assert replayed(file).messages.create(**other).content


def test_what_was_not_recorded_is_an_error_that_says_what_differs(tmp_path: Path, url: str) -> None:
    """Never another reply: the nearest request is named by what is different, and the log has the refusal."""
    file, log = tmp_path / "class.jsonl", list[Any]()
    with recorded(file, url) as client:
        client.messages.create(**ASK)
        client.messages.create(**ASK | {"max_tokens": 61, "system": "Be brief."})
    client = replayed(file, log=log)
    other = [{"role": "user", "content": "My name is Bob."}]
    with pytest.raises(anthropic.NotFoundError) as missing:
        client.messages.create(**ASK | {"messages": other})
    words = missing.value.body["error"]["message"]  # type: ignore[index]
    assert 'messages[0].content is "My name is Bob.", recorded is "My name is Ada."' in words
    assert "max_tokens" not in words
    assert str(file) in words
    assert log[0].status == 404
    with pytest.raises(anthropic.NotFoundError, match="nor of any other: record it"):
        client.messages.count_tokens(model=ASK["model"], messages=other)
    with pytest.raises(anthropic.NotFoundError, match="stream is true, recorded is missing") as near:
        client.messages.create(**ASK, stream=True)
    assert " more" not in near.value.body["error"]["message"]  # type: ignore[index]
    with pytest.raises(anthropic.NotFoundError, match=r"; and 1 more\. Ask as it was recorded"):
        client.messages.create(
            **ASK | {"messages": other}, stream=True, system="Go.", stop_sequences=["x"], metadata={"user_id": "a"}
        )


WORDS = st.text('ab \u2028\u0085\n"\\é🙂', min_size=1, max_size=8).filter(str.strip)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, min_size=1, max_size=4), st.booleans())
def test_whatever_was_said_comes_back(tmp_path: Path, url: str, said: list[str], streamed: bool) -> None:
    """Any text, line ends of every kind in it, streamed or not: equal requests in turn get their replies in turn."""
    file = tmp_path / "class.jsonl"
    file.unlink(missing_ok=True)

    def ask(client: anthropic.Anthropic) -> list[Any]:
        found = []
        for words in said:
            body = ASK | {"messages": [{"role": "user", "content": f"My name is {words}."}]}
            if streamed:
                with client.messages.stream(**body) as stream:
                    found.append(stream.get_final_message())
            else:
                found.append(client.messages.create(**body))
        return found

    log: Log = []
    with recorded(file, url) as client:
        first = ask(client)
    assert ask(replayed(file, log=log)) == first
    assert [sent.reply["content"][0]["text"] for sent in log] == [reply.content[0].text for reply in first]


def test_equal_requests_get_their_replies_in_order_and_the_last_one_again(tmp_path: Path, url: str) -> None:
    """As they were recorded, because the live Claude may answer the same question in two ways."""
    file = tmp_path / "class.jsonl"
    with recorded(file, url) as client:
        client.messages.create(**ASK)
    (line,) = file.read_text("utf-8").splitlines()
    file.write_text(
        f"{line}\n{line.replace('Hello', 'Hi').replace('Nice', 'Glad')}\n".replace("Noted", "Well"), "utf-8"
    )
    first, second = (json.loads(line)["reply"] for line in file.read_text("utf-8").splitlines())
    client = replayed(file)
    texts = [client.messages.create(**ASK).content[0].text for _ in range(3)]
    expected = [json.loads(reply)["content"][0]["text"] for reply in (first, second, second)]
    assert texts == expected


def test_a_refusal_that_passes_is_not_recorded(tmp_path: Path) -> None:
    """Overload and rate limits would only come back in class."""
    file = tmp_path / "class.jsonl"
    offline = OfflineClaude()
    offline.faults.add(429, 529)
    with listening("127.0.0.1", 0) as bound, OfflineServer(offline, bound) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        client = recorded(file, "http://{}:{}".format(*bound.getsockname()[:2]))
        for _ in range(2):
            with pytest.raises(anthropic.APIStatusError):
                client.messages.create(**ASK)
        client.messages.create(**ASK)
        client.close()
        server.shutdown()
        thread.join()
    assert [exchange.status for exchange in exchanges(file)] == [200]


def test_a_reply_that_cannot_be_kept_is_still_given(tmp_path: Path, url: str) -> None:
    """It was paid for: a full or read-only disk is a warning, and nothing is sent twice."""
    file, log = tmp_path / "gone" / "class.jsonl", list[Any]()
    with (
        recorded(file, url, log=log) as client,
        pytest.warns(UserWarning, match="was not recorded"),
    ):
        assert client.messages.create(**ASK).content
    assert len(log) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"record": "a.jsonl"}, "live=True as well"),
        ({"live": True, "replay": "a.jsonl"}, "choose one"),
        ({"replay": "a.jsonl", "offline": OfflineClaude()}, "choose one"),
        ({"replay": "no such file"}, "no recording to read"),
    ],
)
def test_the_switch_has_three_places(options: dict[str, Any], words: str) -> None:
    """Recording is never on unseen, and no two Claudes answer one client."""
    for make in (claude, async_claude):
        with pytest.raises(ValueError, match=words):
            make(**options)


@pytest.mark.parametrize("text", ["", "{}", "[1]", "no json", '{"format": "other"}', '{"format": "labkit-recording"}'])
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, url: str, text: str) -> None:
    """To replay and to record into alike."""
    file = tmp_path / "notes.txt"
    file.write_text(text, "utf-8")
    for make in (replayed, lambda file: recorded(file, url)):
        with pytest.raises(ValueError, match=r"notes.txt is (not a recording: line 1|empty)"):
            make(file)
    assert file.read_text("utf-8") == text
    assert stat.S_ISREG(file.stat().st_mode)
