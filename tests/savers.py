"""Programs that save: some are killed in the middle of it, some race one another, and one does it the naive way.

`python tests/savers.py 200` kills 200 savers for each store, at random moments, and prints what was left;
`python tests/savers.py add json talk.json 5` adds five turns to what others may be adding to.
"""

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from labkit.conversation import Conversation
from labkit.messages import assistant, user
from labkit.stores import ConversationConflict, JSONStore, RedisStore, SQLiteStore, Store
from labkit.stores.saved_form import Saved, SavedFormError, document_of, from_bytes
from labkit.teach.lessons.stored_runs import redis_server

BASE_TURNS = 150
WORDS = "word " * 50


def talk(turns: int, words: str = "word " * 20) -> Conversation:
    """A plain conversation of so many turns, the same each time."""
    said = [message for turn in range(turns) for message in (user(f"q{turn} {words}"), assistant(f"a{turn} {words}"))]
    return Conversation.of(said, system="Be brief.")


class NaiveStore:
    """A common way to save: no lock, no check under it, and a file that is written in place."""

    def __init__(self, path: str) -> None:
        """Take the path of the file."""
        self.path = Path(path)

    def read(self) -> Saved | None:
        """The content of the file."""
        return from_bytes(self.path.read_bytes()) if self.path.exists() else None

    def write(self, saved: Saved) -> int:
        """Write over the file."""
        stored = self.read()
        if (stored.revision if stored else 0) != saved.revision:
            raise ConversationConflict(str(self.path), -1, saved.revision)
        with self.path.open("w") as file:
            json.dump(document_of(replace(saved, revision=saved.revision + 1)), file)
        return saved.revision + 1

    def delete(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def store_of(kind: str, place: str) -> Store:
    """A store by name: the place is a path, or the URL of a Redis server."""
    return {"json": JSONStore, "sqlite": SQLiteStore, "redis": RedisStore, "naive": NaiveStore}[kind](place)


def one_more_turn(saved: Saved) -> Saved:
    """The same with the turn that comes next."""
    turn = saved.conversation.turns
    grown = saved.conversation.said(user(f"q{turn} {WORDS}")).said(assistant(f"a{turn} {WORDS}"))
    return replace(saved, conversation=grown)


def add_turns(kind: str, place: str, turns: int) -> int:
    """Load, add a turn, save, and load again where somebody was faster; gives how often that was."""
    store, conflicts = store_of(kind, place), 0
    while turns:
        saved = store.read() or Saved("ConversationManager", {}, Conversation())
        try:
            store.write(one_more_turn(saved))
            turns -= 1
        except ConversationConflict:
            conflicts += 1
    return conflicts


@dataclass
class Kills:
    """The consequences of many kills: how many there were, and how many of them had which consequence."""

    kills: int = 0
    saves: int = 0
    in_mid_save: int = 0
    unfinished_files: int = 0
    turn_in_flight_kept: int = 0
    acknowledged_turn_lost: int = 0
    damaged: int = 0


def kill_savers(kind: str, place: str, kills: int, seed: int = 0) -> Kills:
    """Fork a saver, kill it at a random moment, look at the place; and again, going on from what is there."""
    report, moments, store = Kills(), random.Random(seed), store_of(kind, place)
    for count in range(kills):
        if count % 10 == 0 or report.damaged:
            store = _restarted(kind, place)
        before = _turns(store)
        told = _killed_after(store, moments)
        acknowledged = told.count(b")")
        report.kills += 1
        report.saves += acknowledged
        report.in_mid_save += told.endswith(b"(")
        report.unfinished_files += kind == "json" and Path(place).with_name(f".{Path(place).name}.saving").exists()
        try:
            kept = _turns(store) - before - acknowledged
        except SavedFormError:
            report.damaged += 1
            continue
        report.acknowledged_turn_lost += kept < 0
        report.turn_in_flight_kept += kept == 1
        report.damaged += kept > 1
    return report


def _restarted(kind: str, place: str) -> Store:
    store = store_of(kind, place)
    if kind == "naive":
        Path(place).unlink(missing_ok=True)
    store.delete()
    store.write(Saved("ConversationManager", {}, talk(BASE_TURNS, WORDS)))
    return store


def _turns(store: Store) -> int:
    saved = store.read()
    assert saved is not None
    expected = talk(saved.conversation.turns, WORDS)
    if replace(saved.conversation, sent_whole=expected.sent_whole) != expected:  # one grew turn by turn
        raise SavedFormError("the conversation is another one")
    return saved.conversation.turns


def _killed_after(store: Store, moments: random.Random) -> bytes:
    """Run a saver until it is killed, at a random moment within its first saves; gives a "(" for each save that began
    and a ")" for each that was done.
    """
    here, there = os.pipe()
    if (saver := os.fork()) == 0:
        try:
            _save_on_and_on(store, there)
        finally:
            os._exit(1)
    os.close(there)
    os.read(here, 1)
    time.sleep(moments.uniform(0, 0.05))
    os.kill(saver, signal.SIGKILL)
    os.waitpid(saver, 0)
    with os.fdopen(here, "rb") as rest:
        return rest.read()


def _save_on_and_on(store: Store, told: int) -> None:
    saved = store.read()
    assert saved is not None
    os.write(told, b".")
    while True:
        saved = one_more_turn(saved)
        os.write(told, b"(")
        saved = replace(saved, revision=store.write(saved))
        os.write(told, b")")


def main(kills: int) -> None:
    """Kill savers for each store, and for the naive one, and print the reports."""
    folder = Path(tempfile.mkdtemp(prefix="labkit-kills-"))
    try:
        with redis_server(folder) as url:
            places = {
                "json": folder / "talk.json",
                "sqlite": folder / "talk.db",
                "redis": url,
                "naive": folder / "n.json",
            }
            for kind, place in places.items():
                print(f"{kind:7}", json.dumps(asdict(kill_savers(kind, str(place), kills))))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    if sys.argv[1] == "add":
        print(add_turns(*sys.argv[2:4], int(sys.argv[4])))
    else:
        main(int(sys.argv[1]))
