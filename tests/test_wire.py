"""The views of the wire show what left: every byte counted, new parts named in words, the key nowhere."""

import json
import re
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import ConversationManager, KeepRecent, claude
from labkit.messages import History, Message, assistant, user
from labkit.request_log import Sent
from labkit.strategies import explain
from labkit.teach.cells.wire import as_timeline, block_in_words, show_log, show_request
from tests.conversations import conversations

OFFLINE = "offline (simulated)"


def record(messages, source=OFFLINE, **more):
    """A record of a request with these messages."""
    body = {"model": "claude-sonnet-4-6", "max_tokens": 99, **more, "messages": History(messages).wire()}
    answer = {"usage": {"input_tokens": 1234, "output_tokens": 5}}
    received = bytearray(json.dumps(answer).encode())
    return Sent("POST", "/v1/messages", json.dumps(body).encode(), source, 200, received)


def marks(shown):
    """The plain form's marks with their lines, without the two lines above the body."""
    return [(line[:4].strip(), line[7:]) for line in shown.plain.splitlines()[2:]]


def body_of(shown):
    """The body as it can be read back from the plain form."""
    return json.loads("\n".join(line for mark, line in marks(shown) if mark != "gone"))


def as_text(html):
    """The text of HTML as a reader sees it."""
    return unescape(re.sub("<[^>]+>", "", html.replace("<br>", "\n").replace("</p>", "\n")))


TALK = (user("My number is 4711."), assistant("[simulated] Noted."), user("What is my number?"))


@given(conversations(), conversations(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_body_shown_is_the_body_sent(before, now, system):
    """The lines shown read back as exactly the request's body, whatever was sent, before or now."""
    sent = record(now, **({"system": "Be brief."} if system else {}))
    assert body_of(show_request(sent, record(before))) == sent.request
    assert json.loads("\n".join(show_request(sent).plain.splitlines()[2:])) == sent.request
    assert f"{len(sent.sent):,} bytes" in show_request(sent).plain


@given(conversations(), conversations())
@settings(max_examples=40, deadline=None)
def test_rich_and_plain_say_the_same(before, now):
    """The HTML says what the plain text says, letter by letter, so no mark is in colour alone."""
    shown = show_request(record(now), record(before))
    assert as_text(shown.rich).split() == shown.plain.split()


def test_new_parts_of_a_request_are_described():
    """The second request repeats the first word for word and adds two messages, and each line says which it is."""
    shown = show_request(record(TALK), record(TALK[:1]))
    assert "1 of its messages repeated word for word, 2 NEW." in shown.plain
    assert [mark for mark, line in marks(shown) if '"role"' in line] == ["same", "NEW", "NEW"]
    assert ("same", '  "model": "claude-sonnet-4-6",') in marks(shown)


def test_missing_parts_of_a_request_are_described():
    """A message and a field that the request before carried are shown as gone, and a changed field as new."""
    shown = show_request(record(TALK[2:], max_tokens=7), record(TALK, system="Be brief."))
    assert "1 of its messages repeated word for word, 0 NEW, 2 gone." in shown.plain
    assert [mark for mark, line in marks(shown) if '"role"' in line] == ["gone", "gone", "same"]
    assert ("gone", '  "system"') in marks(shown)
    assert ("NEW", '  "max_tokens": 7,') in marks(shown)


def test_repeated_messages_can_be_folded():
    """Folded, a long repetition is one line that counts it; what is new stays whole."""
    talk = [message for i in range(10) for message in (user(f"question {i}"), assistant(f"answer {i}"))]
    shown = show_request(record([*talk, user("last")]), record(talk), fold=True)
    assert "... 20 messages repeated word for word ..." in shown.plain
    assert "question 3" not in shown.plain
    assert ("NEW", '    {"role": "user", "content": "last"}') in marks(shown)


def test_html_is_escaped():
    """Nothing that was said becomes part of the page."""
    talk = [user("<script>alert(1)</script> & <b>bold</b>")]
    fates = explain((KeepRecent(2),), History(talk))
    for shown in (
        show_request(record(talk)),
        show_request(record(talk), record(TALK)),
        as_timeline(talk),
        as_timeline(fates),
    ):
        assert "<script>" not in shown.rich
        assert "<b>bold" not in shown.rich
        assert "&lt;script&gt;" in shown.rich


def test_a_key_never_shows():
    """A real client with a key sends it in a header, and no view of the wire has it."""
    log = []
    client = claude(log=log).with_options(api_key="sk-ant-secret-4711")
    client.messages.create(model="claude-sonnet-4-6", max_tokens=50, messages=[{"role": "user", "content": "Hello"}])
    for shown in (show_request(log[0]), show_log(log)):
        assert "secret" not in shown.plain + shown.rich
    assert "simulated" in show_request(log[0]).plain
    assert "simulated" in show_log(log).plain


def test_the_log_counts_what_was_sent_and_billed():
    """Each row has its request's messages, new messages, bytes and billed tokens, with separators."""
    log = []
    manager = ConversationManager("Be brief.", client=claude(log=log))
    for question in ("My account number is 4711.", "What is a token?"):
        manager.send(question)
    lines = show_log(log).plain.splitlines()
    assert lines[0].startswith("2 requests to POST /v1/messages; answered by offline Claude (simulated")
    assert lines[1].split()[:3] == ["request", "messages", "new"]
    rows = [line.split() for line in lines[2:]]
    billed = [(str(s.usage.total_input), str(s.usage.output_tokens)) for s in log]
    assert [tuple(row[-2:]) for row in rows] == billed
    assert [row[:3] for row in rows] == [["1", "1", "1"], ["2", "3", "2"]]
    assert [row[3] for row in rows] == [f"{len(sent.sent):,}" for sent in log]


def test_the_log_names_what_differs():
    """Addresses, failures and sources get a column only where they are not all the same."""
    failed = Sent("POST", "/v1/messages", b"{}", OFFLINE, 400, bytearray(b'{"type": "error"}'))
    mixed = show_log([record(TALK), failed, record(TALK, source="live")]).plain
    assert "400" in mixed
    assert "live Claude (token counts as billed)" in mixed
    assert "status" not in show_log([record(TALK)]).plain
    assert "GET /v1/models" in show_log([record(TALK), Sent("GET", "/v1/models", b"", OFFLINE, 200)]).plain


def test_a_long_log_shows_its_newest_requests():
    """A log of thousands does not fill the notebook: the newest are shown under their own numbers, and counted."""
    shown = show_log([record(TALK)] * 50, most=3).plain.splitlines()
    assert shown[0].startswith("the newest 3 of 50 requests to POST /v1/messages")
    assert [line.split()[0] for line in shown[2:]] == ["48", "49", "50"]


def test_an_empty_log_says_so():
    """Before the first request there is a sentence, not an empty table."""
    assert str(show_log([])) == "No request has left this machine yet."


@pytest.mark.parametrize(
    "wrong", [lambda: show_request("log"), lambda: show_request(record(TALK), {}), lambda: show_log([1])]
)
def test_other_things_than_records_are_refused(wrong):
    """A caller who passes something else learns what a record is and where to get one."""
    with pytest.raises(TypeError, match=r"records of a log, not (str|dict|int): claude\(log=log\) fills one"):
        wrong()


TOOLS = (
    user("weather in Oslo?"),
    Message("assistant", ({"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Oslo"}},)),
    Message("user", ({"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "4°C"}]},)),
    assistant("4°C."),
)


def test_the_timeline_says_who_said_what():
    """Text, a tool call with its arguments and a tool's result are each a row in words."""
    lines = as_timeline(TOOLS).plain.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4"]
    assert 'calls weather(city="Oslo")' in lines[1]
    assert "result of t1: 4°C" in lines[2]
    assert as_timeline([message.wire() for message in TOOLS]).plain == as_timeline(TOOLS).plain


@given(conversations(), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_the_timeline_explains_every_message(history, window):
    """With what `explain` gives, each message has a row with its fate and the reason for it."""
    fates = explain((KeepRecent(window),), history)
    shown = as_timeline(fates)
    assert shown.rich.count("<tr>") == len(history) + 1
    assert all(f'<td style="text-align:left">{fate.fate}</td>' in shown.rich for fate in fates)


def test_a_mixed_timeline_is_refused():
    """Messages and explanations are not mixed."""
    with pytest.raises(TypeError, match="this one mixes both"):
        as_timeline([*explain((), History(TALK)), TALK[0]])


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "thinking", "thinking": "hm", "signature": "s"}, "thinks: hm"),
        ({"type": "tool_result", "tool_use_id": "t", "content": "no", "is_error": True}, "error of t: no"),
        ({"type": "tool_result", "tool_use_id": "t"}, "result of t: "),
        ({"type": "image", "source": {}}, "[image]"),
        ({"type": "never_seen"}, "[never_seen]"),
    ],
)
def test_every_block_has_words(block, words):
    """Thinking, failures, pictures and unknown blocks are named too."""
    assert block_in_words(block) == words
