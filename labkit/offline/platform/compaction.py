"""Compaction: a summary in place of the conversation, on demand or once a threshold is reached.

Evidence: Anthropic docs, Compaction and Compact on demand, read September 2026; a live probe of 26 September 2026
(GitHub tdavison784/context-runtime, descriptor probe). The summary is written by the reply function, like any other
words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.offline.billing.prefix import fingerprint
from labkit.offline.billing.tokens import Tally
from labkit.offline.catalog import COMPACTION_TRIGGER, Model
from labkit.offline.platform.thinking import Walk
from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.signatures import seal, unseal
from labkit.offline.stops import Ending, finish
from labkit.offline.wire import ApiError, Json, blocks_of

KIND = "compaction"
PROMPT = (
    "Summarize this conversation so that it can be continued from the summary alone. Keep decisions, facts, "
    "preferences, tool results and open questions; leave out greetings and small talk. Do not call tools."
)
"""A replacement for the API's own prompt, which differs by model and is not published whole."""
PROMPT_TOKENS = {"3": 146, "4.7": 154}
"""Tokens of the API's own prompt, recorded in 2026."""
ORDINARY = ("compaction", "context_management", "tools", "tool_choice", "stop_sequences", "thinking")
COMPACTING = "compact-2026-09-04"
THRESHOLD = "compact-2026-01-12"
COMPACT_EDIT = "compact_20260112"


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of a summarization call: a block, or why there is none, and its tokens (estimates)."""

    block: Json | None
    stop_reason: str
    input_tokens: int
    output_tokens: int


def compaction_blocks(messages: list[Json]) -> Iterator[tuple[int, int, Json]]:
    """Message, place and block of every compaction block."""
    for index, message in enumerate(messages):
        content = message.get("content")
        if isinstance(content, list):
            yield from ((index, place, block) for place, block in enumerate(content) if block["type"] == "compaction")


@rule
def signed_block_comes_first(call: Call) -> None:
    """A signed compaction block is the first block of the conversation, in place of what it summarizes.

    Evidence: live body of 9 October 2026 in a public spike report; SDK 2.12.0, CompactionBlockMisplacedErrorDetails.
    """
    for index, place, block in compaction_blocks(call.messages):
        if block.get("signature") and ((index, place) != (0, 0) or call.messages[0]["role"] == "system"):
            words = "must be sent first, in place of the messages it summarizes; remove those messages"
            raise ApiError(400, f"`compaction` block {words}", "compaction_block_misplaced")


@rule
def one_signed_block(call: Call) -> None:
    """A request carries one signed compaction block, the newest. The words are not verified.

    Evidence: SDK 2.12.0, CompactionBlockAmbiguousErrorDetails.
    """
    blocks = [block for _, _, block in compaction_blocks(call.messages) if block.get("content")]
    if len(blocks) > 1 and any(block.get("signature") for block in blocks):
        words = "`messages` holds more than one `compaction` block with content; send only the newest"
        raise ApiError(400, words, "compaction_block_ambiguous")


@rule
def signed_block_is_unchanged(call: Call) -> None:
    """A signed compaction block comes back as it was returned. The words about the signature are not verified.

    Evidence: live probe of 26 September 2026, GitHub tdavison784/context-runtime, for the content; SDK 2.12.0,
    CompactionSignatureInvalidErrorDetails.
    """
    for _, _, block in compaction_blocks(call.messages):
        if not block.get("signature"):
            continue
        parts = unseal(block["signature"])
        if parts is None or parts[0] != KIND:
            raise ApiError(400, "`compaction` block `signature` is invalid", "compaction_signature_invalid")
        if parts[2] != fingerprint(block.get("content")).hex():
            words = "`compaction` block `content` does not match its `signature`"
            raise ApiError(400, words, "compaction_content_mismatch")


@rule
def unsigned_block_needs_its_edit(call: Call) -> None:
    """A block of threshold compaction comes with the edit that made it.

    Evidence: live probe of 26 September 2026, GitHub tdavison784/context-runtime.
    """
    unsigned = any(not block.get("signature") for _, _, block in compaction_blocks(call.messages))
    if unsigned and threshold_edit(call.body) is None and COMPACTING not in call.betas:
        words = "`compaction` blocks require a `compact_20260112` strategy in `context_management.edits`."
        raise ApiError(400, words)


@rule
def one_kind_of_compaction(call: Call) -> None:
    """Threshold compaction does not run on a request that carries a signed block. The words are not verified.

    Evidence: Anthropic docs, Compact on demand, read September 2026.
    """
    signed = any(block.get("signature") for _, _, block in compaction_blocks(call.messages))
    if signed and threshold_edit(call.body) is not None:
        raise ApiError(400, f"context_management.edits: {COMPACT_EDIT} cannot run with a signed `compaction` block")


RULES = (
    signed_block_comes_first,
    one_signed_block,
    signed_block_is_unchanged,
    unsigned_block_needs_its_edit,
    one_kind_of_compaction,
)


def check_blocks(call: Call) -> None:
    """Apply the rules on compaction blocks, in order."""
    if call.beta:
        for check in RULES:
            check(call)


def threshold_edit(body: Mapping[str, Any]) -> Json | None:
    """The edit that asks for threshold compaction, if any."""
    edits = (body.get("context_management") or {}).get("edits") or ()
    return next((edit for edit in edits if edit["type"] == COMPACT_EDIT), None)


def from_last_summary(body: Json) -> Json:
    """The request without the messages that its last summary replaces; a block without content changes nothing."""
    places = [(index, place) for index, place, block in compaction_blocks(body["messages"]) if block.get("content")]
    if not places:
        return body
    index, place = places[-1]
    message = body["messages"][index]
    kept = {**message, "content": message["content"][place:]}
    return {**body, "messages": [kept, *body["messages"][index + 1 :]]}


def readable(body: Json) -> Json:
    """The request as the model reads it: a summary is text."""
    if not any(compaction_blocks(body["messages"])):
        return body
    messages = []
    for message in body["messages"]:
        blocks = [_as_text(block) for block in blocks_of(message.get("content")) if not _is_void(block)]
        if blocks:
            messages.append({**message, "content": blocks})
    return {**body, "messages": messages}


def _as_text(block: Json) -> Json:
    return {"type": "text", "text": block["content"]} if block["type"] == KIND else block


def _is_void(block: Json) -> bool:
    return block["type"] == KIND and not block.get("content")


def summarize(call: Call, body: Json, tokens: int, tally: Tally, instructions: str | None) -> Summary:
    """One summarization call over a request of so many tokens: its block is unsigned."""
    own = instructions if instructions and instructions.strip() else ""
    prompt = own or PROMPT
    asked = tokens + (tally.text(own) + tally.frame.turn if own else PROMPT_TOKENS[call.model.tokenizer])
    if asked >= call.model.window:
        return Summary(None, "model_context_window_exceeded", tokens, 0)
    plain = {name: value for name, value in readable(body).items() if name not in ORDINARY}
    question = {"role": "user", "content": prompt}
    reply = call.service.reply({**plain, "messages": [*plain["messages"], question]})
    ending = finish(reply, {"max_tokens": call.body["max_tokens"]}, call.model, asked)
    return Summary(_block(ending), ending.stop_reason, asked, ending.output_tokens)


def _block(ending: Ending) -> Json | None:
    words = "\n".join(block["text"] for block in ending.content if block["type"] == "text")
    return {"type": KIND, "content": words} if words and ending.stop_reason == "end_turn" else None


def signed(block: Json, body: Json) -> Json:
    """The block with a signature over its content and the conversation that it replaces."""
    walk = Walk(body).through(body["messages"])
    return {**block, "signature": seal(KIND, walk.state.hex(), fingerprint(block["content"]).hex())}


def due(body: Mapping[str, Any], tokens: int, model: Model) -> Json | None:
    """The edit that asks for threshold compaction, when the request has reached its trigger."""
    edit = threshold_edit(body)
    if edit is None:
        return None
    trigger = edit.get("trigger")
    level = trigger["value"] if trigger else model.scaled(COMPACTION_TRIGGER)
    return edit if tokens >= level else None


def continued(body: Json, block: Json) -> Json:
    """The request as it is billed after threshold compaction: the summary alone, whatever the last turn was.

    Evidence: 5 recorded answers of 3 projects until August 2026, whose message iteration has the tokens of the summary
    and 81 to 98 more, after one user message of 55,000 tokens as after many turns.
    """
    return {**body, "messages": [{"role": "user", "content": [block]}]}


def answered(body: Json, block: Json) -> Json:
    """The request on which the simulated words after threshold compaction rest: the summary, then the latest turn.

    A live summary says what was asked last; the simulated one does not, so the reply function is given both.
    """
    turn = len(body["messages"])
    while turn and body["messages"][turn - 1]["role"] != "assistant":
        turn -= 1
    latest = [message for message in body["messages"][turn:] if not _is_result(message)]
    return {**body, "messages": [{"role": "user", "content": [block]}, *latest]}


def _is_result(message: Json) -> bool:
    return any(block["type"] == "tool_result" for block in blocks_of(message.get("content")))
