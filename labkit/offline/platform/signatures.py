"""Signatures of the offline Claude: opaque to a client, checked when they come back.

They stand in for the real signatures of thinking and compaction blocks and keep nothing secret.
"""

import base64
import binascii
import json
from hashlib import blake2b

KEY = b"labkit offline Claude"


def seal(*parts: str) -> str:
    """A signature over some texts, which it carries."""
    payload = json.dumps(parts, separators=(",", ":")).encode()
    return base64.b64encode(_mark(payload) + payload).decode()


def unseal(signature: object) -> list[str] | None:
    """The texts of a signature, or None for one that is not the offline Claude's or was changed."""
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
