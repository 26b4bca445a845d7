"""The offline Claude on a port: the same answers over HTTP, and a clean end."""

import json
import signal
import socket
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import pairwise

import anthropic
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_doors import STRICT, ask, text, user

from labkit.offline import Fault, OfflineClaude, Reply
from labkit.offline.server import OfflineServer, listening

HEADERS = {"x-api-key": "any", "anthropic-version": "2026-10-21"}


@contextmanager
def serving(claude, **options):
    """Serve on a free port of this machine and give the address."""
    server = OfflineServer(claude, listening("127.0.0.1", 0), **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield "http://{}:{}".format(*server.server_address[:2])
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def connect():
    """Makes real SDK clients of an address, and closes them in the end."""
    with ExitStack() as clients:

        def client(url, **arguments):
            """A client of that address."""
            made = anthropic.Anthropic(**{"api_key": "any", "base_url": url, **STRICT, **arguments})
            return clients.enter_context(made)

        yield client


@pytest.fixture
def served():
    """An offline Claude on a free port, and its address."""
    claude = OfflineClaude(reply="Hello from the port.")
    with serving(claude, idle=2) as url:
        yield claude, url


def test_the_same_answer_over_http_and_in_process(served, connect):
    """Create, stream, count and models give over HTTP what they give in process."""
    claude, url = served
    far, near = connect(url), claude.client(**STRICT)
    for client in (far, near):
        with client.messages.stream(**ask()) as events:
            assert events.get_final_text() == "Hello from the port."
    assert far.messages.create(**ask()) == near.messages.create(**ask())
    assert far.models.retrieve("claude-opus-5") == near.models.retrieve("claude-opus-5")
    count = {name: ask()[name] for name in ("model", "messages")}
    assert far.messages.count_tokens(**count) == near.messages.count_tokens(**count)


def test_errors_cross_http_with_status_and_words(served, connect):
    """A refused request is the same exception over HTTP."""
    _, url = served
    with pytest.raises(anthropic.BadRequestError, match="at least one message"):
        connect(url).messages.create(**ask(messages=[]))
    with pytest.raises(anthropic.AuthenticationError):
        connect(url, api_key="wrong-one").messages.create(**ask())


def test_one_connection_serves_many_requests(served, connect):
    """The connection is kept open, after answers, streams and errors alike."""
    _, url = served
    with httpx2.Client(base_url=url, headers=HEADERS) as client:
        for body in (ask(), ask(stream=True), ask(messages=[]), ask()):
            answer = client.post("/v1/messages", json=body)
            assert "close" not in answer.headers.get("connection", "")
        assert client.put("/v1/messages", json={}).status_code == 405


def raw(url, request):
    """The first bytes that come back for the bytes of a request."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(10_000), b""))


@settings(max_examples=20)
@given(st.lists(st.integers(1, 200), max_size=6))
def test_a_body_in_chunks_is_read_as_one(cuts):
    """However it is cut, the answer is that to the whole body, and the connection goes on."""
    body = json.dumps(ask(user("Grüße aus Rom. " * 20))).encode()
    parts = [body[start:end] for start, end in pairwise([0, *sorted(cuts), len(body)]) if start < end]
    with serving(OfflineClaude(reply="Hello!"), idle=2) as url, httpx2.Client(base_url=url, headers=HEADERS) as client:
        whole = client.post("/v1/messages", content=body)
        cut = client.post("/v1/messages", content=iter(parts))
        assert (cut.status_code, cut.json()) == (200, whole.json())
        assert "close" not in cut.headers.get("connection", "")


@pytest.mark.parametrize("coding", [b"transfer-encoding: gzip", b"transfer-encoding: chunked", b"content-length: -1"])
def test_a_body_without_a_readable_length_is_refused(served, coding):
    """A coding that is not read, chunks that are none, and a length that is none get a 400 with a request id."""
    _, url = served
    answer = raw(url, b"POST /v1/messages HTTP/1.1\r\nhost: x\r\n" + coding + b"\r\n\r\nno chunk\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    error = json.loads(body)
    assert head.startswith(b"HTTP/1.1 400")
    assert error["error"]["type"] == "invalid_request_error"
    assert error["request_id"].encode() in head


def test_a_body_that_is_too_long_is_refused(served):
    """A length above the limit, in one piece or in chunks, is a 413 before anything of it is read."""
    _, url = served
    start = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\n"
    for rest in (b"content-length: 99999999\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n5f5e0ff\r\n"):
        assert raw(url, start + rest).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "BREW", "PATCH"])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/models"])
def test_a_method_that_the_api_does_not_have_is_a_405(served, method, path):
    """The answer is the API's error and no page of the server's; HEAD has its head alone."""
    _, url = served
    answer = httpx2.request(method, url + path, headers=HEADERS)
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/json")
    if method == "HEAD":
        assert answer.content == b""
    else:
        assert answer.json()["error"] == {"type": "invalid_request_error", "message": "Method Not Allowed"}
        assert answer.json()["request_id"] == answer.headers["request-id"]


def test_what_is_no_http_gets_the_api_s_form_too(served):
    """A broken request line is a 400 in JSON."""
    _, url = served
    answer = raw(url, b"NONSENSE\r\n\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["type"] == "invalid_request_error"


def test_faults_reach_clients_over_http(served, connect):
    """A reset, a silence and an overload are what the SDK's own errors say."""
    claude, url = served
    claude.faults.add(529, "connection_reset", "read_timeout", Fault("mid_stream", after=2))
    with pytest.raises(anthropic.InternalServerError, match="Overloaded"):
        connect(url).messages.create(**ask())
    with pytest.raises(anthropic.APIConnectionError):
        connect(url).messages.create(**ask())
    with pytest.raises(anthropic.APITimeoutError):
        connect(url, timeout=0.2).messages.create(**ask())
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        list(connect(url).messages.create(**ask(), stream=True))


def test_a_reset_is_no_orderly_end(served):
    """The connection is reset, as a failing network does it: what waits for the answer sees no clean end."""
    claude, url = served
    claude.faults.add("connection_reset")
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        with pytest.raises(ConnectionResetError):
            connection.recv(100)


def test_concurrent_clients_are_answered_each_from_its_own_words(connect):
    """Requests that arrive together get answers to their own words only."""
    claude = OfflineClaude(reply=lambda request: Reply([text(request["messages"][-1]["content"])]))
    with serving(claude) as url, ThreadPoolExecutor(8) as pool:
        client = connect(url)

        def echo(number):
            """Say a number and return what came back."""
            return client.messages.create(**ask(user(f"number {number}"))).content[0].text

        assert list(pool.map(echo, range(80))) == [f"number {number}" for number in range(80)]


@contextmanager
def command(*arguments):
    """Run the command; gives the process and its first line, and makes sure that it has ended."""
    line = [sys.executable, "-m", "labkit.offline", *arguments]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_and_ends_cleanly(number, connect):
    """The command prints its address, answers, and ends with status 0 on either signal."""
    with command("--port", "0") as (process, line):
        message = connect(line.split(" at ")[1].split()[0]).messages.create(**ask())
        assert message.content[0].text.startswith("[simulated] ")
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")


def test_two_workers_share_a_port_and_their_state(tmp_path, connect):
    """A thread begun with one worker goes on with any other, the log holds every request and no key, both end."""
    log, secret = tmp_path / "log.jsonl", "sk-ant-very-secret-0123456789"
    betas = ["message-threads-2026-08-12"]
    with command("--port", "0", "--workers", "2", "--log", str(log)) as (process, line):
        url = line.split(" at ")[1].split()[0]
        message = connect(url).beta.messages.create(**ask(), thread={"type": "create"}, betas=betas)
        for number in range(12):
            after = {"type": "continue", "previous_message_id": message.id}
            client = connect(url, api_key=secret)
            message = client.beta.messages.create(**ask(user(f"Turn {number}.")), thread=after, betas=betas)
        assert message.usage.input_tokens > 12 * 5
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    lines = [json.loads(entry) for entry in log.read_text().splitlines()]
    assert len(lines) == 13
    assert lines[-1]["request"]["messages"][0]["content"] == "Turn 11."
    assert lines[-1]["answer"] == json.loads(message.to_json())
    assert secret not in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_reply_function_that_fails_is_a_500(connect, capfd):
    """A failure on the far side is the API's own 500, and the connection lives on."""
    claude = OfflineClaude(reply=lambda request: 1 / 0)
    with serving(claude) as url:
        client = connect(url)
        for _ in range(2):
            with pytest.raises(anthropic.InternalServerError, match="Internal server error"):
                client.messages.create(**ask())
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_taken_port_is_one_clear_line():
    """A port in use is said in one line that names it, with status 1."""
    with listening("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        with command("--port", port) as (process, _):
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert len(errors.strip().splitlines()) == 1
    assert port in errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--windows", "claude-sonnet-4-6"), "MODEL=TOKENS"),
        (("--windows", "gpt-4=100"), "gpt-4"),
        (("--faults", "999"), "999"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    """A window or a fault that makes no sense ends the command with status 2 and the reason."""
    with command("--port", "0", *arguments) as (process, _):
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert words in errors
