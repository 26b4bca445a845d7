"""One turn with Claude as a generator that asks for requests to be sent: the pure part of every manager.

It yields requests and takes responses (or the SDK's errors), so that the sync manager, the async one and a stream run
the very same code. It decides what is sent, tries once more after an overflow, keeps the reply, and has the older part
summarized.
"""

import json
import warnings
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from labkit.budgets import MOST_BYTES, Overflow, check, classify, excess
from labkit.conversation import Conversation, Summary
from labkit.messages import History, Message, assistant, in_open_round, without_thinking
from labkit.reply import TurnFailed, absorbed, whole
from labkit.settings import Compaction, Settings
from labkit.steps.keep_within import KeepWithin
from labkit.strategies import apply
from labkit.summarization import (
    Calls,
    CostlyFailure,
    SummaryFailed,
    is_summary,
    lost_to,
    replaced,
    split,
    summary_text,
    too_early,
)
from labkit.tokens import Usage, estimator

if TYPE_CHECKING:
    from anthropic.types import Message as Response

type Turn = Calls[Conversation]


class SummaryWarning(UserWarning):
    """A summary failed; the conversation goes on from its recent turns and nothing was lost."""


COUNTED = ("model", "system", "tools", "tool_choice", "thinking", "extra_headers")
"""The parts of a request that count besides its messages. Source: anthropic SDK 2.14.0, `count_tokens`."""


def count_turn(settings: Settings, asked: Conversation) -> Calls[int]:
    """Yield the request that counts what `take_turn` would send, and give the tokens.

    Thinking that the API refuses is left out, as it is when the turn is sent.
    """
    view = settings.view(asked)
    try:
        counted: Any = yield _counting(settings, asked, view)
    except Exception as error:
        if classify(error) is not Overflow.THINKING_BINDING:
            raise
        counted = yield _counting(settings, asked, History(map(without_thinking, view)))
    return int(counted.input_tokens)


def _counting(settings: Settings, asked: Conversation, view: History) -> dict[str, Any]:
    request = settings.request(asked, view)
    return {key: request[key] for key in (*COUNTED, "messages") if key in request}


MOST_PAUSES = 50
"""The times that one turn is sent back after a pause, so that a service that pauses for ever costs no fortune."""


def take_turn(settings: Settings, asked: Conversation, again_when_cut_off: bool = True) -> Turn:
    """Yield the request for `asked` and give the conversation with the reply in it.

    After one of the four overflows that a smaller request can cure, one more request is yielded, without any thinking;
    any other error passes through. Thinking that was refused once stays out of the history. A turn that the API paused
    is sent back as it came until it ends. `again_when_cut_off` false keeps a reply that ended at the window, for a
    stream whose reader has its words already. Raises BudgetExceeded before anything is sent, and TurnFailed for a
    response that cannot be kept: EmptyReply, IncompleteReply, CutCall, Refused.
    """
    view = settings.view(asked)
    if settings.budget:
        check(view, settings.budget, settings.row)
    asked, view, response = yield from _first_response(settings, asked, view, again_when_cut_off)
    said = whole(response)
    pauses = 0
    while response.stop_reason == "pause_turn":
        # The paused content goes back as it came, in the same turn: no user message may stand between. Source:
        # Anthropic docs, Handling stop reasons, read August 2026.
        pauses += 1
        if pauses > MOST_PAUSES or not said:
            raise TurnFailed(f"the API paused this turn {pauses} times: it was given up; ask for less", "pause_turn")
        asked = replace(asked, usage=asked.usage + Usage.of(response.usage))
        response = yield settings.request(asked, view.append(assistant(said)))
        said += whole(response)
    return absorbed(settings, asked, response, view, said)


def _first_response(
    settings: Settings, asked: Conversation, view: History, again_when_cut_off: bool
) -> "Calls[tuple[Conversation, History, Response]]":
    """Yield the request, and a smaller one where that cures an overflow; give what was asked, its view, the response.

    What was asked has in its usage whatever the first request cost.
    """
    try:
        response = yield settings.request(asked, view)
    except Exception as error:
        smaller = _smaller(settings, asked, view, error)
        if smaller is None:
            raise
        response = yield settings.request(asked, smaller)
        if classify(error) is Overflow.THINKING_BINDING:
            asked = replace(asked, history=History(map(without_thinking, asked.history)))
        return asked, smaller, response
    if again_when_cut_off and classify(response) is Overflow.ENDED_AT_WINDOW:
        smaller = _smaller(settings, asked, view, response)
        if smaller is not None:
            spent = replace(asked, usage=asked.usage + Usage.of(response.usage))
            response = yield settings.request(asked, smaller)
            return spent, smaller, response
    return asked, view, response


def _smaller(settings: Settings, asked: Conversation, view: History, outcome: Any) -> History | None:
    kind = classify(outcome)
    if kind is Overflow.THINKING_BINDING:
        stripped = History(map(without_thinking, view))
        return stripped if stripped != view else None
    if kind is Overflow.OTHER:
        return None
    in_bytes = kind is Overflow.TOO_MANY_BYTES
    ruler = bytes_on_the_wire if in_bytes else estimator(settings.row)
    limit = max(_byte_limit(settings, asked) if in_bytes else _token_limit(settings, asked, view, outcome), 1)
    smaller = History(map(without_thinking, apply((KeepWithin(limit, limit, size=ruler),), view)))
    if smaller.total(ruler) < view.total(ruler):
        return smaller
    if isinstance(outcome, Exception):
        largest = max(range(len(view)), key=lambda place: ruler(view[place]))
        unit = "bytes" if in_bytes else "tokens (estimated)"
        outcome.add_note(
            f"labkit did not try again, because nothing more can be left out: of {len(view)} messages that must be "
            f"sent, the largest is a {view[largest].role} message of about {ruler(view[largest]):,} {unit}"
        )
    return None


def _token_limit(settings: Settings, asked: Conversation, view: History, outcome: Any) -> int:
    """The estimated tokens that the retry's messages may have, from what the API said of the first request's size."""
    estimated = view.total(estimator(settings.row)) + settings.beside(asked)
    real, most = excess(outcome) or _window_of(outcome)
    room = max(most - settings.max_tokens, most // 2)
    return int(room * estimated / max(real, 1) * RETRY_SHARE) - settings.beside(asked)


def _byte_limit(settings: Settings, asked: Conversation) -> int:
    """The bytes that the retry's messages may have."""
    without = settings.request(asked, History())
    return int(MOST_BYTES * RETRY_SHARE) - len(json.dumps(without, default=str))


def bytes_on_the_wire(message: Message) -> int:
    """The bytes of one message in a request."""
    return len(json.dumps(message.wire()))


def _window_of(outcome: Any) -> tuple[int, int]:
    usage = Usage.of(outcome.usage)
    return usage.total_input, usage.total_input + usage.output_tokens


RETRY_SHARE = 0.9
"""The share of the room that the one retry fills, because the part left out is measured by estimates."""


def summarize_if_due(settings: Settings, conversation: Conversation) -> Turn:
    """Yield the summarizer's requests if the last request was above the threshold, and give the conversation after it.

    The first time one is always made, later only where it leaves room for one more turn or halves the request.
    A summary that fails, for whatever reason, leaves the history as it was, is counted, and is reported by a
    SummaryWarning; its tokens are counted too.
    """
    plan = settings.compaction
    if plan.threshold is None or (conversation.last.total_input <= plan.threshold and not conversation.failures):
        return conversation
    old, recent = split(conversation.history, plan.keep)
    if not old or in_open_round(conversation.history) or _too_early(settings, conversation, old):
        return conversation
    if _pausing(plan, conversation.failures):
        return replace(conversation, failures=conversation.failures + 1)
    try:
        text, usage = yield from plan.summarizer.calls(old)
    except Exception as error:
        spent = error.usage if isinstance(error, CostlyFailure) else Usage()
        return _failed(plan, replace(conversation, usage=conversation.usage + spent), error)
    try:
        history = replaced(conversation.history, recent, text)
    except SummaryFailed as error:
        return _failed(plan, replace(conversation, usage=conversation.usage + usage), error)
    pair = next(message for message in history if is_summary(message))
    put_back = tuple(map(str, lost_to(text, pair.replaces)))
    return conversation.summarized(history, Summary(summary_text(pair), len(pair.replaces), usage, put_back))


def _too_early(settings: Settings, conversation: Conversation, old: History) -> bool:
    """True when one more summary would not help yet; one that is owed since a failure always helps."""
    threshold, billed = settings.compaction.threshold or 0, conversation.last.total_input
    beside = settings.beside(conversation)
    ruler = estimator(settings.row)
    return not conversation.failures and too_early(conversation.history, old, threshold, billed, ruler, beside)


def _pausing(plan: Compaction, failures: int) -> bool:
    return failures >= plan.patience and failures % (plan.patience + plan.pause) >= plan.patience


def _failed(plan: Compaction, conversation: Conversation, error: Exception) -> Conversation:
    failures = conversation.failures + 1
    then = f"; {failures} failed in a row, so none is tried for {plan.pause} turns" if failures == plan.patience else ""
    warnings.warn(
        f"no summary was made ({error}): nothing is lost, and while the conversation is too long only its newest turns "
        f"are sent{then}",
        SummaryWarning,
        stacklevel=2,
    )
    # From the first failure on other steps shape the view, and the thinking so far was written in answer to these.
    brought = conversation.sent_whole if conversation.failures else len(conversation.history)
    return replace(conversation, failures=failures, sent_whole=brought)


class Requests[T]:
    """The requests of a turn, one after another: set `answer` to the response to each, or to the error, before the
    next. At the end `result` is what the turn came to.
    """

    def __init__(self, turn: Calls[T]) -> None:
        """Take the turn; nothing of it runs yet."""
        self._turn: Generator[dict[str, Any], Any, T] = turn
        self.answer: Response | Exception | None = None
        self.result: T

    def __iter__(self) -> Self:
        """Itself."""
        return self

    def __next__(self) -> dict[str, Any]:
        """The next request; raises any error that the turn does not handle."""
        try:
            if isinstance(self.answer, Exception):
                return self._turn.throw(self.answer)
            return self._turn.send(self.answer)
        except StopIteration as done:
            self.result = done.value
            raise
        finally:
            self.answer = None


def run[T](turn: Calls[T], create: Callable[..., Any]) -> T:
    """Drive a turn with a function that sends a request and gives the response; errors go back into the turn."""
    for request in (requests := Requests(turn)):
        try:
            requests.answer = create(**request)
        except Exception as error:
            requests.answer = error
    return requests.result


async def run_async[T](turn: Calls[T], create: Callable[..., Any]) -> T:
    """The same as `run`, with a function whose responses are awaited."""
    for request in (requests := Requests(turn)):
        try:
            requests.answer = await create(**request)
        except Exception as error:
            requests.answer = error
    return requests.result
