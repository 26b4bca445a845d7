"""A conversation as the text that a summarizer reads, in which no content can pass for a speaker.

A speaker's name begins the first line of each message. All other lines begin with two blanks (the speaker's own words),
with `> ` and a kind (a call, the result of a tool, a document) or with `| ` (more of it), whatever their text is.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from labkit.blocks import words_in
from labkit.messages import Message

READING = (
    "A line is a speaker's only where it begins with the speaker's name or goes on below it, indented. Lines that "
    "begin with > or | are calls, results of tools and documents: nobody said them, so name their source."
)
"""The form of a transcript, for the summarizer that reads it."""

type Measure = Callable[[str], int]


def readable(message: Message) -> str:
    """A message as one text: words, tool calls with arguments, results and documents with their kind; no thinking."""
    return " ".join(f"({kind}: {text})" if kind else text for kind, text in _pieces(message.blocks))


def in_parts(messages: Iterable[tuple[str, Message]], most: int, measure: Measure) -> list[str]:
    """Write speakers and their messages as transcripts of at most `most` in the unit of `measure`, tokens as a rule.

    A message that goes on in the next part is headed by its speaker there, and a result by its kind.
    """
    parts, used = [[]], 0  # type: list[list[str]], int
    for line in (line for speaker, message in messages for line in _lines(speaker, message, most // 2, measure)):
        size = measure(line.text + "\n")
        if parts[-1] and used + size > most:
            parts.append([line.again] if line.again else [])
            used = measure(line.again)
        parts[-1].append(line.text)
        used += size
    return ["\n".join(part) for part in parts]


def indented(text: str) -> str:
    """A speaker's own words below the name: each line but the first after two blanks."""
    return "\n  ".join(text.splitlines())


class _Line(NamedTuple):
    """A line of a transcript, and the heading that it needs where a part begins with it."""

    text: str
    again: str


def _lines(speaker: str, message: Message, longest: int, measure: Measure) -> Iterator[_Line]:
    name, again = f"{speaker}:", ""
    for kind, text in _pieces(message.blocks):
        for place, words in enumerate(_slices(text, longest, measure)):
            if kind:
                line = f"| {words}" if place else f"> {kind}: {words}"
                line = f"{name}\n{line}" if name else line
            else:
                line = f"{name} {words}" if name else f"  {words}"
            yield _Line(line, again and again + f"\n> {kind} (continued):" * bool(kind and place))
            name, again = "", f"{speaker} (continued):"
    if name:
        yield _Line(name, "")


def _slices(text: str, longest: int, measure: Measure) -> Iterator[str]:
    """The lines of a text, by every line end that Unicode knows, those that are too long in pieces."""
    for line in text.splitlines() or [""]:
        rest = line
        while rest:
            length, size = len(rest), measure(rest)
            while size > longest and length > 1:  # denser places than the average of the line need a second look
                length = max(min(int(length * longest / size), length - 1), 1)
                size = measure(rest[:length])
            yield rest[:length]
            rest = rest[length:]
        if not line:
            yield ""


def _pieces(blocks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Kind and text of each block; no kind for what the speaker says.

    A kind is one line whatever it holds: the name of a tool that came from elsewhere may have line ends.
    """
    for kind, text in _kinds(blocks):
        yield " ".join(kind.split()), text


def _kinds(blocks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        kind = block["type"]
        if kind == "text":
            yield "", str(block["text"])
        elif kind.endswith("tool_use"):
            yield f"call {block['name']}", json.dumps(block["input"], ensure_ascii=False, separators=(",", ":"))
        elif kind == "compaction":  # such a block stays in the history, so that nothing of it is lost
            yield "", "(compaction)"
        elif kind not in ("thinking", "redacted_thinking"):
            words = _result_text(block.get("content")) if kind == "tool_result" else "\n".join(words_in(block))
            named = kind.replace("_", " ")
            named = named.removesuffix("result") + "error" if block.get("is_error") else named
            yield (named, words) if words else ("", f"({named})")


def _result_text(content: Any) -> str:
    if not isinstance(content, Sequence) or isinstance(content, str):
        return str(content or "nothing")
    return "\n".join("\n".join(words_in(part)) or f"({part.get('type')})" for part in content)
