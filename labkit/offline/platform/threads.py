"""Message threads: a conversation that the API holds for five minutes, so that a request sends only what is new.

Evidence: Anthropic docs, Message threads, read November 2026; SDK 2.12.0, the Thread error types. The client's copy
stays the source of truth, and the whole conversation is billed all the same.
"""

from typing import Any

from labkit.offline.billing.prefix import hashed
from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.state import State
from labkit.offline.wire import ApiError, HttpRequest, Json

KIND = "thread"
TURN = "thread turn"
LIFE = 300.0
"""Seconds that a thread lives after its last stored response."""
KEPT = ("system", "tools")
"""Fields that a thread keeps from its first request; later ones leave them out."""
FIXED = ("output_config",)
"""Fields that stay the same in every request of a thread. Source: a report in a public repository, November 2026."""
UNSUPPORTED = ("context_management", "fallbacks")
"""Fields that threads do not support. Source: SDK 2.12.0, ThreadUnsupportedFeatureName."""
REPLAY = 'Replay the full conversation with thread: {"type": "create"} to start a new Thread.'


@rule
def thread_fields_are_supported(call: Call) -> None:
    """A request of a thread leaves out what threads do not support. The words are not verified.

    Evidence: SDK 2.12.0, ThreadUnsupportedRequestErrorDetails.
    """
    if call.body.get("thread") is None:
        return
    given = [name for name in UNSUPPORTED if call.body.get(name) is not None]
    if given:
        words = f"thread: not supported together with {', '.join(given)}"
        raise ApiError(400, words, "thread_unsupported_request", unsupported=given)


@rule
def thread_is_known(call: Call, record: Any) -> None:
    """A thread that has expired, or never was, is a 404.

    Evidence: body quoted in GitHub CLIProxyAPI's tests, November 2026; SDK 2.12.0, ThreadNotFoundErrorDetails.
    """
    if record is None:
        words = "No thread state was found for the requested `previous_message_id`."
        raise ApiError(404, f"{words} {REPLAY}", "thread_not_found")


@rule
def thread_is_continued_once(call: Call, record: Json) -> None:
    """Each response of a thread is continued once. The words are not verified.

    Evidence: SDK 2.12.0, ThreadAlreadyContinuedErrorDetails.
    """
    if record.get("continued"):
        words = "The response named by `previous_message_id` has already been continued."
        raise ApiError(400, f"{words} {REPLAY}", "thread_already_continued")


@rule
def thread_fields_stay_the_same(call: Call, record: Json) -> None:
    """System prompt, tools and output configuration stay what they were. The words are partly verified.

    Evidence: SDK 2.12.0, ThreadFingerprintMismatchErrorDetails; "differing field(s)" as clients in public
    repositories read it, November 2026.
    """
    differing = [name for name in KEPT if name in call.body and call.body[name] != record[name]]
    differing += [name for name in FIXED if call.body.get(name) != record[name]]
    if differing:
        words = f"thread: the request does not match the stored Thread; differing field(s): {', '.join(differing)}."
        raise ApiError(400, f"{words} {REPLAY}", "thread_fingerprint_mismatch")


@rule
def one_continuation_at_a_time(call: Call, previous: str) -> None:
    """Two requests do not continue one response at the same time. The words are not verified.

    Evidence: SDK 2.12.0, ThreadContinueInFlightErrorDetails.
    """
    if not call.service.state.claim(TURN, previous, LIFE):
        words = "Another request is still continuing from this `previous_message_id`."
        raise ApiError(400, f"{words} {REPLAY}", "thread_continue_in_flight")


def previous_of(body: Json) -> str:
    """The response that a request continues from, or an empty string."""
    return str((body.get("thread") or {}).get("previous_message_id") or "")


def resume(call: Call) -> None:
    """Put the conversation that the thread holds before the request's own messages."""
    thread_fields_are_supported(call)
    previous = previous_of(call.body)
    if not previous:
        return
    record = call.service.state.get(KIND, previous)
    thread_is_known(call, record)
    thread_is_continued_once(call, record)
    thread_fields_stay_the_same(call, record)
    one_continuation_at_a_time(call, previous)
    kept = {name: record[name] for name in KEPT if record[name] is not None}
    call.body = {**call.body, **kept, "messages": [*record["messages"], *call.body["messages"]]}


def release(call: Call) -> None:
    """Let the response be continued by another request, when this one has come to nothing."""
    previous = previous_of(call.body)
    if previous:
        call.service.state.release(TURN, previous)


def hold(call: Call, message: Json) -> None:
    """Hold the conversation under the id of its latest response, and let the one before go."""
    if call.body.get("thread") is None:
        return
    state, previous = call.service.state, previous_of(call.body)
    reply = {"role": "assistant", "content": [_as_sent(block) for block in message["content"]]}
    record = {name: call.body.get(name) for name in (*KEPT, *FIXED)}
    messages = [*call.body["messages"], *([reply] if reply["content"] else [])]
    state.put(KIND, message["id"], {**record, "messages": messages, "continued": False}, LIFE)
    if previous:
        state.put(KIND, previous, {**record, "messages": [], "continued": True}, LIFE)
        state.release(TURN, previous)


def _as_sent(block: Json) -> Json:
    return {name: value for name, value in block.items() if value is not None}


def serial(request: HttpRequest, body: Json, state: State) -> bytes:
    """A serial number, so that two threads with the same first request get different ids; empty for the first."""
    if (body.get("thread") or {}).get("type") != "create":
        return b""
    key = hashed(request.body).hex()
    number = state.get("thread serial", key) or 0
    state.put("thread serial", key, number + 1, 12 * LIFE)
    return str(number).encode() if number else b""
