"""The conversation manager: it sends the conversation, and keeps the new one only after success.

`ConversationManager` and `AsyncConversationManager` run the same turn; the other two, and `production`, are presets
with one step or one threshold each. Errors of the SDK pass through as they are. Taught in notebooks 02 and 06.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.async_manager import AsyncConversationManager as AsyncConversationManager
from labkit.budgets import TokenBudget
from labkit.conversation import Conversation
from labkit.manager_saving import Saving
from labkit.manager_state import DEFAULT_SYSTEM_PROMPT, now
from labkit.messages import Content, Message
from labkit.models import DEFAULT_MODEL, Model
from labkit.reply_stream import ReplyStream, sender
from labkit.settings import settings_of
from labkit.steps.keep_within import KeepWithin
from labkit.steps.tool_results import ClipToolResults
from labkit.strategies import KeepRecent, Step
from labkit.summarization import ClaudeSummarizer
from labkit.tokens import estimator
from labkit.tool_loop import Called, LoopEnd, LoopStream, ToolLoop, turns
from labkit.turn import count_turn, run, summarize_if_due, take_turn

if TYPE_CHECKING:
    import anthropic


class ConversationManager(Saving):
    """A conversation with Claude that remembers all of it, turn by turn.

    `max_tokens` is the most that a reply may have; `messages` start the conversation, in wire form or as Messages;
    `steps` shape what is sent and lose nothing; above `token_threshold` input tokens the older part is summarized by
    `summarizer`, and the newest `recent_turns_to_keep` turns stay; `budget` is checked before anything is sent; `cache`
    asks for automatic prompt caching; `clock` stamps messages; `request` holds further parameters for every request;
    without a `client`, an `anthropic.Anthropic`, the offline Claude answers.

    After any error, or a stopped cell, the conversation is what it was before. Raises ValueError for an unknown model,
    a max_tokens that the model does not allow, or a threshold that means nothing.
    """

    def __init__(
        self,
        system_prompt: str = DEFAULT_SYSTEM_PROMPT,
        model: str | Model = DEFAULT_MODEL,
        max_tokens: int = 4096,
        messages: Sequence[Message | Mapping[str, Any]] = (),
        *,
        steps: Sequence[Step] = (),
        token_threshold: int | None = None,
        recent_turns_to_keep: int = 4,
        summarizer: ClaudeSummarizer | None = None,
        budget: TokenBudget | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
        cache: bool = False,
        clock: Callable[[], str] | None = now,
        request: Mapping[str, Any] | None = None,
        client: "anthropic.Anthropic | None" = None,
    ) -> None:
        """Take the settings and the client; nothing is sent yet."""
        settings = settings_of(
            model,
            max_tokens,
            steps,
            token_threshold,
            recent_turns_to_keep,
            summarizer,
            budget,
            tools,
            cache,
            clock,
            request,
        )
        super().__init__(settings, Conversation.of(messages, system=system_prompt), client)

    @property
    def client(self) -> "anthropic.Anthropic":
        """The client that requests go through: the one given, or an offline one made at first use."""
        if self._client is None:
            from labkit.clients import claude

            self._client = claude()
        client: anthropic.Anthropic = self._client
        return client

    def send(self, message: Content | None = None) -> str:
        """Send one user message, text or blocks, and give the text of the reply (empty when Claude only calls a tool).

        Without a message it asks for the reply to what was said last, such as a question that was edited. `stop_reason`
        says how the reply ended; one that was cut off warns. Raises ValueError for an empty message, an unanswered tool
        call, or nothing to reply to, BudgetExceeded for what cannot fit, TurnFailed (EmptyReply, CutCall, Refused) for
        a response that cannot be kept.
        """
        with self._begin() as turn:
            create = turn.billed(sender(self.client))
            answered = run(take_turn(self.settings, self._asked(message)), create)
            self._conversation = run(summarize_if_due(self.settings, answered), create)
        return answered.transcript[-1].text

    def stream(self, message: Content | None = None) -> "ReplyStream":
        """Send one user message and read the reply as it comes: `for text in manager.stream("hello")`.

        The conversation changes when the last word has come; a stream that is left early changes nothing and keeps its
        `partial`.
        """
        return ReplyStream(self, message)

    def run(
        self,
        goal: Content | None = None,
        tools: Sequence[Callable[..., Any]] = (),
        most_calls: int = 50,
        most_dollars: float | None = None,
    ) -> LoopEnd:
        """Hold a loop of tool calls: send the goal, run the Python functions that Claude calls, send their results,
        until Claude answers in words or a limit is reached.

        At most `most_calls` calls are run; `most_dollars` ends the loop once that much is spent. After a limit, an
        error or a stop the conversation has everything that was answered: `run(tools=...)` without a goal goes on.
        Raises what `send` raises; an error inside a tool is a result for Claude.
        """
        loop = ToolLoop(self, tools, most_calls, most_dollars)
        for message in turns(loop, goal):
            if not isinstance(message, Called):
                self.send(message)
        return loop.end()

    def run_stream(
        self,
        goal: Content | None = None,
        tools: Sequence[Callable[..., Any]] = (),
        most_calls: int = 50,
        most_dollars: float | None = None,
    ) -> LoopStream:
        """Hold a loop and read it as it comes: pieces of text, and a `Called` for every call that was run."""
        return LoopStream(self, ToolLoop(self, tools, most_calls, most_dollars), goal)

    def count(self, message: Content | None = None) -> int:
        """Ask the API how many input tokens `send(message)` would have, without sending it; free, an estimate."""
        return run(count_turn(self.settings, self._asked(message)), self.client.messages.count_tokens)


class SlidingWindowManager(ConversationManager):
    """Sends only the last `window_size` messages, cut between exchanges; remembers them all.

    The window is counted with the pending question in it, so a window of 4 sends 3 messages. Raises ValueError for a
    window below 1.
    """

    def __init__(
        self,
        window_size: int = 10,
        system_prompt: str = DEFAULT_SYSTEM_PROMPT,
        model: str | Model = DEFAULT_MODEL,
        max_tokens: int = 4096,
        messages: Sequence[Message | Mapping[str, Any]] = (),
        *,
        steps: Sequence[Step] = (),
        token_threshold: int | None = None,
        recent_turns_to_keep: int = 4,
        summarizer: ClaudeSummarizer | None = None,
        budget: TokenBudget | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
        cache: bool = False,
        clock: Callable[[], str] | None = now,
        request: Mapping[str, Any] | None = None,
        client: "anthropic.Anthropic | None" = None,
    ) -> None:
        """Take the window in messages, and the settings of any manager."""
        self.window_size = window_size
        super().__init__(
            system_prompt,
            model,
            max_tokens,
            messages,
            steps=(*steps, KeepRecent(window_size)),
            token_threshold=token_threshold,
            recent_turns_to_keep=recent_turns_to_keep,
            summarizer=summarizer,
            budget=budget,
            tools=tools,
            cache=cache,
            clock=clock,
            request=request,
            client=client,
        )

    @classmethod
    def _option_names(cls) -> tuple[str, ...]:
        return (*super()._option_names(), "window_size")


class SmartConversationManager(ConversationManager):
    """Summarizes the older part once a request had more than `token_threshold` input tokens; keeps the newest turns
    as they are.
    """

    def __init__(
        self,
        token_threshold: int = 100_000,
        recent_turns_to_keep: int = 4,
        system_prompt: str = DEFAULT_SYSTEM_PROMPT,
        model: str | Model = DEFAULT_MODEL,
        max_tokens: int = 4096,
        messages: Sequence[Message | Mapping[str, Any]] = (),
        *,
        steps: Sequence[Step] = (),
        summarizer: ClaudeSummarizer | None = None,
        budget: TokenBudget | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
        cache: bool = False,
        clock: Callable[[], str] | None = now,
        request: Mapping[str, Any] | None = None,
        client: "anthropic.Anthropic | None" = None,
    ) -> None:
        """Take the threshold in tokens, the turns to keep, and the settings of any manager."""
        super().__init__(
            system_prompt,
            model,
            max_tokens,
            messages,
            steps=steps,
            token_threshold=token_threshold,
            recent_turns_to_keep=recent_turns_to_keep,
            summarizer=summarizer,
            budget=budget,
            tools=tools,
            cache=cache,
            clock=clock,
            request=request,
            client=client,
        )


def production(
    token_budget: int = 100_000,
    system_prompt: str = DEFAULT_SYSTEM_PROMPT,
    model: str | Model = DEFAULT_MODEL,
    max_tokens: int = 4096,
    messages: Sequence[Message | Mapping[str, Any]] = (),
    *,
    steps: Sequence[Step] = (),
    token_threshold: int | None = None,
    recent_turns_to_keep: int = 4,
    summarizer: ClaudeSummarizer | None = None,
    budget: TokenBudget | None = None,
    tools: Sequence[Mapping[str, Any]] = (),
    cache: bool = True,
    clock: Callable[[], str] | None = now,
    request: Mapping[str, Any] | None = None,
    client: "anthropic.Anthropic | None" = None,
) -> ConversationManager:
    """Return the preset for a product: long tool results are shortened before they are first sent, whatever outgrows
    `token_budget` is cut to half of it, in the middle of a loop too, and the prompt cache is used.

    The budget is in estimated tokens of the messages: 100,000 suits an agent, 20,000 a chat. Its steps follow yours.
    """
    within = KeepWithin(token_budget, size=estimator(model))
    return ConversationManager(
        system_prompt,
        model,
        max_tokens,
        messages,
        steps=(*steps, ClipToolResults(), within),
        token_threshold=token_threshold,
        recent_turns_to_keep=recent_turns_to_keep,
        summarizer=summarizer,
        budget=budget,
        tools=tools,
        cache=cache,
        clock=clock,
        request=request,
        client=client,
    )
