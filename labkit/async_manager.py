"""The conversation manager for async code: the same turns and loops, awaited. Taught in notebooks 06 and 10."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.budgets import TokenBudget
from labkit.conversation import Conversation
from labkit.manager_saving import Saving
from labkit.manager_state import DEFAULT_SYSTEM_PROMPT, now
from labkit.messages import Content, Message
from labkit.models import DEFAULT_MODEL, Model
from labkit.reply_stream import AsyncReplyStream, async_sender
from labkit.settings import settings_of
from labkit.strategies import Step
from labkit.summarization import ClaudeSummarizer
from labkit.tool_loop import AsyncLoopStream, Called, LoopEnd, ToolLoop, turns_async
from labkit.turn import count_turn, run_async, summarize_if_due, take_turn

if TYPE_CHECKING:
    import anthropic


class AsyncConversationManager(Saving):
    """The same manager for async code: `await manager.send(...)`, `async for text in manager.stream(...)`.

    `client` is an `anthropic.AsyncAnthropic`; left out, it is the offline Claude. One turn at a time: a second one
    while the first is under way raises RuntimeError, because it would be about another conversation.
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
        client: "anthropic.AsyncAnthropic | None" = None,
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
    def client(self) -> "anthropic.AsyncAnthropic":
        """The client that requests go through: the one given, or an offline one made at first use."""
        if self._client is None:
            from labkit.clients import async_claude

            self._client = async_claude()
        client: anthropic.AsyncAnthropic = self._client
        return client

    async def send(self, message: Content | None = None) -> str:
        """Send one user message and give the text of the reply; in everything else as ConversationManager.send."""
        with self._begin() as turn:
            create = turn.billed_async(async_sender(self.client))
            answered = await run_async(take_turn(self.settings, self._asked(message)), create)
            self._conversation = await run_async(summarize_if_due(self.settings, answered), create)
        return answered.transcript[-1].text

    def stream(self, message: Content | None = None) -> "AsyncReplyStream":
        """Send one user message and read the reply as it comes; left early, it changes nothing and keeps its
        `partial`.
        """
        return AsyncReplyStream(self, message)

    async def run(
        self,
        goal: Content | None = None,
        tools: Sequence[Callable[..., Any]] = (),
        most_calls: int = 50,
        most_dollars: float | None = None,
    ) -> LoopEnd:
        """Hold a loop of tool calls as ConversationManager.run does; the calls of one round are awaited together."""
        loop = ToolLoop(self, tools, most_calls, most_dollars)
        async for message in turns_async(loop, goal):
            if not isinstance(message, Called):
                await self.send(message)
        return loop.end()

    def run_stream(
        self,
        goal: Content | None = None,
        tools: Sequence[Callable[..., Any]] = (),
        most_calls: int = 50,
        most_dollars: float | None = None,
    ) -> AsyncLoopStream:
        """Hold a loop and read it as it comes: pieces of text, and a `Called` for every call that was run."""
        return AsyncLoopStream(self, ToolLoop(self, tools, most_calls, most_dollars), goal)

    async def count(self, message: Content | None = None) -> int:
        """Ask the API how many input tokens `send(message)` would have, without sending it; free, an estimate."""
        return await run_async(count_turn(self.settings, self._asked(message)), self.client.messages.count_tokens)
