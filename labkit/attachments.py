"""Measure images by their size and PDFs by their pages, from the first bytes of the one and all bytes of the other.

base64 is no text: a PDF of three pages may have a megabyte, and counts as three pages.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

IMAGE_TOKENS = 1_600
"""An image at its largest; Anthropic docs, Vision: width x height / 750, read August 2026."""

PIXELS_PER_TOKEN = 750
PAGE_TOKENS = 2_300
"""A page of a PDF, its text and its picture together: Anthropic docs, PDF support, give 1,500 to 3,000 tokens for the
text of a page; about 2,300 in all were measured on Claude 5.5 (huggingface JOHNISKING/pdf-token-cost). The words are
not verified."""

HEAD = 64 * 1_024
"""Characters of base64 in which an image says its size; a JPEG may have a preview before it."""

UNPACKED = 20_000_000
"""Bytes to which the streams of one PDF are unpacked to look for its pages, so that no PDF fills the memory."""

_PAGE = re.compile(rb"/Type\s{0,9}/Page(?![A-Za-z])")
_STREAM = re.compile(rb"/ObjStm\b[^\x00]{0,500}?stream\r?\n")


def image_tokens(block: Mapping[str, Any]) -> int:
    """Estimate the tokens of an image block: by its size where the bytes are here, else those of the largest image."""
    size = _image_size(_bytes_of(block, HEAD))
    return min(max(round(size[0] * size[1] / PIXELS_PER_TOKEN), 1), IMAGE_TOKENS) if size else IMAGE_TOKENS


def pdf_tokens(block: Mapping[str, Any]) -> int:
    """Estimate the tokens of a PDF block by its pages; one page where the bytes are elsewhere or cannot be read."""
    return PAGE_TOKENS * max(pdf_pages(_bytes_of(block)), 1)


def pdf_pages(data: bytes) -> int:
    """Count the pages of a PDF, those in packed objects too; 0 for what is no PDF."""
    return len(_PAGE.findall(data)) + sum(len(_PAGE.findall(part)) for part in _unpacked(data))


def _unpacked(data: bytes) -> Iterator[bytes]:
    room = UNPACKED
    for match in _STREAM.finditer(data):
        try:
            part = zlib.decompressobj().decompress(data[match.end() : data.find(b"endstream", match.end())], room)
        except zlib.error:
            continue
        yield part
        room -= len(part)
        if room <= 0:
            return


def _bytes_of(block: Mapping[str, Any], most: int | None = None) -> bytes:
    source = block.get("source")
    data = source.get("data") if isinstance(source, Mapping) else None
    if not isinstance(data, str):
        return b""
    text = data if most is None else data[:most]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _image_size(head: bytes) -> tuple[int, int] | None:
    if head.startswith(b"\x89PNG") and len(head) >= 24:
        return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    if head.startswith(b"GIF8") and len(head) >= 10:
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP" and len(head) >= 30:
        return _webp_size(head)
    return _jpeg_size(head) if head.startswith(b"\xff\xd8") else None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    if head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        mark = head[place + 1]
        if 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):  # a start of frame; these three are tables
            return int.from_bytes(head[place + 7 : place + 9]), int.from_bytes(head[place + 5 : place + 7])
        place += 2 + int.from_bytes(head[place + 2 : place + 4])
    return None
