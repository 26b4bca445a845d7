"""Secrets that other tools left readable in logs and saved files; what must stay readable is tried as well."""

import itertools
import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import ConversationManager
from labkit.messages import History, assistant, user
from labkit.redaction import Redactor, clean_data, redacted
from labkit.request_log import Log, Sent, redacted_log
from labkit.stores import JSONStore
from tests.conversations import TOOL, as_json

MAIL, CARD, KEY, NAME, PASSWORD = "ada@example.com", "4111 1111 1111 1111", "sk-abcdefgh12345", "Zoë Müller", 'a"b\\c'
SECRETS = (MAIL, CARD, KEY, NAME, PASSWORD)
REDACTOR = Redactor(hide=(NAME, PASSWORD))


def event(kind: str, **fields: Any) -> str:
    """One server-sent event."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | fields)}\n\n"


def streamed(block: dict[str, Any], deltas: list[dict[str, Any]], more: str = "") -> Sent:
    """The record of a streamed reply of one block, as these pieces."""
    opening = {"type": "message", "role": "assistant", "content": [], "usage": {"input_tokens": 3, "output_tokens": 1}}
    body = event("message_start", message=opening) + event("content_block_start", index=0, content_block=block)
    body += "".join(event("content_block_delta", index=0, delta=delta) for delta in deltas)
    body += event("content_block_stop", index=0) + more
    return Sent("POST", "/v1/messages", b"{}", "live", 200, bytearray(body.encode()))


def in_pieces(text: str, cuts: list[int]) -> list[str]:
    """A text cut at these places."""
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[low:high] for low, high in itertools.pairwise(places)]


def put_together(sent: Sent, field: str) -> str:
    """The text of a logged stream's pieces; every line of data is read as JSON."""
    lines = bytes(sent.received).decode().split("\n")
    found = [json.loads(line[5:]) for line in lines if line.startswith("data:")]
    return "".join(event["delta"].get(field, "") for event in found if "delta" in event)


@given(st.sampled_from(SECRETS), st.lists(st.integers(0, 99), max_size=6))
def test_openhands_1049_no_pieces_of_a_stream_make_a_secret(secret: str, cuts: list[int]) -> None:
    """Wherever a stream cuts a text, the log hides the secret and nothing else, and is read as JSON."""
    pieces = in_pieces(f"Write to {secret}\nat once, at 15:00.", cuts)
    log = [streamed({"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces])]
    [clean] = redacted_log(log, REDACTOR)
    said = put_together(clean, "text")
    assert secret not in said
    assert said.startswith("Write to [")
    assert said.endswith("]\nat once, at 15:00.")
    assert clean.reply["content"][0]["text"] == said
    assert clean.usage == log[0].usage


@given(st.lists(st.integers(0, 99), max_size=6))
def test_pieces_without_a_secret_stay_as_they_came(cuts: list[int]) -> None:
    """A log that needs no redaction keeps its pieces."""
    deltas = [{"type": "text_delta", "text": piece} for piece in in_pieces("Order 889 leaves at 15:00.", cuts)]
    sent = streamed({"type": "text", "text": ""}, deltas)
    [clean] = redacted_log([sent], REDACTOR)
    kept = [line for line in bytes(clean.received).decode().split("\n") if "text_delta" in line]
    assert [json.loads(line[5:])["delta"] for line in kept] == deltas


@given(st.sampled_from(SECRETS), st.lists(st.integers(0, 99), max_size=6), st.booleans())
def test_mastra_21049_arguments_that_are_streamed_are_hidden(secret: str, cuts: list[int], ascii_only: bool) -> None:
    """A tool's input comes as pieces of JSON, with escapes, and the log's pieces still make JSON."""
    given = json.dumps({"id": secret, "to": [{secret: 1}]}, ensure_ascii=ascii_only)
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in in_pieces(given, cuts)]
    call = {"type": "tool_use", "id": "toolu_1", "name": "mail", "input": {}}
    [clean] = redacted_log([streamed(call, deltas)], REDACTOR)
    read = json.loads(put_together(clean, "partial_json"))
    assert secret not in json.dumps(read, ensure_ascii=False)
    assert list(read) == ["id", "to"]


def test_a_stream_that_was_cut_off_keeps_no_half_event() -> None:
    """The end of a secret may stand in an event that cannot be read any more."""
    sent = streamed({"type": "text", "text": ""}, [{"type": "text_delta", "text": "mail ada@exam"}])
    sent.received += b'event: content_block_delta\ndata: {"type": "content_block_delta", "text": "ple.com \xc3'
    [clean] = redacted_log([sent], REDACTOR)
    assert b"ple.com" not in clean.received
    assert clean.reply["content"][0]["text"] == "mail ada@exam"


def test_an_answer_that_is_no_json_is_redacted_as_text() -> None:
    """A proxy's error page may repeat what was sent."""
    sent = Sent("POST", "/v1/messages", b"{}", "live", 502, bytearray(f"<html>bad {MAIL}</html>".encode()))
    assert redacted_log([sent], REDACTOR)[0].received == b"<html>bad [e-mail]</html>"


KEYS = st.sampled_from(["id", "type", "signature", "data", "name", "role", "model", "tool_use_id", "q"])
LEAVES = st.sampled_from([*SECRETS, 4111111111111111, 889, True, None, 0.5])
INPUTS = st.dictionaries(
    KEYS | st.sampled_from(SECRETS),
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)),
    max_size=4,
)


@given(INPUTS)
def test_fazer_ai_78_a_tool_input_hides_nothing_behind_a_key(given: dict[str, Any]) -> None:
    """Keys called id, type or signature are the user's own in there, and a key or a number can be a secret too."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": given}
    result = user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}])
    history = History([user("look"), assistant([call]), result])
    shown = redacted(history, REDACTOR)
    text = as_json(shown)
    assert not [s for s in SECRETS if json.dumps(s, ensure_ascii=False)[1:-1] in text]
    assert "4111111111111111" not in text
    block = shown[1].blocks[0]
    assert (block["type"], block["id"], block["name"], len(block["input"])) == (
        "tool_use",
        "toolu_1",
        "find",
        len(given),
    )


def test_two_keys_that_are_hidden_keep_both_values() -> None:
    """Both addresses become the same word, and neither value is lost."""
    assert list(clean_data({MAIL: 1, "bob@example.com": 2}, REDACTOR).values()) == [1, 2]


def test_what_nobody_can_read_stays_as_it_is() -> None:
    """Ids, signatures, base64 and encrypted payloads: changed, they would be refused, and they say nothing."""
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": KEY},
        {"type": "redacted_thinking", "data": KEY},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "skAda/4111111111111111"}},
        {"type": "server_tool_use", "id": MAIL, "name": "web_search", "input": {"query": "rain"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": MAIL,
            "content": [{"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": KEY}],
        },
        {"type": "text", "text": "See data:image/png;base64,AdaAda4111111111111111= there"},
    ]
    history = History([user("hi"), assistant(blocks)])
    assert redacted(history, Redactor(hide=("Ada",))) == history


def test_a_secret_in_results_documents_and_citations_is_hidden() -> None:
    """Each kind of block that carries words."""
    text = [{"type": "text", "text": MAIL}]
    blocks = [
        {"type": "document", "title": MAIL, "source": {"type": "text", "media_type": "text/plain", "data": MAIL}},
        {"type": "document", "source": {"type": "content", "content": text}},
        {"type": "search_result", "source": MAIL, "title": MAIL, "content": text},
        {"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": False, "content": text},
        {"type": "bash_code_execution_tool_result", "tool_use_id": "s", "content": {"stdout": MAIL, "stderr": MAIL}},
        {"type": "text", "text": "as said", "citations": [{"type": "char_location", "cited_text": MAIL}]},
        {"type": "brand_new", "payload": [MAIL, {"card": 4111111111111111}]},
    ]
    shown = as_json(redacted(History([user(blocks)]), REDACTOR))
    assert MAIL not in shown
    assert "4111" not in shown
    assert "text/plain" in shown


@dataclass(frozen=True)
class Hide:
    """A step that hides names from Claude."""

    names: tuple[str, ...]

    def __call__(self, history: History) -> History:
        """The history without the names."""
        return redacted(history, self.names)


def test_texra_6231_all_that_is_saved_is_redacted(tmp_path: Path) -> None:
    """Tools, flags, the steps' settings, the system prompt and case facts are saved beside the messages."""
    schema = {"type": "object", "properties": {"to": {"type": "string", "maxLength": 889, "examples": [MAIL]}}}
    tool = {"name": "crm", "description": f"Mail {MAIL}, key {KEY}", "input_schema": schema}
    manager = ConversationManager(system_prompt=f"Ask {NAME}.", steps=[Hide((NAME,))], tools=[TOOL, tool])
    manager.add_fact(f"Owner: {NAME}", source=MAIL)
    manager.add_user_message(f"I am {NAME}")
    manager.add_assistant_message("Hello.")
    manager.mark(0, flags=(f"call {MAIL}", "decision"))
    manager.save(tmp_path / "talk.json", redact=Redactor(hide=(NAME, "889")))
    text = (tmp_path / "talk.json").read_text("utf-8")
    assert not [secret for secret in (NAME, MAIL, KEY) if secret in text]
    saved = JSONStore(tmp_path / "talk.json").read()
    assert saved is not None
    assert saved.settings["tools"][0] == TOOL
    assert saved.settings["tools"][1]["input_schema"]["properties"]["to"]["maxLength"] == 889
    assert saved.conversation.transcript[0].flags == ("call [e-mail]", "decision")
    assert NAME in manager.messages[0]["content"]


def full_width(text: str) -> str:
    """A text as it is typed on an East Asian keyboard."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "accents apart": lambda text: unicodedata.normalize("NFD", text),
    "full width": full_width,
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "thin spaces": lambda text: text.replace(" ", "\u2009"),
    "invisible characters": lambda text: "\u200b".join(text),
    "escaped": lambda text: json.dumps({"x": text}),
    "escaped twice": lambda text: json.dumps({"x": json.dumps([text])}),
    "over two lines": lambda text: text.replace(" ", "\n") if text == NAME else text,
    "dashes": lambda text: text.replace(" ", "\u2013") if text == CARD else text,
    "dots": lambda text: text.replace(" ", ".") if text == CARD else text,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_hidden_however_it_is_written(secret: str, spelling: str) -> None:
    """Unicode and JSON have many ways to write the same text."""
    written = SPELLINGS[spelling](secret)
    hidden = REDACTOR(f"it is {written} ok")
    assert hidden.startswith("it is ")
    assert hidden.endswith(" ok")
    assert written not in hidden
    assert secret not in unicodedata.normalize("NFKC", hidden).replace("\u200b", "")
    if written.startswith("{"):
        json.loads(hidden[6:-3])


@pytest.mark.parametrize(
    "around", ["{} 12/27 123", "{} 123", "12 {}", "order 889 {} 2027-01", "{},123", "({})", "no:{}.", "{}\n{}"]
)
@pytest.mark.parametrize("card", [CARD, "4111-1111-1111-1111", "3782 822463 10005", "6011000990139424"])
def test_a_card_is_hidden_beside_other_numbers(card: str, around: str) -> None:
    """Before its date and code, after another number."""
    assert Redactor()(around.format(card, card)) == around.format("[card]", "[card]")


@pytest.mark.parametrize(
    "text",
    [
        "0.4111111111111111",
        "4111 1111 1111 1112 12/27 123",
        "2026-11-22 15:00:00.123456",
        "[1, 2, 3, 4111, 1111, 1111, 1111]",
        "sha 4f41111111111111112c",
        "C:\\new\\table",
    ],
)
def test_other_numbers_and_paths_stay(text: str) -> None:
    """Decimals, times, lists and checksums are what the conversation is about."""
    assert Redactor()(text) == text


@given(st.text(max_size=40), st.sampled_from(SECRETS), st.text(max_size=40))
def test_a_secret_is_hidden_among_any_characters(before: str, secret: str, after: str) -> None:
    """A text to hide goes in any surroundings, and text further away stays."""
    hidden = Redactor(patterns=(), hide=(secret,))(f"{before} {secret} {after}")
    assert "[redacted]" in hidden
    assert hidden.startswith(before.split("\\")[0][:0])
    assert secret not in hidden.replace("[redacted]", "")


def test_a_log_of_a_real_stream_is_redacted_to_the_end() -> None:
    """Through the SDK and the logging transport, as a program meets it."""
    import anthropic

    from labkit.logging_transport import recording

    body = bytes(streamed({"type": "text", "text": ""}, [{"type": "text_delta", "text": "sk-abcd"}]).received).decode()
    body += event("message_delta", delta={"stop_reason": "end_turn"}, usage={})
    answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body.encode())
    log: Log = []
    transport = recording(httpx2.MockTransport(lambda _: answer), log, "live")
    client = anthropic.Anthropic(api_key="k", http_client=anthropic.DefaultHttpxClient(transport=transport))
    with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": f"I am {NAME}"}]) as s:
        s.until_done()
    [clean] = redacted_log(log, REDACTOR)
    assert NAME.encode() not in clean.sent
    assert json.loads(clean.sent)["model"] == "m"
