"""The API's state between requests: its models, clock, caches, threads, and the writer of its replies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit.offline.catalog import Catalog, Model
from labkit.offline.faults import Faults
from labkit.offline.state import MemoryState, State
from labkit.offline.wire import HttpRequest, Json, ReplyLike

type ReplyFunction = Callable[[Mapping[str, Any]], ReplyLike]

PLATFORMS = ("claude-api", "bedrock-legacy")


class Clock:
    """A virtual clock in seconds: only a lesson moves it, so that nothing depends on the time of day."""

    def __init__(self, now: float = 0.0) -> None:
        """Start at `now` seconds."""
        self.now = now

    def advance(self, seconds: float) -> float:
        """Let that many seconds pass and return the new time; raise ValueError for a step back."""
        if seconds < 0:
            raise ValueError(f"the clock cannot go back by {-seconds:,} seconds: give 0 or more")
        self.now += seconds
        return self.now

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now


@dataclass(slots=True)
class Service:
    """The offline API's own side: everything that one of its requests may depend on besides the request."""

    reply: ReplyFunction
    catalog: Catalog = field(default_factory=Catalog)
    state: State = field(default_factory=lambda: MemoryState(Clock()))
    platform: str = "claude-api"
    faults: Faults = field(default_factory=Faults)


@dataclass(slots=True)
class Call:
    """One request to the messages endpoints, parsed: what the rules look at."""

    request: HttpRequest
    service: Service
    body: Json
    model: Model
    betas: frozenset[str]
    counting: bool
    beta: bool = False

    @property
    def messages(self) -> list[Json]:
        """The request's messages."""
        messages: list[Json] = self.body["messages"]
        return messages

    @property
    def version(self) -> str:
        """The API version that the request names, a date."""
        return self.request.header("anthropic-version")


def fixed_reply(words: str) -> ReplyFunction:
    """A reply function that always says `words`, for tests and lessons on everything but the words."""
    from labkit.offline.words.reply import Reply

    return lambda request: Reply([{"type": "text", "text": words}])


def standard_reply() -> ReplyFunction:
    """The simulated replies of labkit: from the request's own messages only."""
    from labkit.offline.words.reply import reply

    return reply
