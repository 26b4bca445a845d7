"""One turn with Claude as a generator that asks for requests to be sent: the pure part of every manager.

It yields requests and takes responses (or the SDK's errors), so that the sync manager, the async one and a stream run
the very same code. It decides what is sent, tries once more after an overflow, keeps the reply, and has the older part
summarized.
"""

import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from labkit.breakpoints import with_breakpoints
from labkit.budgets import Overflow, TokenBudget, check, classify, excess
from labkit.conversation import Conversation, Summary
from labkit.messages import Content, History, assistant, in_open_round, without_thinking
from labkit.models import DEFAULT_MODEL, Model, find
from labkit.steps.keep_within import KeepWithin
from labkit.steps.rules import KeepRules
from labkit.strategies import Step, apply
from labkit.summarization import (
    Calls,
    ClaudeSummarizer,
    CostlyFailure,
    SummaryFailed,
    is_summary,
    lost_to,
    replaced,
    split,
    summary_text,
)
from labkit.tokens import Usage, estimate_tokens, estimator

if TYPE_CHECKING:
    from anthropic.types import Message as Response

type Turn = Calls[Conversation]


class EmptyReply(RuntimeError):
    """The response held no content that could be kept; the conversation stays as it was. Says the stop_reason."""


class SummaryWarning(UserWarning):
    """A summary failed; the conversation goes on from its recent turns and nothing was lost."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """When and how the older part is summarized: above `threshold` input tokens, all but the newest `keep` turns.

    Without a threshold, never. After `patience` failures in a row no summary is tried for `pause` turns.
    """

    threshold: int | None = None
    keep: int = 4
    summarizer: ClaudeSummarizer = field(default_factory=ClaudeSummarizer)
    patience: int = 3
    pause: int = 5

    def __post_init__(self) -> None:
        """Refuse a threshold or a number of turns that means nothing."""
        if self.threshold is not None and self.threshold < 1:
            raise ValueError(f"token_threshold {self.threshold:,}: give at least 1 token")
        if self.keep < 0:
            raise ValueError(f"recent_turns_to_keep {self.keep}: give 0 or more turns")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about a manager but the conversation itself: what each request holds beside the messages, and the
    steps.
    """

    row: Model
    max_tokens: int
    steps: tuple[Step, ...] = ()
    compaction: Compaction = field(default_factory=Compaction)
    budget: TokenBudget | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    cache: bool = False
    clock: Callable[[], str] | None = None
    extra: Mapping[str, Any] | None = None

    def view(self, conversation: Conversation) -> History:
        """The messages that the next request carries: the steps' view, only the recent turns while summaries fail."""
        steps, brought = self.all_steps(conversation), conversation.sent_whole
        return apply(steps, conversation.history, self.row.binds_thinking, brought)

    def all_steps(self, conversation: Conversation) -> tuple[Step, ...]:
        """The steps, then, while a summary is owed, the one that keeps the recent turns and the rules alone."""
        if self.compaction.threshold is not None and conversation.failures:
            return (*self.steps, KeepRules((KeepTurns(max(self.compaction.keep, 1)),)))
        return self.steps

    def request(self, conversation: Conversation, view: History) -> dict[str, Any]:
        """The request that carries `view`, ready for `client.messages.create(**request)`."""
        request: dict[str, Any] = {"model": self.row.id, "max_tokens": self.max_tokens}
        if system := system_with_facts(conversation):
            request["system"] = system
        if self.tools:
            request["tools"] = [dict(tool) for tool in self.tools]
        request |= dict(self.extra or {}) | {"messages": view.wire()}
        return with_breakpoints(request, view, may_be_cut=bool(self.steps)) if self.cache else request

    def beside(self, conversation: Conversation) -> int:
        """Estimated tokens of what a request holds beside the messages: system prompt, case facts and tools."""
        tools = estimate_tokens(str([dict(tool) for tool in self.tools]), self.row) if self.tools else 0
        return estimate_tokens(system_with_facts(conversation), self.row) + tools


def settings_of(
    model: str | Model = DEFAULT_MODEL,
    max_tokens: int = 4096,
    steps: Sequence[Step] = (),
    token_threshold: int | None = None,
    recent_turns_to_keep: int = 4,
    summarizer: ClaudeSummarizer | None = None,
    budget: TokenBudget | None = None,
    tools: Sequence[Mapping[str, Any]] = (),
    cache: bool = False,
    clock: Callable[[], str] | None = None,
    request: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings of a manager from its parameters, in the order in which a manager takes them.

    Raises ValueError for an unknown model, a max_tokens that the model does not allow, or a threshold that means
    nothing.
    """
    row = find(model)
    if not 1 <= max_tokens <= row.max_output:
        raise ValueError(f"max_tokens {max_tokens:,} is not between 1 and {row.max_output:,}, the most {row.id} writes")
    plan = Compaction(token_threshold, recent_turns_to_keep, summarizer or ClaudeSummarizer(model=row))
    return Settings(row, max_tokens, tuple(steps), plan, budget, tuple(tools), cache, clock, request)


@dataclass(frozen=True, slots=True)
class KeepTurns:
    """Keep the newest `turns` exchanges, whatever their size."""

    turns: int

    def __str__(self) -> str:
        """`the newest 4 turns`."""
        return f"the newest {self.turns} turns"

    def __call__(self, history: History) -> History:
        """The newest exchanges; what is pinned is put back by `apply`."""
        starts = history.starts()
        return history[starts[-self.turns] :] if len(starts) > self.turns else history


def system_with_facts(conversation: Conversation) -> str:
    """The system prompt with the case facts behind it, word for word and with their sources; empty when there is
    neither.
    """
    if not conversation.facts:
        return conversation.system if conversation.system.strip() else ""
    facts = "\n".join(fact.line() for fact in conversation.facts)
    return f"{conversation.system}\n\nCase facts, word for word:\n{facts}".strip()


def take_turn(settings: Settings, asked: Conversation, again_when_cut_off: bool = True) -> Turn:
    """Yield the request for `asked` and give the conversation with the reply in it.

    After one of the three overflows that a smaller request can cure, one more request is yielded, without any thinking;
    any other error passes through. Thinking that was refused once stays out of the history. `again_when_cut_off` false
    keeps a reply that ended at the window, for a stream whose reader has its words already. Raises BudgetExceeded
    before anything is sent, EmptyReply for a response without content.
    """
    view = settings.view(asked)
    if settings.budget:
        check(view, settings.budget, settings.row)
    try:
        response = yield settings.request(asked, view)
    except Exception as error:
        smaller = _smaller(settings, asked, view, error)
        if smaller is None:
            raise
        response = yield settings.request(asked, smaller)
        if classify(error) is Overflow.THINKING_BINDING:
            asked = replace(asked, history=History(map(without_thinking, asked.history)))
        return absorbed(settings, asked, response, smaller)
    if again_when_cut_off and classify(response) is Overflow.ENDED_AT_WINDOW:
        smaller = _smaller(settings, asked, view, response)
        if smaller is not None:
            spent = replace(asked, usage=asked.usage + Usage.of(response.usage))
            response = yield settings.request(asked, smaller)
            return absorbed(settings, spent, response, smaller)
    return absorbed(settings, asked, response, view)


def absorbed(settings: Settings, asked: Conversation, response: "Response", view: History) -> Conversation:
    """The conversation with a response in it: the reply's blocks as they came, and its usage.

    Raises EmptyReply when the response has no content.
    """
    if not response.content:
        raise EmptyReply(
            f"the reply has no content (stop_reason {response.stop_reason!r}): the conversation is as it was before"
        )
    content = [block.to_dict(mode="json") for block in response.content]
    reply = assistant(_plain(content), timestamp=settings.clock() if settings.clock else None)
    return asked.said(reply).billed(Usage.of(response.usage), view)


def _plain(content: Sequence[dict[str, Any]]) -> Content:
    only = content[0]
    if len(content) == 1 and only["type"] == "text" and not only.get("citations"):
        return str(only["text"])
    return content


def _smaller(settings: Settings, asked: Conversation, view: History, outcome: Any) -> History | None:
    kind = classify(outcome)
    if kind is Overflow.THINKING_BINDING:
        stripped = History(map(without_thinking, view))
        return stripped if stripped != view else None
    if kind is Overflow.OTHER:
        return None
    ruler = estimator(settings.row)
    estimated = view.total(ruler) + settings.beside(asked)
    real, most = excess(outcome) or _window_of(outcome)
    room = max(most - settings.max_tokens, most // 2)
    limit = int(room * estimated / max(real, 1) * RETRY_SHARE) - settings.beside(asked)
    smaller = History(map(without_thinking, apply((KeepWithin(max(limit, 1), max(limit, 1), size=ruler),), view)))
    if smaller.total(ruler) < view.total(ruler):
        return smaller
    if isinstance(outcome, Exception):
        largest = max(range(len(view)), key=lambda place: ruler(view[place]))
        outcome.add_note(
            f"labkit did not try again, because nothing more can be left out: of {len(view)} messages that must be "
            f"sent, the largest is a {view[largest].role} message of about {ruler(view[largest]):,} tokens (estimated)"
        )
    return None


def _window_of(outcome: Any) -> tuple[int, int]:
    usage = Usage.of(outcome.usage)
    return usage.total_input, usage.total_input + usage.output_tokens


RETRY_SHARE = 0.9
"""How much of the room the one retry fills, because what is left out is measured by estimates."""


def summarize_if_due(settings: Settings, conversation: Conversation) -> Turn:
    """Yield the summarizer's requests if the last request was above the threshold, and give the conversation after it.

    A summary that fails, for whatever reason, leaves the history as it was, is counted, and is told by a
    SummaryWarning; its tokens are counted too.
    """
    plan = settings.compaction
    if plan.threshold is None or (conversation.last.total_input <= plan.threshold and not conversation.failures):
        return conversation
    old, recent = split(conversation.history, plan.keep)
    if not old or in_open_round(conversation.history):
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
        """The next request; raises whatever error the turn does not mend."""
        try:
            if isinstance(self.answer, Exception):
                return self._turn.throw(self.answer)
            return self._turn.send(self.answer)
        except StopIteration as done:
            self.result = done.value
            raise
        finally:
            self.answer = None


def run[T](turn: Calls[T], create: "Callable[..., Response]") -> T:
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
