"""Pictures and documents: the newest few stay whole, and a line replaces each older one.

A screenshot costs up to 1,600 tokens and hundreds of kilobytes in every request that carries it, and an agent looks at
the newest one. The line says what it was, when, how large, and how to get it again. Taught in notebook 09.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from labkit.costs import Cost, cost
from labkit.messages import Block, History, Message, in_open_round, join, must_stay
from labkit.models import DEFAULT_MODEL, Model
from labkit.repair import first_reply, same_on_the_wire
from labkit.tokens import Usage, estimator

KINDS = ("image", "document")


@dataclass(frozen=True, slots=True)
class KeepPictures:
    """Keep the newest `keep` pictures and documents whole, and put a line of at most 50 tokens in place of older ones.

    Older ones are replaced `batch` at a time, so that the beginning of the request, and with it the prompt cache, stays
    the same for several turns. What is in a pinned message, in the question that is to be answered and in the newest
    tool round stays. Raises ValueError for a negative keep or a batch below 1.
    """

    keep: int = 2
    batch: int = 1
    keeps_whole_exchanges: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse counts that mean nothing."""
        if self.keep < 0 or self.batch < 1:
            raise ValueError(f"keep {self.keep} must be 0 or more, and batch {self.batch} at least 1")

    def __call__(self, history: History) -> History:
        """The history with older pictures and documents replaced by a line each."""
        counts = [sum(1 for _ in pictures(message)) for message in history]
        due = max(sum(counts) - self.keep, 0) // self.batch * self.batch
        if not due:
            return history
        names = {b["id"]: b["name"] for m in history for b in m.blocks if b["type"] == "tool_use"}
        newest = history.newest_start()
        asked = range(newest, first_reply(history))
        end = history.newest_reply() if in_open_round(history) else newest
        view: list[Message] = []
        for place, (message, count) in enumerate(zip(history[:end], counts, strict=False)):
            whole = must_stay(message) or place in asked
            view.append(message if whole or not count else _replaced(message, due, names))
            due -= count
        return join((view, history[end:]))

    def why(self, history: History) -> Mapping[int, str]:
        """For each message with pictures, what the lines in their place say."""
        lines = {
            place: [_line(block, message, "") for block in pictures(message)] for place, message in enumerate(history)
        }
        return {place: "; ".join(found) for place, found in lines.items() if found}


def pictures(message: Message) -> Iterator[Block]:
    """The pictures and documents of a message, those in tool results among them, in order."""
    yield from _pictures(message.blocks)


def _pictures(blocks: Sequence[Block]) -> Iterator[Block]:
    for block in blocks:
        inner = block.get("content")
        if block["type"] in KINDS:
            yield block
        elif block["type"] == "tool_result" and isinstance(inner, list | tuple):
            yield from _pictures(inner)


def _replaced(message: Message, due: int, names: Mapping[str, str]) -> Message:
    left = iter(range(due, -1_000_000, -1))

    def lined(blocks: Sequence[Block], tool: str) -> list[Any]:
        """The blocks with a line for each picture while any is due."""
        made: list[Any] = []
        for block in blocks:
            inner = block.get("content")
            if block["type"] in KINDS:
                made.append({"type": "text", "text": _line(block, message, tool)} if next(left) > 0 else block)
            elif block["type"] == "tool_result" and isinstance(inner, list | tuple):
                made.append({**block, "content": lined(inner, names.get(str(block.get("tool_use_id")), "the tool"))})
            else:
                made.append(block)
        return made

    content = tuple(lined(message.blocks, ""))
    return message if content == tuple(message.blocks) else replace(message, content=content, replaces=(message,))


def _line(block: Block, message: Message, tool: str) -> str:
    """The line for a picture: kind, time and size, and how to get it again; at most 50 tokens (150 characters)."""
    source: Mapping[str, Any] = block.get("source") or {}
    kind = str(source.get("media_type", "")).split("/")[-1] or str(source.get("type", ""))
    title = str(block.get("title") or "")[:30]
    when = f", {message.timestamp[:16]}" if message.timestamp else ""
    size = f", {size_of(block) / 1_000:,.0f} KB" if size_of(block) else ""
    named = f"{block['type']}{f' {title!r}' if title else ''} removed: {kind[:12]}{size}{when}"
    again = source.get("url") or source.get("file_id")
    way = f"at {str(again)[:50]}" if again else f"call {tool[:30]} again" if tool else "ask for it again"
    return f"[{named}; {way}]"


def size_of(block: Block) -> int:
    """The bytes that a picture or document adds to a request: its encoded data, 0 where only its address is sent."""
    source: Mapping[str, Any] = block.get("source") or {}
    data = source.get("data")
    return len(data) if isinstance(data, str) else 0


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of replacing pictures on one request, before and after: tokens (estimated), bytes of pictures,
    dollars.

    `rewritten` tokens stand at or after the first change: a prompt cache of the request before does not hold them.
    """

    tokens: tuple[int, int]
    bytes: tuple[int, int]
    dollars: tuple[Cost, Cost]
    rewritten: int

    def __str__(self) -> str:
        """The figures in a line."""
        return (
            f"{self.tokens[0]:,} to {self.tokens[1]:,} tokens (estimated), "
            f"{self.bytes[0]:,} to {self.bytes[1]:,} bytes, {self.dollars[0]} to {self.dollars[1]} a request; "
            f"{self.rewritten:,} tokens to be cached again"
        )


def effect(history: History, view: History, model: str | Model = DEFAULT_MODEL) -> Effect:
    """The effect on a request that carries `view` instead of `history`, its input priced without a cache."""
    ruler = estimator(model)
    tokens = history.total(ruler), view.total(ruler)
    same = next((at for at, (a, b) in enumerate(zip(history, view, strict=False)) if not same_on_the_wire(a, b)), None)
    rewritten = view[same:].total(ruler) if same is not None else 0
    carried = tuple(sum(size_of(block) for message in part for block in pictures(message)) for part in (history, view))
    paid = tuple(cost(Usage(count, 0, 0, 0, 1), model) for count in tokens)
    return Effect(tokens, (carried[0], carried[1]), (paid[0], paid[1]), rewritten)
