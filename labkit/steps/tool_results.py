"""Tool results made shorter: clipped before they are sent for the first time, or cleared once they are old.

A cleared result leaves a sentence in its place that says which tool was called, with which arguments, how long the
result was, how to get it again, and of a failure its error line. The calls stay, so that every request is valid. What
is left out can leave its names behind: the numbers, paths and fields that a later call may ask for. Taught in notebooks
04 and 10.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from labkit.blocks import words_in
from labkit.messages import Block, History, Message, Ruler, must_stay
from labkit.text.names import BETWEEN, listed, names
from labkit.tokens import ESTIMATED_TOKENS

type Calls = Mapping[str, Block]

CLEARED, NAMED, AGAIN = "[cleared: ", "; it named ", "; call again to see it]"
ARGUMENTS_SHOWN, ERROR_SHOWN = 120, 200
"""Characters of the arguments and of an error line that a placeholder repeats: enough to tell two calls apart."""

NAMES_SHARE, NAMES_SHOWN = 2, 1_500
"""The names of a cleared result take at most half of its length, and so many characters."""

FEWEST_CHARACTERS = 200
"""A clip leaves a beginning and an end of some words each, and the sentence between them."""

FAILURE = re.compile(r"error|exception|traceback|failed|failure|not found|denied|no such", re.IGNORECASE)


def calls_of(history: Sequence[Message]) -> dict[str, Block]:
    """Return the tool calls of a history by their ids."""
    return {b["id"]: b for m in history if m.role == "assistant" for b in m.blocks if b["type"] == "tool_use"}


def arguments(call: Block | None) -> str:
    """Return the arguments of a call as compact JSON on one line; '' for a call that is not known."""
    return json.dumps(call["input"], ensure_ascii=False, separators=(",", ":")) if call else ""


def result_text(block: Block) -> str:
    """Return the text of a tool result; a part without text, such as an image, is named in brackets."""
    content = block.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join("\n".join(words_in(part)) or f"[{part.get('type')}]" for part in content)


def shortened(text: str, most: int) -> str:
    """Return at most `most` characters of a text on one line, with dots where something was left out."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def error_line(block: Block) -> str:
    """Return the line that says what went wrong in a failed result; '' for a result that did not fail."""
    if not block.get("is_error"):
        return ""
    lines = [line for line in result_text(block).splitlines() if line.strip()]
    telling = [line for line in lines if FAILURE.search(line)] or lines
    # The last line: a traceback ends with the error, and of a message of one line it is that line.
    return shortened(telling[-1], ERROR_SHOWN) if telling else "an error without words"


def size_in_words(block: Block) -> str:
    """Return how much a result holds: `8,712 characters`, or `8 characters and 1 image`."""
    said, images = f"{sum(map(len, words_in(block))):,} characters", _images(block)
    return said if not images else f"{said} and {images} image{'s' * (images > 1)}"


def placeholder(block: Block, call: Block | None, standing: set[str] | None = None) -> str:
    """Return the sentence that takes the place of a cleared result.

    With `standing`, the names that can be read elsewhere, it lists those of the result that cannot, and adds them.
    """
    name, failed, given = (call["name"] if call else "a tool"), error_line(block), arguments(call)
    shown = f" {shortened(given, ARGUMENTS_SHOWN)}" if call and call["input"] else ""
    told = f"; it failed: {failed}" if failed else "" if standing is None else _named(result_text(block), standing)
    return f"{CLEARED}{name}{shown}, {size_in_words(block)}{told}{AGAIN}"


def _named(text: str, standing: set[str]) -> str:
    found = listed((one for one in names(text) if one not in standing), min(len(text) // NAMES_SHARE, NAMES_SHOWN))
    standing.update(found.split(BETWEEN))
    return f"{NAMED}{found}" if found else ""


def names_left(text: str) -> list[str]:
    """Return the names that a placeholder lists."""
    return text.partition(NAMED)[2].removesuffix(AGAIN).split(BETWEEN) if NAMED in text else []


def cleared(
    message: Message, calls: Calls, exclude_tools: Collection[str] = (), standing: set[str] | None = None
) -> Message:
    """Return a message with its tool results cleared; the same message where that would shorten nothing.

    Pinned messages, results of `exclude_tools`, results that are no longer than their placeholder, and all other blocks
    stay as they are. `standing` is that of `placeholder`.
    """
    if must_stay(message) or not message.has("tool_result"):
        return message
    blocks = tuple(_emptied(block, calls, exclude_tools, standing) for block in message.blocks)
    if all(new is old for new, old in zip(blocks, message.blocks, strict=True)):
        return message
    return replace(message, content=blocks, replaces=(message,))


def _emptied(block: Block, calls: Calls, exclude_tools: Collection[str], standing: set[str] | None) -> Block:
    if block["type"] != "tool_result":
        return block
    call, text = calls.get(str(block.get("tool_use_id"))), result_text(block)
    if (call and call["name"] in exclude_tools) or text.startswith(CLEARED):
        return block
    instead = placeholder(block, call, standing)
    return {**block, "content": instead} if _images(block) or len(text) > len(instead) else block


def _images(block: Block) -> int:
    content = block.get("content") or ()
    return 0 if isinstance(content, str) else sum(part.get("type") == "image" for part in content)


@dataclass(frozen=True, slots=True)
class ClipToolResults:
    """Shorten each tool result to at most `most` characters, its beginning and its end, before it is first sent.

    A result is shortened the same way in every request, so this costs neither the prompt cache nor thinking. The words
    in the middle say how much was left out. Images and pinned messages stay as they are. Raises ValueError for fewer
    than 200 characters.
    """

    most: int = 8_000
    keeps_whole_exchanges: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse a length that leaves no room for a beginning and an end."""
        if self.most < FEWEST_CHARACTERS:
            raise ValueError(f"a clip to {self.most:,} characters must be at least {FEWEST_CHARACTERS}: give more")

    def __str__(self) -> str:
        """`tool results clipped to 8,000 characters`."""
        return f"tool results clipped to {self.most:,} characters"

    def __call__(self, history: History) -> History:
        """Return the history with long results shortened: only messages that are new since the last time are read."""
        entries = history.memo(self)
        known, clipped = next((entry for entry in reversed(entries) if entry[0] <= len(history)), (0, None))
        if known < len(history):
            new = [self._clipped(message) for message in history[known:]]
            if clipped is None and any(a is not b for a, b in zip(new, history[known:], strict=True)):
                clipped = history[:0].followed_by(history[:known])
            clipped = clipped.append(*new) if clipped is not None else None
            # Also without the newest message: a question that is only counted makes way for the one that is sent.
            before = (len(history) - 1, None if clipped is None else clipped[:-1])
            history.keep_memo(self, [*entries[-1:], before, (len(history), clipped)])
        return history if clipped is None else clipped

    def _clipped(self, message: Message) -> Message:
        if must_stay(message) or not message.has("tool_result"):
            return message
        blocks = tuple(self._block(block) for block in message.blocks)
        if blocks == message.blocks:
            return message
        return replace(message, content=blocks, replaces=(message,))

    def _block(self, block: Block) -> Block:
        content = block.get("content") if block["type"] == "tool_result" else None
        if isinstance(content, str):
            return {**block, "content": self._text(content, self.most)} if len(content) > self.most else block
        texts = [len(part["text"]) for part in content or () if part.get("type") == "text"]
        if sum(texts) <= self.most:
            return block
        return {**block, "content": [self._part(part, sum(texts)) for part in content or ()]}

    def _part(self, part: Any, total: int) -> Any:
        if part.get("type") != "text":
            return part
        # Each text gets its share, but no less than its marker takes.
        return {**part, "text": self._text(part["text"], max(self.most * len(part["text"]) // total, 100))}

    def _text(self, text: str, most: int) -> str:
        if len(text) <= most:
            return text
        room = max(most - most // CLIP_NAMES - len(_left_out(text, 0)), 2)
        head, tail = text[: room - room // 2], text[-(room // 2) :]
        return head + _left_out(text[len(head) : -len(tail)], most // CLIP_NAMES, {*names(head), *names(tail)}) + tail


CLIP_NAMES = 4
"""The names of what a clip leaves out take a quarter of it: on recorded runs that keeps two thirds of what is lost."""


def _left_out(text: str, most: int, standing: Collection[str] = ()) -> str:
    found = listed((one for one in names(text) if one not in standing), most - len(NAMED)) if most else ""
    named = f"{NAMED}{found}" if found else ""
    return f"\n[... {len(text):,} characters left out{named}; ask for a smaller part ...]\n"


@dataclass(frozen=True, slots=True)
class ClearToolResults:
    """Clear old tool results and keep the calls, inside an open loop too: the newest `keep` results stay as they are.

    The settings have the names of the platform's own `clear_tool_uses`: nothing is cleared up to `trigger` tokens, nor
    fewer than `clear_at_least` tokens at a time, nor results of `exclude_tools`. Results are cleared `batch` at a time,
    by default `keep`, so that the beginning of the request, and with it the prompt cache, stays the same for several
    calls. The newest round and pinned messages stay. `size` measures a message, estimated tokens by default. Raises
    ValueError for a negative count or a batch below 1.
    """

    keep: int = 3
    batch: int | None = None
    exclude_tools: Collection[str] = ()
    trigger: int = 0
    clear_at_least: int = 0
    size: Ruler = ESTIMATED_TOKENS

    def __post_init__(self) -> None:
        """Refuse counts that mean nothing."""
        if self.keep < 0 or (self.batch is not None and self.batch < 1):
            raise ValueError(f"keep {self.keep} must be 0 or more, and batch {self.batch} at least 1")
        if self.trigger < 0 or self.clear_at_least < 0:
            raise ValueError(f"trigger {self.trigger:,} and clear_at_least {self.clear_at_least:,} must be 0 or more")

    def __str__(self) -> str:
        """`all tool results cleared but the newest 3`."""
        return f"all tool results cleared but the newest {self.keep}"

    def __call__(self, history: History) -> History:
        """Return the history with older results cleared."""
        due = self._due(history)
        if not due:
            return history
        calls, newest = calls_of(history), history.newest_reply()
        view = list[Message]()
        for place, message in enumerate(history):
            count = _results(message)
            view.append(self._part(message, calls, due) if count and place < newest and due > 0 else message)
            due -= count
        return History(view)

    def _due(self, history: History) -> int:
        """Return how many results are cleared, the oldest first: walked from the start, so that none comes back."""
        due, found, batch = 0, 0, self.batch or max(self.keep, 1)
        waiting, total = list[int](), 0
        for place, message in enumerate(history):
            if count := _results(message):
                before, total = history[:place].total(self.size), history[: place + 1].total(self.size)
                found += count
                waiting += [(total - before) // count] * count
                ready = (max(found - self.keep, 0) - due) // batch * batch
                if ready > 0 and total > self.trigger and sum(waiting[:ready]) >= self.clear_at_least:
                    due, waiting = due + ready, waiting[ready:]
        return due

    def _part(self, message: Message, calls: Calls, due: int) -> Message:
        if due >= _results(message):
            return cleared(message, calls, self.exclude_tools)
        results = [block for block in message.blocks if block["type"] == "tool_result"]
        spared = {str(block.get("tool_use_id")) for block in results[due:]}
        some = cleared(message, calls, self.exclude_tools)
        blocks = tuple(
            old if str(old.get("tool_use_id")) in spared else new
            for old, new in zip(message.blocks, some.blocks, strict=True)
        )
        return message if blocks == message.blocks else replace(some, content=blocks)


def _results(message: Message) -> int:
    if isinstance(message.content, str):
        return 0
    return sum(block["type"] == "tool_result" for block in message.content)
