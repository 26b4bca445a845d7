"""Work that is done once for each message in its life, however many histories and requests the message is part of."""

from collections.abc import Callable, Iterable
from threading import Lock

from labkit.messages import Message

SPARE_MESSAGES = 1_024


class Once[T]:
    """A function of a message that remembers its answers, by the message object itself.

    What is remembered belongs to the messages last asked for: `keep` forgets the others once they outnumber these.
    """

    __slots__ = ("_answers", "_ask", "_lock")

    def __init__(self, ask: Callable[[Message], T]) -> None:
        """Take the function whose answers are worth keeping."""
        self._ask = ask
        self._answers: dict[int, tuple[Message, T]] = {}
        self._lock = Lock()

    def __call__(self, message: Message) -> T:
        """The function's answer for this message, computed when it is first asked for."""
        found = self._answers.get(id(message))
        if found is None:
            found = self._answers[id(message)] = message, self._ask(message)
        return found[1]

    def keep(self, messages: Iterable[Message], count: int) -> None:
        """Forget all but these `count` messages, when what is remembered has grown to more than twice as many."""
        if len(self._answers) > 2 * count + SPARE_MESSAGES:
            with self._lock:
                kept = {id(message): self._answers.get(id(message)) for message in messages}
                self._answers = {key: answer for key, answer in kept.items() if answer}
