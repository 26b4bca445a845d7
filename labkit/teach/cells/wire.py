"""The wire made visible: one request as it left, the log of all of them, and a conversation as a timeline.

Everything comes from the client's own log of bytes (labkit.request_log), which holds no header and so never a key.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from html import escape
from typing import Any

from labkit.messages import Message, from_wire
from labkit.request_log import Sent
from labkit.strategies import Fate
from labkit.teach.cells.shown import Shown, table
from labkit.teach.cells.words import counted, listed

type Marked = tuple[str, str]
"""A mark (NEW, same or gone; empty for what frames them) and a line of the body."""


def show_request(sent: Sent, before: Sent | None = None, *, fold: bool = False) -> Shown:
    """A request as it left this machine: method, path, size, and its body line by line.

    With the request `before` it, each part is marked: `NEW`, `same` (repeated word for word), or `gone` (sent
    before, left out now). `fold` puts runs of repeated messages on one line. Raises TypeError when `sent` is
    not a record of a log.
    """
    for given in (sent, *([] if before is None else [before])):
        _check_record(given)
    lines = list(_marked(sent.request, None if before is None else before.request, fold))
    head = f"{sent.method} {sent.path} · {len(sent.sent):,} bytes · {_source_words(sent.source)}"
    news = _news(sent, before)
    plain = [f"{mark:<4} | {line}" if before is not None else line for mark, line in lines]
    rich = "".join(_line(mark, line, before is not None) for mark, line in lines)
    box = '<pre style="white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere;line-height:1.4;margin:0.4em 0">'
    return Shown("\n".join([head, news, *plain]), f"<p><b>{escape(head)}</b><br>{escape(news)}</p>{box}{rich}</pre>")


def show_log(log: Sequence[Sent], most: int = 40) -> Shown:
    """The requests of a log as a table: what each carried, how much of it was new, its size and its bill.

    Of a longer log the newest `most` are shown. Raises TypeError when it holds anything but records.
    """
    for sent in log:
        _check_record(sent)
    if not log:
        return Shown("No request has left this machine yet.", "<p>No request has left this machine yet.</p>")
    first = max(len(log) - most, 0)
    shown, earlier = log[first:], [None, *log][first : len(log)]
    columns: dict[str, list[object]] = {
        "request": list(range(first + 1, len(log) + 1)),
        "to": [f"{sent.method} {sent.path}" for sent in shown],
        "messages": [len(sent.messages) for sent in shown],
        "new": [len(sent.messages) - _repeated(before, sent) for before, sent in zip(earlier, shown, strict=True)],
        "bytes sent": [len(sent.sent) for sent in shown],
        "input tokens": [sent.usage.total_input if sent.usage.requests else None for sent in shown],
        "output tokens": [sent.usage.output_tokens if sent.usage.requests else None for sent in shown],
        "status": [sent.status for sent in shown],
        "answered by": [sent.source for sent in shown],
    }
    for name in ("to", "status", "answered by"):
        if len(set(columns[name])) == 1 and (name != "status" or columns[name][0] == 200):
            del columns[name]
    address = "" if "to" in columns else f" to {log[0].method} {log[0].path}"
    newest = f"the newest {most:,} of " if first else ""
    caption = f"{newest}{counted(len(log), 'request')}{address}; answered by {sources(shown)}"
    return table(list(columns), zip(*columns.values(), strict=True), caption)


def as_timeline(talk: Iterable[Message | Mapping[str, Any] | Fate]) -> Shown:
    """A conversation as a table, message by message: who spoke, what was said or called, and what became of it.

    Takes messages, or what `explain` gives: then each row says kept, dropped, cleared or summarized, by which step, and
    why.
    """
    steps = list(talk)
    if not any(isinstance(step, Fate) for step in steps):
        return table(["message", "role", "says"], [(i, *_spoken(from_wire(m))) for i, m in enumerate(steps, 1)])  # type: ignore[arg-type]
    if strange := [step for step in steps if not isinstance(step, Fate)]:
        raise TypeError(
            f"a timeline is of messages or of what explain() gives, but this one mixes both: {strange[0]!r}"
        )
    rows = [(f.place + 1, *_spoken(f.message), f.fate, f.why, f.step) for f in steps if isinstance(f, Fate)]
    return table(["message", "role", "says", "fate", "why", "by"], rows)


def _source_words(source: str) -> str:
    """The sender of the reply, and the worth of its token counts, from a record's `source`."""
    if source.startswith("offline"):
        return "offline Claude (simulated; its token counts are estimates)"
    return "live Claude (token counts as billed)" if source == "live" else source


def sources(log: Iterable[Sent]) -> str:
    """The senders of a log's replies, each named once."""
    return listed(list(dict.fromkeys(_source_words(sent.source) for sent in log)))


def blocks_in_words(blocks: Iterable[Mapping[str, Any]]) -> str:
    """Content blocks in a line of a few words each."""
    return " · ".join(map(block_in_words, blocks))


def block_in_words(block: Mapping[str, Any]) -> str:
    """A content block in a few words: its text, the tool it calls with what, or what the tool gave back."""
    match block.get("type"):
        case "text":
            return str(block.get("text", ""))
        case "tool_use":
            given = dict(block.get("input", {}))
            said = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in given.items())
            return f"calls {block.get('name')}({said})"
        case "tool_result":
            content = block.get("content", "")
            inside = content if isinstance(content, str) else " ".join(map(block_in_words, content))
            return f"{'error' if block.get('is_error') else 'result'} of {block.get('tool_use_id')}: {inside}"
        case "thinking":
            return f"thinks: {block.get('thinking', '')}"
    return f"[{block.get('type')}]"


def _check_record(given: object) -> None:
    if not isinstance(given, Sent):
        kind = type(given).__name__
        raise TypeError(
            f"this shows records of a log, not {kind}: claude(log=log) fills one, and log[-1] is its newest"
        )


def _spoken(message: Message) -> tuple[str, str]:
    return message.role, blocks_in_words(message.blocks)


def _keys(messages: Iterable[Mapping[str, Any]]) -> list[str]:
    return [json.dumps(message, sort_keys=True) for message in messages]


def _compared(
    before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    matcher = SequenceMatcher(None, _keys(before), _keys(now), autojunk=False)
    for kind, i, j, k, n in matcher.get_opcodes():
        if kind == "equal":
            yield from (("same", message) for message in now[k:n])
            continue
        yield from (("gone", message) for message in before[i:j])
        yield from (("NEW", message) for message in now[k:n])


def _repeated(before: Sent | None, now: Sent) -> int:
    return sum(mark == "same" for mark, _ in _compared(before.messages if before else [], now.messages))


def _news(sent: Sent, before: Sent | None) -> str:
    if before is None:
        return f"{counted(len(sent.messages), 'message')} in it, written out below."
    marks = [mark for mark, _ in _compared(before.messages, sent.messages)]
    new, same, gone = (marks.count(mark) for mark in ("NEW", "same", "gone"))
    left = f", {gone:,} gone" if gone else ""
    return f"Against the request before: {same:,} of its messages repeated word for word, {new:,} NEW{left}."


def _marked(body: Mapping[str, Any], before: Mapping[str, Any] | None, fold: bool) -> Iterator[Marked]:
    earlier = before or {}
    yield "", "{"
    for place, (key, value) in enumerate(body.items(), 1):
        comma = "," if place < len(body) else ""
        if key == "messages":
            yield from _message_lines(earlier.get("messages", []), value, fold, comma)
            continue
        mark = "same" if key in earlier and earlier[key] == value else "NEW"
        yield from ((mark, f"  {line}") for line in f"{json.dumps(key)}: {_pretty(value)}{comma}".splitlines())
    yield from (("gone", f"  {json.dumps(key)}") for key in earlier if key not in body)
    yield "", "}"


def _message_lines(
    before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], fold: bool, comma: str
) -> Iterator[Marked]:
    yield "", '  "messages": ['
    left, folded = len(now), 0
    for mark, message in [*_compared(before, now), ("end", {})]:
        left -= mark in ("same", "NEW")
        if mark == "same" and fold:
            folded += 1
            continue
        if folded:
            yield "same", f"    ... {counted(folded, 'message')} repeated word for word ..."
            folded = 0
        if mark != "end":
            end = "," if left and mark != "gone" else ""
            yield from ((mark, f"    {line}") for line in f"{_pretty(message)}{end}".splitlines())
    yield "", f"  ]{comma}"


def _pretty(value: object) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    return flat if len(flat) <= 88 else json.dumps(value, ensure_ascii=False, indent=2)


_LOOKS = {
    "NEW": ("border-left:4px solid #05a86f;font-weight:600", "ins"),
    "same": ("border-left:4px solid #438bfd", "span"),
    "gone": ("border-left:4px dashed #808080", "del"),
    "": ("border-left:4px solid transparent", "span"),
}


def _line(mark: str, line: str, compared: bool) -> str:
    if not compared:
        return f"{escape(line)}\n"
    look, tag = _LOOKS[mark]
    style = f"display:block;text-decoration:none;padding-left:8ch;text-indent:-7ch;{look}"
    return f'<{tag} style="{style}">{mark:<4} | {escape(line)}\n</{tag}>'
