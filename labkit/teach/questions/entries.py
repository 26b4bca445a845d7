"""Make a question of an entry of a TOML file: its numbers filled in, its key read or worked out by labkit."""

from collections.abc import Iterable, Mapping
from typing import Any

from labkit.messages import Message
from labkit.strategies import explain
from labkit.teach.cells.wire import blocks_in_words
from labkit.teach.questions.kinds import KINDS, Option, Question, Slip
from labkit.teach.questions.numbers import COMPUTED, STEPS, Values, drawn, order

type Entry = Mapping[str, Any]

NOT_FIELDS = {"kind", "option", "message", "slip", "draw", "compute", "step", "kept", "gone"}
"""Keys of an entry that say how to make the question."""


def question_from(entry: Entry, seed: int = 0, values: Values | None = None) -> Question:
    """The question that an entry of the data becomes with a seed, or with these values for what it draws.

    Raises ValueError, naming the question, for an unknown kind, function or step, and for a question that cannot be
    asked.
    """
    if entry["kind"] not in KINDS:
        raise ValueError(f"question {entry['id']}: kind {entry['kind']!r} is not one of {', '.join(KINDS)}")
    values = drawn(entry.get("draw", {}), entry["id"], seed) if values is None else values
    known = dict(values)
    if compute := entry.get("compute"):
        known |= _named(COMPUTED, compute, entry["id"])(**values)
    if known:
        entry = _filled(entry, {name: _written(value) for name, value in known.items()})
    kind = entry["kind"]
    rest = {key: entry[key] for key in entry if key not in NOT_FIELDS}
    rest["covers"] = tuple(entry["covers"])
    if kind == "number":
        rest["answer"] = known.get(entry["answer"], entry["answer"])
        rest["slips"] = tuple(
            Slip(known.get(slip["value"], slip["value"]), slip["why"]) for slip in entry.get("slip", [])
        )
    elif kind == "messages":
        rest |= _marked(entry, values)
    else:
        rest["options"] = tuple(map(_option, entry["option"]))
        rest["shown"] = order(len(rest["options"]), entry["id"], seed, scrambled=kind == "order")
    return KINDS[kind](**rest)


def _option(entry: Entry) -> Option:
    array = tuple(entry.get("array", ()))
    return Option(**{"text": _array_in_words(array), **entry, "array": array})


def _array_in_words(array: Iterable[Mapping[str, Any]]) -> str:
    """The messages of an array in a line: each with its speaker and what it says, calls or gives back."""
    return " → ".join(f"{message['role']}: {_said(message)}" for message in array)


def _said(message: Mapping[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else blocks_in_words(content)


def _marked(entry: Entry, values: Values) -> dict[str, Any]:
    told = entry["message"]
    texts = [f"{_said(message)}{_tags(message)}" for message in told]
    if "step" not in entry:
        options = (
            Option(text, message.get("right", False), message["why"], role=message["role"])
            for text, message in zip(texts, told, strict=True)
        )
        return {"options": tuple(options)}
    steps = _named(STEPS, entry["step"], entry["id"])(**values)
    history = tuple(map(_message, told))
    options = (
        Option(text, hit, message.get(word, entry.get(word, "")), role=message["role"])
        for text, message, hit, word in (
            (text, message, fate.fate != "kept", "kept" if fate.fate == "kept" else "gone")
            for text, message, fate in zip(texts, told, explain(steps, history), strict=True)
        )
    )
    return {"options": tuple(options), "history": history, "steps": steps}


def _message(entry: Entry) -> Message:
    flags = (f"{entry['tokens']} tokens",) if "tokens" in entry else tuple(entry.get("flags", ()))
    content = entry["content"]
    return Message(
        entry["role"],
        content if isinstance(content, str) else tuple(content),
        pinned=entry.get("pinned", False),
        importance=entry.get("importance"),
        flags=flags,
    )


def _tags(entry: Entry) -> str:
    tags = [
        *(["pinned"] if entry.get("pinned") else []),
        *([f"importance {entry['importance']:.1f}"] if "importance" in entry else []),
        *([f"{entry['tokens']:,} tokens"] if "tokens" in entry else []),
        *(f"flag: {flag}" for flag in entry.get("flags", ())),
    ]
    return f" ({', '.join(tags)})" if tags else ""


def _named(registry: Mapping[str, Any], name: str, id: str) -> Any:
    if name not in registry:
        raise ValueError(f"question {id}: {name!r} is not one of {', '.join(registry)}")
    return registry[name]


def _filled(entry: Any, texts: Mapping[str, str]) -> Any:
    """The same data with `{name}` in every text replaced by the value of that name."""
    match entry:
        case str():
            return entry.format_map(texts)
        case dict():
            return {key: _filled(value, texts) for key, value in entry.items()}
        case list():
            return [_filled(value, texts) for value in entry]
    return entry


def _written(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.10g}" if isinstance(value, float) else str(value)
