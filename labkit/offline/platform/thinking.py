"""Thinking blocks: simulated ones, their binding to the model and to everything before them, and which are read again.

Evidence: Anthropic docs, Thinking, read August 2026, and Preserved thinking, read September 2026; a live probe of 26
September 2026 (GitHub tdavison784/context-runtime, descriptor probe): the signature decides, and a leading run of
blocks may be left out. The offline Claude thinks on every request for which thinking is on, longer with more effort,
and shows its whole thinking where the API shows a summary; the live model may skip it on an easy request, and between
tool calls in manual mode.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.offline.billing.prefix import fingerprint, hashed
from labkit.offline.catalog import Model
from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.settings import display, latest_effort, thinking_type, thinks
from labkit.offline.signatures import THINKING, Seal, sealed, sealing, thinking_of, unseal
from labkit.offline.wire import ApiError, Json, blocks_of, turn_numbers

HEADER = "thinking-binding-controls-2026-08-01"
LOOKS = {"low": 1, "medium": 2, "high": 4, "xhigh": 8, "max": 16}
"""Sentences of simulated thinking by effort: more effort is more thinking; the numbers are the simulator's own."""
LEAST_LOOKS = 2
"""Sentences of simulated thinking on a model that takes no effort."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A thinking block in a request: where it is, what comes before it, and the thinking before it if any.

    `place` says where in its message it is: the number of other blocks before it, its number in a run of thinking
    blocks, and how long that run is.
    """

    index: int
    spot: int
    block: Json
    before: str
    previous: str
    place: str

    @property
    def path(self) -> str:
        """The place in the request, as the API's errors say it."""
        return f"messages.{self.index}.content.{self.spot}"


def thoughts(body: Mapping[str, Any]) -> Iterator[Thought]:
    """Yield every thinking block of a request with the hash of the rest of the conversation before it."""
    if not any(_thinks(message) for message in body["messages"]):
        return
    walk = Walk(body)
    for index, message in enumerate(body["messages"]):
        blocks = blocks_of(message.get("content"))
        places = _places(blocks)
        for spot, block in enumerate(blocks):
            if spot in places:
                yield Thought(index, spot, block, walk.bound, walk.previous, places[spot])
            walk.step(message["role"], block)


def _thinks(message: Json) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(block.get("type") in THINKING for block in content)


def _places(blocks: Sequence[Json]) -> dict[int, str]:
    """The place of each thinking block of a message, by its number among the blocks."""
    found: dict[int, str] = {}
    run: list[int] = []
    for spot, block in enumerate([*blocks, {"type": ""}]):
        if block.get("type") in THINKING:
            run.append(spot)
            continue
        others = spot - len(found) - len(run)
        found |= {each: f"{others}.{number}/{len(run)}" for number, each in enumerate(run)}
        run = []
    return found


class Walk:
    """The hash of a conversation, block by block: system prompt and tools first, thinking left out.

    A signed compaction block takes the place of the messages it replaced, so that thinking after it stays valid.
    """

    def __init__(self, body: Mapping[str, Any]) -> None:
        """Begin with what comes before the messages."""
        system = [fingerprint(["", block]).hex() for block in blocks_of(body.get("system"))]
        tools = [fingerprint(["", tool]).hex() for tool in body.get("tools") or ()]
        self._head = fingerprint([system, tools])
        self.state = b""
        self.previous = ""

    @property
    def bound(self) -> str:
        """The hash that a thinking block at this place is bound to."""
        return hashed(self._head + self.state).hex()

    def step(self, role: str, block: Json) -> None:
        """Go past one block."""
        if block.get("type") in THINKING:
            self.previous = str(block.get("signature") or block.get("data"))
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


def _chained(previous: str) -> str:
    return fingerprint(previous).hex() if previous else ""


def signed(body: Mapping[str, Any], model: Model) -> Json:
    """Return a copy of a request whose thinking is signed as if the offline Claude had written it where it is."""
    messages = [dict(message) for message in body["messages"]]
    for message in messages:
        if isinstance(message.get("content"), list | tuple):
            message["content"] = [dict(block) for block in message["content"]]
    copy = {**body, "messages": messages}
    for thought in thoughts(copy):
        words = str(thought.block.get("thinking") or "")
        shown = "summarized" if words else "omitted"
        name = "signature" if thought.block["type"] == "thinking" else "data"
        parts = Seal(model.id, thought.before, _chained(thought.previous), words, shown, thought.place)
        thought.block[name] = sealing(parts)
    return copy


@rule
def thinking_has_its_signature(call: Call) -> None:
    """A thinking block carries the signature it was returned with, a redacted one its data.

    The words for redacted thinking are not verified. Evidence: live probe of 26 September 2026, GitHub
    tdavison784/context-runtime; Anthropic docs, Preserved thinking, read September 2026, for redacted thinking.
    """
    for thought in thoughts(call.body):
        if sealed(thought.block) is None:
            name = "signature" if thought.block["type"] == "thinking" else "data"
            raise ApiError(400, f"{thought.path}: Invalid `{name}` in `{thought.block['type']}` block")


@rule
def latest_thinking_is_unchanged(call: Call) -> None:
    """In the latest assistant message thinking comes back as it was: no edit, no other place, none of a run left out.

    Text put into a block that was returned without any is ignored, and all of the message's thinking may be left out.
    Evidence: Anthropic docs, Thinking and Troubleshooting thinking, read August 2026; body quoted in GitHub
    claude-code#63432, May 2026.
    """
    last = max((index for index, m in enumerate(call.messages) if m["role"] == "assistant"), default=-1)
    for thought in thoughts(call.body):
        found = sealed(thought.block)
        if thought.index != last or found is None:
            continue
        shown = thought.block.get("thinking", found.words)
        edited = found.display != "omitted" and shown not in ("", found.words)
        if edited or found.place != thought.place:
            kinds = "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified."
            words = "These blocks must remain as they were in the original response."
            raise ApiError(400, f"{thought.path}: {kinds} {words}")


@rule
def thinking_is_bound_to_what_precedes_it(call: Call) -> list[Json]:
    """On models that bind thinking, a block whose prefix has changed is a 400; or it and all later ones are dropped.

    A block of a model that the request's model does not read is dropped in any case. The offline account is younger
    than 31 August 2026, so that the check is on without a setting; on Claude Fable 5.2 it is on for every account.
    Returns what was dropped, for `input_transformations`. Evidence: Anthropic docs, Fix a thinking block bound to a
    different conversation, What's new in Claude Opus 5.5 and in Claude Fable 5.2, read September to November 2026; live
    probe of 26 September 2026, GitHub tdavison784/context-runtime.
    """
    dropped: list[Json] = []
    failed = False
    for thought in thoughts(call.body):
        found = sealed(thought.block)
        if found is None or not _is_read(found, call.model):
            dropped.append(_dropped(thought, "model_binding_mismatch"))
        elif failed or (_is_bound(found, call) and not _holds(thought, found)):
            if not _drops(call):
                raise ApiError(400, _words(thought, call))
            failed = True
            dropped.append(_dropped(thought, "prefix_binding_mismatch"))
    return dropped


def _is_read(found: Seal, model: Model) -> bool:
    return found.model == model.id or found.model in model.thinking.reads


def _is_bound(found: Seal, call: Call) -> bool:
    """A block is checked on models that bind thinking, and there if it was written by one; the second is unverified."""
    return call.model.binds_thinking and call.service.catalog.find(found.model).binds_thinking


def _holds(thought: Thought, found: Seal) -> bool:
    unbroken = not thought.previous or _chained(thought.previous) == found.previous
    return found.before == thought.before and unbroken


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
    """Return the request as the model sees it, without what was dropped; a message left empty goes with its blocks."""
    if not dropped:
        return body
    gone = {entry["path"] for entry in dropped}
    messages = []
    for index, message in enumerate(body["messages"]):
        content = message.get("content")
        if isinstance(content, list):
            content = [block for spot, block in enumerate(content) if f"messages.{index}.content.{spot}" not in gone]
        if content:
            messages.append({**message, "content": content})
    return {**body, "messages": messages}


def without_earlier_turns(body: Json, model: Model) -> Json:
    """Return the request without the thinking of earlier turns, on the models that do not read that again.

    A tool loop is one turn. Evidence: Anthropic docs, Thinking (Thinking block preservation by model), read August
    2026.
    """
    if model.thinking.keeps == "all" or not any(_thinks(message) for message in body["messages"]):
        return body
    turns = turn_numbers(body["messages"])
    old = [{"path": t.path} for t in thoughts(body) if turns[t.index] < turns[-1]]
    return without(body, old)


def thought_of(body: Mapping[str, Any], model: Model, grounds: int) -> Json:
    """Return a simulated thinking block for the reply to a request that rests on so many of its sentences."""
    level = latest_effort(body, model)
    count = LOOKS[level] if level else LEAST_LOOKS
    words = (
        f"[simulated] The request holds {len(body['messages']):,} messages; {grounds:,} of their sentences answer it."
    )
    words += "".join(f" I go through them again, {number + 1:,} of {count:,}." for number in range(count))
    return thinking_block(body, model, words, display(body, model))


def thinking_block(body: Mapping[str, Any], model: Model, words: str, shown: str) -> Json:
    """Return a thinking block that begins the reply to a request: its words are in its signature, shown or not."""
    walk = Walk(body).through(body["messages"])
    parts = Seal(model.id, walk.bound, _chained(walk.previous), words, shown, "0.0/1")
    return {"type": "thinking", "thinking": "" if shown == "omitted" else words, "signature": sealing(parts)}


def thought_through(body: Mapping[str, Any], model: Model, content: Sequence[Json], grounds: int) -> list[Json]:
    """Return a reply's blocks with the thinking before them, if the model thinks on this request.

    From Claude 5.5 on, words between two tool calls are thinking, and with `between_tools` they are shown. Evidence:
    Anthropic docs, What's new in Claude Opus 5.5, September 2026; SDK 2.14.0, ThinkingTypes.between_tools.
    """
    thought = [thought_of(body, model, grounds)] if thinks(body, model) else []
    in_loop = any(block["type"] == "tool_result" for block in blocks_of(body["messages"][-1].get("content")))
    calls = [block for block in content if block["type"] == "tool_use"]
    if model.version < (5, 5) or not in_loop or not calls:
        return [*thought, *content]
    words = " ".join(block["text"] for block in content if block["type"] == "text")
    shown = "summarized" if thinking_type(body, model) == "between_tools" else display(body, model)
    said = " ".join(filter(None, [*map(thinking_of, thought), words]))
    return [*([thinking_block(body, model, said, shown)] if said else []), *calls]
