"""Thinking blocks: simulated ones, and their binding to the model and to everything before them.

Evidence: Anthropic docs, Preserved thinking, read September 2026, and a live probe of 26 September 2026 (GitHub
tdavison784/context-runtime, descriptor probe): the signature decides and the visible text is for display only; a
leading run of blocks may be left out; blocks of another model are dropped; the check is made on the models that bind
thinking.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.offline.billing.prefix import fingerprint, hashed
from labkit.offline.catalog import Model
from labkit.offline.platform.signatures import seal, unseal
from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.wire import ApiError, Json, blocks_of

HEADER = "thinking-binding-controls-2026-08-01"
KIND = "thinking"


@dataclass(frozen=True, slots=True)
class Thought:
    """A thinking block in a request: where it stands, what comes before it, and the thinking before it if any."""

    index: int
    place: int
    block: Json
    before: str
    previous: str

    @property
    def path(self) -> str:
        """Where it stands, as the API's errors say it."""
        return f"messages.{self.index}.content.{self.place}"


def thoughts(body: Mapping[str, Any]) -> Iterator[Thought]:
    """Every thinking block of a request with the hash of the rest of the conversation before it."""
    if not any(_thinks(message) for message in body["messages"]):
        return
    walk = Walk(body)
    for index, message in enumerate(body["messages"]):
        for place, block in enumerate(blocks_of(message.get("content"))):
            if block.get("type") == KIND:
                yield Thought(index, place, block, walk.bound, walk.previous)
            walk.step(message["role"], block)


def _thinks(message: Json) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(block.get("type") == KIND for block in content)


class Walk:
    """The hash of a conversation, block by block: system prompt and tools first, thinking left out.

    A signed compaction block takes the place of the messages it replaced, so that thinking after it stays valid.
    """

    def __init__(self, body: Mapping[str, Any]) -> None:
        """Begin with what stands before the messages."""
        system = [fingerprint(["", block]).hex() for block in blocks_of(body.get("system"))]
        tools = [fingerprint(["", tool]).hex() for tool in body.get("tools") or ()]
        self._head = fingerprint([system, tools])
        self.state = b""
        self.previous = ""

    @property
    def bound(self) -> str:
        """What a thinking block at this place is bound to."""
        return hashed(self._head + self.state).hex()

    def step(self, role: str, block: Json) -> None:
        """Go past one block."""
        if block.get("type") == KIND:
            self.previous = str(block.get("signature"))
        elif block.get("type") == "compaction" and (parts := unseal(block.get("signature"))):
            self.state = bytes.fromhex(parts[1])
        else:
            self.state = hashed(self.state + fingerprint([role, block]))

    def through(self, messages: Sequence[Json]) -> "Walk":
        """Go past every block of some messages."""
        for message in messages:
            for block in blocks_of(message.get("content")):
                self.step(message["role"], block)
        return self


def sign(model: Model, thought: Thought | Walk) -> str:
    """The signature that a thinking block has at this place in a conversation with that model."""
    before = thought.before if isinstance(thought, Thought) else thought.bound
    return seal(KIND, model.id, before, fingerprint(thought.previous).hex() if thought.previous else "")


def signed(body: Mapping[str, Any], model: Model) -> Json:
    """A copy of a request whose thinking blocks are signed as if the offline Claude had written each where it
    stands."""
    messages = [dict(message) for message in body["messages"]]
    for message in messages:
        if isinstance(message.get("content"), list | tuple):
            message["content"] = [dict(block) for block in message["content"]]
    copy = {**body, "messages": messages}
    for thought in thoughts(copy):
        thought.block["signature"] = sign(model, thought)
    return copy


@rule
def thinking_has_its_signature(call: Call) -> None:
    """A thinking block carries the signature it was returned with.

    Evidence: live probe of 26 September 2026, GitHub tdavison784/context-runtime.
    """
    for thought in thoughts(call.body):
        parts = unseal(thought.block["signature"])
        if parts is None or parts[0] != KIND:
            raise ApiError(400, f"{thought.path}: Invalid `signature` in `thinking` block")


@rule
def thinking_is_bound_to_what_precedes_it(call: Call) -> list[Json]:
    """On models that bind thinking, a block whose prefix has changed is a 400, or dropped if the request says so.

    A block of another model is dropped in any case. Returns what was dropped, for `input_transformations`. Evidence:
    Anthropic docs, Fix a thinking block bound to a different conversation, read November 2026; live probe of 26
    September 2026, GitHub tdavison784/context-runtime.
    """
    dropped: list[Json] = []
    failing_turn = -1
    for thought in thoughts(call.body):
        _, model, before, previous = unseal(thought.block["signature"]) or ["", "", "", ""]
        changed = call.model.binds_thinking and not _holds(thought, before, previous)
        if model != call.model.id:
            dropped.append(_dropped(thought, "model_binding_mismatch"))
        elif changed or failing_turn == thought.index:
            if not _drops(call):
                raise ApiError(400, _words(thought, call))
            failing_turn = thought.index
            dropped.append(_dropped(thought, "prefix_binding_mismatch"))
    return dropped


def _holds(thought: Thought, before: str, previous: str) -> bool:
    unbroken = not thought.previous or fingerprint(thought.previous).hex() == previous
    return before == thought.before and unbroken


def _drops(call: Call) -> bool:
    binding = (call.body.get("thinking") or {}).get("block_binding") or {}
    return binding.get("prefix_mismatch_behavior") == "drop_block"


def _words(thought: Thought, call: Call) -> str:
    words = (
        f"{thought.path}: Invalid `signature` in `thinking` block. The block is bound to a different conversation. "
        'Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to "drop_block".'
    )
    if HEADER in call.betas:
        return words
    return f"{words} That setting requires the `{HEADER}` value in the `anthropic-beta` header."


def _dropped(thought: Thought, reason: str) -> Json:
    return {"type": "thinking_dropped", "path": thought.path, "reason": reason}


def without(body: Json, dropped: Sequence[Json]) -> Json:
    """The request as the model sees it, without the blocks that were dropped; a message left empty goes with them."""
    if not dropped:
        return body
    gone = {entry["path"] for entry in dropped}
    messages = []
    for index, message in enumerate(body["messages"]):
        content = message.get("content")
        if isinstance(content, list):
            content = [block for place, block in enumerate(content) if f"messages.{index}.content.{place}" not in gone]
        if content:
            messages.append({**message, "content": content})
    return {**body, "messages": messages}


def wanted(body: Mapping[str, Any]) -> bool:
    """Whether a request asks the model to think."""
    return (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")


def thought_of(body: Mapping[str, Any], model: Model, grounds: int) -> Json:
    """A simulated thinking block for the reply to a request that rests on so many of its sentences."""
    omitted = body["thinking"].get("display") == "omitted"
    count = len(body["messages"])
    words = f"[simulated] The request holds {count:,} messages; the answer rests on {grounds:,} of their sentences."
    walk = Walk(body).through(body["messages"])
    return {"type": KIND, "thinking": "" if omitted else words, "signature": sign(model, walk)}
