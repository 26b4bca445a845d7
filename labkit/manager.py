"""The conversation manager: it sends the conversation, and keeps the new one only after success.

`ConversationManager` and `AsyncConversationManager` run the same turn; the other two are presets of a few lines. Errors
of the SDK pass through as they are. Taught in notebooks 02 and 06.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from weakref import ref

from labkit.manager_state import Shell
from labkit.messages import Content
from labkit.models import DEFAULT_MODEL
from labkit.redaction import Redact
from labkit.strategies import KeepRecent, name
from labkit.tokens import count_tokens, estimator
from labkit.turn import Requests, run, run_async, summarize_if_due, take_turn

COUNTED = ("model", "system", "tools")
"""What of a request counts beside its messages."""

if TYPE_CHECKING:
    import anthropic

    from labkit.stores import Store


class ConversationManager(Shell):
    """Sends a conversation to Claude and remembers it, all of it, turn by turn.

    `client` is an `anthropic.Anthropic`; left out, it is the offline Claude. The other settings are those of `Shell`.
    After any error, or a stopped cell, the conversation is what it was before.
    """

    def __init__(self, *settings: Any, client: "anthropic.Anthropic | None" = None, **named: Any) -> None:
        """Take the settings and the client; nothing is sent yet."""
        super().__init__(*settings, **named)
        self._client = client
        self._revisions: dict[str, int] = {}

    @property
    def client(self) -> "anthropic.Anthropic":
        """The client that requests go through: the one given, or an offline one made at first use."""
        if self._client is None:
            from labkit.clients import claude

            self._client = claude()
        return self._client

    def send(self, message: Content | None = None) -> str:
        """Send one user message, text or blocks, and give the text of the reply (empty when Claude only calls a tool).

        Without a message it asks for the reply to what was said last, such as a question that was edited. Raises
        ValueError for an empty message, an unanswered tool call, or nothing to reply to, BudgetExceeded for what cannot
        fit, EmptyReply for a response without content.
        """
        with self._begin():
            asked = self._asked(message)
            create = self.client.messages.create
            self._conversation = run(take_turn(self.settings, asked), create)
            reply = self.transcript[-1].text
            self._conversation = run(summarize_if_due(self.settings, self.conversation), create)
        return reply

    def stream(self, message: Content | None = None) -> "ReplyStream":
        """Send one user message and read the reply as it comes: `for text in manager.stream("hello")`.

        The conversation changes when the last word has come; a stream that is left early changes nothing and keeps its
        `partial`.
        """
        return ReplyStream(self, message)

    def count(self, message: Content | None = None) -> int:
        """Ask the API how many input tokens `send(message)` would have, without sending it; free, an estimate."""
        asked = self._asked(message)
        view = self.settings.view(asked)
        request = self.settings.request(asked, view)
        return count_tokens(self.client, view, **{key: request[key] for key in COUNTED if key in request})

    def save(self, place: "str | Path | Store", redact: Redact | None = None, overwrite: bool = False) -> None:
        """Save the conversation and the settings: in a JSON file at a path, or in any store; `redact` cleans what is
        saved.

        Raises ConversationConflict when something was saved there that this manager neither loaded nor saved, unless
        `overwrite` says that it may be lost.
        """
        from labkit.stores import store_at
        from labkit.stores.saved_form import Saved

        store = store_at(place)
        found = store.read() if overwrite else None
        revision = found.revision if found else self._revisions.get(repr(store), 0)
        options = self._options() | {"steps": [name(step) for step in self._own_steps()]}
        kept = self.conversation.redacted(redact) if redact else self.conversation
        written = store.write(Saved(type(self).__name__, options, kept, revision))
        self._revisions = {**self._revisions, repr(store): written}

    @classmethod
    def load(cls, place: "str | Path | Store", **settings: Any) -> Self:
        """Go on with a saved conversation, with its settings; those given here come first.

        The manager is of the class that was saved where that is a kind of this one. Steps, clients and summarizers are
        code and are not saved: give them again. Raises FileNotFoundError where nothing was saved, ValueError when steps
        were in use and none are given.
        """
        from labkit.stores import store_at

        store = store_at(place)
        saved = store.read()
        if saved is None:
            raise FileNotFoundError(f"nothing was saved at {place}: check the name, or call save() first")
        kind = next((kind for kind in _kinds(cls) if kind.__name__ == saved.kind), cls)
        options = dict(saved.settings)
        steps = options.pop("steps", [])
        if steps and "steps" not in settings:
            raise ValueError(
                f"this conversation was saved with the steps {', '.join(steps)}: give steps=[...] to load() again"
            )
        known = {key: value for key, value in options.items() if key in kind._option_names()}
        manager = kind(**known | settings)
        manager.conversation, manager._revisions = saved.conversation, {repr(store): saved.revision}
        return manager

    @classmethod
    def _option_names(cls) -> tuple[str, ...]:
        return ("model", "max_tokens", "tools", "cache", "token_threshold", "recent_turns_to_keep")

    def _options(self) -> dict[str, Any]:
        values = {"tools": list(self.settings.tools), "cache": self.settings.cache}
        return {key: values.get(key, getattr(self, key, None)) for key in self._option_names()}

    def _own_steps(self) -> tuple[Any, ...]:
        return self.settings.steps


class SlidingWindowManager(ConversationManager):
    """Sends only the last `window_size` messages, cut between exchanges; remembers them all.

    The window is counted with the pending question in it, so a window of 4 sends 3 messages. Raises ValueError for a
    window below 1.
    """

    def __init__(self, window_size: int = 10, **settings: Any) -> None:
        """Take the window in messages, and the settings of any manager."""
        self.window_size = window_size
        super().__init__(**settings | {"steps": (*settings.get("steps", ()), KeepRecent(window_size))})

    @classmethod
    def _option_names(cls) -> tuple[str, ...]:
        return (*super()._option_names(), "window_size")

    def _own_steps(self) -> tuple[Any, ...]:
        return self.settings.steps[:-1]


class SmartConversationManager(ConversationManager):
    """Summarizes the older part once a request had more than `token_threshold` input tokens; keeps the newest turns
    as they are.
    """

    def __init__(self, token_threshold: int = 100_000, recent_turns_to_keep: int = 4, **settings: Any) -> None:
        """Take the threshold in tokens, the turns to keep, and the settings of any manager."""
        super().__init__(token_threshold=token_threshold, recent_turns_to_keep=recent_turns_to_keep, **settings)


def production(token_budget: int = 20_000, **settings: Any) -> ConversationManager:
    """The preset for a product: a window in tokens that is cut rarely and deeply, with automatic prompt caching.

    Once the history outgrows `token_budget` (estimated tokens) it is cut to half of it, and then grows again, so that
    most turns read the prompt cache. The other settings are those of any manager.
    """
    ruler = estimator(settings.get("model", DEFAULT_MODEL))
    window = KeepRecent(token_budget, low=max(token_budget // 2, 1), size=ruler)
    return ConversationManager(**{"cache": True} | settings | {"steps": (*settings.get("steps", ()), window)})


def _kinds[M: ConversationManager](kind: type[M]) -> list[type[M]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _kinds(child))]


class Reading[M: Shell]:
    """What a stream of either kind begins with: the manager, the question, and `partial`, the words so far."""

    def __init__(self, manager: M, message: Content | None) -> None:
        """Take the question; the request is sent when reading begins. Raises as the manager's send does."""
        self._manager, self._message = manager, message
        manager._asked(message)
        self.partial = ""


class ReplyStream(Reading[ConversationManager]):
    """The words of one reply as they come; `partial` holds those that have come so far, whatever happened."""

    def __iter__(self) -> Iterator[str]:
        """Yield pieces of text; at the end the conversation has the reply in it."""
        manager, settings = self._manager, self._manager.settings
        with manager._begin():
            turn = take_turn(settings, manager._asked(self._message), again_when_cut_off=False)
            for request in (requests := Requests(turn)):
                try:
                    with manager.client.messages.stream(**request) as stream:
                        for text in stream.text_stream:
                            self.partial += text
                            yield text
                        requests.answer = stream.get_final_message()
                except Exception as error:
                    requests.answer = error
            manager._conversation = requests.result
            due = summarize_if_due(settings, manager.conversation)
            manager._conversation = run(due, manager.client.messages.create)


class AsyncConversationManager(Shell):
    """The same manager for async code: `await manager.send(...)`, `async for text in manager.stream(...)`.

    `client` is an `anthropic.AsyncAnthropic`; left out, it is the offline Claude. One turn at a time: a second one
    while the first is under way raises RuntimeError, because it would be about another conversation.
    """

    def __init__(self, *settings: Any, client: "anthropic.AsyncAnthropic | None" = None, **named: Any) -> None:
        """Take the settings and the client; nothing is sent yet."""
        super().__init__(*settings, **named)
        self._client = client

    @property
    def client(self) -> "anthropic.AsyncAnthropic":
        """The client that requests go through: the one given, or an offline one made at first use."""
        if self._client is None:
            from labkit.clients import async_claude

            self._client = async_claude()
        return self._client

    async def send(self, message: Content | None = None) -> str:
        """Send one user message and give the text of the reply; in everything else as ConversationManager.send."""
        with self._begin():
            asked = self._asked(message)
            create = self.client.messages.create
            self._conversation = await run_async(take_turn(self.settings, asked), create)
            reply = self.transcript[-1].text
            self._conversation = await run_async(summarize_if_due(self.settings, self.conversation), create)
        return reply

    def stream(self, message: Content | None = None) -> "AsyncReplyStream":
        """Send one user message and read the reply as it comes; left early, it changes nothing and keeps its
        `partial`.
        """
        return AsyncReplyStream(self, message)


class AsyncReplyStream(Reading[AsyncConversationManager]):
    """The words of one reply as they come, for async code; `partial` holds those that have come so far."""

    def __aiter__(self) -> AsyncIterator[str]:
        """Yield pieces of text; at the end the conversation has the reply in it."""
        pieces = self._pieces()
        self._reader = ref(pieces)  # a loop that is left lets go of it before the event loop can close it
        return pieces

    async def _pieces(self) -> AsyncIterator[str]:
        manager, settings = self._manager, self._manager.settings
        with manager._begin(self._reader):
            turn = take_turn(settings, manager._asked(self._message), again_when_cut_off=False)
            for request in (requests := Requests(turn)):
                try:
                    async with manager.client.messages.stream(**request) as stream:
                        async for text in stream.text_stream:
                            self.partial += text
                            yield text
                        requests.answer = await stream.get_final_message()
                except Exception as error:
                    requests.answer = error
            manager._conversation = requests.result
            due = summarize_if_due(settings, manager.conversation)
            manager._conversation = await run_async(due, manager.client.messages.create)
