"""Signatures of the offline Claude: opaque to a client, checked when they come back.

They take the place of the real signatures of thinking and compaction blocks and keep nothing secret. As the real one
does, the signature of a thinking block carries the thinking itself, so that omitted thinking is still read and billed.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

KEY = b"labkit offline Claude"
THINKING = ("thinking", "redacted_thinking")
"""Types of block that hold thinking."""


def seal(*parts: str) -> str:
    """Return a signature over some texts, which it carries."""
    payload = json.dumps(parts, separators=(",", ":")).encode()
    return base64.b64encode(_mark(payload) + payload).decode()


def unseal(signature: object) -> list[str] | None:
    """Return the texts of a signature, or None for one that is not the offline Claude's or was changed."""
    try:
        raw = base64.b64decode(str(signature), validate=True)
    except (binascii.Error, ValueError):
        return None
    mark, payload = raw[:12], raw[12:]
    if mark != _mark(payload):
        return None
    parts: list[str] = json.loads(payload)
    return parts


def _mark(payload: bytes) -> bytes:
    return blake2b(payload, key=KEY, digest_size=12).digest()


@dataclass(frozen=True, slots=True)
class Seal:
    """The content of a thinking block's signature.

    `model` wrote the block, `before` and `previous` are hashes of what preceded it, `words` is the thinking, `display`
    is how it was shown, and `place` is where in its message it was.
    """

    model: str
    before: str
    previous: str
    words: str
    display: str
    place: str


def sealed(block: Mapping[str, Any]) -> Seal | None:
    """Return what a thinking block's signature says; None where it was invented, changed, or is another block's."""
    parts = unseal(block.get("signature" if block["type"] == "thinking" else "data"))
    return Seal(*parts[1:]) if parts and parts[0] == "thinking" else None


def sealing(said: Seal) -> str:
    """Return the signature of a thinking block."""
    return seal("thinking", said.model, said.before, said.previous, said.words, said.display, said.place)


def thinking_of(block: Mapping[str, Any]) -> str:
    """Return the thinking in a block, shown or not; of a block that the offline Claude did not sign, what it shows."""
    found = sealed(block)
    return found.words if found else str(block.get("thinking") or "")


def shortened(block: Mapping[str, Any], start: str) -> dict[str, Any]:
    """Return a thinking block that was cut off after these words."""
    found = sealed(block)
    if found is None:
        return {**block, "thinking": start}
    shown = "" if found.display == "omitted" else start
    return {**block, "thinking": shown, "signature": sealing(replace(found, words=start))}
