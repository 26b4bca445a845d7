"""A reply read as it comes, for sync and async code: iterate over it, and the manager has the turn at the end."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any
from weakref import ref

from labkit.manager_state import Shell
from labkit.messages import Content
from labkit.reply import broken_off
from labkit.turn import Requests, run, run_async, summarize_if_due, take_turn

LAST = "message_stop"
"""The event that ends every stream. Source: Anthropic docs, Streaming messages (read August 2026)."""


MOST_UNSTREAMED = 21_333
"""The largest max_tokens for which the SDK sends a request whose reply does not stream.

Source: anthropic SDK 2.14.0, `_calculate_nonstreaming_timeout`: an hour for 128,000 tokens, ten minutes at most.
"""


def sender(client: Any) -> Callable[..., Any]:
    """The function that sends one request and gives the whole response, streamed where the SDK asks for it."""

    def create(**request: Any) -> Any:
        """Send one request."""
        if request["max_tokens"] <= MOST_UNSTREAMED:
            return client.messages.create(**request)
        with client.messages.stream(**request) as stream:
            _check_ended(list(stream)[-1:])
            return stream.get_final_message()

    return create


def async_sender(client: Any) -> Callable[..., Awaitable[Any]]:
    """The same for an async client."""

    async def create(**request: Any) -> Any:
        """Send one request."""
        if request["max_tokens"] <= MOST_UNSTREAMED:
            return await client.messages.create(**request)
        async with client.messages.stream(**request) as stream:
            _check_ended([event async for event in stream][-1:])
            return await stream.get_final_message()

    return create


def _check_ended(last: Sequence[Any]) -> None:
    """Raise IncompleteReply unless the last event that came is the one that ends a stream."""
    if not last or getattr(last[0], "type", "") != LAST:
        raise broken_off()


class Reading:
    """The manager, the question, and `partial`, the words so far: what streams of both kinds begin with."""

    def __init__(self, manager: Shell, message: Content | None) -> None:
        """Take the question; the request is sent when reading begins. Raises as the manager's send does."""
        self._manager, self._message = manager, message
        manager._asked(message)
        self.partial = ""
        self._read = False

    def _begun(self) -> Requests[Any]:
        """The requests of the turn; a stream is read once, because reading asks, and pays."""
        if self._read:
            raise RuntimeError("this stream was read already: its words are in `partial`; stream() again asks again")
        self._read = True
        manager = self._manager
        return Requests(take_turn(manager.settings, manager._asked(self._message), again_when_cut_off=False))


class ReplyStream(Reading):
    """The words of one reply as they come; `partial` holds those that have come so far, whatever happened.

    A stream is read once. One that ends before its last event raises IncompleteReply.
    """

    def __iter__(self) -> Iterator[str]:
        """Yield pieces of text; at the end the conversation has the reply in it."""
        manager = self._manager
        with manager._begin() as turn:
            for request in (requests := self._begun()):
                try:
                    with manager.client.messages.stream(**request) as stream:
                        event = None
                        for event in stream:
                            if event.type == "text":
                                self.partial += event.text
                                yield event.text
                        _check_ended([event])
                        requests.answer = turn.paid(stream.get_final_message())
                except Exception as error:
                    requests.answer = error
            due = summarize_if_due(manager.settings, requests.result)
            manager._conversation = run(due, turn.billed(sender(manager.client)))


class AsyncReplyStream(Reading):
    """The words of one reply as they come, for async code; in everything else as ReplyStream."""

    def __aiter__(self) -> AsyncIterator[str]:
        """Yield pieces of text; at the end the conversation has the reply in it."""
        pieces = self._pieces()
        # When the caller breaks out of its loop, this weak reference dies before asyncio closes the generator.
        self._reader = ref(pieces)
        return pieces

    async def _pieces(self) -> AsyncIterator[str]:
        manager = self._manager
        with manager._begin(self._reader) as turn:
            for request in (requests := self._begun()):
                try:
                    async with manager.client.messages.stream(**request) as stream:
                        event = None
                        async for event in stream:
                            if event.type == "text":
                                self.partial += event.text
                                yield event.text
                        _check_ended([event])
                        requests.answer = turn.paid(await stream.get_final_message())
                except Exception as error:
                    requests.answer = error
            due = summarize_if_due(manager.settings, requests.result)
            manager._conversation = await run_async(due, turn.billed_async(async_sender(manager.client)))
