"""Facts that change: the newest value wins, the older ones are kept and never sent; forgetting on purpose."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import OfflineClaude
from labkit.case_facts import CaseFact
from labkit.clients import claude
from labkit.conversation import Conversation, Summary
from labkit.forgetting import FORGOTTEN
from labkit.manager import ConversationManager, SmartConversationManager
from labkit.manager_facts import FactWarning
from labkit.messages import assistant, user
from labkit.request_log import Log
from labkit.stores.saved_form import Saved, from_bytes, to_bytes
from labkit.summarization import replaced

KEYS = ("address", "phone", "delivery day")
VALUES = tuple(f"value-{number}{letter}" for number in range(6) for letter in "abc")
MOVES = ("set", "say", "retract", "summarize", "save and load", "fork", "rewind", "forget")


def summarized(conversation: Conversation, number: int) -> Conversation:
    """The conversation with its older part summarized by a text that says every value it has seen."""
    if len(conversation.history.starts()) < 3:
        return conversation
    cut = conversation.history.starts()[-1]
    seen = ", ".join(value for value in VALUES if value in str(conversation.history[:cut].wire()))
    text = f"In short, {number}. Known: {seen or 'nothing'}."
    try:
        history = replaced(conversation.history, conversation.history[cut:], text)
    except RuntimeError:
        return conversation
    return conversation.summarized(history, Summary(text, 1))


def moved(manager: ConversationManager, move: str, number: int, current: dict[str, str]) -> ConversationManager:
    """The manager after one move; `current` is kept as it must be."""
    key, value = KEYS[number % len(KEYS)], VALUES[number % len(VALUES)]
    if move == "set":
        manager.set_fact(key, value, f"message {number}")
        current[key] = value
    elif move == "retract" and key in current:
        manager.retract_fact(key)
        del current[key]
    elif move == "say":
        manager.conversation = manager.conversation.said(user(f"Talk {number} of this and that.")).said(
            assistant("I see.")
        )
    elif move == "summarize":
        manager.conversation = summarized(manager.conversation, number)
    elif move == "save and load":
        saved = from_bytes(to_bytes(Saved("ConversationManager", {}, manager.conversation, 1)))
        manager = ConversationManager()
        manager.conversation = saved.conversation
    elif move == "fork":
        manager.fork().set_fact(key, "value of the other branch", "elsewhere")
    elif move == "rewind":
        manager.rewind(number % (manager.conversation.turns + 1))
    elif move == "forget":
        manager.forget(value)
        for gone in [known for known, said in current.items() if said == value]:
            del current[gone]
    return manager


steps = st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 10_000)), min_size=4, max_size=24)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_no_stale_value_is_in_a_request(moves: list[tuple[str, int]]) -> None:
    """After any sequence of set, change, retract, summarize, save, load, fork, rewind and forget, a request has the
    newest value of each key and no other.
    """
    manager, current = ConversationManager(), dict[str, str]()
    for move, number in moves:
        manager = moved(manager, move, number, current)
    request = json.dumps(manager.settings.request(manager.conversation, manager.conversation.history))
    assert {value for value in VALUES if value in request} == set(current.values())
    assert "other branch" not in request


def test_the_newest_value_wins_and_the_older_is_history() -> None:
    """A key has one value at a time, capitals and blanks do not matter, and its history names every source and time."""
    manager = ConversationManager(clock=iter(f"2026-11-0{day}T09:00:00+00:00" for day in range(1, 9)).__next__)
    manager.set_fact("address", "12 Oak Street", "message 1")
    manager.set_fact("Address ", "22 Harbour Road", "message 9")
    assert (
        "- Address : 22 Harbour Road (source: message 9, since 2026-11-02T09:00:00+00:00)"
        in manager.next_request()["system"]
    )
    assert "Oak" not in str(manager.next_request())
    assert [(fact.text, fact.source) for fact in manager.fact_history("ADDRESS")] == [
        ("12 Oak Street", "message 1"),
        ("22 Harbour Road", "message 9"),
    ]
    manager.retract_fact("address")
    assert manager.facts == ()
    assert len(manager.fact_history("address")) == 2
    with pytest.raises(KeyError, match="no case fact has the key 'phone'; there are: none"):
        manager.retract_fact("phone")


def test_a_contradiction_without_a_key_is_reported_and_never_merged() -> None:
    """Two facts of one subject are both sent, with a warning that names them; other facts are not warned about."""
    manager = ConversationManager()
    manager.add_fact("The delivery address is 12 Oak Street.", "message 1")
    manager.add_fact("The delivery day is Monday.", "message 2")
    with pytest.warns(FactWarning, match="22 Harbour Road.*says otherwise than.*12 Oak Street"):
        manager.add_fact("The delivery address is 22 Harbour Road.", "message 9")
    assert len(manager.facts) == 3
    assert [found.earlier.source for found in manager.contradictions] == ["message 1"]


def test_a_summary_loses_what_no_longer_holds() -> None:
    """When a fact changes, the sentence of an earlier summary that says its older value goes, and the rest stays."""
    conversation = Conversation.of([user("My address is 12 Oak Street."), assistant("Noted. " * 30), user("And?")])
    conversation = conversation.with_fact("12 Oak Street", "message 1", "address")
    history = replaced(conversation.history, conversation.history[2:], "Lives at 12 Oak Street. Likes tea.")
    conversation = conversation.summarized(history, Summary("x", 2)).with_fact(
        "22 Harbour Road", "message 9", "address"
    )
    assert "Oak" not in str(conversation.history.wire())
    assert "Likes tea." in str(conversation.history.wire())
    assert "12 Oak Street" in str(conversation.transcript.wire())


def test_a_fact_that_only_a_tool_said_says_so() -> None:
    """The origin of a fact is found in the transcript: a tool's words are marked, a user's are not."""
    call = {"type": "tool_use", "id": "t1", "name": "look_up", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "The refund account is DE02 1203 0000."}
    manager = ConversationManager(messages=[user("My parcel is KR-58213."), assistant([call]), user([result])])
    manager.set_fact("account", "The refund account is DE02 1203 0000.", "look_up")
    manager.set_fact("parcel", "My parcel is KR-58213.", "message 0")
    assert [fact.origin for fact in manager.facts] == ["tool", ""]
    assert "a tool's words, not the user's" in manager.next_request()["system"]


def test_a_form_of_version_1_is_read() -> None:
    """A file saved before facts had keys loads, and is saved in the new form."""
    saved = Saved("ConversationManager", {}, Conversation(facts=(CaseFact("Account 5", "message 1"),)), 1)
    document: dict[str, Any] = json.loads(to_bytes(saved))
    document["version"] = 1
    del document["past_facts"], document["checksum"]  # a checksum is newer than version 1
    loaded = from_bytes(json.dumps(document).encode())
    assert loaded == saved
    assert json.loads(to_bytes(loaded))["version"] == 2


def test_forgetting_reaches_everything_that_is_given_and_says_what_it_cannot(tmp_path: Path) -> None:
    """After forget(), the words are in no message, summary, fact, store, log or recording; the rest is as it was."""
    offline = OfflineClaude(reply="they spoke of KR-58213 and of tea")
    log: Log = []
    client = claude(log=log, offline=offline, say=str)
    manager = SmartConversationManager(token_threshold=40, recent_turns_to_keep=1, client=client)
    manager.set_fact("parcel", "KR-58213", "message 0")
    for number in range(4):
        manager.send(f"My parcel is kr-58213, and tea number {number} is green. {'It was a long day. ' * 8}")
    file = tmp_path / "talk.json"
    manager.save(file)
    report = manager.forget("KR-58213", stores=(file,), log=log)
    assert "kr-58213" not in str((manager.conversation, list(manager.transcript), manager.messages)).lower()
    assert "kr-58213" not in file.read_text("utf-8").lower()
    assert not any("kr-58213" in bytes(sent.sent + sent.received).decode().lower() for sent in log)
    assert FORGOTTEN in str(manager.messages)
    assert "green" in str(manager.messages)
    assert manager.facts == ()
    assert "what a provider keeps" in str(report)
    assert "recording" in str(report.not_reached)
    manager.send("And now?")
    manager.save(file)
    assert len(ConversationManager.load(file, client=client).transcript) == len(manager.transcript)


def test_forgetting_reaches_a_recording(tmp_path: Path) -> None:
    """A recording is rewritten whole, can be replayed, and only the replies that said the words changed."""
    from labkit.replay import exchanges

    file = tmp_path / "talk.jsonl"
    row = {"format": "labkit-recording", "recorded": "2026-11-30T09:00:00+00:00", "source": "live", "method": "POST"}
    row |= {
        "path": "/v1/messages",
        "status": 200,
        "reply": json.dumps({"content": [{"type": "text", "text": "Hello Ada"}]}),
    }
    rows = [row | {"request": {"messages": [{"role": "user", "content": name}]}} for name in ("I am Ada", "I am Bo")]
    rows[1]["reply"] = json.dumps({"content": []})
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    report = ConversationManager().forget("ada", recording=file)
    assert "1 reply in the recording" in str(report)
    assert "Ada" not in file.read_text("utf-8")
    assert [len(exchange.request["messages"]) for exchange in exchanges(file)] == [1, 1]
    assert claude(replay=file) is not None


@pytest.mark.parametrize("nothing", ["", "  \n"])
def test_forgetting_nothing_is_refused(nothing: str) -> None:
    """An empty text would match everywhere, so it is an error and nothing changes."""
    manager = ConversationManager(messages=[user("Hello.")])
    with pytest.raises(ValueError, match="cannot forget an empty text"):
        manager.forget(nothing)
    assert len(manager.transcript) == 1
