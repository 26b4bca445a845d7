"""The package `regex` as a stand-in of two patterns, for a browser, for which it has no wheel.

ctok, which estimates tokens, compiles two properties of Unicode and nothing else. The stand-in has the ranges of code
points that the real package matches, and refuses any other property.
"""

import base64
import hashlib
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import regex

PATTERNS = (r"\p{Alphabetic}", r"\p{M}")
EVERYTHING = "".join(map(chr, range(sys.maxunicode + 1)))
"""Every code point in order, so that a place in it is a code point."""
WHEN = (2026, 1, 1, 0, 0, 0)
"""The date of each file in a wheel that is made here, so that the same files make the same bytes."""
MODULE = '''"""Two patterns of the package regex, as ranges of code points, where regex has no wheel."""

import re

RANGES = {ranges}


def compile(pattern, flags=0):
    """Compile one of the patterns above, or one without a property; ValueError for any other property."""
    if pattern in RANGES:
        pattern = "[" + "".join(f"\\\\U{{first:08x}}-\\\\U{{last:08x}}" for first, last in RANGES[pattern]) + "]"
    elif "\\\\p{{" in pattern:
        raise ValueError(f"the stand-in for regex knows {{', '.join(RANGES)}} and not {{pattern!r}}")
    return re.compile(pattern, flags)
'''


def ranges(pattern: str) -> Iterator[tuple[int, int]]:
    """The first and the last code point of each range that the real package matches."""
    for found in regex.finditer(f"(?:{pattern})+", EVERYTHING):
        yield found.start(), found.end() - 1


def module() -> str:
    """The source of the stand-in."""
    return MODULE.format(ranges={pattern: tuple(ranges(pattern)) for pattern in PATTERNS})


def write_wheel(folder: Path) -> Path:
    """Write the stand-in as a wheel, with the real package's version, and give its path."""
    release = version("regex")
    info = f"regex-{release}.dist-info"
    files = {
        "regex/__init__.py": module(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: regex\nVersion: {release}\nSummary: stand-in\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: labkit\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{name},sha256={_digest(text)},{len(text.encode())}\n" for name, text in files.items()]
    files[f"{info}/RECORD"] = "".join([*record, f"{info}/RECORD,,\n"])
    path = folder / f"regex-{release}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, text in files.items():
            wheel.writestr(zipfile.ZipInfo(name, WHEN), text, zipfile.ZIP_DEFLATED)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
