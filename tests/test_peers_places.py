"""Bugs of other projects in what is saved: one place taken for another, an unseen save, files that are not whole."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from labkit import ConversationManager, OfflineClaude, user
from labkit.conversation import Conversation
from labkit.messages import History
from labkit.replay import Recorder, TornLineWarning, exchanges
from labkit.request_log import Sent
from labkit.stores import ConversationConflict, JSONStore, RedisStore, SQLiteStore
from labkit.stores.bounds import DEEPEST
from labkit.stores.saved_form import Saved, SavedFormError, document_of, from_bytes, to_bytes
from tests.test_promises_managers import stopped_at

Place = Callable[[], Any]
BY_NAME: dict[str, Place] = {"JSON": lambda: "talk.json", "SQLite": lambda: SQLiteStore("talks.db", "talk")}


def talk(*said: str) -> ConversationManager:
    """A manager to which this was said."""
    return ConversationManager(messages=[user(words) for words in said])


def first(place: Any) -> str:
    """The first message of the conversation at a place."""
    return ConversationManager.load(place).transcript[0].text


@pytest.mark.parametrize("place", BY_NAME.values(), ids=BY_NAME)
def test_oh_my_pi_11496_a_name_means_another_place_after_a_change_of_folder(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other folder's conversation has the same name and the same count of saves: it is not replaced."""
    for folder in ("mine", "theirs"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "theirs")
    talk("theirs").save(place())
    monkeypatch.chdir(tmp_path / "mine")
    mine = talk("mine")
    mine.save(place())
    monkeypatch.chdir(tmp_path / "theirs")
    with pytest.raises(ConversationConflict, match="neither saved nor loaded"):
        mine.save(place())
    assert first(place()) == "theirs"
    mine.save(place(), overwrite=True)
    assert first(place()) == "mine"


def test_one_place_by_two_names_is_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative and absolute, a path and a store: the only writer never conflicts with itself."""
    monkeypatch.chdir(tmp_path)
    mine = talk("mine")
    for place in ("talk.json", tmp_path / "talk.json", JSONStore("talk.json"), "./talk.json"):
        mine.add_user_message("more")
        mine.save(place)
    assert len(ConversationManager.load("talk.json").transcript) == 5


@pytest.mark.parametrize("place", BY_NAME.values(), ids=BY_NAME)
def test_a_place_that_was_made_again_holds_another_conversation(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleted and saved by somebody else, with the same count of saves: a conflict. Deleted alone: saved again."""
    monkeypatch.chdir(tmp_path)
    mine = talk("mine")
    mine.save(place())
    store = JSONStore("talk.json") if isinstance(place(), str) else place()
    store.delete()
    mine.save(place())
    store.delete()
    talk("theirs").save(place())
    with pytest.raises(ConversationConflict):
        mine.save(place())
    assert first(place()) == "theirs"


class Server:
    """The commands that RedisStore sends, with a server that can lose its answers."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.silent = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Read."""
        found = self.data.get(args[3])
        return None if found is None else [found["body"]]

    def eval(self, script: str, count: int, key: str, old: int, new: int, body: bytes, save: str) -> Any:
        """Check and save."""
        import redis

        found = self.data.get(key, {})
        if found.get("revision", "0") != str(old):
            return found.get("revision", "0")
        self.data[key] = {"revision": str(new), "body": body, "save": save}
        if self.silent:
            raise redis.TimeoutError("no answer in time")
        return None


def test_the_same_key_on_another_server_is_another_place() -> None:
    """Equal keys and equal counts of saves, two conversations."""
    ours, others = Server(), Server()
    talk("theirs").save(RedisStore(others, "talk"))  # type: ignore[arg-type]
    mine = talk("mine")
    mine.save(RedisStore(ours, "talk"))  # type: ignore[arg-type]
    with pytest.raises(ConversationConflict):
        mine.save(RedisStore(others, "talk"))  # type: ignore[arg-type]
    assert first(RedisStore(others, "talk")) == "theirs"  # type: ignore[arg-type]


def test_a_save_whose_answer_was_lost_is_known_again() -> None:
    """It was done, though nobody said so: the only writer goes on, and nothing is lost."""
    server = Server()
    store, mine = RedisStore(server, "talk"), talk("mine")  # type: ignore[arg-type]
    mine.save(store)
    mine.add_user_message("second")
    server.silent = True
    with pytest.raises(OSError, match="cannot be reached"):
        mine.save(store)
    server.silent = False
    mine.add_user_message("third")
    mine.save(store)
    assert len(ConversationManager.load(store).transcript) == 3


@pytest.mark.parametrize("place", BY_NAME.values(), ids=BY_NAME)
def test_a_save_that_is_stopped_on_any_line_never_conflicts_with_itself(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before any line of a save, the next one of the only writer works and has everything."""
    monkeypatch.chdir(tmp_path)
    mine, line, stops = talk("mine"), 1, 0
    mine.save(place())
    while True:
        mine.add_user_message(f"line {line}")
        if not stopped_at(line, lambda: mine.save(place())):
            break
        stops += 1
        mine.add_user_message("after")
        mine.save(place())
        assert ConversationManager.load(place()).transcript == mine.transcript
        line += 1 + line // 15
    assert stops > 20


def test_a_conversation_with_numbers_for_keys_is_known_again(tmp_path: Path) -> None:
    """JSON has only texts for keys: what is kept is what is read again."""
    mine = ConversationManager(messages=[user([{"type": "text", "text": "hi", "data": {1: (2, 3)}}])])
    for _ in range(2):
        mine.save(tmp_path / "talk.json")
    assert ConversationManager.load(tmp_path / "talk.json").transcript == mine.transcript


SPECIMEN = Saved(
    "ConversationManager", {"max_tokens": 99, "steps": []}, Conversation.of([user("Grüße"), user("🙂")]), 1
)


@pytest.mark.parametrize("place", BY_NAME.values(), ids=BY_NAME)
def test_a_flipped_bit_is_refused(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of some hundred, anywhere in what was saved: nothing else is ever read for it, and it is left as it is."""
    monkeypatch.chdir(tmp_path)
    data, random = to_bytes(SPECIMEN), Random(4)
    for at in sorted(random.sample(range(len(data) * 8), 400)):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises(SavedFormError):
            from_bytes(bytes(flipped))
    assert from_bytes(data) == SPECIMEN


def test_a_file_that_was_changed_by_hand_says_how_it_is_read() -> None:
    """A file without its last line is read as it is; so is a file of an older version, or of Node.js."""
    text = to_bytes(SPECIMEN).decode().replace("Grüße", "Hallo")
    with pytest.raises(SavedFormError, match="take out its last line"):
        from_bytes(text.encode())
    head, _, _ = text.rpartition(',\n"checksum"')
    assert from_bytes((head + "\n}\n").encode()).conversation.transcript[0].text == "Hallo"


WRONG = {
    "max_tokens": ["many", 0, -1, 1.5, None, True],
    "token_threshold": ["100", 0, [], True],
    "recent_turns_to_keep": ["4", -1, None],
    "window_size": ["10", 0, None, {}],
    "steps": [4, "KeepRecent", [4], {}],
    "tools": ["none", [4], {}, None],
    "cache": ["yes", 1, None],
    "model": [4, None, ["claude"]],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_setting_of_a_wrong_type_is_refused_with_its_place(name: str, value: Any, tmp_path: Path) -> None:
    """Never a TypeError from inside."""
    document = document_of(SPECIMEN)
    document["settings"] = {name: value}
    (tmp_path / "talk.json").write_text(json.dumps(document))
    with pytest.raises(SavedFormError, match=rf"settings\.{name}"):
        ConversationManager.load(tmp_path / "talk.json")


def with_replacements(rows: list[list[int]], history: list[int] | None = None) -> bytes:
    """A saved form whose messages replace those at these places."""
    document = document_of(SPECIMEN)
    document["transcript"] = [
        {"role": "user", "content": f"m{at}", **({"replaces": older} if older else {})} for at, older in enumerate(rows)
    ]
    document["history"] = history
    return json.dumps(document).encode()


BOMBS = {
    "each replaces the one before twice": with_replacements([[], *([at, at] for at in range(60))]),
    "each replaces all before": with_replacements([list(range(at)) for at in range(40)]),
    "one after the other": with_replacements([[], *([at] for at in range(5_000))]),
    "a history of many places": with_replacements([[]], [0] * 200_000),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_small_file_never_makes_work_without_end(bomb: bytes) -> None:
    """Replacements that double, chains and places without end are refused when they are loaded, with the place."""
    with pytest.raises(SavedFormError, match=r"damaged: (message|it names)"):
        from_bytes(bomb, "bomb.json")


def test_what_labkit_itself_replaces_is_far_within_the_bounds() -> None:
    """A message shortened many times over, and a summary of everything, are loaded as they were."""
    one = user("m0")
    for _ in range(DEEPEST - 2):
        one = replace(one, replaces=(one,))
    said = History([user(f"m{at}") for at in range(200)])
    summary = replace(user("all of it"), replaces=tuple(said))
    conversation = Conversation(transcript=said, history=History([summary, one]))
    saved = Saved("ConversationManager", {}, conversation, 1)
    assert from_bytes(to_bytes(saved)) == saved


def sent(words: str) -> Sent:
    """One exchange for a recording."""
    body = {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "text", "text": words}]}
    asked = json.dumps({"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": words}]})
    return Sent("POST", "/v1/messages", asked.encode(), "live", 200, bytearray(json.dumps(body).encode()))


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has file modes")
def test_a_recording_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It holds what was said."""
    Recorder(tmp_path / "talk.jsonl", "key")(sent("hi"))
    assert stat.S_IMODE((tmp_path / "talk.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize("lost", range(2, 60, 7))
def test_the_whole_lines_of_a_torn_recording_are_read(tmp_path: Path, lost: int) -> None:
    """The line that was cut off is named; a later record is in a new line."""
    file = tmp_path / "talk.jsonl"
    recorder = Recorder(file, "key")
    for words in ("one", "two", "drei 🙂"):
        recorder(sent(words))
    file.write_bytes(file.read_bytes()[:-lost])
    with pytest.warns(TornLineWarning, match="line 3 was cut off"):
        assert len(exchanges(file)) == 2
    with pytest.warns(TornLineWarning):
        again = Recorder(file, "key")
    again(sent("four"))
    with pytest.warns(TornLineWarning):
        found = exchanges(file)
    assert [one.request["messages"][0]["content"] for one in found] == ["one", "two", "four"]


def test_a_file_that_is_no_recording_is_still_refused(tmp_path: Path) -> None:
    """Only what a recorder began to write counts as torn."""
    file = tmp_path / "notes.txt"
    file.write_text("some notes\nof mine")
    with pytest.raises(ValueError, match="line 1 is no"):
        exchanges(file)


def test_a_key_in_the_pieces_of_a_stream_is_not_recorded(tmp_path: Path) -> None:
    """A reply that says the live key comes in pieces: no line, and no two pieces put together, have it."""
    key, file = "sk-ant-secret-0123456789", tmp_path / "talk.jsonl"
    offline = OfflineClaude(reply=f"Your key is {key}, keep it.")
    log: list[Any] = []
    from labkit import claude

    "".join(ConversationManager(client=claude(log=log, offline=offline)).stream("What is my key?"))
    Recorder(file, key)(log[0])
    pieces = [json.loads(line[5:]) for line in exchanges(file)[0].reply.split("\n") if line.startswith("data:")]
    said = "".join(event["delta"].get("text", "") for event in pieces if event["type"] == "content_block_delta")
    assert "Your key is" in said
    assert key not in said
    assert key not in file.read_text()
