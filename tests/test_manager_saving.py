"""A manager saved in one place goes on in another process, with its settings, its summaries and its history whole."""

import subprocess
import sys
from pathlib import Path

import pytest

from labkit import (
    AsyncConversationManager,
    ConversationManager,
    KeepRecent,
    SlidingWindowManager,
    SmartConversationManager,
)
from labkit.redaction import Redactor
from labkit.stores import ConversationConflict, JSONStore, SQLiteStore

NOTE = "the delivery to the harbour was late again and nobody called about it " * 3


def places(folder: Path) -> list[object]:
    """The same conversation, kept by changing one argument."""
    return [folder / "talk.json", JSONStore(folder / "other.json"), SQLiteStore(folder / "talks.db", key="ada")]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_conversation_goes_on_where_it_was_saved(tmp_path: Path, which: int) -> None:
    """Save, load, go on talking: nothing is lost, the settings included."""
    place = places(tmp_path)[which]
    manager = SmartConversationManager(
        token_threshold=150, recent_turns_to_keep=2, max_tokens=99, system_prompt="Be brief."
    )
    manager.add_fact("Account: 55120934", source="message 1")
    for number in range(5):
        manager.send(f"Note {number}: {NOTE}")
    manager.send("My name is Ada.")
    manager.save(place)
    loaded = SmartConversationManager.load(place)
    assert loaded.conversation.transcript == manager.conversation.transcript
    assert loaded.messages == manager.messages
    assert (loaded.summary, loaded.summary_history) == (manager.summary, manager.summary_history)
    assert (loaded.token_threshold, loaded.recent_turns_to_keep, loaded.max_tokens) == (150, 2, 99)
    assert loaded.last_input_tokens == manager.last_input_tokens > 0
    assert loaded.usage == manager.usage
    assert "Ada" in loaded.send("What is my name?")


def test_another_process_goes_on_talking(tmp_path: Path) -> None:
    """A kernel restart, for real: the file is all that is left."""
    manager = SlidingWindowManager(window_size=6)
    manager.send("My name is Ada.")
    manager.save(tmp_path / "talk.json")
    code = (
        "import sys; from labkit import SlidingWindowManager; manager = SlidingWindowManager.load(sys.argv[1]);"
        "print(manager.window_size, manager.send('What is my name?'))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "talk.json")], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("6 [simulated]")
    assert "Ada" in said.stdout


def test_two_managers_that_save_the_same_conversation_are_a_conflict(tmp_path: Path) -> None:
    """The second one is refused and nothing is overwritten."""
    place = tmp_path / "talk.json"
    first = ConversationManager()
    first.send("My name is Ada.")
    first.save(place)
    second = ConversationManager.load(place)
    second.send("I live in Oslo.")
    second.save(place)
    first.send("I moved to Bergen.")
    with pytest.raises(ConversationConflict):
        first.save(place)
    assert len(ConversationManager.load(place).transcript) == 4


def test_steps_of_ones_own_are_asked_for_again(tmp_path: Path) -> None:
    """Functions are not saved; forgetting them would silently send something else."""
    place = tmp_path / "talk.json"
    manager = ConversationManager(steps=[KeepRecent(4)])
    manager.send("hi")
    manager.save(place)
    with pytest.raises(ValueError, match=r"saved with the steps the newest 4 messages: give steps="):
        ConversationManager.load(place)
    assert ConversationManager.load(place, steps=[KeepRecent(4)]).transcript == manager.transcript


def test_a_place_where_nothing_was_saved_says_so(tmp_path: Path) -> None:
    """FileNotFoundError, with what to do."""
    with pytest.raises(FileNotFoundError, match="nothing was saved"):
        ConversationManager.load(tmp_path / "no.json")


def test_what_is_saved_can_be_redacted(tmp_path: Path) -> None:
    """The file holds the marks, the manager the words."""
    manager = ConversationManager()
    manager.send("My mail is ada@example.com.")
    manager.save(tmp_path / "talk.json", redact=Redactor())
    assert "ada@" not in (tmp_path / "talk.json").read_text()
    assert "ada@" in manager.messages[0]["content"]


def test_one_manager_can_be_kept_in_two_places_and_forked(tmp_path: Path) -> None:
    """Each place has its own count of saves; a fork that saves to the same place is another hand."""
    manager = ConversationManager()
    manager.send("hi")
    manager.save(tmp_path / "one.json")
    manager.save(tmp_path / "two.json")
    manager.save(tmp_path / "one.json")
    other = manager.fork()
    other.send("this way")
    other.save(tmp_path / "one.json")
    with pytest.raises(ConversationConflict):
        manager.save(tmp_path / "one.json")
    manager.save(tmp_path / "one.json", overwrite=True)
    assert len(ConversationManager.load(tmp_path / "one.json").transcript) == 2


def test_a_new_manager_does_not_overwrite_what_it_never_saw(tmp_path: Path) -> None:
    """Running a script twice must not cost the first run's conversation, unless it says so."""
    for overwrite in (False, True):
        manager = ConversationManager()
        manager.send("hi")
        manager.save(tmp_path / "talk.json", overwrite=overwrite)
    with pytest.raises(ConversationConflict):
        ConversationManager().save(tmp_path / "talk.json")


def test_the_base_class_loads_the_kind_that_was_saved(tmp_path: Path) -> None:
    """Nobody has to remember which manager it was, and asking for another one gets that one."""
    manager = SlidingWindowManager(window_size=6)
    manager.send("hi")
    manager.save(tmp_path / "talk.json")
    loaded = ConversationManager.load(tmp_path / "talk.json")
    assert isinstance(loaded, SlidingWindowManager)
    assert loaded.window_size == 6
    assert type(SmartConversationManager.load(tmp_path / "talk.json")) is SmartConversationManager


@pytest.mark.parametrize("kind", [AsyncConversationManager, SmartConversationManager])
def test_a_window_goes_on_in_another_kind_of_manager(tmp_path: Path, kind: type) -> None:
    """The asynchronous manager that opens a window's file sends the window, saves it, and the window opens it again."""
    window = SlidingWindowManager(4)
    for number in range(6):
        window.send(f"Note {number}: the ferry is late.")
    window.save(tmp_path / "talk.json")
    other = kind.load(tmp_path / "talk.json")
    assert other.get_messages() == window.get_messages()
    assert len(other.get_messages()) == 4
    other.save(tmp_path / "talk.json")
    again = SlidingWindowManager.load(tmp_path / "talk.json")
    assert (again.window_size, again.get_messages()) == (4, window.get_messages())
    assert kind.load(tmp_path / "talk.json").get_messages() == window.get_messages()
