"""Replies that end otherwise than by themselves, on request: a refusal, a pause in server tools, a cut at max_tokens.

Evidence: Anthropic docs, Handling stop reasons, read August 2026; SDK 2.14.0, RefusalStopDetails. A refusal here comes
before any words and bills no output; the live API may also refuse in the middle of a reply.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from labkit.offline.billing.prefix import fingerprint
from labkit.offline.faults import Fault
from labkit.offline.service import Call
from labkit.offline.stops import Ending, finish
from labkit.offline.wire import Json, ReplyLike

KIND = "refused"
KEPT = 3600.0
"""Seconds for which a refusal that sticks is remembered, on the service's clock."""
EXPLANATION = "[simulated] This request was declined because the lesson or test asked for a refusal."
PAUSED = "[simulated] I paused in the middle of a server tool."
SEARCH = "srvtoolu_simPause"


def remembered(call: Call) -> Fault | None:
    """The refusal of an earlier request that meets this one too, because the refused message is still in it."""
    for message in call.messages:
        if message["role"] == "user":
            category = call.service.state.get(KIND, fingerprint(message["content"]).hex())
            if category is not None:
                return Fault("refusal", category=category or None)
    return None


def ended(fault: Fault, call: Call, reply: ReplyLike, input_tokens: int) -> Ending:
    """The reply, ended as the fault says."""
    if fault.kind == "refusal":
        return _refused(fault, call)
    if fault.kind == "pause_turn":
        return finish(_Paused(reply.grounds), call.body, call.model, input_tokens)
    whole = finish(reply, call.body, call.model, input_tokens)
    half = max(1, whole.output_tokens // 2)
    return finish(reply, {**call.body, "max_tokens": half}, call.model, input_tokens)


def _refused(fault: Fault, call: Call) -> Ending:
    if fault.sticks:
        last = next(message for message in reversed(call.messages) if message["role"] == "user")
        call.service.state.put(KIND, fingerprint(last["content"]).hex(), fault.category or "", KEPT)
    details = {"type": "refusal", "category": fault.category, "explanation": EXPLANATION}
    return replace(Ending([], "refusal", None, 0), details=details)


class _Paused:
    """A turn that stops after a server tool: words, a call, and its result, so that it can be sent back as it is."""

    stop_reason = "pause_turn"

    def __init__(self, grounds: Sequence[Any]) -> None:
        error = {"type": "web_search_tool_result_error", "error_code": "unavailable"}
        self.grounds = grounds
        self.content: list[Json] = [
            {"type": "text", "text": PAUSED},
            {"type": "server_tool_use", "id": SEARCH, "name": "web_search", "input": {"query": "simulated"}},
            {"type": "web_search_tool_result", "tool_use_id": SEARCH, "content": error},
        ]
