"""The part of a manager that sends nothing: it holds the current conversation, shows it, and changes it by hand.

Every change makes a new conversation and keeps the older value whole, so that anything can be taken back. Taught in
notebook 06.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self
from weakref import ref

from labkit.conversation import Conversation
from labkit.manager_facts import KeepsFacts
from labkit.messages import Content, History, Message, assistant, user
from labkit.repair import asks
from labkit.reply import TurnFailed
from labkit.settings import Settings
from labkit.strategies import Fate, explain
from labkit.tokens import TokenCount, Usage

DEFAULT_SYSTEM_PROMPT = "You are a helpful assistant."


def now() -> str:
    """The time in UTC, to the second, as ISO 8601 text."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def no_turn() -> None:
    """No turn is under way."""


class UnderWay:
    """One turn of a manager while it is under way: over at the end of its `with`, or once nobody reads it any more.

    Whatever ends it, an error or a stop, what was billed meanwhile stays counted in the conversation from which it
    began.
    """

    def __init__(self, shell: "Shell", reader: Callable[[], object] | None = None) -> None:
        """Take the manager and, for a stream, a weak reference to the iterator by which it is read."""
        self._shell, self._before = shell, shell.conversation
        self._ended = False
        self._reader = reader
        self._spent = Usage()

    def begin(self) -> None:
        """Note from what the turn goes on; another turn may have ended since this one was made."""
        self._before = self._shell.conversation

    @property
    def over(self) -> bool:
        """True when it ended, or when the loop that read it was left."""
        return self._ended or (self._reader is not None and self._reader() is None)

    def paid[R](self, response: R) -> R:
        """The response, whose bill is noted."""
        self._spent += Usage.of(getattr(response, "usage", None))
        return response

    def billed[R](self, create: Callable[..., R]) -> Callable[..., R]:
        """The function that sends a request, with every bill noted."""
        return lambda **request: self.paid(create(**request))

    def billed_async[R](self, create: Callable[..., Awaitable[R]]) -> Callable[..., Awaitable[R]]:
        """The same for a function whose responses are awaited."""

        async def send(**request: Any) -> R:
            """Send one request, and note its bill."""
            return self.paid(await create(**request))

        return send

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """End; after an error keep what it says is to be kept, and the bill."""
        self._ended = True
        if error is None:
            return
        kept = error.conversation if isinstance(error, TurnFailed) and error.conversation else self._before
        if kept is not self._before or self._spent.requests:
            self._shell._conversation = replace(kept, usage=self._before.usage + self._spent)


class Slot:
    """The place of one turn in the row of a manager's turns: the turn, held weakly, and the slot that followed it."""

    __slots__ = ("following", "turn")

    def __init__(self, turn: Callable[[], UnderWay | None]) -> None:
        """Take a weak reference to the turn."""
        self.turn = turn
        self.following: dict[int, Slot] = {}

    def check_over(self) -> None:
        """Raise RuntimeError while the turn is under way."""
        turn = self.turn()
        if turn is not None and not turn.over:
            raise RuntimeError("a turn is under way in this manager: let it end first, or fork() for another branch")


class Shell(KeepsFacts):
    """The state that every manager shares: settings, the current `conversation`, and what can be seen and changed
    without sending.
    """

    def __init__(self, settings: Settings, conversation: Conversation, client: Any = None) -> None:
        """Take the settings, what was said so far, and the client; nothing is sent."""
        self.settings = settings
        self._conversation = conversation
        self._client = client
        self._slot = Slot(no_turn)

    @property
    def client(self) -> Any:
        """The client that requests go through; each kind of manager has its own kind of client."""
        raise NotImplementedError

    @property
    def conversation(self) -> Conversation:
        """The current value; put an older one in its place to take everything since then back.

        Raises RuntimeError when it is set while a turn is under way, because its reply would be lost or would undo it.
        """
        return self._conversation

    @conversation.setter
    def conversation(self, conversation: Conversation) -> None:
        """Put another value in its place, between two turns."""
        self._check_idle()
        self._conversation = conversation

    @property
    def stop_reason(self) -> str | None:
        """The end of the newest reply: `end_turn`, `tool_use`, `max_tokens` and other words of the API; None before the
        first.

        Each message of the transcript has its own. After a turn that failed and left no reply, the error says it.
        """
        return self.conversation.stop_reason

    @property
    def model(self) -> str:
        """The model's id."""
        return self.settings.row.id

    @property
    def max_tokens(self) -> int:
        """The most tokens that a reply may have."""
        return self.settings.max_tokens

    @property
    def token_threshold(self) -> int | None:
        """The input tokens above which the older part is summarized; None for never."""
        return self.settings.compaction.threshold

    @property
    def recent_turns_to_keep(self) -> int:
        """The number of newest turns that a summary leaves as they are."""
        return self.settings.compaction.keep

    @property
    def system_prompt(self) -> str:
        """The system prompt that every request carries."""
        return self.conversation.system

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The working history in wire form, as a copy; set it to put another history in its place."""
        return self.conversation.history.wire()

    @messages.setter
    def messages(self, messages: Sequence[Message | Mapping[str, Any]]) -> None:
        """Put another history in the place of the working one; the system prompt, case facts and the bill stay."""
        new, now = Conversation.of(messages, self.conversation.system), self.conversation
        self.conversation = replace(new, facts=now.facts, past_facts=now.past_facts, usage=now.usage)

    @property
    def transcript(self) -> History:
        """Everything ever said, whatever was sent or summarized."""
        return self.conversation.transcript

    def get_messages(self) -> list[dict[str, Any]]:
        """The messages the next request would send, as dicts (a copy)."""
        return self.settings.view(self.conversation).wire()

    def explain(self) -> list[Fate]:
        """For each message ever said: whether the next request carries it, and if not, which step left it out and
        why.
        """
        return explain(self.settings.all_steps(self.conversation), self.conversation.history, self.transcript)

    def next_request(self) -> dict[str, Any]:
        """The request as it would be sent now, ready for `client.messages.create(**request)`."""
        return self.settings.request(self.conversation, self.settings.view(self.conversation))

    def estimate(self, message: Content | None = None) -> TokenCount:
        """The input tokens of the next request, `message` in it: what was billed before, an estimate for the rest."""
        asked = self.conversation if message is None else self.conversation.said(user(message))
        return asked.meter.count(self.settings.view(asked), self.settings.row, self.settings.beside(asked))

    def add_user_message(self, content: Content) -> None:
        """Add what the user said, text or blocks, without sending it."""
        self.conversation = self.conversation.said(user(content, timestamp=self._stamp()))

    def add_assistant_message(self, content: Content) -> None:
        """Add a reply, text or blocks, that came from elsewhere."""
        self.conversation = self.conversation.said(assistant(content, timestamp=self._stamp()))

    def edit(self, place: int, content: Content) -> Conversation:
        """Say message `place` otherwise: what followed it is left out, and the conversation before the edit is given
        back.

        An edited question waits for its reply: `send()` asks for it. A message sent instead belongs to the same turn.
        """
        return self._changed(self.conversation.edit(place, content))

    def remove(self, *places: int) -> Conversation:
        """Leave messages out, with the whole tool round where one is touched; gives the conversation as it was
        before.
        """
        return self._changed(self.conversation.without(*places))

    def rewind(self, turn: int) -> Conversation:
        """Go back to the end of a turn, 0 for the start; gives the conversation as it was before."""
        return self._changed(self.conversation.rewind(turn))

    def mark(self, place: int, **metadata: Any) -> Conversation:
        """Set `pinned`, `importance`, `flags` or `timestamp` of a message; gives the conversation as it was before."""
        return self._changed(self.conversation.marked(place, **metadata))

    def fork(self) -> Self:
        """Another manager with the same settings and conversation; from here on each goes its own way."""
        other = copy(self)
        other._slot = Slot(no_turn)
        return other

    def _begin(self, reader: Callable[[], object] | None = None) -> UnderWay:
        turn = UnderWay(self, reader)
        # A weak reference: if the cell is interrupted, the turn ends when its frame is freed.
        slot, mine = self._slot, Slot(ref(turn))
        while True:
            slot.check_over()
            # One step for the interpreter: of threads that begin at the same moment one takes the place behind the
            # slot. No lock, because a lock that is held when a cell is stopped stays held.
            taken = slot.following.setdefault(0, mine)
            if taken is mine:
                break
            slot = taken
        self._slot = mine
        turn.begin()
        return turn

    def _check_idle(self) -> None:
        self._slot.check_over()

    def _asked(self, message: Content | None) -> Conversation:
        if message is not None:
            return self.conversation.said(user(message, timestamp=self._stamp()))
        if not asks(self.conversation.history):
            raise ValueError("nothing waits for a reply here: give a message, or edit() an earlier one first")
        return self.conversation

    def _changed(self, conversation: Conversation) -> Conversation:
        before, self.conversation = self.conversation, conversation
        return before

    def _stamp(self) -> str | None:
        return self.settings.clock() if self.settings.clock else None

    def get_token_usage(self) -> dict[str, int]:
        """The tokens billed so far, input with everything cached included, and how many messages are remembered."""
        return {
            "total_input_tokens": self.total_input_tokens,
            "total_output_tokens": self.total_output_tokens,
            "message_count": len(self.transcript),
        }

    @property
    def usage(self) -> Usage:
        """All tokens billed so far by kind, cache writes and cache reads among them; summaries included."""
        return self.conversation.usage

    @property
    def last_input_tokens(self) -> int:
        """The input tokens of the last request, the cached ones included; 0 before the first."""
        return self.conversation.last.total_input

    @property
    def total_input_tokens(self) -> int:
        """The input tokens of all requests, the cached ones included."""
        return self.conversation.usage.total_input

    @property
    def total_output_tokens(self) -> int:
        """The output tokens of all replies."""
        return self.conversation.usage.output_tokens

    @property
    def summary(self) -> str | None:
        """The newest summary, or None while there is none."""
        return self.conversation.summaries[-1].text if self.conversation.summaries else None

    @property
    def summary_history(self) -> list[str]:
        """Every summary that was made, oldest first."""
        return [summary.text for summary in self.conversation.summaries]
