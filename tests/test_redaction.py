"""Redaction finds what has a form, hides what it is asked to, leaves everything else, and never breaks a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import claude
from labkit.conversation import Conversation
from labkit.messages import History, assistant, user
from labkit.redaction import Redactor, redacted
from labkit.request_log import Log, redacted_log
from tests.conversations import as_json, conversations

FOUND = [
    ("write to ada.l@example.co.uk today", "write to [e-mail] today"),
    ("card 4111 1111 1111 1111, thanks", "card [card], thanks"),
    ("card 4111-1111-1111-1111", "card [card]"),
    ("call +47 912 34 567 now", "call [phone] now"),
    ("call (555) 123-4567", "call [phone]"),
    ("SSN 078-05-1120.", "SSN [ssn]."),
    ("pay DE89 3704 0044 0532 0130 00", "pay [iban]"),
    ("key sk-ant-api03-AbC_123-xyz", "key [key]"),
]
LEFT = [
    "order 889 and order 898",
    "account 55120934",
    "number 4111 1111 1111 1112 fails the check",
    "4,096 tokens on 2026-11-22 at 15:00",
    "version 3.12.1",
    "see @ada and #889",
]


@pytest.mark.parametrize(("text", "clean"), FOUND)
def test_what_has_a_form_is_found(text: str, clean: str) -> None:
    """Each pattern, in a sentence."""
    assert Redactor()(text) == clean


@pytest.mark.parametrize("text", LEFT)
def test_what_has_another_form_is_left(text: str) -> None:
    """Order numbers, dates and amounts are what the conversation is about."""
    assert Redactor()(text) == text


@given(st.sampled_from([f for f, _ in FOUND]))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    """The marks are not found again."""
    once = Redactor()(text)
    assert Redactor()(once) == once


@given(conversations(), st.sampled_from(["889", "Oslo", "漢字"]))
def test_a_redacted_copy_holds_nothing_of_what_was_hidden(history: History, secret: str) -> None:
    """The copy is clean in text, tool calls and tool results, and the conversation keeps the words."""
    before = as_json(history)
    assert secret not in as_json(redacted(history, [secret]))
    assert as_json(history) == before


def test_any_function_can_redact() -> None:
    """A caller's own detector fits in."""
    history = History([user("I am Ada"), assistant("Hello Ada")])
    assert [m.text for m in redacted(history, lambda text: text.replace("Ada", "[name]"))] == [
        "I am [name]",
        "Hello [name]",
    ]


def test_ids_and_signatures_are_left_alone() -> None:
    """They hold the request together."""
    call = assistant([{"type": "tool_use", "id": "889", "name": "look", "input": {"order": "889"}}])
    block = redacted(History([user("hi"), call]), ["889"])[1].blocks[0]
    assert (block["id"], block["input"]) == ("889", {"order": "[redacted]"})


def test_bad_settings_are_refused() -> None:
    """An empty string would stand everywhere; an unknown pattern finds nothing."""
    with pytest.raises(ValueError, match="empty string"):
        redacted(History([user("hi")]), ["889", ""])
    with pytest.raises(ValueError, match=r"no pattern 'names'.*e-mail"):
        Redactor(patterns=("names",))


def test_a_whole_conversation_is_redacted_for_the_store() -> None:
    """Transcript, working history, case facts, summaries and system prompt; the conversation keeps the words."""
    whole = Conversation.of([user("I am ada@example.com"), assistant("Noted.")], system="Serve ada@example.com.")
    whole = whole.with_fact("Mail: ada@example.com", source="message 0")
    copy = whole.redacted(Redactor())
    assert "ada@" not in repr((list(copy.transcript), list(copy.history), copy.facts, copy.system))
    assert whole.transcript[0].text == "I am ada@example.com"
    assert copy.history is copy.transcript


def test_a_log_is_redacted_for_keeping() -> None:
    """Requests, replies and streams, with the numbers left as they are."""
    log: Log = []
    client = claude(log=log)
    ask = {
        "model": "claude-sonnet-4-6",
        "max_tokens": 40,
        "messages": [{"role": "user", "content": "My mail is ada@example.com"}],
    }
    client.messages.create(**ask)
    with client.messages.stream(**ask) as stream:
        stream.until_done()
    clean = redacted_log(log, Redactor())
    assert all(b"ada@" not in sent.sent for sent in clean)
    assert [sent.usage for sent in clean] == [sent.usage for sent in log]
    assert b"ada@" in log[0].sent
