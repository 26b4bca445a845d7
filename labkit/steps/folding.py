"""Folding: tool rounds that become a line a call, in one note after the goal of their loop.

A line names the tool that was called, with which arguments, and how it came out: the names that the result held, of a
failure its error line, and the first words that Claude said in the round. The note has a size limit: when it is full
its oldest lines become a count of calls by tool, and the names in them. Taught in notebook 10.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from labkit.blocks import words_in
from labkit.messages import Block, Message, user
from labkit.steps.tool_results import (
    AGAIN,
    CLEARED,
    arguments,
    error_line,
    names_left,
    result_text,
    shortened,
    size_in_words,
)
from labkit.strategies import FOLDED_FLAG
from labkit.text.names import BETWEEN, is_small_number, listed, names

HEAD = "[Note by the program that runs this conversation: earlier calls of this task, oldest first. Their results were "
HEAD += "left out of it; to see one again, repeat the call.]"
OLDER, NAMED = "- before these: ", "- which named: "
INPUT_SHOWN, NAMES_SHOWN, SAID_SHOWN = 300, 300, 160
"""Characters of a call's arguments, of the names in its result and of Claude's words: most later arguments are found in
earlier ones.
"""

FOLDABLE = {"assistant": {"text", "tool_use", "thinking", "redacted_thinking"}, "user": {"tool_result", "text"}}
"""Blocks of a round that can be folded. One with others, such as an image of the user, stays as it is."""


def may_fold(part: Sequence[Message]) -> bool:
    """True for a tool round of calls, results and words in which nothing is pinned."""
    if not any(message.has("tool_use") for message in part) or part[-1].role != "user":
        return False
    return all(not m.pinned and m.block_types() <= FOLDABLE.get(m.role, set()) for m in part)


def is_note(message: Message) -> bool:
    """True for the note of a loop whose older rounds were folded."""
    return FOLDED_FLAG in message.flags


def words_of(part: Sequence[Message]) -> Iterator[Message]:
    """Yield what the user said in a round, which stays word for word when the round is folded."""
    for message in part:
        if message.role == "user" and message.has("text"):
            blocks = tuple(block for block in message.blocks if block["type"] == "text")
            yield (
                message if len(blocks) == len(message.blocks) else replace(message, content=blocks, replaces=(message,))
            )
        elif message.role == "user" and isinstance(message.content, str):
            yield message


def lines_of(part: Sequence[Message]) -> Iterator[str]:
    """Yield a line for each call of a round, the words that Claude said before them with the first."""
    results = {str(b.get("tool_use_id")): b for m in part for b in m.blocks if b["type"] == "tool_result"}
    words = shortened(" ".join(m.text for m in part if m.role == "assistant"), SAID_SHOWN)
    for call in (b for m in part for b in m.blocks if b["type"] == "tool_use"):
        said = f" (said: {words})" if words else ""
        yield f"- {call['name']} {_given(call)} -> {_outcome(results.get(call['id']))}{said}"
        words = ""


def _given(call: Block) -> str:
    """Return the beginning of a call's arguments, and the names in the rest."""
    given = arguments(call)
    shown = shortened(given, INPUT_SHOWN)
    found = listed((one for one in names(given) if one not in shown), NAMES_SHOWN) if len(given) > len(shown) else ""
    return f"{shown} ({found})" if found else shown


def _outcome(result: Block | None) -> str:
    if result is None:
        return "no result"
    if failed := error_line(result):
        # A cleared result has its error line inside its placeholder; folding keeps the line alone.
        return f"failed: {failed.rpartition('; it failed: ')[2].removesuffix(AGAIN)}"
    text = result_text(result)
    size = size_in_words(result)
    if text.startswith(CLEARED):
        size = next(iter(re.findall(r"[\d,]+ characters(?: and \d+ images?)?", text)), "a result")
    found = listed(names_left(text) if text.startswith(CLEARED) else names(text), NAMES_SHOWN)
    return f"{size}: {found}" if found else size


def folded(
    note: Message | None, parts: Sequence[Sequence[Message]], most: int, dropped: Sequence[Message] = ()
) -> Message:
    """Return the note with further rounds in it, of at most `most` characters where its newest lines leave it so.

    Of `dropped` messages, which are older than the note, it counts the calls and keeps the names.
    """
    older, named = _summed(dropped)
    counted, known, lines = _read(note) if note else (Counter[str](), [], [])
    older, named = older + counted, named + known
    lines += [line for part in parts for line in lines_of(part)]
    room = most - len(HEAD) - sum(len(line) + 1 for line in lines)
    drop = 0
    while room < (most // OLDER_SHARE if drop or older else 0) and drop < len(lines) - bool(parts):
        older[lines[drop].split(" ", 2)[1]] += 1
        named += names(lines[drop])
        room += len(lines[drop]) + 1
        drop += 1
    replaced = (note.replaces if note else ()) + tuple(message for part in parts for message in part)
    text = "\n".join([HEAD, *_older(older, named, "\n".join(lines[drop:]), room), *lines[drop:]])
    return user(text, flags=(FOLDED_FLAG,), replaces=replaced)


def _summed(dropped: Sequence[Message]) -> tuple[Counter[str], list[str]]:
    """Return the counts of the calls and the names of messages of which nothing else stays."""
    older, named = Counter[str](), list[str]()
    for message in dropped:
        if is_note(message):
            counted, known, lines = _read(message)
            older += counted + Counter(line.split(" ", 2)[1] for line in lines)
            named += known + names("\n".join(lines))
            continue
        older.update(block["name"] for block in message.blocks if block["type"] == "tool_use")
        named += [name for block in message.blocks for name in names_in(block)]
    return older, named


def names_in(block: Block) -> list[str]:
    """Return the names in a block's words: a text's, a call's arguments, a result's or a document's."""
    return names(arguments(block) if block["type"] == "tool_use" else "\n".join(words_in(block)))


def _older(older: Counter[str], named: Sequence[str], lines: str, room: int) -> list[str]:
    """Return the two lines about the oldest calls: their counts by tool, and their newest names that no line says."""
    if not older:
        return []
    counts = OLDER + ", ".join(f"{tool} x{count}" for tool, count in sorted(older.items()))
    left = sorted((one for one in dict.fromkeys(reversed(named)) if one not in lines), key=is_small_number)
    found = listed(left, max(room, 0) - len(NAMED) - len(counts))
    return [counts, NAMED + BETWEEN.join(reversed(found.split(BETWEEN)))] if found else [counts]


OLDER_SHARE = 3
"""A third of a full note is for its oldest calls: their counts, and the names in them."""


def _read(note: Message) -> tuple[Counter[str], list[str], list[str]]:
    """Return what a note says: the counts of its oldest calls, their names, and its lines."""
    counts, named, lines = Counter[str](), list[str](), note.text.split("\n")[1:]
    if lines and lines[0].startswith(OLDER):
        for entry in lines.pop(0).removeprefix(OLDER).split(", "):
            tool, _, count = entry.rpartition(" x")
            counts[tool] += int(count)
    if lines and lines[0].startswith(NAMED):
        named = lines.pop(0).removeprefix(NAMED).split(BETWEEN)
    return counts, named, lines
