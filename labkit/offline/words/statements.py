"""The statements of a request: its sentences and the leaves of its tool results, each with speaker and message."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from labkit.offline.words.stems import Words, words

LABEL = "[simulated] "
NOT_HERE = "I don't have that in this conversation."
SYSTEM = -1
LONGEST = 1_000
"""Characters after which a sentence is cut, so that no pattern meets a text of any size."""

_SHORT = ("Dr", "Mr", "Ms", "St", "No", "vs", "Mrs", "Prof", "e.g", "i.e")
_ABBREVIATED = "".join(rf"(?<!\b{re.escape(short)}\.)" for short in _SHORT)
_END = re.compile(rf"{_ABBREVIATED}(?<=[.!?])[\"')\]]*\s+|\n+")
_NO_STATEMENT = re.compile(
    r"^(?:I don't have (?:that|any)|I don't know|I do not (?:know|have)|I can't see|Noted\b|Understood\b|You.re "
    r"welcome|Of course\b)",
    re.I,
)
_BEFORE_QUESTION = re.compile(
    r"^(?P<said>.*\b(?:is|are|was|am|have|has|\w+'m|\w+'s)\b.*?)(?:[,;:]|\s[-\u2013])\s*(?:and |so |but )?"
    r"(?:what|which|who|where|when|why|how|can|could|do|does|did|is|are|will|would|should)\b.*\?$",
    re.I,
)
_MARKS = re.compile(r"^(?:[-*\u2022]\s+|\d+[.)]\s+)?(?:\[(?P<who>user|assistant|tool|system)\]\s*)?", re.I)
_WRAPPING = re.compile(
    r"^(?:\[?(?:(?:conversation|context|earlier) )?summary(?: of [^:]*)?:\s*"
    r"|(?:previous context|previous|recent):\s*)+",
    re.I,
)
_DEEPEST = 20
_NUMBERED = re.compile(r"^\s*\d+\t", re.M)
"""The line numbers of a file that the memory tool shows."""


def question_in(sentence: str) -> str:
    """Return the question in a sentence that first states something (`my order is 12, where is it?`), or all."""
    mixed = _BEFORE_QUESTION.match(sentence)
    return sentence[mixed.end("said") :].lstrip(" ,;:-\u2013") if mixed else sentence


class Unit(NamedTuple):
    """One sentence or one leaf: its words, the words around it, and for a leaf its name and value."""

    text: str
    words: Words
    around: Words
    who: str = ""
    leaf: str = ""
    value: str = ""
    place: str = ""


class Evidence(NamedTuple):
    """A unit and its place: the index of its message (SYSTEM for the system prompt) and its speaker."""

    message: int
    role: str
    unit: Unit


def sentences(text: str) -> list[str]:
    """Split a text into trimmed sentences of at most LONGEST characters; line ends are ends, abbreviations are not."""
    parts = [part.strip() for part in _END.split(text) if part and not part.isspace()]
    return parts if all(len(part) <= LONGEST for part in parts) else [piece for part in parts for piece in _cut(part)]


def _cut(text: str) -> Iterator[str]:
    while len(text) > LONGEST:
        place = text.rfind(" ", 1, LONGEST) + 1 or LONGEST
        yield text[:place].strip()
        text = text[place:].strip()
    if text:
        yield text


def unwrapped(line: str) -> str:
    """Return a line without what only announces a summary (`[Conversation summary: `)."""
    return _WRAPPING.sub("", line)


def _stated(sentence: str) -> tuple[str, str]:
    """Return what a sentence states, an empty text if nothing, and who is marked as having said it."""
    line = unwrapped(sentence)
    marks = _MARKS.match(line)
    who = (marks["who"] or "").lower() if marks else ""
    line = line[marks.end() :].strip(" ]") if marks else line
    mixed = _BEFORE_QUESTION.match(line)
    line = mixed["said"] if mixed else line
    return ("", "") if line.endswith(("?", ":")) or _NO_STATEMENT.match(line) else (line, who)


@lru_cache(maxsize=16384)
def statements(text: str) -> tuple[Unit, ...]:
    """Return the statements of a text; questions, refusals, headings and the reply's own label are left out.

    The neighbours of a statement are those in the same paragraph, so that the lines of a list stay apart.
    """
    units: list[Unit] = []
    for paragraph in text.replace("\u2019", "'").replace(LABEL.strip(), "").split("\n"):
        said = [stated for stated in map(_stated, sentences(paragraph)) if stated[0]]
        for place, (line, who) in enumerate(said):
            beside = [said[i][0] for i in (place - 1, place + 1) if 0 <= i < len(said)]
            units.append(Unit(line, words(line), words(" ".join(beside)), who))
    return tuple(units)


def _scalars(record: Mapping[str, Any]) -> str:
    return " ".join(f"{key} {value}" for key, value in record.items() if not isinstance(value, Mapping | list))


def _leaves(value: Any, name: str, record: str, depth: int = 0) -> Iterator[Unit]:
    if depth > _DEEPEST or value is None or (isinstance(value, str) and not value.strip()):
        return
    if isinstance(value, Mapping):
        inner = f"{record} {_scalars(value)}"
        for key, below in value.items():
            yield from _leaves(below, f"{name} {key}".strip(), inner, depth + 1)
    elif isinstance(value, list):
        for below in value:
            yield from _leaves(below, name, record, depth + 1)
    else:
        shown = json.dumps(value) if isinstance(value, bool | float | int) else str(value)
        label = re.sub(r"[_\s]+", " ", name).strip() or "result"
        yield Unit(f"{label}: {shown}", words(label), words(record.replace("_", " ")), "", label, shown, record)


@lru_cache(maxsize=4096)
def results(text: str, call: str) -> tuple[Unit, ...]:
    """Return the leaves of a JSON tool result, or the sentences of a plain one; `call` is what was asked for."""
    try:
        parsed = json.loads(text) if text.lstrip()[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        parsed = None
    if parsed is None:
        asked = words(call)
        return tuple(u._replace(around=asked, leaf="result", value=u.text) for u in statements(text))
    return tuple(_leaves(parsed, "", call))


def text_of(content: Any) -> str:
    """Return the text of a message's content, of a system prompt or of a tool result: its text blocks, line by line."""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    return "\n".join(str(b["text"]) for b in content if isinstance(b, Mapping) and isinstance(b.get("text"), str))


def calls(messages: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return every tool_use block of the messages by its id."""
    blocks = (b for m in messages if isinstance(m.get("content"), list) for b in m["content"])
    return {b["id"]: b for b in blocks if isinstance(b, Mapping) and b.get("type") == "tool_use" and "id" in b}


def _block_units(block: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> tuple[Unit, ...]:
    match block.get("type"):
        case "text":
            return statements(str(block.get("text", "")))
        case "tool_result":
            call = known.get(str(block.get("tool_use_id")), {})
            asked = f"{call.get('name', '')} {_scalars(call.get('input') or {})}".strip()
            outcome = text_of(block.get("content", ""))
            return results(_NUMBERED.sub("", outcome) if call.get("name") == "memory" else outcome, asked)
        case "compaction":
            return statements(text_of(block.get("content", "")))
        case "document":
            return statements(str((block.get("source") or {}).get("data", "")) if _is_plain(block) else "")
        case _:
            return ()


def _is_plain(block: Mapping[str, Any]) -> bool:
    source = block.get("source")
    return isinstance(source, Mapping) and source.get("type") == "text"


def evidence(request: Mapping[str, Any], before: int | None = None) -> list[Evidence]:
    """Return all that a request states, system prompt first, then oldest first; `before` leaves later messages out."""
    messages = request.get("messages") or ()
    known: Mapping[str, Mapping[str, Any]] | None = None
    found = [Evidence(SYSTEM, "system", unit) for unit in statements(text_of(request.get("system") or ""))]
    for index, message in enumerate(messages[:before]):
        role, content = str(message.get("role", "user")), message.get("content", "")
        if isinstance(content, str):
            found += [Evidence(index, unit.who or role, unit) for unit in statements(content)]
            continue
        for block in content:
            if isinstance(block, Mapping):
                if known is None:
                    known = calls(messages)
                who = "tool" if block.get("type") == "tool_result" else role
                found += [Evidence(index, unit.who or who, unit) for unit in _block_units(block, known)]
    return found
