"""The API's rules on the bytes of a body, which it reads more strictly than Python does. Each names its evidence."""

import json
import re
from json import JSONDecodeError
from typing import Any, NoReturn

from labkit.offline.rule import rule
from labkit.offline.wire import ApiError, HttpRequest

BODY_LIMIT = 32 * 1024 * 1024
"""Bytes of a request body. Source: Anthropic docs, Errors, read August 2026."""
ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u(?P<half>[dD][89a-fA-F]..)|.)", re.DOTALL)
"""One escape of a JSON text: both halves of a character above U+FFFF, half of one alone, or any other."""
HALF = re.compile(r"\\u[dD][89a-fA-F]")


@rule
def body_is_not_too_large(request: HttpRequest) -> None:
    """A body above 32 MB is a 413.

    Evidence: Anthropic docs, Errors, read August 2026; body quoted in GitHub anthropic-sdk-python#938.
    """
    if len(request.body) > BODY_LIMIT:
        raise ApiError(413, "Request exceeds the maximum size")


@rule
def body_is_json(request: HttpRequest) -> Any:
    """A body is JSON in UTF-8, and no string of it, keys included, has half of a surrogate pair. Returns its value.

    Evidence: bodies quoted in GitHub claude-code#1762, June 2025, and claude-code#60394, May 2026, for the halves of a
    pair, whose words and place are those of the JSON reader orjson 3.13; claude-code#74416, July 2026, for text that is
    not UTF-8. The words for other faults are Python's, not the API's.
    """
    try:
        text = request.body.decode()
        value = json.loads(text, parse_constant=_no_constant)
        _check_escapes(text)
    except UnicodeDecodeError:
        words = "str is not valid UTF-8: surrogates not allowed: line 1 column 1 (char 0)"
        raise ApiError(400, f"The request body is not valid JSON: {words}") from None
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"The request body is not valid JSON: {error}") from None
    return value


def _no_constant(name: str) -> NoReturn:
    """Refuse NaN and the infinities, which Python reads and JSON does not have."""
    raise ValueError(f"{name} is no JSON value")


def _check_escapes(text: str) -> None:
    """Raise JSONDecodeError for the first half of a surrogate pair; `text` is JSON otherwise."""
    if not HALF.search(text):
        return
    for escape in ESCAPE.finditer(text):
        half = escape["half"]
        if half and half[1] in "cdefCDEF":
            raise JSONDecodeError("invalid high surrogate in string", text, escape.start())
        if half:
            kind = "invalid" if text.startswith("\\u", escape.end()) else "no"
            raise JSONDecodeError(f"{kind} low surrogate in string", text, escape.start())
