"""Folding: tool rounds that become a line a call, in one note after the goal of their loop.

A line names the tool that was called, with which arguments, and how it came out; of a failure its error line, and the
first words that Claude said in the round. The note has a size limit: when it is full its oldest lines become a count of
calls by tool. Taught in notebook 10.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from labkit.messages import Block, Message, user
from labkit.steps.tool_results import AGAIN, CLEARED, arguments, error_line, result_text, shortened, size_in_words
from labkit.strategies import FOLDED_FLAG

HEAD = "[Note by the program that runs this conversation: earlier calls of this task, oldest first. Their results were "
HEAD += "left out of it; to see one again, repeat the call.]"
OLDER = "- before these: "
INPUT_SHOWN, SAID_SHOWN = 400, 160
"""Characters of a call's arguments and of Claude's words: most later arguments are found in earlier ones."""

FOLDABLE = {"assistant": {"text", "tool_use", "thinking", "redacted_thinking"}, "user": {"tool_result"}}
"""Blocks that a line can stand for. A round with others, such as an image of the user, stays as it is."""


def may_fold(part: Sequence[Message]) -> bool:
    """True for a tool round in which nobody but Claude and its tools said anything, and nothing is pinned."""
    if not any(message.has("tool_use") for message in part) or part[-1].role != "user":
        return False
    return all(not m.pinned and m.block_types() <= FOLDABLE.get(m.role, set()) for m in part)


def is_note(message: Message) -> bool:
    """True for the note of a loop whose older rounds were folded."""
    return FOLDED_FLAG in message.flags


def lines_of(part: Sequence[Message]) -> Iterator[str]:
    """Yield a line for each call of a round, the words that Claude said before them with the first."""
    results = {str(b.get("tool_use_id")): b for m in part for b in m.blocks if b["type"] == "tool_result"}
    words = shortened(" ".join(m.text for m in part if m.role == "assistant"), SAID_SHOWN)
    for call in (b for m in part for b in m.blocks if b["type"] == "tool_use"):
        said = f" (said: {words})" if words else ""
        yield f"- {call['name']} {shortened(arguments(call), INPUT_SHOWN)} -> {_outcome(results.get(call['id']))}{said}"
        words = ""


def _outcome(result: Block | None) -> str:
    if result is None:
        return "no result"
    if failed := error_line(result):
        # A cleared result has its error line inside its placeholder; folding keeps the line alone.
        return f"failed: {failed.rpartition('; it failed: ')[2].removesuffix(AGAIN)}"
    text = result_text(result)
    if text.startswith(CLEARED):
        return next(iter(re.findall(r"[\d,]+ characters(?: and \d+ images?)?", text)), "a result")
    return size_in_words(result)


def folded(note: Message | None, parts: Sequence[Sequence[Message]], most: int) -> Message:
    """Return the note with further rounds in it, of at most `most` characters where its newest lines leave it so."""
    older, lines = _read(note) if note else (Counter[str](), [])
    lines += [line for part in parts for line in lines_of(part)]
    room = most - len(HEAD) - sum(len(line) + 1 for line in lines)
    drop = 0
    while room < (LINE_OF_COUNTS if drop or older else 0) and drop < len(lines) - 1:
        older[lines[drop].split(" ", 2)[1]] += 1
        room += len(lines[drop]) + 1
        drop += 1
    counts = [OLDER + ", ".join(f"{tool} x{count}" for tool, count in sorted(older.items()))] if older else []
    stands_for = (note.replaces if note else ()) + tuple(message for part in parts for message in part)
    return user("\n".join([HEAD, *counts, *lines[drop:]]), flags=(FOLDED_FLAG,), replaces=stands_for)


LINE_OF_COUNTS = 200
"""Characters kept free for the line that counts the oldest calls."""


def _read(note: Message) -> tuple[Counter[str], list[str]]:
    """Return what a note says: the counts of its oldest calls, and its lines."""
    counts, lines = Counter[str](), note.text.split("\n")[1:]
    if lines and lines[0].startswith(OLDER):
        for entry in lines.pop(0).removeprefix(OLDER).split(", "):
            tool, _, count = entry.rpartition(" x")
            counts[tool] += int(count)
    return counts, lines
