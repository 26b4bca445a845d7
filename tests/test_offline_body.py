"""The bytes of a request's body: what the offline Claude reads as JSON, and the API's words where it does not."""

import json

import anthropic
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from offline_doors import ASK, STRICT, user

from labkit.offline import OfflineClaude
from labkit.offline.wire import Json

PREFIX = "The request body is not valid JSON: "
HIGH = "\ud83d"
LOW = "\ude00"
NO_LOW, NO_HIGH, TWO_HIGH = "no low surrogate", "invalid high surrogate", "invalid low surrogate"


def sent(body: bytes, path: str = "/v1/messages") -> tuple[int, Json]:
    """Send these bytes through the SDK, which would refuse to write some of them itself; return status and body."""
    client = OfflineClaude(reply="Hello!").client(**STRICT)
    try:
        answer = client.post(path, content=body, cast_to=httpx2.Response)
    except anthropic.APIStatusError as error:
        return error.status_code, error.response.json()
    return answer.status_code, answer.json() if answer.headers["content-type"] == "application/json" else {}


def body(words: object, **more: object) -> bytes:
    """The body of a request that says `words`, as a client escapes them."""
    return json.dumps({**ASK, "messages": [user(words)], **more}).encode()


def refusal(raw: bytes, path: str = "/v1/messages") -> str:
    """The words with which these bytes are refused, after the ones that all such errors have."""
    status, answer = sent(raw, path)
    assert (status, answer["error"]["type"]) == (400, "invalid_request_error"), answer
    assert answer["error"]["message"].startswith(PREFIX), answer
    return str(answer["error"]["message"].removeprefix(PREFIX))


@pytest.mark.parametrize(
    ("words", "expected"),
    [(HIGH, NO_LOW), (f"{HIGH} and on", NO_LOW), (LOW, NO_HIGH), (HIGH + HIGH + LOW, TWO_HIGH), (HIGH + "\n", NO_LOW)],
)
def test_body_is_json(words, expected):
    """Half of a surrogate pair is refused, at the place of its escape; a whole pair and a backslash are not."""
    raw = body(words)
    place = raw.decode().index("\\ud")
    assert refusal(raw) == f"{expected} in string: line 1 column {place + 1} (char {place})"
    assert sent(body(HIGH + LOW))[0] == sent(body("\\ud83d"))[0] == sent(body("\\\\ud83d"))[0] == 200


TOOL = {"name": "weather", "input_schema": {"type": "object"}}


@pytest.mark.parametrize(
    "more",
    [
        {"system": HIGH},
        {"system": [{"type": "text", "text": LOW}]},
        {"metadata": {"user_id": HIGH}},
        {"stop_sequences": ["end", HIGH]},
        {"tools": [{**TOOL, "description": HIGH}]},
        {"tools": [{**TOOL, "input_schema": {"type": "object", "properties": {HIGH: {}}}}]},
        {"stream": True, "system": HIGH},
        {HIGH: 1},
    ],
    ids=lambda more: "-".join(name.encode("ascii", "replace").decode() for name in more),
)
def test_half_a_pair_is_refused_wherever_it_is(more):
    """In any field, in a key and in a stream, when a message is made and when its tokens are counted."""
    assert "surrogate in string" in refusal(body("Hello.", **more))
    assert "surrogate in string" in refusal(body("Hello.", **more), "/v1/messages/count_tokens")


@given(st.text(st.characters(codec=None), max_size=8).map(lambda words: "x" + words), st.booleans())
def test_what_has_no_utf_8_is_refused_and_all_else_taken(words, as_key):
    """A text is refused exactly where it cannot be written in UTF-8, be it a value or the key of a value."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {words: 1} if as_key else {"for": words}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Nothing."}
    messages = [user("Look."), {"role": "assistant", "content": [call]}, user([result])]
    raw = json.dumps({**ASK, "messages": messages}).encode()
    try:
        json.loads(json.dumps(words)).encode()
    except UnicodeEncodeError:
        assert "surrogate in string" in refusal(raw)
    else:
        assert sent(raw)[0] == 200


@pytest.mark.parametrize("raw", [HIGH.encode("utf-8", "surrogatepass"), b"\xff", "Grüße".encode("latin-1")])
def test_bytes_that_are_no_utf_8_are_refused(raw):
    """Bytes of another encoding, and half a pair written without an escape, are named as such."""
    expected = "str is not valid UTF-8: surrogates not allowed: line 1 column 1 (char 0)"
    assert refusal(body("WORDS").replace(b"WORDS", raw)) == expected
    assert refusal(body("Hello.").decode().encode("utf-16")) == expected


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_refused(value):
    """NaN and the infinities, which Python writes and reads, are no JSON."""
    assert value in refusal(body("Hello.").replace(b"300", value.encode()))
