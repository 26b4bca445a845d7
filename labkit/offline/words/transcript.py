"""The input of a summarizer as turns: the lines of a transcript in a prompt, or the messages of a request."""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Any, NamedTuple

from labkit.offline.words.statements import LABEL, text_of

EARLIER = "earlier summary"
_TURN = re.compile(
    r"^[ \t]?[*_#\[]*(?P<who>user|human|customer|assistant|claude|agent|ai|system|tool(?: result)?|earlier "
    r"summary|summary so far[^:\n]*"
    r"|previous (?:summary|context))(?: \(continued\))?[\]*_]*[ \t]*:[*_]*[ \t]?",
    re.I | re.M,
)
_WHO = {
    "human": "user",
    "customer": "user",
    "claude": "assistant",
    "agent": "assistant",
    "ai": "assistant",
    "tool result": "tool",
}
_BRACKET = re.compile(r"\((?:(?P<result>tool result: )|called \w+ with )")
_BRACKET_ENDS = re.compile(r"\)(?=\s|$)")
_QUOTED = re.compile(r"> (?P<what>call|document|[a-z ]{1,40} (?:result|error))(?: [^:]*)?:[ ]?")
_EARLIER_BEGINS = re.compile(r"\[?(?:conversation|context) summary:", re.I)
# Only blanks of the same line: `\s` would read on over all empty lines below, again from each of them.
_TAGS = re.compile(r"^[ \t]*</?[\w-]+>[ \t]*$|^[ \t]*(?:conversation|transcript|messages|history):[ \t]*$", re.I | re.M)


class Turn(NamedTuple):
    """One turn: its speaker (user, assistant, tool, system or earlier summary), its text, its message's index."""

    who: str
    text: str
    message: int = -1


class Task(NamedTuple):
    """A summary to write: what was asked in words, and the turns to condense."""

    instruction: str
    turns: tuple[Turn, ...]


def _block_turns(listed: Sequence[Any], who: str) -> Iterator[Turn]:
    for block in listed:
        if not isinstance(block, Mapping):
            continue
        if block.get("type") == "tool_result":
            yield Turn("tool", text_of(block.get("content", "")))
        elif isinstance(block.get("text"), str):
            yield from spoken(who, block["text"])
        elif block.get("type") == "compaction":
            yield Turn(EARLIER, text_of(block.get("content", "")))


def _as_blocks(text: str) -> list[Any] | None:
    """Read a list of content blocks that was pasted into a transcript, as Python or as JSON."""
    if not text.startswith("[{"):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            parsed = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return parsed if isinstance(parsed, list) else None
    return None


def spoken(who: str, text: str) -> Iterator[Turn]:
    """Yield what a turn's text holds: pasted blocks, an earlier summary, tool results in brackets, and plain words."""
    text = text.strip().replace(LABEL, "")
    listed = _as_blocks(text)
    if listed is not None:
        yield from _block_turns(listed, who)
        return
    if begins := _EARLIER_BEGINS.match(text):
        yield Turn(EARLIER, text[begins.end() :].removesuffix("]").strip())
        return
    yield from _in_brackets(who, text)


def _in_brackets(who: str, text: str) -> Iterator[Turn]:
    """Yield tool results written as `(tool result: ...)`, then the words around them; calls are left out."""
    marks = list(_BRACKET.finditer(text))
    plain = [text[: marks[0].start()] if marks else text]
    for mark, following in zip_longest(marks, marks[1:]):
        inside = text[mark.end() : following.start() if following else len(text)]
        if not mark["result"]:
            ends = _BRACKET_ENDS.search(inside)
            plain.append(inside[ends.end() :] if ends else mark[0] + inside)
        elif inside.rstrip().endswith(")"):
            yield Turn("tool", inside.rstrip()[:-1])
        else:
            plain.append(mark[0] + inside)
    if words := "".join(plain).strip():
        yield Turn(who, words)


def _quoted(who: str, text: str) -> Iterator[Turn]:
    """Yield a turn's own words, then its quoted parts (`> tool result: ...`, `| ...` below it) as a tool's."""
    own: list[str] = []
    quotes: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        if begins := _QUOTED.match(line):
            quotes.append((begins["what"], [line[begins.end() :]]))
        elif quotes and line.startswith("|"):
            quotes[-1][1].append(line[1:].removeprefix(" "))
        else:
            own.append(line.removeprefix("  "))
    yield from spoken(who, "\n".join(own))
    yield from (Turn("tool", "\n".join(lines)) for what, lines in quotes if what != "call")


def of_messages(messages: Sequence[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """Return the turns of messages in wire form; calls and thinking are left out, results are kept."""
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        who, content = str(message.get("role", "user")), message.get("content", "")
        said = spoken(who, content) if isinstance(content, str) else _block_turns(content, who)
        turns += [turn._replace(message=index) for turn in said]
    return tuple(turns)


@lru_cache(maxsize=64)
def of_prompt(text: str) -> Task:
    """Split a prompt into its instruction and the transcript below it; without a transcript there are no turns."""
    marks = list(_TURN.finditer(text))
    if not marks:
        return Task(text, ())
    turns: list[Turn] = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        said = _TAGS.sub("", text[mark.end() : following.start() if following else len(text)])
        who = mark["who"].lower()
        who = EARLIER if "summary" in who or who.startswith("previous") else _WHO.get(who, who)
        turns += _quoted(who, said)
    return Task(text[: marks[0].start()], tuple(turns))
