"""Content blocks: dicts with a `type`, checked and copied once, when a message is made."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

type Block = Mapping[str, Any]


class CheckedBlocks(tuple[Block, ...]):
    """Blocks that were checked and copied once, so that what a step makes of a message is not checked again."""

    __slots__ = ()


def checked_blocks(role: str, content: object) -> CheckedBlocks:
    """Return copies of a message's blocks.

    Raises TypeError for content that is no list of blocks or cannot be sent as JSON, ValueError for an empty message or
    an empty text block, which the API refuses.
    """
    if not isinstance(content, Sequence) or isinstance(content, bytes):
        raise TypeError(f"content is text or a list of blocks, but got {type(content).__name__}")
    if not content:
        raise ValueError(f"a {role} message needs content, but got no block: give at least one")
    for place, block in enumerate(content):
        if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
            raise TypeError(
                f"block {place} is {block!r}: a block is a dict with a 'type', such as {{'type': 'text', 'text': ...}}"
            )
        if block["type"] == "text" and not str(block.get("text", "")).strip():
            raise ValueError(f"text block {place} is empty: the API refuses text blocks without words")
        try:
            json.dumps(block, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TypeError(f"block {place} ({block['type']}) cannot be sent as JSON: {error}") from error
    return CheckedBlocks(copied(block) for block in content)


def copied(value: Any) -> Any:
    """Return a deep copy of a JSON value as plain dicts and lists."""
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list | tuple) else value
