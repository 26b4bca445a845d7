"""From a call that the rules let in to its answer: what the model sees, what it says, and what it costs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from labkit.offline import endings
from labkit.offline.billing import cache, diagnostics
from labkit.offline.billing.cache import Bill
from labkit.offline.billing.prefix import Link, chain
from labkit.offline.billing.sampling import tally_of
from labkit.offline.billing.tokens import Tally, request_tokens
from labkit.offline.billing.usage import geo, tells_thinking, thinking_tokens
from labkit.offline.platform import compaction, context_editing, thinking, tool_changes
from labkit.offline.rules.parameters import input_fits_the_window
from labkit.offline.service import Call
from labkit.offline.stops import Ending, finish
from labkit.offline.wire import Json, ReplyLike
from labkit.offline.words.structured import structured

EDITING = "context-management-2025-06-27"
"""The beta whose answers always say which edits were applied, none if there were none (recorded, 2026)."""


@dataclass(slots=True)
class View:
    """A request as the model sees it, and what was done to it on the way."""

    body: Json
    tally: Tally
    tokens: int
    original_tokens: int
    applied: list[Json]
    dropped: list[Json]


@dataclass(slots=True)
class Answer:
    """An answer before it is a message: its ending, its bill, the bills of summaries, and the blocks before the
    reply."""

    ending: Ending
    bill: Bill
    iterations: list[Json] = field(default_factory=list)
    links: Sequence[Link] = ()


def look(call: Call) -> View:
    """The body of a call as the model sees it: bound thinking checked, summarized messages left out, edits applied."""
    dropped = _checked_thinking(call)
    body = tool_changes.loaded(thinking.without(call.body, dropped))
    body = compaction.from_last_summary(_without_passing_notes(body))
    if context_editing.THINKING not in context_editing.edit_types(body):
        body = thinking.without_earlier_turns(body, call.model)
    tally = tally_of(body, call.model, len(call.request.body))
    if call.body.get("context_management"):
        edited = context_editing.edit(body, call.model, tally)
        tokens = request_tokens(edited.body, call.model, tally, call.betas)
        return View(edited.body, tally, tokens, edited.original_tokens, edited.applied, dropped)
    tokens = request_tokens(body, call.model, tally, call.betas)
    return View(body, tally, tokens, tokens, [], dropped)


def _checked_thinking(call: Call) -> list[Json]:
    thinking.thinking_has_its_signature(call)
    thinking.latest_thinking_is_unchanged(call)
    return thinking.thinking_is_bound_to_what_precedes_it(call)


def _without_passing_notes(body: Json) -> Json:
    """The request without system messages that were for an earlier turn only.

    Evidence: SDK 2.12.0, BetaSystemMessageParam.clear_at; confirmed live on 9 October 2026 in a public spike report.
    """
    messages = body["messages"]
    last = max((index for index, message in enumerate(messages) if message["role"] == "user"), default=-1)
    gone = [index for index, message in enumerate(messages[:last]) if message.get("clear_at") == "next_user_message"]
    if not gone:
        return body
    return {**body, "messages": [message for index, message in enumerate(messages) if index not in gone]}


def answer(call: Call, view: View) -> Answer:
    """The answer to a call: a summary if that is what was asked for, else a reply."""
    input_fits_the_window(view.tokens, call.model)
    if call.body.get("compaction"):
        return _on_demand(call, view)
    edit = compaction.due(call.body, view.tokens, call.model)
    if edit is not None:
        return _past_threshold(call, view, edit)
    bill, links = _bill(call, view.body, view.tally, view.tokens)
    return Answer(_reply(call, view.body, view.tokens), bill, links=links)


def _bill(call: Call, body: Json, tally: Tally, tokens: int) -> tuple[Bill, Sequence[Link]]:
    """The bill of the input; the chain of blocks is made only when caching or its diagnostics need it."""
    caching = cache.wants_cache(body)
    if not caching and body.get("diagnostics") is None:
        return Bill(tokens), ()
    links = chain(body, call.model, tally)
    for check in cache.RULES if caching else ():
        check(body, links)
    return (cache.settle(body, links, tokens, call.model, call.service.state) if caching else Bill(tokens)), links


def _reply(call: Call, body: Json, tokens: int) -> Ending:
    reply = call.service.reply(compaction.readable(tool_changes.offered(body)))
    said = _formatted(call.body, body, list(reply.content))
    content = thinking.thought_through(call.body, call.model, said, len(reply.grounds))
    whole = _Whole(content, reply)
    fault = endings.remembered(call) or call.service.faults.ending()
    return endings.ended(fault, call, whole, tokens) if fault else finish(whole, call.body, call.model, tokens)


def _formatted(asked: Json, body: Json, content: list[Json]) -> list[Json]:
    """The content in the format that was asked for, unless it calls a tool or has that format already."""
    form = (asked.get("output_config") or {}).get("format")
    if not form or any(block["type"] != "text" for block in content):
        return content
    try:
        json.loads("".join(block["text"] for block in content))
    except ValueError:
        return [{"type": "text", "text": structured(form["schema"], body)}]
    return content


class _Whole:
    """A reply with other blocks in place of its blocks."""

    def __init__(self, content: list[Json], reply: ReplyLike) -> None:
        self.content = content
        self.stop_reason = reply.stop_reason
        self.grounds = reply.grounds


def _on_demand(call: Call, view: View) -> Answer:
    """A summary alone; when none comes, nothing, with the reason. Evidence: see the compaction module."""
    bill, links = _bill(call, view.body, view.tally, view.tokens)
    asked = call.body["compaction"].get("instructions")
    summary = compaction.summarize(call, view.body, view.tokens, view.tally, asked)
    content = [compaction.signed(summary.block, call.body)] if summary.block else []
    reason = "compaction" if summary.block else summary.stop_reason
    return Answer(Ending(content, reason, None, 0), Bill(0), [_iteration(summary, bill)], links)


def _past_threshold(call: Call, view: View, edit: Json) -> Answer:
    """A summary, and then the reply to the latest turn, unless the request asked to pause in between."""
    bill, links = _bill(call, view.body, view.tally, view.tokens)
    summary = compaction.summarize(call, view.body, view.tokens, view.tally, edit.get("instructions"))
    block = summary.block or {"type": compaction.KIND, "content": None}
    first = _iteration(summary, bill)
    if edit.get("pause_after_compaction"):
        return Answer(Ending([block], "compaction", None, 0), Bill(0), [first], links)
    billed = compaction.continued(view.body, block) if summary.block else view.body
    tokens = request_tokens(billed, call.model, view.tally, call.betas)
    rest = _reply(call, compaction.answered(view.body, block) if summary.block else view.body, tokens)
    ending = Ending(
        [block, *rest.content], rest.stop_reason, rest.stop_sequence, rest.output_tokens, rest.grounds, rest.details
    )
    second = {"type": "message", **Bill(tokens).usage(), "output_tokens": rest.output_tokens}
    return Answer(ending, Bill(tokens), [first, second], links)


def _iteration(summary: compaction.Summary, bill: Bill) -> Json:
    prompt = max(0, summary.input_tokens - bill.full - bill.read - bill.written_5m - bill.written_1h)
    usage = bill.usage()
    return {
        "type": compaction.KIND,
        **usage,
        "input_tokens": usage["input_tokens"] + prompt,
        "output_tokens": summary.output_tokens,
    }


def message_of(call: Call, view: View, given: Answer, message_id: str) -> Json:
    """The answer as the API's message."""
    message: Json = {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": call.model.api_id,
        "content": given.ending.content,
        "stop_reason": given.ending.stop_reason,
        "stop_sequence": given.ending.stop_sequence,
        "stop_details": given.ending.details,
        "usage": _usage(call, view, given),
    }
    state = call.service.state
    if call.body.get("diagnostics") is not None:
        read = given.bill.read
        message["diagnostics"] = diagnostics.diagnose(call.body, call.model, given.links, read, state)
        diagnostics.remember(call.body, call.model, given.links, message_id, state)
    if call.body.get("context_management") or EDITING in call.betas:
        message["context_management"] = {"applied_edits": view.applied}
    if thinking.HEADER in call.betas:
        message["input_transformations"] = view.dropped
    return message


def _usage(call: Call, view: View, given: Answer) -> Json:
    usage: Json = {
        **given.bill.usage(),
        "output_tokens": given.ending.output_tokens,
        "service_tier": "standard",
        "inference_geo": geo(call.model),
    }
    if tells_thinking(call.body, call.model):
        usage["output_tokens_details"] = {"thinking_tokens": thinking_tokens(given.ending.content, view.tally)}
    iterations = given.iterations or _one_iteration(call, given)
    return {**usage, "iterations": iterations} if iterations else usage


def _one_iteration(call: Call, given: Answer) -> list[Json]:
    """The iterations of an answer in which nothing was compacted, where the request has to do with compaction.

    Evidence: two recorded answers of 2026 to requests with a compaction block or the edit: one iteration of type
    `message`.
    """
    if compaction.threshold_edit(call.body) is None and not any(compaction.compaction_blocks(call.messages)):
        return []
    return [{"type": "message", **given.bill.usage(), "output_tokens": given.ending.output_tokens}]


def begun_usage(message: Json, view: View) -> Json:
    """The usage with which the stream of a message begins.

    Evidence: recorded streams of threshold compaction, 2026: no `iterations`, and the tokens before the compaction
    (60,385 in `message_start`, 612 in `message_delta`).
    """
    usage = {name: value for name, value in message["usage"].items() if name != "iterations"}
    compacted = any(one["type"] == compaction.KIND for one in message["usage"].get("iterations", ()))
    if "output_tokens_details" in usage:
        usage["output_tokens_details"] = {"thinking_tokens": 0}
    return {**usage, **(Bill(view.tokens).usage() if compacted else {}), "output_tokens": 1}


def count_of(call: Call, view: View) -> Json:
    """The answer to count_tokens: after context editing, with the count before it if there was any.

    Evidence: Anthropic docs, Token counting and Context editing, read August 2026.
    """
    counted: Json = {"input_tokens": view.tokens}
    if call.body.get("context_management"):
        counted["context_management"] = {"original_input_tokens": view.original_tokens}
    return counted
