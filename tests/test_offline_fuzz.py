"""Mutated requests: whatever comes in, an answer that the API could give comes out, quickly, from that request
alone."""

import copy
import json
import random

from anthropic.types.beta import BetaMessage
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_doors import WEATHER, ask, assistant, text, tool_result, tool_use, user

from labkit.offline import OfflineClaude
from labkit.offline.api import handle
from labkit.offline.wire import ERROR_TYPES, HttpRequest

BETAS = (
    "context-management-2025-06-27,compact-2026-09-04,compact-2026-01-12,message-threads-2026-08-12,"
    "thinking-binding-controls-2026-08-01"
)
HEADERS = {"x-api-key": "any", "anthropic-version": "2026-10-21", "anthropic-beta": BETAS}
BATCH, EXAMPLES = 25, 800
"""Requests of one example, and examples: 20,000 mutated requests in all."""
CACHED = {"type": "ephemeral"}
SEEDS = [
    ask(),
    ask(user("My order is 889."), assistant("Noted."), user("What is my order?"), system="Be kind."),
    ask(user("Weather?"), assistant([tool_use()]), user([tool_result(), text("So?")]), tools=[WEATHER]),
    ask(user([{**text("Long. " * 400), "cache_control": CACHED}]), cache_control=CACHED, stream=True),
    ask(user("Think."), thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2000),
    ask(user("a"), assistant("b"), user("c"), compaction={"type": "summarize"}),
    ask(user("a"), thread={"type": "create"}, diagnostics={"previous_message_id": None}),
    ask(user("b"), thread={"type": "continue", "previous_message_id": "msg_1"}),
    ask(
        user("Weather?"),
        assistant([tool_use()]),
        user([tool_result()]),
        context_management={"edits": [{"type": "clear_tool_uses_20250919"}, {"type": "compact_20260112"}]},
    ),
    ask(user("a"), {"role": "system", "content": "Be brief."}, model="claude-opus-5", stop_sequences=["."]),
    ask(assistant([{"type": "compaction", "content": "So far.", "signature": "x"}]), user("And?")),
    ask(user([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}])),
]
TEXTS = [
    "My order is 889.",
    "What is my order?",
    "\ud800 ok",
    "漢字 🙂 \u200d",
    "a" * 3000,
    "{}",
    "Summarize all.",
    "x\n" * 50,
]
JUNK = [
    *(
        None,
        True,
        0,
        -1,
        10**18,
        10**400,
        1.5,
        "",
        " ",
        "x",
        "\ud800",
        "\u0000",
        "claude-opus-5",
        "system",
        "assistant",
    ),
    *([], {}, [[]], [None], {"type": "text"}, {"type": "tool_use"}, {"type": "text", "text": "y"}),
    {"role": "user", "content": "x"},
]


def places(value, path=()):
    """The path of every part of a JSON value."""
    yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from places(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from places(part, (*path, index))


def mutated(body, chance):
    """A body in which a few parts are replaced, removed, doubled, moved or added."""
    body = copy.deepcopy(body)
    for _ in range(chance.randint(1, 4)):
        paths = [path for path in places(body) if path]
        if not paths:
            break
        *way, last = chance.choice(paths)
        owner = body
        for step in way:
            owner = owner[step]
        change(owner, last, chance)
    return body


def gently_mutated(body, chance):
    """A body that may well be valid: messages cut, doubled or moved, texts and numbers replaced by others."""
    body = copy.deepcopy(body)
    messages = body["messages"]
    for _ in range(chance.randint(1, 3)):
        kind, place = chance.randrange(6), chance.randrange(len(messages))
        if kind == 0 and len(messages) > 1:
            del messages[place]
        elif kind == 1:
            messages.insert(place, copy.deepcopy(chance.choice(messages)))
        elif kind == 2:
            messages.extend([assistant(chance.choice(TEXTS)), user(chance.choice(TEXTS))])
        elif kind == 3:
            messages[place]["content"] = chance.choice(TEXTS)
        elif kind == 4:
            body.update(copy.deepcopy({k: v for k, v in chance.choice(SEEDS).items() if k != "messages"}))
        else:
            body["max_tokens"] = chance.choice([0, 1, 5, 1025, 21_000, 128_000])
    return body


def change(owner, last, chance):
    """Change one part of a list or an object."""
    kind = chance.randrange(5)
    if kind == 0:
        owner[last] = copy.deepcopy(chance.choice(JUNK))
    elif kind == 1:
        del owner[last]
    elif isinstance(owner, dict):
        key = chance.choice(["x", "type", "role", "cache_control", "content"])
        owner[key] = copy.deepcopy(chance.choice([*JUNK, owner[last]]))
    elif kind == 2:
        owner.insert(last, copy.deepcopy(owner[last]))
    elif kind == 3:
        chance.shuffle(owner)
    else:
        owner.extend(copy.deepcopy(chance.choice(SEEDS)["messages"]))


def arrived(chance):
    """A mutated request as it arrives: mostly a body, now and then headers, path or bytes."""
    gentle = chance.random() < 0.6
    body = (gently_mutated if gentle else mutated)(chance.choice(SEEDS), chance)
    body, headers, path = json.dumps(body).encode(), dict(HEADERS), "/v1/messages"
    if gentle:
        return HttpRequest("POST", path, "", headers, body)
    if chance.random() < 0.1:
        headers.pop(chance.choice(list(headers)))
    if chance.random() < 0.1:
        path += chance.choice(["/count_tokens", "/", "/batches", "/../models"])
    if chance.random() < 0.05:
        body = body[: chance.randrange(len(body))]
    return HttpRequest(chance.choice(["POST"] * 20 + ["GET", "PUT"]), path, "", headers, body)


def check_answer(request, answer):
    """The answer is one that the API could give: a message, events, a count, or an error of a known kind."""
    if not isinstance(answer.body, bytes):
        names = [chunk.split(b"\n")[0] for chunk in answer.body]
        assert (names[0], names[-1]) == (b"event: message_start", b"event: message_stop")
        return
    body = json.loads(answer.body)
    if answer.status == 200:
        if body.get("type") == "message":
            BetaMessage.model_validate(body, strict=False)
        return
    assert answer.status in (400, 401, 404, 405, 413), (answer.status, request.body)
    assert body["error"]["type"] == ERROR_TYPES[answer.status]
    assert body["error"]["message"]


@given(st.integers(0, 2**48))
@settings(max_examples=EXAMPLES, deadline=None)
def test_no_mutated_request_breaks_the_api(seed):
    """20,000 mutated requests: never an exception, never a 500."""
    chance = random.Random(seed)
    service = OfflineClaude().service
    for _ in range(BATCH):
        request = arrived(chance)
        answer = handle(request, service)
        check_answer(request, answer)
