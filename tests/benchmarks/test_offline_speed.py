"""The speed of the offline Claude, warm, in one process and over loopback: medians against their bars."""

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from labkit import OfflineClaude

CLIENT = OfflineClaude().client()


def asks(count: int) -> dict[str, Any]:
    """A request with this many messages, the last of them the user's."""
    roles = ("assistant", "user") if count % 2 == 0 else ("user", "assistant")
    said = [{"role": roles[i % 2], "content": f"Note {i}: pier {i} was late."} for i in range(count - 1)]
    return {"model": "claude-sonnet-4-6", "max_tokens": 60, "messages": [*said, {"role": "user", "content": "Thanks!"}]}


@pytest.mark.parametrize(("count", "most"), [(2, 1.5), (100, 5), (600, 25)])
def test_create(benchmark: Any, count: int, most: float) -> None:
    """One reply, in milliseconds; the counts of texts seen before are remembered."""
    request = asks(count)
    benchmark.pedantic(lambda: CLIENT.messages.create(**request), rounds=60, warmup_rounds=5)
    assert benchmark.stats["median"] * 1_000 <= most


def test_stream(benchmark: Any) -> None:
    """One streamed reply, read to its end, in milliseconds."""
    request = asks(2)

    def read() -> str:
        with CLIENT.messages.stream(**request) as stream:
            return "".join(stream.text_stream)

    benchmark.pedantic(read, rounds=60, warmup_rounds=5)
    assert benchmark.stats["median"] * 1_000 <= 10


def test_requests_a_second_over_loopback_with_two_workers() -> None:
    """Four clients with separate connections, for two seconds: at least 300 requests a second."""
    command = [sys.executable, "-m", "labkit.offline", "--port", "0", "--workers", "2"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    found = re.search(r":(\d+)", server.stdout.readline())
    assert found is not None
    body = json.dumps(asks(2)).encode()
    answered = [0] * 4

    def ask(place: int, until: float) -> None:
        line = http.client.HTTPConnection("127.0.0.1", int(found[1]))
        head = {"x-api-key": "any", "anthropic-version": "2026-10-21", "content-type": "application/json"}
        while time.monotonic() < until:
            line.request("POST", "/v1/messages", body, head)
            response = line.getresponse()
            response.read()
            answered[place] += response.status == 200
        line.close()

    until = time.monotonic() + 2
    clients = [threading.Thread(target=ask, args=(place, until)) for place in range(4)]
    try:
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    finally:
        server.terminate()
        server.communicate(timeout=10)
    print(f"{sum(answered) / 2:,.0f} requests a second")
    assert sum(answered) / 2 >= 300
