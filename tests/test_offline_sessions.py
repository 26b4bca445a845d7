"""Many conversations at once: each is answered from its own words, by whichever worker, in flat memory."""

import gc
import json
import random
import tracemalloc

from offline_doors import ask, assistant, user

from labkit.offline import OfflineClaude
from labkit.offline.api import handle
from labkit.offline.service import Clock
from labkit.offline.state import SqliteState
from labkit.offline.wire import HttpRequest

HEADERS = {"x-api-key": "any", "anthropic-version": "2026-10-21"}
CONVERSATIONS = 10_000


def post(body):
    """A request as it arrives."""
    return HttpRequest("POST", "/v1/messages", "", HEADERS, json.dumps(body).encode())


def said(answer):
    """The text of an answer."""
    return json.loads(answer.body)["content"][0]["text"]


def test_ten_thousand_interleaved_conversations(tmp_path):
    """In 10,000 conversations over two workers every answer holds the conversation's own fact and no other's."""
    clock = Clock()
    states = [SqliteState(tmp_path / "state.sqlite", clock) for _ in range(2)]
    workers = [OfflineClaude(state=state, log_limit=0).service for state in states]
    chance = random.Random(11)
    facts = [f"{number:05d}" for number in range(CONVERSATIONS)]
    first, last = list(range(CONVERSATIONS)), list(range(CONVERSATIONS))
    chance.shuffle(first)
    chance.shuffle(last)
    opened = {}
    for number in first:
        messages = [user(f"My order number is {facts[number]}.")]
        reply = said(handle(post(ask(*messages)), chance.choice(workers)))
        opened[number] = [*messages, assistant(reply), user("What is my order number?")]
    for number in last:
        answer = said(handle(post(ask(*opened[number])), chance.choice(workers)))
        assert (
            [word for word in facts if word in answer] == [facts[number]]
            if number % 500 == 0
            else (facts[number] in answer)
        ), answer
    for state in states:
        state.close()


def test_memory_stays_flat():
    """Of 3,000 requests with ever new words none is kept: for the words alone they take less than a kB each."""
    claude = OfflineClaude(reply="Fine.", log_limit=100)

    def talk(numbers):
        """Send a request for each number, a tenth of them cached."""
        for number in numbers:
            more = {"cache_control": {"type": "ephemeral"}} if number % 10 == 0 else {}
            claude.answer(post(ask(user(f"Remark {number * 7919} on parcel {number}."), **more)))

    talk(range(1_000))
    tracemalloc.start()
    try:
        talk(range(1_000, 4_000))
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 3_000_000, f"{grown:,} bytes"
    assert len(claude.requests) == 100
