"""Pruning: steps that choose which exchanges go, and which tool results are emptied, when there is no room for all.

Like every step they keep whole exchanges, the newest turn and what is pinned. Taught in notebook 04.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from labkit.messages import History, Message, Ruler, exchanges, join, must_stay, one_message
from labkit.strategies import KeepRecent, check_limit

type Worth = Callable[[History], float]


def oldest_first(exchange: History) -> float:
    """All exchanges are worth the same, so that the oldest goes first: first in, first out."""
    return 0.0


def by_importance(exchange: History) -> float:
    """As important as the most important message inside, by the score on its metadata; 0.5 where there is none."""
    return max(0.5 if message.importance is None else message.importance for message in exchange)


@dataclass(frozen=True, slots=True)
class Prune:
    """Drop the exchanges that are worth least until the rest fits `limit`: FIFO by default, or by any `worth` of yours.

    `size` measures a message (messages by default, `estimator()` for tokens); of equals the oldest goes first. Raises
    ValueError for a limit below 1.
    """

    limit: int
    size: Ruler = one_message
    worth: Worth = oldest_first
    keeps_whole_exchanges: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse a limit in which nothing fits."""
        check_limit(self.limit)

    def __call__(self, history: History) -> History:
        """The history without what was worth least."""
        over = history.total(self.size) - self.limit
        if over <= 0 or self.worth is oldest_first:
            return KeepRecent(self.limit, size=self.size)(history)
        parts = list(exchanges(history))
        may_go = [i for i, part in enumerate(parts[:-1]) if not part.staying()]
        dropped: set[int] = set()
        for place in sorted(may_go, key=lambda i: self.worth(parts[i])):
            if over <= 0:
                break
            dropped.add(place)
            over -= parts[place].total(self.size)
        return join(part for place, part in enumerate(parts) if place not in dropped)


@dataclass(frozen=True, slots=True)
class Pin:
    """Pin the messages for which `test` is true, so that every later step keeps them: place it before the step that
    prunes.
    """

    test: Callable[[Message], bool]

    def __call__(self, history: History) -> History:
        """The same messages, some of them pinned."""
        return History(replace(m, pinned=True, replaces=(m,)) if not m.pinned and self.test(m) else m for m in history)


RETAINED_FLAGS = ("decision", "preference")


def worth_retaining(message: Message) -> bool:
    """True for tool results, and for messages flagged as a decision or a preference."""
    return "tool_result" in message.block_types() or any(flag in RETAINED_FLAGS for flag in message.flags)


retain_by_role = Pin(worth_retaining)
"""Role-based retention: tool results, decisions and preferences stay, however old they are."""


@dataclass(frozen=True, slots=True)
class ClearToolResults:
    """Empty the tool results of older exchanges and keep the calls: the newest `keep` results stay as they are.

    Results are cleared `batch` at a time, so that the beginning of the request, and with it the prompt cache, stays the
    same for several turns. A result shorter than the sentence that would stand for it, one of a tool in `except_tools`,
    and one in a pinned message are left alone. Raises ValueError for a negative keep or a batch below 1.
    """

    keep: int = 3
    batch: int = 1
    except_tools: Collection[str] = ()

    def __post_init__(self) -> None:
        """Refuse counts that mean nothing."""
        if self.keep < 0 or self.batch < 1:
            raise ValueError(f"keep {self.keep} must be 0 or more, and batch {self.batch} at least 1")

    def __call__(self, history: History) -> History:
        """The history with older results emptied; the newest exchange is never touched."""
        older = history[: history.newest_start()]
        names = {b["id"]: b["name"] for m in history for b in m.blocks if b["type"] == "tool_use"}
        found = sum(block["type"] == "tool_result" for message in history for block in message.blocks)
        due = max(found - self.keep, 0) // self.batch * self.batch
        if not due:
            return history
        cleared: list[Message] = []
        for message in older:
            results = sum(block["type"] == "tool_result" for block in message.blocks)
            cleared.append(self._cleared(message, names, due) if results else message)
            due -= results
        return join((cleared, history[len(older) :]))

    def _cleared(self, message: Message, names: dict[str, str], due: int) -> Message:
        if must_stay(message):
            return message
        blocks: list[Any] = []
        for block in message.blocks:
            is_result = block["type"] == "tool_result"
            due -= is_result
            name = names.get(block.get("tool_use_id", ""), "tool")
            blocks.append(_emptied(block, name) if is_result and due >= 0 and name not in self.except_tools else block)
        if blocks == list(message.blocks):
            return message
        return replace(message, content=tuple(blocks), replaces=(message,))


CLEARED = re.compile(r"\[result of .* cleared: [\d,]+ characters\]")


def _emptied(block: Any, name: str) -> Any:
    content = block.get("content") or ""
    parts = [content] if isinstance(content, str) else [str(part.get("text") or part) for part in content]
    length = sum(map(len, parts))
    sentence = f"[result of {name} cleared: {length:,} characters]"
    done = length <= len(sentence) or CLEARED.fullmatch(parts[0])
    return block if done else {**block, "content": sentence}
