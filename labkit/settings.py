"""The settings of a manager, and what they make of a conversation: the steps, the view, and the request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from labkit.blocks import well_formed
from labkit.breakpoints import with_breakpoints, within_breakpoints
from labkit.budgets import TokenBudget
from labkit.conversation import Conversation
from labkit.messages import History
from labkit.models import DEFAULT_MODEL, Model, find
from labkit.steps.rules import KeepRules
from labkit.strategies import Step, apply
from labkit.summarization import ClaudeSummarizer
from labkit.tokens import estimate_tokens


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
    """Everything about a manager but the conversation itself: what each request holds next to the messages, and the
    steps. Half surrogate pairs in its tools and settings are replaced, as they are in messages.
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

    def __post_init__(self) -> None:
        """Make tools and settings such that they can be sent."""
        object.__setattr__(self, "tools", tuple(well_formed(self.tools)))
        object.__setattr__(self, "extra", well_formed(self.extra))

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
        extra = dict(self.extra or {})
        if "system" in extra:
            extra["system"] = _with_facts(extra["system"], conversation)
        request |= extra | {"messages": view.wire()}
        if self.cache:
            request = with_breakpoints(request, view, may_be_cut=bool(self.steps))
        return within_breakpoints(request)

    def beside(self, conversation: Conversation) -> int:
        """Estimated tokens of what a request holds besides the messages: system prompt, case facts and tools."""
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
    """The system prompt with the case facts after it, word for word and with their sources; empty when there is
    neither.
    """
    if not conversation.facts:
        return conversation.system if conversation.system.strip() else ""
    return f"{conversation.system}\n\n{facts_text(conversation)}".strip()


def facts_text(conversation: Conversation) -> str:
    """The case facts as every request carries them."""
    facts = "\n".join(fact.line() for fact in conversation.facts)
    return f"Case facts, word for word:\n{facts}"


def _with_facts(system: Any, conversation: Conversation) -> Any:
    """A caller's system prompt, text or blocks, with the case facts after it."""
    if not conversation.facts:
        return system
    if isinstance(system, str):
        return system_with_facts(replace(conversation, system=system))
    return [*system, {"type": "text", "text": facts_text(conversation)}]
