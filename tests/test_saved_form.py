"""The saved form carries a conversation through bytes exactly, and refuses every other thing with a reason."""

import json
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conversations import as_json
from hypothesis import given, settings
from hypothesis import strategies as st
from saved_conversations import folded, json_values, saved
from savers import talk

import labkit
from labkit.conversation import CaseFact, Conversation, Summary
from labkit.messages import History, Message, assistant, user
from labkit.stores.saved_form import (
    LARGEST_BYTES,
    Saved,
    SavedFormError,
    Seal,
    check_size,
    document_of,
    from_bytes,
    sealed,
    to_bytes,
    unsealed,
)
from labkit.stores.saved_schema import (
    SavedFact,
    SavedForm,
    SavedMessage,
    SavedMeter,
    SavedSummary,
    SavedUsage,
    problem_in,
    schema,
)
from labkit.strategies import KeepRecent, explain
from labkit.summarization import is_summary
from labkit.tokens import Meter, Usage

DATA = Path(__file__).parent / "data"


def specimen() -> Saved:
    """One conversation with a little of everything, whose saved form is kept in tests/data."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"q": "order 889", "n": 1.5}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sent on Tuesday"}
    thinking = {"type": "thinking", "thinking": "Which order?", "signature": "sig-1"}
    said = History(
        [
            user("Where is order 889? 🙂", pinned=True, importance=0.9, timestamp="2026-11-22T09:00:00+00:00"),
            assistant([thinking, call]),
            user([result]),
            assistant("Sent on Tuesday."),
            user("Danke, schönen Tag!", flags=("greeting",)),
            assistant("Gern."),
        ]
    )
    history = folded(said, 4, "order 889 was sent on Tuesday")
    return Saved(
        "SmartConversationManager",
        {"model": "claude-sonnet-4-6", "token_threshold": 500, "tools": [{"name": "look_up", "strict": None}]},
        Conversation(
            system="You answer for a shop.",
            transcript=said,
            history=history,
            facts=(CaseFact("order 889", "the customer, message 1"),),
            summaries=(Summary("order 889 was sent on Tuesday", 4, Usage(310, 25, requests=1)),),
            failures=1,
            usage=Usage(900, 60, 100, 200, 4),
            last=Usage(210, 9, 0, 200, 1),
            meter=Meter(419, history[:3]),
        ),
        revision=7,
    )


def everyone(conversation: Conversation) -> list[Message]:
    """The messages of the transcript, of the history and of what the meter saw."""
    return [*conversation.transcript, *conversation.history, *(conversation.meter.view or ())]


def web(messages: Iterable[Message]) -> list[Any]:
    """The messages that each message replaces, all the way down (`==` between messages leaves it out)."""
    return [web(message.replaces) for message in messages]


@given(saved)
def test_whatever_is_saved_comes_back_exactly(before: Saved) -> None:
    """Every field, the wire to the byte, every replacement; and saving again gives the same bytes."""
    data = to_bytes(before)
    after = from_bytes(data)
    assert after == before
    assert json.dumps(after.settings) == json.dumps(before.settings)
    for name in ("transcript", "history"):
        assert as_json(getattr(after.conversation, name)) == as_json(getattr(before.conversation, name))
    assert web(everyone(after.conversation)) == web(everyone(before.conversation))
    assert to_bytes(after) == data


@given(saved)
def test_messages_that_were_one_are_one_again(before: Saved) -> None:
    """After a load the history, the meter and what is replaced share the transcript's objects as they did before."""
    after = from_bytes(to_bytes(before))

    def names(conversation: Conversation) -> list[int]:
        pool = everyone(conversation)
        pool += [older for message in pool for older in message.replaces]
        first: dict[int, int] = {}
        return [first.setdefault(id(message), len(first)) for message in pool]

    assert names(after.conversation) == names(before.conversation)


@given(saved)
def test_records_come_back_as_what_they_were(before: Saved) -> None:
    """Peers, row 33: a summary that comes back from a store as a dict breaks the next turn."""
    after = from_bytes(to_bytes(before)).conversation
    assert all(type(summary) is Summary and type(summary.usage) is Usage for summary in after.summaries)
    assert all(type(fact) is CaseFact for fact in after.facts)
    assert {type(after.usage), type(after.last)} == {Usage}
    assert type(after.meter) is Meter
    assert all(type(message) is Message for message in everyone(after))
    assert {type(after.transcript), type(after.history)} == {History}


def test_an_explanation_survives_a_save() -> None:
    """The fate of each message is given in the same words before and after."""
    before = specimen().conversation
    after = from_bytes(to_bytes(specimen())).conversation
    for steps in ((), (KeepRecent(3),), (KeepRecent(1),)):
        told = explain(steps, after.history, after.transcript)
        assert told == explain(steps, before.history, before.transcript)
        assert len(told) >= len(before.transcript)


def test_a_count_stays_exact_across_a_save() -> None:
    """The meter goes on from the last bill, as if nothing had happened."""
    said = talk(3)
    billed = said.billed(Usage(900, 30, requests=1), said.history[:-1])
    loaded = from_bytes(to_bytes(Saved("ConversationManager", {}, billed, 1))).conversation
    asked = loaded.said(user("And now?"))
    assert loaded.meter.count(loaded.history).exact == 930
    assert str(asked.meter.count(asked.history)) == str(billed.meter.count(billed.said(user("And now?")).history))


def test_a_history_that_is_the_transcript_is_written_once() -> None:
    """Said once, stored once, and one object again, so that an append stays cheap."""
    before = Saved("ConversationManager", {}, Conversation.of([user("only-once")]), 1)
    data = to_bytes(before)
    assert data.count(b"only-once") == 1
    assert json.loads(data)["history"] is None
    after = from_bytes(data).conversation
    assert after.history is after.transcript


def test_a_message_behind_a_compaction_marker_stays() -> None:
    """Peers, row 32: what was said before an inline compaction block is stored like all the rest."""
    marker = assistant([{"type": "compaction", "content": "in short: order 889"}])
    said = [*talk(2).transcript, marker, user("And now?")]
    before = Saved("ConversationManager", {}, Conversation.of(said), 1)
    assert from_bytes(to_bytes(before)).conversation.transcript == said


def test_half_a_surrogate_pair_is_no_obstacle() -> None:
    """Text that UTF-8 cannot carry is escaped instead."""
    before = Saved("ConversationManager", {}, Conversation.of([user("cut emoji \ud83d")]), 1)
    assert from_bytes(to_bytes(before)) == before


def test_version_1_is_what_it_was() -> None:
    """The file in tests/data was written once, before facts had keys: it must always load."""
    loaded = from_bytes((DATA / "saved_version_1.json").read_bytes())
    now = replace(specimen(), conversation=replace(specimen().conversation, sent_whole=0))
    assert loaded == now
    assert web(everyone(loaded.conversation)) == web(everyone(now.conversation))


def test_version_2_is_what_it_was() -> None:
    """The file in tests/data was written once: it must always load, and this version must write it to the byte."""
    kept = (DATA / "saved_version_2.json").read_bytes()
    assert from_bytes(kept) == specimen()
    assert to_bytes(specimen()) == kept


@pytest.mark.parametrize(
    ("form", "kind", "beside"),
    [
        (SavedMessage, Message, set()),
        (SavedUsage, Usage, set()),
        (SavedFact, CaseFact, set()),
        (SavedSummary, Summary, set()),
        (SavedMeter, Meter, set()),
        (SavedForm, Conversation, {"format", "version", "revision", "kind", "settings", "beside", "checksum"}),
    ],
)
def test_no_field_is_forgotten(form: Any, kind: Any, beside: set[str]) -> None:
    """A field that is added to a value must be added to its saved form."""
    assert set(form.__annotations__) - beside == {field.name for field in fields(kind)}


def test_the_schema_file_is_the_schema() -> None:
    """`python -m labkit.stores.saved_schema > FILE` has been run on saved_form.schema.json since the form changed."""
    kept = Path(labkit.__file__).with_name("stores").joinpath("saved_form.schema.json").read_text("utf-8")
    assert json.loads(kept) == schema()
    jsonschema.Draft202012Validator.check_schema(schema())


@given(saved)
@settings(max_examples=50)
def test_the_schema_accepts_what_is_saved(before: Saved) -> None:
    """A port in another language can check files by the schema alone."""
    jsonschema.Draft202012Validator(schema()).validate(json.loads(to_bytes(before)))


def paths(value: Any, so_far: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """The places of everything inside a JSON value."""
    yield so_far
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from paths(item, (*so_far, key))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with something else at a place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


DOCUMENT = document_of(specimen())


@given(st.sampled_from(list(paths(DOCUMENT))), json_values)
@settings(max_examples=500)
def test_any_damage_is_refused_or_harmless(path: tuple[Any, ...], new: Any) -> None:
    """Something else anywhere in a file: an error that says so, or a conversation that can be saved; no other error."""
    damaged = changed(DOCUMENT, path, new)
    try:
        loaded = from_bytes(json.dumps(damaged).encode(), "talk.json")
    except SavedFormError:
        return
    assert from_bytes(to_bytes(loaded)) == loaded


@given(st.sampled_from(list(paths(DOCUMENT))), json_values)
def test_the_schema_and_the_check_agree(path: tuple[Any, ...], new: Any) -> None:
    """Each refuses what the other refuses, so that the schema is no second opinion."""
    damaged = changed(DOCUMENT, path, new)
    by_schema = jsonschema.Draft202012Validator(schema()).is_valid(damaged)
    assert by_schema == (problem_in(damaged) is None) or _whole_float(new)


def _whole_float(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()  # 1.0 is an integer in JSON Schema and not in Python


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    """Foreign bytes give the one error, whatever they are."""
    with pytest.raises(SavedFormError):
        from_bytes(data)


def test_a_file_cut_anywhere_is_refused() -> None:
    """No beginning of a file passes for a whole one."""
    whole = to_bytes(specimen())
    for length in range(len(whole.rstrip())):
        with pytest.raises(SavedFormError):
            from_bytes(whole[:length])


def text_with(**changes: Any) -> str:
    """The specimen's document with other values at its top, as text."""
    return json.dumps(DOCUMENT | changes)


def message(**changes: Any) -> str:
    """A document whose only message has these keys."""
    row = {"role": "user", "content": "hello"} | changes
    return text_with(transcript=[row], history=None, beside=[], meter={"tokens": 0, "view": None})


DEEP = "[" * 100_000 + "]" * 100_000
HOSTILE = {
    "empty": ("", "not JSON, or was cut off"),
    "cut off": (text_with()[:500], "cut off: .* at character"),
    "not text": (b"\xff\xfe\x00\xd8\x00", "not a saved conversation"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not a saved conversation"),
    "a list": ("[1, 2]", 'a list, and no "format": "labkit-conversation"'),
    "another program's file": ('{"nbformat": 4, "cells": []}', "it has keys 'nbformat', 'cells', and no"),
    "newer": (text_with(version=3), "newer labkit .version 3 .*, this one reads 2.: update labkit"),
    "version as text": (text_with(version="1"), "version is '1': Input should be a valid integer"),
    "version true": (text_with(version=True), "version is True"),
    "deep": (DEEP, "nested too deeply"),
    "deep in a block": (message(content=[{"type": "x", "y": 0}]).replace('"y": 0', f'"y": {DEEP}'), "too deeply"),
    "deep in the settings": (
        text_with(settings={"x": 0}).replace('"x": 0', f'"x": {"[" * 300}{"]" * 300}'),
        "settings.x",
    ),
    "NaN": (text_with(failures=float("nan")), "NaN is not a number that JSON knows"),
    "infinity by digits": (message(importance=0).replace('"importance": 0', '"importance": 1e999'), "out of bounds"),
    "a key twice": (text_with().replace('"kind"', '"failures": 0, "kind"'), "key 'failures' is there twice"),
    "a role of a wrong type": (message(role=5), "transcript.0..role is 5: Input should be 'user'"),
    "an unknown role": (message(role="robot"), "transcript.0..role is 'robot'"),
    "content of a wrong type": (message(content=5), "content is 5: Input should be a valid string or .* a valid list"),
    "an empty message": (message(content=" "), "message 0: a user message needs text"),
    "a block without a type": (message(content=[{"text": "x"}]), "message 0: block 0"),
    "a message that is text": (text_with(transcript=["hello"]), "transcript.0. is 'hello'"),
    "an extra key in a message": (message(color="red"), "transcript.0. has the unknown key 'color'"),
    "an extra key": (text_with(more=1), "the document has the unknown key 'more'"),
    "a key missing": ('{"format": "labkit-conversation", "version": 1}', "the document has no 'revision'"),
    "pinned by text": (message(pinned="yes"), "pinned is 'yes'"),
    "flags as text": (message(flags="decision"), "flags is 'decision'"),
    "a million million messages": (text_with(history=[10**12]), "names message 1,000,000,000,000, but has 8"),
    "a meter that saw more": (text_with(meter={"tokens": 1, "view": 9}), "saw 9 messages of a history of 4"),
    "a place that is no place": (message(replaces=[3]), "names message 3, but has 1"),
    "a negative place": (message(replaces=[-1]), "replaces.0. is -1"),
    "a message that replaces itself": (message(replaces=[0]), "replace one another"),
    "a huge count": (text_with(failures=10**30), "failures is 1000000000000000000000000000000"),
    "a number of 5,000 digits": (text_with(failures=0).replace('"failures": 0', f'"failures": {"9" * 5000}'), "limit"),
    "a negative count": (text_with(failures=-1), "failures is -1"),
    "revision 0": (text_with(revision=0), "revision is 0"),
    "a fact without words": (text_with(facts=[{"text": " ", "source": "x"}]), "a case fact needs its words"),
    "a million wrong messages": (text_with(transcript=[5] * 1_000_000), "transcript.0. is 5"),
    "a textbook role": ('{"system_prompt": "", "model": "m", "messages": [{"role": 1, "content": ""}]}', "role is 1"),
    "a textbook key": ('{"system_prompt": "", "model": "m", "messages": [], "mood": 1}', "unknown key 'mood'"),
    "both spellings": ('{"system_prompt": "", "systemPrompt": "", "model": "", "messages": []}', "has a key twice"),
    "a textbook history": ('{"systemPrompt": "", "model": "m", "messages": [], "summaryHistory": [5]}', "is 5"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_conversation_is_refused_with_a_reason(name: str) -> None:
    """Cut off, foreign, newer or hostile: a short error says which thing is wrong, and where."""
    text, reason = HOSTILE[name]
    with pytest.raises(SavedFormError, match=reason) as caught:
        from_bytes(text if isinstance(text, bytes) else text.encode(), "talk.json")
    assert len(str(caught.value)) < 400
    assert str(caught.value).startswith("talk.json ")


def test_the_document_around_the_hostile_cases_is_good() -> None:
    """Unchanged it loads, so each case fails for its own reason."""
    assert from_bytes(text_with().encode()) == specimen()
    assert from_bytes(message().encode()).conversation.transcript == [user("hello")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_other_encodings_of_unicode_are_read(encoding: str) -> None:
    """An editor on Windows may have stored the file again."""
    assert from_bytes(to_bytes(specimen()).decode().encode(encoding)) == specimen()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"settings": {"client": object()}}, "settings.client is a object"),
        ({"settings": {"tools": ("a",)}}, "settings.tools is a tuple"),
        ({"settings": {"x": float("inf")}}, "cannot be saved as JSON"),
        ({"kind": ""}, "kind is ''"),
        ({"revision": 0}, "revision is 0"),
        ({"conversation": Conversation.of([user("hi", importance="high")])}, "importance is 'high'"),
        ({"conversation": Conversation.of([user("hi", importance=float("nan"))])}, "importance is nan"),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(change: dict[str, Any], reason: str) -> None:
    """The check before a write is the check after a read."""
    with pytest.raises(SavedFormError, match=f"cannot be saved.*{reason}|{reason}"):
        to_bytes(replace(specimen(), **change))


def test_sizes_have_a_limit() -> None:
    """Half a gigabyte passes, a byte more does not, and both numbers are given."""
    check_size(LARGEST_BYTES, "talk.json")
    with pytest.raises(SavedFormError, match=r"talk.json has 500,000,001 bytes; .* at most 500,000,000"):
        check_size(LARGEST_BYTES + 1, "talk.json")


def test_a_seal_is_used_both_ways() -> None:
    """The stored bytes are those that the seal makes, and another seal's bytes are refused with its words."""

    def unbox(data: bytes) -> bytes:
        if not data.startswith(b"box:"):
            raise KeyError("no box")
        return data[:3:-1]

    seal = Seal(lambda plain: b"box:" + plain[::-1], unbox)
    stored = sealed(specimen(), seal)
    assert stored == b"box:" + to_bytes(replace(specimen(), revision=8))[::-1]
    assert unsealed(stored, "talk", seal) == replace(specimen(), revision=8)
    with pytest.raises(SavedFormError, match=r"talk cannot be unsealed \(KeyError 'no box'\).*it was left as it is"):
        unsealed(sealed(specimen()), "talk", seal)
    with pytest.raises(SavedFormError, match=r"if it was sealed, give the store its seal"):
        unsealed(stored, "talk")


TEXTBOOK = {
    "saved_textbook_python.json": (6, 6, 1071, 511, 111, 3),
    "saved_textbook_lab.json": (6, 0, 1066, 511, 0, 0),
    "saved_textbook_node.json": (4, 8, 349, 68, 72, 3),
}


@pytest.mark.parametrize("name", TEXTBOOK)
def test_a_file_of_the_textbook_version_loads(name: str) -> None:
    """Saved by its own code, in Python and in Node.js: messages, summary and totals come over, spelled either way."""
    stored = json.loads((DATA / name).read_bytes())
    loaded = from_bytes((DATA / name).read_bytes())
    messages, covered, read, written, summary_tokens, requests = TEXTBOOK[name]
    conversation = loaded.conversation
    assert (loaded.kind, loaded.settings, loaded.revision) == (
        "SmartConversationManager",
        {"model": "claude-sonnet-4-6"},
        1,
    )
    assert conversation.transcript.wire() == stored["messages"]
    assert len(conversation.transcript) == messages
    assert conversation.history is conversation.transcript
    assert [is_summary(message) for message in conversation.transcript[:3]] == [True, True, False]
    assert conversation.system.startswith("You are a patient")
    assert (conversation.usage.total_input, conversation.usage.output_tokens) == (read, written)
    usage = Usage(0, summary_tokens, requests=requests)
    assert conversation.summaries == (Summary(stored["summary"], covered, usage),)


def test_a_textbook_file_without_anything_in_it_loads() -> None:
    """Saved by Node.js before the first turn: no summary, no messages."""
    loaded = from_bytes((DATA / "saved_textbook_node_new.json").read_bytes())
    assert loaded.conversation == Conversation(system="You are a helpful assistant.")


def test_settings_that_somebody_added_to_a_textbook_file_are_kept() -> None:
    """The textbook's own code forgets them; a learner who repaired that finds them again."""
    mended = {
        "systemPrompt": "Be brief.",
        "model": "claude-sonnet-4-6",
        "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello."}],
        "tokenThreshold": 500,
        "recent_turns": 2,
        "maxTokens": 300,
        "lastInputTokens": 41,
    }
    loaded = from_bytes(json.dumps(mended).encode())
    assert loaded.settings == {
        "model": "claude-sonnet-4-6",
        "max_tokens": 300,
        "token_threshold": 500,
        "recent_turns_to_keep": 2,
    }
    assert loaded.conversation.last.total_input == 41
    assert not any(map(is_summary, loaded.conversation.transcript))
    windowed = from_bytes(json.dumps(mended | {"window_size": 6}).encode())
    assert (windowed.kind, windowed.settings["window_size"]) == ("SlidingWindowManager", 6)
