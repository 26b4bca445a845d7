"""A sub-conversation: a piece of work with a history and a budget to itself, which comes back as a digest.

The main loop gets the digest and its sources, and none of the results that the work went through. What the work cost is
added to the bill of the conversation that asked for it. Taught in notebook 10.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labkit.conversation import Conversation
from labkit.manager import ConversationManager, production
from labkit.messages import History
from labkit.steps.tool_results import shortened
from labkit.tokens import Usage, estimate_tokens

INSTRUCTION = (
    "You do one piece of a larger piece of work. Use the tools, then answer with what was asked and nothing else: the "
    "findings, each with where it was found, and what you could not find. Your answer is all that is passed on."
)
SOURCE_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Digest:
    """The result of a sub-conversation: its words, the calls they rest on, its bill, and the whole conversation."""

    text: str
    sources: tuple[str, ...]
    usage: Usage
    dollars: float
    conversation: Conversation

    @property
    def saved(self) -> int:
        """The estimated tokens that each later request of the main loop does not carry: the work without the digest."""
        return estimate_tokens(self.conversation.transcript[1:]) - estimate_tokens(str(self))

    def __str__(self) -> str:
        """The words and the sources, as the main loop reads them."""
        return self.text + ("\n\nSources: " + "; ".join(self.sources) if self.sources else "")


def delegate(
    manager: ConversationManager,
    task: str,
    tools: Sequence[Callable[..., Any]] = (),
    token_budget: int = 20_000,
    most_calls: int = 20,
    most_dollars: float | None = None,
) -> Digest:
    """Have a piece of work done in a sub-conversation with the manager's client and model, and add its bill to the
    manager's.

    The sub-conversation sees `task` and nothing else that was said. `token_budget` holds in its loop, `most_calls` and
    `most_dollars` end it; its words so far are the digest then.
    """
    settings = manager.settings
    other = production(
        token_budget,
        INSTRUCTION,
        settings.row,
        settings.max_tokens,
        clock=settings.clock,
        request=settings.extra,
        client=manager.client,
    )
    end = other.run(task, tools, most_calls, most_dollars)
    text = end.text if end.ended == "answered" else f"{end.text}\n(not finished: it ended at {end.ended})".strip()
    manager.conversation = replace(manager.conversation, usage=manager.conversation.usage + end.usage)
    return Digest(text, sources_of(other.transcript), end.usage, end.dollars, other.conversation)


def sources_of(transcript: History) -> tuple[str, ...]:
    """Return the calls of a conversation that were answered without an error, each once, with their arguments."""
    failed = {
        b["tool_use_id"] for m in transcript for b in m.blocks if b["type"] == "tool_result" and b.get("is_error")
    }
    calls = (b for m in transcript for b in m.blocks if b["type"] == "tool_use" and b["id"] not in failed)
    shown = (f"{call['name']} {json.dumps(call['input'], ensure_ascii=False)}" for call in calls)
    return tuple(dict.fromkeys(shortened(call, SOURCE_SHOWN) for call in shown))


def as_delegate(
    manager: ConversationManager, tools: Sequence[Callable[..., Any]], token_budget: int = 20_000, most_calls: int = 20
) -> Callable[[str], str]:
    """Return a tool for the manager's own loop: Claude calls it with a task, and gets the digest of it."""

    def delegate_task(task: str) -> str:
        """Have a piece of work done by somebody who knows only what the task says, and get a digest with its sources.

        Args:
            task: what to find out, with every name and number that is needed for it
        """
        return str(delegate(manager, task, tools, token_budget, most_calls))

    return delegate_task
