"""A reply read as it comes, for sync and async code: iterate over it, and the manager has the turn at the end."""

from collections.abc import AsyncIterator, Iterator
from weakref import ref

from labkit.manager_state import Shell
from labkit.messages import Content
from labkit.turn import Requests, run, run_async, summarize_if_due, take_turn


class Reading:
    """The manager, the question, and `partial`, the words so far: what streams of both kinds begin with."""

    def __init__(self, manager: Shell, message: Content | None) -> None:
        """Take the question; the request is sent when reading begins. Raises as the manager's send does."""
        self._manager, self._message = manager, message
        manager._asked(message)
        self.partial = ""


class ReplyStream(Reading):
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


class AsyncReplyStream(Reading):
    """The words of one reply as they come, for async code; `partial` holds those that have come so far."""

    def __aiter__(self) -> AsyncIterator[str]:
        """Yield pieces of text; at the end the conversation has the reply in it."""
        pieces = self._pieces()
        # When the caller breaks out of its loop, this weak reference dies before asyncio closes the generator.
        self._reader = ref(pieces)
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
