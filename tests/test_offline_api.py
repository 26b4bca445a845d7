"""The offline Claude through the real SDK: what comes back, in which order, and what stays the same."""

import json
import subprocess
import sys

import anthropic
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_doors import STRICT, WEATHER, accepted, ask, assistant, everywhere, text, tool_use, user

from labkit.offline import OfflineClaude, Reply
from labkit.offline.api import handle
from labkit.offline.wire import HttpRequest

HEADERS = {"x-api-key": "any", "anthropic-version": "2026-10-21"}


def post(body: object, path: str = "/v1/messages", **headers: str) -> HttpRequest:
    """A request as it arrives on the wire, without any SDK."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpRequest("POST", path, "", {**HEADERS, **headers}, raw)


def test_every_way_in_gives_the_same_message():
    """Sync, async and streaming clients get the same message for the same request."""
    message = accepted(OfflineClaude(reply="Hello!"), ask())
    assert message["content"] == [{"type": "text", "text": "Hello!"}]
    assert message["stop_reason"] == "end_turn"
    assert message["role"] == "assistant"


def test_beta_messages_are_answered_too():
    """The beta resource reaches the same API."""
    message = accepted(OfflineClaude(reply="Hello!"), ask(), beta=True)
    assert message["content"][0]["text"] == "Hello!"


def test_the_same_request_gives_the_same_bytes():
    """Two services that never met answer one request with the same bytes, ids included."""
    answers = [handle(post(ask()), OfflineClaude(reply="Hi").service).body for _ in range(2)]
    assert answers[0] == answers[1]
    assert json.loads(answers[0])["id"].startswith("msg_01")


def test_the_same_bytes_in_other_processes_and_hash_seeds():
    """The answer does not depend on the process or on Python's hash seed."""
    code = (
        "import json; from labkit.offline import OfflineClaude; from labkit.offline.api import handle;"
        "from labkit.offline.wire import HttpRequest;"
        f"r = HttpRequest('POST', '/v1/messages', '', {HEADERS!r}, json.dumps({ask()!r}).encode());"
        "print(handle(r, OfflineClaude().service).body.decode())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True)
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout
    assert b'"msg_01' in runs[0].stdout


def test_a_reply_function_sees_the_request_and_nothing_else():
    """The words come from a function of the request body."""
    claude = OfflineClaude(reply=lambda request: Reply([{"type": "text", "text": str(len(request["messages"]))}]))
    assert accepted(claude, ask(user("a"), assistant("b"), user("c")))["content"][0]["text"] == "3"


def test_tool_calls_come_through_whole():
    """A tool_use block survives whole and streamed answers, its input included."""
    claude = OfflineClaude(reply=lambda request: Reply([text("Let me look."), tool_use()], "tool_use"))
    message = accepted(claude, ask(tools=[WEATHER]))
    assert message["stop_reason"] == "tool_use"
    assert message["content"][1]["input"] == {"city": "Rome"}


def test_the_stream_has_the_api_s_event_order():
    """Events come in the order of the API's recorded streams, with a ping after the first block opens."""
    client = OfflineClaude(reply="Hello!").client(**STRICT)
    with client.messages.with_streaming_response.create(**ask(), stream=True) as answer:
        names = [line.removeprefix("event: ") for line in answer.iter_lines() if line.startswith("event: ")]
    assert names == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@given(words=st.text(min_size=1, max_size=2000))
@settings(max_examples=60, deadline=None)
def test_streamed_parts_join_to_the_text(words):
    """The streamed text is the whole one, for any reply."""
    claude = OfflineClaude(reply=words)
    with claude.client(**STRICT).messages.stream(**ask(max_tokens=21_000)) as events:
        streamed = "".join(events.text_stream)
    assert streamed == words


def test_the_log_holds_every_request_whole_and_never_a_key():
    """Request and reply are on the log; the key is not."""
    claude = OfflineClaude(reply="Hello!")
    secret = "sk-ant-very-secret-0123456789"
    claude.client(api_key=secret).messages.create(**ask())
    with pytest.raises(anthropic.AuthenticationError):
        claude.client(api_key="wrong-" + secret).messages.create(**ask())
    first, second = claude.requests
    assert first.request["messages"] == ask()["messages"]
    assert first.response["content"][0]["text"] == "Hello!"
    assert (first.status, second.status) == (200, 401)
    assert secret not in repr(claude.requests)


def test_the_log_keeps_the_latest_requests_only():
    """The log is as long as asked for."""
    claude = OfflineClaude(reply="x", log_limit=2)
    for number in range(5):
        claude.client().messages.create(**ask(user(f"message {number}")))
    assert [exchange.request["messages"][0]["content"] for exchange in claude.requests] == [
        "message 3",
        "message 4",
    ]


def test_count_tokens_is_what_create_bills():
    """count_tokens and the usage of the answer agree."""
    client = OfflineClaude(reply="x").client(**STRICT)
    body = ask(user("How warm is it?"), assistant("Where?"), user("In Rome."), system="Be brief.", tools=[WEATHER])
    counted = client.messages.count_tokens(**{k: v for k, v in body.items() if k != "max_tokens"})
    assert counted.input_tokens == client.messages.create(**body).usage.input_tokens


def test_models_are_listed_and_described():
    """The Models API lists active and deprecated models and gives the limits of one."""
    client = OfflineClaude().client(**STRICT)
    listed = [model.id for model in client.models.list()]
    assert "claude-sonnet-4-6" in listed
    assert "claude-sonnet-4-5-20250929" in listed
    assert "claude-3-opus-20240229" not in listed
    model = client.models.retrieve("claude-sonnet-4-6")
    assert (model.max_input_tokens, model.max_tokens, model.lifecycle) == (1_000_000, 128_000, "active")
    assert client.beta.models.retrieve("claude-haiku-4-5").id == "claude-haiku-4-5-20251001"


def test_models_can_be_listed_by_lifecycle():
    """Retired models are listed when asked for, and described."""
    client = OfflineClaude().client(**STRICT)
    retired = list(client.models.list(lifecycle=["retired"]))
    assert {model.lifecycle for model in retired} == {"retired"}
    assert client.models.retrieve(retired[0].id).lifecycle == "retired"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("model", ["claude-sonnet-4-20250514", "gpt-4", "claude-3-opus-20240229"])
def test_unknown_and_retired_models_are_not_found(model):
    """A model that the API does not serve is a 404 that names it."""
    answer = everywhere(OfflineClaude(reply="x"), ask(model=model))
    assert answer == (404, f"model: {model}")


def test_errors_carry_the_request_id():
    """An error body and the header give the same request id."""
    with pytest.raises(anthropic.BadRequestError) as caught:
        OfflineClaude(reply="x").client(**STRICT).messages.create(**ask(max_tokens=-1))
    assert caught.value.body["request_id"] == caught.value.response.headers["request-id"]
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/messages", 405),
        ("POST", "/v1/models", 405),
        ("GET", "/v1/nothing", 404),
        ("POST", "/", 404),
    ],
)
def test_other_paths_and_methods_are_refused(method, path, status):
    """A path or method that the API does not have is a 404 or 405."""
    answer = handle(HttpRequest(method, path, "", HEADERS), OfflineClaude(reply="x").service)
    assert answer.status == status


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(body):
    """Anything but a JSON object is a 400."""
    answer = handle(post(body), OfflineClaude(reply="x").service)
    assert answer.status == 400
    assert json.loads(answer.body)["error"]["type"] == "invalid_request_error"


def test_a_transport_serves_a_client_of_your_own():
    """The transport can be put behind any httpx2 client."""
    claude = OfflineClaude(reply="Hello!")
    with httpx2.Client(transport=claude.transport()) as client:
        answer = client.post("https://example.test/v1/messages", headers=HEADERS, json=ask())
    assert answer.json()["content"][0]["text"] == "Hello!"


def test_with_options_keeps_the_transport():
    """A client made by with_options still reaches the offline Claude."""
    claude = OfflineClaude(reply="Hello!")
    assert claude.client().with_options(timeout=5).messages.create(**ask()).content[0].text == "Hello!"
    assert len(claude.requests) == 1


def test_importing_the_package_does_not_load_the_sdk():
    """`import labkit.offline` loads neither the SDK nor the tokenizer."""
    code = "import labkit.offline, sys; print([n for n in ('anthropic', 'ctok', 'httpx2') if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="OfflineClaude"):
        __import__("labkit.offline").offline.Nothing  # noqa: B018


@pytest.mark.parametrize(
    "arguments", [{"platform": "mars"}, {"windows": {"gpt-4": 5}}, {"windows": {"claude-opus-5": 0}}]
)
def test_wrong_settings_are_refused_at_once(arguments):
    """A platform, model or window that makes no sense is named before anything runs."""
    with pytest.raises(ValueError, match=r"choose one of|at least 1"):
        OfflineClaude(**arguments)
