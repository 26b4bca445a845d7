"""Content blocks: dicts with a `type`, checked and copied once, when a message is made."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

type Block = Mapping[str, Any]


class CheckedBlocks(tuple[Block, ...]):
    """Blocks that were checked and copied once, so that what a step makes of a message is not checked again."""

    __slots__ = ()


def checked_blocks(role: str, content: object) -> CheckedBlocks:
    """Return copies of a message's blocks.

    Half surrogate pairs are replaced, see `well_formed`. Raises TypeError for content that is no list of blocks or
    cannot be sent as JSON, ValueError for an empty message or an empty text block, which the API refuses.
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
    return CheckedBlocks(_as_json(block, f"block {place} ({block['type']})") for place, block in enumerate(content))


def _as_json(block: Block, name: str) -> Block:
    try:
        json.dumps(block, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return dict(well_formed(block))
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} cannot be sent as JSON: {error}") from error
    return dict(copied(block))


def _key(key: Any) -> str:
    return str(next(iter(json.loads(json.dumps({key: 0})))))


def well_formed(value: Any) -> Any:
    """Return a JSON value in whose texts every half surrogate pair is U+FFFD, and two halves are their character.

    Text that was cut inside an emoji has such halves. UTF-8 has no bytes for them, so that they cannot be sent; the
    replacement is the one of Unicode 16, section 3.9, and of `toWellFormed` in JavaScript.
    """
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, Mapping):
        return {well_formed(key): well_formed(item) for key, item in value.items()}
    return [well_formed(item) for item in value] if isinstance(value, list | tuple) else value


def without_blanks(content: Any) -> Any:
    """Return content without its blank text blocks, which the API writes and does not take; alone they stay."""
    if isinstance(content, str) or not isinstance(content, Sequence):
        return content
    said = [block for block in content if not _is_blank(block)]
    return said if said and len(said) < len(content) else content


def _is_blank(block: Any) -> bool:
    return isinstance(block, Mapping) and block.get("type") == "text" and not str(block.get("text") or "").strip()


_HOLD_WORDS = frozenset(("text", "title", "context", "content", "source", "stdout", "stderr"))
"""Keys below which results and documents keep what can be read; the rest is ids, flags, addresses, sealed content."""


def words_in(value: object) -> Iterator[str]:
    """Yield every text of results, documents and search results, whatever their kind; not the data of encoded files."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in _HOLD_WORDS or (key == "data" and value.get("type") == "text"):
                yield from (inner,) if isinstance(inner, str) else words_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from words_in(inner)


def copied(value: Any) -> Any:
    """Return a deep copy of a JSON value as plain dicts and lists, its keys as JSON writes them."""
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else _key(key): copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list | tuple) else value
