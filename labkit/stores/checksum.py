"""The last line of a saved form: a checksum over everything before it, so that damage is seen."""

import json
from hashlib import sha256

from labkit.stores.bounds import SavedFormError

CLOSING = b"\n}\n"
"""The end of the text of a saved form."""


def with_checksum(data: bytes) -> bytes:
    """The text of a saved form with a last line that holds the SHA-256 of everything before it."""
    inside = data.removesuffix(CLOSING)
    return inside + b',\n"checksum": "' + sha256(inside).hexdigest().encode() + b'"' + CLOSING


def check_checksum(data: bytes, name: str) -> None:
    """Raise SavedFormError when a saved form is not what was saved; one without a checksum passes."""
    # A saved form is read in any encoding of Unicode; what was saved is UTF-8.
    data = data.decode(json.detect_encoding(data)).encode()
    inside, line, _ = data.rpartition(b',\n"checksum": "')
    if not line or with_checksum(inside + CLOSING) != data:
        raise SavedFormError(
            f"{name} is not what was saved: its checksum differs, because it was damaged or changed by hand; if the "
            'change is right, take out its last line, "checksum", and the comma before it'
        )
