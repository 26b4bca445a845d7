"""Count images by their pixels and PDFs by their pages, as the API does; a PDF's bytes are not its text.

Shares nothing with the near side's estimate. Evidence: Anthropic docs, Vision (width times height over 750, read August
2026) and PDF support (1,500 to 3,000 tokens a page for its text, and its picture); about 2,300 a page in all were
measured on Claude 5.5 (huggingface JOHNISKING/pdf-token-cost). The words are not verified.
"""

import base64
import binascii
import re
from functools import lru_cache
from itertools import pairwise
from zlib import decompressobj
from zlib import error as NotDeflated

from labkit.offline.wire import Json

PIXELS_PER_TOKEN, LARGEST_IMAGE = 750, 1_590
PAGE = 2_300
MOST_UNPACKED = 20_000_000

_LEAF = re.compile(rb"/Type\s{0,9}/Page[^A-Za-z]")


def image_tokens(block: Json) -> int:
    """Tokens of an image: its pixels over 750, at most those of 1,092 by 1,092, which count where no size is found."""
    head = _decoded(str((block.get("source") or {}).get("data") or "")[:65_536])
    size = _size(head)
    return min(max(round(size[0] * size[1] / PIXELS_PER_TOKEN), 1), LARGEST_IMAGE) if size else LARGEST_IMAGE


def pdf_tokens(block: Json) -> int:
    """Tokens of a PDF: its pages, one where its bytes are not in the request or name none."""
    return PAGE * _pages_of(str((block.get("source") or {}).get("data") or ""))


@lru_cache(maxsize=32)
def _pages_of(data: str) -> int:
    raw = _decoded(data)
    packed = [raw[start:end] for start, end in _packed(raw)]
    return max(len(_LEAF.findall(raw)) + sum(len(_LEAF.findall(_inflated(part))) for part in packed), 1)


def _packed(raw: bytes) -> list[tuple[int, int]]:
    """The places of streams that hold packed objects, pages among them."""
    opens = [match.start() for match in re.finditer(rb"/ObjStm\b", raw)]
    found = []
    for start, following in pairwise([*opens, len(raw)]):
        body = re.compile(rb"stream\r?\n").search(raw, start, following)
        if body:
            found.append((body.end(), following))
    return found


def _inflated(part: bytes) -> bytes:
    try:
        return decompressobj().decompress(part, MOST_UNPACKED)
    except NotDeflated:
        return b""


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data[: len(data) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def _size(head: bytes) -> tuple[int, int] | None:
    if head[:4] == b"\x89PNG" and len(head) > 23:
        return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    if head[:3] == b"GIF" and len(head) > 9:
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    frame = re.search(rb"\xff[\xc0-\xc2]\x00[\x0b\x11]\x08(..)(..)", head, re.S) if head[:2] == b"\xff\xd8" else None
    if frame:
        return int.from_bytes(frame[2]), int.from_bytes(frame[1])
    if head[:4] == b"RIFF" and head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return None
