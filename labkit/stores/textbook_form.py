"""The form that the textbook version of the manager saves, in Python and in Node.js, and its way into labkit's own.

The two differ in the spelling of their keys alone: `total_input_tokens` here, `totalInputTokens` there.
"""

import re
from collections.abc import Mapping
from typing import Any

SETTINGS = {
    "model": "model",
    "max_tokens": "max_tokens",
    "window_size": "window_size",
    "token_threshold": "token_threshold",
    "recent_turns_to_keep": "recent_turns_to_keep",
    "recent_turns": "recent_turns_to_keep",
}


def is_textbook(document: Mapping[str, Any]) -> bool:
    """True when the document has the keys that every version of the textbook's manager saves."""
    return {"system_prompt", "model", "messages"} <= set(map(_snake, document))


def in_python_names(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its keys spelled as in Python, those of its summary history too; values stay as they are."""
    renamed = {_snake(key): value for key, value in document.items()}
    lines = renamed.get("summary_history")
    if isinstance(lines, list):
        renamed["summary_history"] = [
            {_snake(key): value for key, value in line.items()} if isinstance(line, dict) else line for line in lines
        ]
    return renamed


def upgraded(textbook: Mapping[str, Any]) -> dict[str, Any]:
    """A textbook document, in Python's names and checked, as a labkit document of version 1.

    It counts as revision 1. Its summary becomes one summary that covers all the messages its history tells of; each
    later fold counted the pair that held the one before, so these are taken off. The pair gets the flag by which a
    manager knows its own. The requests are unknown and stay 0; settings that are missing have the manager's defaults.
    """
    usage = _usage(textbook.get("total_input_tokens", 0), textbook.get("total_output_tokens", 0))
    return {
        "format": "labkit-conversation",
        "version": 1,
        "revision": 1,
        "kind": "SlidingWindowManager" if "window_size" in textbook else "SmartConversationManager",
        "settings": {ours: textbook[theirs] for theirs, ours in SETTINGS.items() if theirs in textbook},
        "system": textbook["system_prompt"],
        "facts": [],
        "summaries": _summaries(textbook),
        "failures": 0,
        "usage": usage,
        "last": _usage(textbook.get("last_input_tokens", 0), 0),
        "meter": {"tokens": 0, "view": None},
        "history": None,
        "transcript": _flagged(textbook["messages"], textbook.get("summary")),
        "beside": [],
    }


def _summaries(textbook: Mapping[str, Any]) -> list[dict[str, Any]]:
    text, lines = textbook.get("summary"), textbook.get("summary_history", [])
    if not text:
        return []
    covered = sum(line["messages_summarized"] for line in lines) - 2 * max(len(lines) - 1, 0)
    written = sum(line["summary_tokens"] for line in lines)
    usage = _usage(0, written) | {"requests": len(lines)}
    return [{"text": text, "messages": max(covered, 0), "usage": usage}]


def _flagged(messages: list[dict[str, Any]], summary: str | None) -> list[dict[str, Any]]:
    opening = messages[0]["content"] if messages else ""
    if not summary or not isinstance(opening, str) or not opening.endswith(f"summary: {summary}]"):
        return messages
    return [message | {"flags": ["summary"]} for message in messages[:2]] + messages[2:]


def _usage(input_tokens: int, output_tokens: int) -> dict[str, int]:
    return {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "requests": 0,
    }


def _snake(key: str) -> str:
    return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", key)
