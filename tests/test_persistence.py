"""Stores keep a conversation whole: against crashes, other writers, foreign files and full disks."""

import json
import os
import random
import resource
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from saved_conversations import saved
from savers import NaiveStore, add_turns, kill_savers, redis_server, talk

from labkit import SmartConversationManager
from labkit.manager import ConversationManager
from labkit.messages import user
from labkit.stores import (
    ConversationConflict,
    JSONStore,
    RedisStore,
    SQLiteStore,
    Store,
    StoreError,
    store_at,
)
from labkit.stores.saved_form import Saved, SavedFormError, Seal, to_bytes

DATA = Path(__file__).parent / "data"
KILLS = int(os.environ.get("LABKIT_KILLS", "25"))
NO_REDIS = "the Redis tests were left out, because there is no redis-server here; on Debian: apt install redis-server"
KINDS = ("json", "sqlite", "redis")
SAVED = Saved("ConversationManager", {"model": "claude-sonnet-4-6"}, talk(3))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a Redis server for these tests; CI must have one."""
    if not shutil.which("redis-server") and not os.environ.get("CI"):
        pytest.skip(NO_REDIS)
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as url:
        yield url


@pytest.fixture
def url(server: str) -> str:
    """The same server, emptied."""
    with closing(redis.Redis.from_url(server)) as client:
        client.flushall()
    return server


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The kind of a store and a place for it."""
    if request.param == "redis":
        return "redis", request.getfixturevalue("url")
    return request.param, str(tmp_path / f"talk.{request.param}")


@pytest.fixture
def make(place: tuple[str, str]) -> Callable[..., Store]:
    """Make a store at the place; called again, it makes another one at the same place."""
    kinds = {"json": JSONStore, "sqlite": SQLiteStore, "redis": RedisStore}
    return lambda **settings: kinds[place[0]](place[1], **settings)


def test_nothing_is_there_before_the_first_save(make: Callable[..., Store], tmp_path: Path) -> None:
    """Reading gives None, deleting does nothing, and neither leaves a file."""
    store = make()
    store.delete()
    assert store.read() is None
    assert list(tmp_path.iterdir()) == []


def test_what_was_saved_is_read_by_another_store(make: Callable[..., Store]) -> None:
    """Each save counts the revision up, and a deleted conversation is gone."""
    assert make().write(SAVED) == 1
    assert make().read() == replace(SAVED, revision=1)
    assert make().write(replace(SAVED, conversation=talk(4), revision=1)) == 2
    assert make().read() == replace(SAVED, conversation=talk(4), revision=2)
    make().delete()
    assert make().read() is None
    assert make().write(SAVED) == 1


@given(one=saved)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_comes_back_from_any_store(make: Callable[..., Store], one: Saved) -> None:
    """The saved form's own test is about bytes; this one is about what files and databases make of them."""
    make().delete()
    make().write(replace(one, revision=0))
    assert make().read() == replace(one, revision=1)


@pytest.mark.parametrize(
    ("stored", "given", "told"),
    [
        (2, 1, r"revision 1 of .*, but revision 2 is there"),
        (1, 2, r"revision 2 of .*, but revision 1 is there"),
        (1, 0, r"never saved in .*, but revision 1 is there"),
        (0, 3, r"revision 3 of .*, but nothing is there"),
    ],
)
def test_a_conflict_is_an_error_and_changes_nothing(
    make: Callable[..., Store], stored: int, given: int, told: str
) -> None:
    """Somebody saved in between, or deleted: no save, an error with both revisions, and the next save works."""
    for revision in range(stored):
        make().write(replace(SAVED, revision=revision))
    store = make()
    before = store.read()
    with pytest.raises(ConversationConflict, match=told) as caught:
        store.write(replace(SAVED, conversation=talk(9), revision=given))
    assert (caught.value.stored, caught.value.given) == (stored, given)
    assert store.read() == before
    assert store.write(replace(SAVED, revision=stored)) == stored + 1


def test_what_cannot_be_saved_changes_nothing(make: Callable[..., Store]) -> None:
    """A setting that is no JSON is refused before anything is touched, and no lock is left behind."""
    make().write(SAVED)
    with pytest.raises(SavedFormError, match=r"settings\.client"):
        make().write(replace(SAVED, settings={"client": object()}, revision=1))
    assert make().read() == replace(SAVED, revision=1)
    assert make().write(replace(SAVED, revision=1)) == 2


def test_threads_lose_no_turn(place: tuple[str, str]) -> None:
    """Eight threads save to one place at the same time, the first time too: every turn is there in the end."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_turns, *zip(*[(*place, 5)] * 8, strict=True)))
    assert _turns(place) == 40


def test_processes_lose_no_turn(place: tuple[str, str]) -> None:
    """Peers, row 31: starting together finds no locked database, and a failed save leaves no lock behind."""
    program = [sys.executable, str(Path(__file__).with_name("savers.py")), "add", *place, "5"]
    running = [subprocess.Popen(program, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [process.communicate()[1] for process in running] == [b""] * 4
    assert _turns(place) == 20


def test_the_race_is_one_that_a_naive_store_loses(tmp_path: Path) -> None:
    """The same threads with a store without a lock: turns are lost, or a half-written file is read."""
    path = str(tmp_path / "naive.json")
    for _ in range(20):
        try:
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(add_turns, *zip(*[("naive", path, 5)] * 8, strict=True)))
            whole = _turns(("naive", path)) == 40
        except SavedFormError:
            whole = False
        if not whole:
            return
        NaiveStore(path).delete()
    pytest.fail("the race is too slow to find anything")


def _turns(place: tuple[str, str]) -> int:
    kinds = {"json": JSONStore, "sqlite": SQLiteStore, "redis": RedisStore, "naive": NaiveStore}
    stored = kinds[place[0]](place[1]).read()
    assert stored is not None
    return stored.conversation.turns


def test_a_killed_process_loses_at_most_the_unsaved_turn(place: tuple[str, str]) -> None:
    """Kill -9 at random moments, most of them in the middle of a save. LABKIT_KILLS=200 for the long run."""
    report = kill_savers(*place, KILLS)
    assert report.kills == KILLS
    assert report.in_mid_save > KILLS / 4
    assert (report.damaged, report.acknowledged_turn_lost) == (0, 0)


def test_the_kills_are_ones_that_a_naive_store_does_not_survive(tmp_path: Path) -> None:
    """The same kills leave half a file where the file is written in place."""
    path = str(tmp_path / "naive.json")
    assert any(kill_savers("naive", path, 5, seed).damaged for seed in range(20))


def test_a_seal_hides_the_words(make: Callable[..., Store], place: tuple[str, str]) -> None:
    """With a seal, nothing of the conversation can be read in the file or the database, nor without it."""
    seal = Seal(lambda plain: bytes(b ^ 0xA5 for b in plain), lambda closed: bytes(b ^ 0xA5 for b in closed))
    assert make(seal=seal).write(SAVED) == 1
    assert make(seal=seal).read() == replace(SAVED, revision=1)
    stored = redis.Redis.from_url(place[1]).dump("conversation") if place[0] == "redis" else Path(place[1]).read_bytes()
    assert b"word" not in stored
    with pytest.raises(SavedFormError, match="if it was sealed, give the store its seal"):
        make().read()


@pytest.mark.parametrize("name", ["saved_textbook_python.json", "saved_textbook_lab.json", "saved_textbook_node.json"])
def test_a_textbook_file_goes_on_in_the_manager(tmp_path: Path, name: str) -> None:
    """It loads, remembers what its summary says, and is saved in labkit's form; a stranger cannot save over it."""
    path = tmp_path / "conversation_state.json"
    path.write_bytes((DATA / name).read_bytes())
    with pytest.raises(ConversationConflict, match=r"never saved in .*, but revision 1 is there"):
        JSONStore(path).write(SAVED)
    assert path.read_bytes() == (DATA / name).read_bytes()
    manager = SmartConversationManager.load(path)
    assert "889" in manager.send("What is my order number?")
    manager.save(path)
    assert path.read_bytes().startswith(b'{\n"format": "labkit-conversation"')
    assert SmartConversationManager.load(path).conversation == manager.conversation


def test_a_manager_goes_on_with_what_another_saved(make: Callable[..., Store]) -> None:
    """The same in each of the stores, by changing one argument; the one that was overtaken gets a conflict."""
    manager = ConversationManager("Be brief.")
    manager.send("My order number is 889.")
    manager.save(make())
    other = ConversationManager.load(make())
    assert "889" in other.send("What is my order number?")
    other.save(make())
    with pytest.raises(ConversationConflict, match=r"revision 1 of .*, but revision 2 is there"):
        manager.save(make())
    assert len(ConversationManager.load(make()).transcript) == 4


def test_a_path_means_a_json_file(tmp_path: Path) -> None:
    """Text or Path; a store is itself; whatever else is no place, and the error says what is."""
    for path in (tmp_path / "talk.json", str(tmp_path / "talk.json")):
        store = store_at(path)
        assert isinstance(store, JSONStore)
        assert store.path == tmp_path / "talk.json"
    for own in (SQLiteStore(tmp_path / "talks.db"), NaiveStore("x")):
        assert store_at(own) is own
    with pytest.raises(TypeError, match=r"5 is not a place to save to: give a path .*SQLiteStore"):
        store_at(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"redis://\.\.\. is not a path: give RedisStore"):
        store_at("redis://:secret@localhost")


def test_a_folder_that_changes_under_the_program_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path means where the program was when the store was made."""
    monkeypatch.chdir(tmp_path)
    stores = JSONStore("talk.json"), SQLiteStore("talk.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert [store.write(SAVED) for store in stores] == [1, 1]
    assert {path.name for path in tmp_path.iterdir()} == {"talk.json", "talk.db", "elsewhere"}


@pytest.mark.parametrize("kind", [JSONStore, SQLiteStore])
def test_a_new_file_is_for_its_owner_and_an_old_one_keeps_its_mode(
    tmp_path: Path, kind: type[JSONStore] | type[SQLiteStore]
) -> None:
    """Nobody else reads along, unless the owner allowed it; and no other file stays behind."""
    store = kind(tmp_path / "talk")
    store.write(SAVED)
    assert stat.S_IMODE((tmp_path / "talk").stat().st_mode) == 0o600
    (tmp_path / "talk").chmod(0o640)
    store.write(replace(SAVED, revision=1))
    assert stat.S_IMODE((tmp_path / "talk").stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["talk"]


FOREIGN = {
    "empty": b"",
    "cut off": to_bytes(replace(SAVED, revision=1))[:-40],
    "another program's": b'{"nbformat": 4}',
    "newer": to_bytes(replace(SAVED, revision=1)).replace(b'"version": 2', b'"version": 3'),
    "hostile": b"[" * 100_000,
    "a picture": b"\x89PNG\r\n\x1a\n",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_is_no_conversation_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    """Reading, saving and deleting refuse it, say which file it is and what to do, and leave every byte."""
    path = tmp_path / "notes.json"
    path.write_bytes(FOREIGN[name])
    store = JSONStore(path)
    for use in (store.read, store.delete, lambda: store.write(SAVED), lambda: store.write(replace(SAVED, revision=1))):
        with pytest.raises(SavedFormError, match=r"notes\.json .*; it was left as it is: restore a copy"):
            use()
    assert path.read_bytes() == FOREIGN[name]
    assert [path.name for path in tmp_path.iterdir()] == ["notes.json"]


def _links(path: Path) -> None:
    JSONStore(path.with_name("real.json")).write(SAVED)
    path.symlink_to(path.with_name("real.json"))


ODD = {
    "a folder": ("a folder", Path.mkdir),
    "a link": ("a symbolic link", _links),
    "a link to nothing": ("a symbolic link", lambda path: path.symlink_to(path.with_name("nothing"))),
    "a pipe": ("a device or pipe", os.mkfifo),
}


@pytest.mark.parametrize("kind", [JSONStore, SQLiteStore])
@pytest.mark.parametrize("name", ODD)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, name: str, kind: type[JSONStore] | type[SQLiteStore]) -> None:
    """A folder, a link or a pipe: an error says so, and it stays what it is."""
    path = tmp_path / "talk"
    called, make = ODD[name]
    make(path)
    before = path.lstat()
    store = kind(path)
    for use in (store.read, store.delete, lambda: store.write(SAVED)):
        with pytest.raises(
            SavedFormError, match=f"talk is {called}, not a file with a conversation: give the path of the"
        ):
            use()
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)


@contextmanager
def not_root(folder: Path) -> Iterator[None]:
    """Work for a moment as a user who has no special rights, in a folder that is given to that user."""
    if os.geteuid() != 0:
        yield
        return
    os.chown(folder, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A folder that anybody can reach: those of pytest are closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix="labkit-store-"))
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", [JSONStore, SQLiteStore])
def test_a_read_only_folder_is_named(own_folder: Path, kind: type[JSONStore] | type[SQLiteStore]) -> None:
    """No permission is an error that says so and names the file; what is there can still be read from JSON."""
    with not_root(own_folder):
        store = kind(own_folder / "talk")
        JSONStore(own_folder / "there.json").write(SAVED)
        own_folder.chmod(0o500)
        with pytest.raises(
            StoreError, match=r"talk: no permission to write there \(Permission denied\); choose a folder"
        ):
            store.write(SAVED)
        assert JSONStore(own_folder / "there.json").read() == replace(SAVED, revision=1)
        assert [path.name for path in own_folder.iterdir()] == ["there.json"]


def test_a_file_that_was_made_read_only_is_respected(own_folder: Path) -> None:
    """Replacing it would be possible, and wrong."""
    with not_root(own_folder):
        store = JSONStore(own_folder / "talk.json")
        store.write(SAVED)
        store.path.chmod(0o400)
        with pytest.raises(StoreError, match=r"no permission to write there \(.*talk.json is read-only\)"):
            store.write(replace(SAVED, revision=1))
        assert store.read() == replace(SAVED, revision=1)


@pytest.mark.parametrize("kind", [JSONStore, SQLiteStore])
def test_a_missing_folder_is_named(tmp_path: Path, kind: type[JSONStore] | type[SQLiteStore]) -> None:
    """Nothing was saved there, so reading gives None; saving says which folder to make."""
    store = kind(tmp_path / "nowhere" / "talk")
    assert store.read() is None
    with pytest.raises(StoreError, match="nowhere does not exist; make it first"):
        store.write(SAVED)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """The save that does not fit is an error, the file is the one before, and nothing unfinished stays."""
    store = JSONStore(tmp_path / "talk.json")
    store.write(SAVED)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(StoreError, match=r"File too large; what was stored is as it was"):
            store.write(replace(SAVED, conversation=talk(50), revision=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert store.read() == replace(SAVED, revision=1)
    assert [path.name for path in tmp_path.iterdir()] == ["talk.json"]
    assert store.write(replace(SAVED, revision=1)) == 2


def test_what_a_killed_process_left_is_no_obstacle(tmp_path: Path) -> None:
    """An unfinished file and a lock without an owner: the next save takes them over."""
    for left in (".talk.json.saving", ".talk.json.lock"):
        (tmp_path / left).write_bytes(b"half of it")
    store = JSONStore(tmp_path / "talk.json")
    assert store.write(SAVED) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["talk.json"]


class Stopped(BaseException):
    """The errors of a stopped cell, wherever it happens to be."""


# Python swallows what is raised inside a weak reference's callback, and pytest would report that.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stopped_save_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """Stopped at random moments, as a cell may be: the file is the old or the new one, and the next save works."""

    def stop(*_: object) -> None:
        raise Stopped

    store, moments = JSONStore(tmp_path / "talk.json"), random.Random(1)
    store.write(SAVED)
    before, stopped = signal.signal(signal.SIGALRM, stop), 0
    try:
        for turns in range(1, 101):
            stored = store.read()
            assert stored is not None
            new = replace(SAVED, conversation=talk(turns), revision=stored.revision)
            try:
                signal.setitimer(signal.ITIMER_REAL, moments.uniform(0.0005, 0.01))
                store.write(new)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Stopped:
                stopped += 1
            assert store.read() in (stored, replace(new, revision=new.revision + 1))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert stopped > 10
    last = store.read()
    assert last is not None
    store.write(last)
    assert [path.name for path in tmp_path.iterdir()] == ["talk.json"]


def test_a_save_that_waits_too_long_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another thread holds the lock, a save waits, then says so; afterwards it works."""
    monkeypatch.setattr("labkit.stores.json_file.WAIT_SECONDS", 0.2)
    store, held, done = JSONStore(tmp_path / "talk.json"), threading.Event(), threading.Event()

    def hold() -> None:
        with store._locked():
            held.set()
            done.wait(10)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        held.wait(10)
        with pytest.raises(
            StoreError, match=r"talk.json: another program has been saving it for 0\.2 seconds; try again"
        ):
            store.write(SAVED)
        done.set()
        holding.result()
    assert store.write(SAVED) == 1


def test_one_database_holds_many_conversations(tmp_path: Path) -> None:
    """Under other keys, beside tables of your own, which nobody touches."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as shop:
        shop.execute("CREATE TABLE orders (number)")
        shop.execute("INSERT INTO orders VALUES (889)")
        shop.commit()
    before = path.read_bytes()
    assert SQLiteStore(path).read() is None
    SQLiteStore(path).delete()
    assert path.read_bytes() == before
    for turns, key in enumerate(("ada", "grace"), 1):
        SQLiteStore(path, key).write(replace(SAVED, conversation=talk(turns)))
    SQLiteStore(path, "ada").delete()
    assert SQLiteStore(path, "ada").read() is None
    grace = SQLiteStore(path, "grace").read()
    assert grace is not None
    assert grace.conversation == talk(2)
    with closing(sqlite3.connect(path)) as shop:
        assert shop.execute("SELECT * FROM orders").fetchall() == [(889,)]


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    """A JSON conversation given as a database, for one."""
    path = tmp_path / "talk.json"
    JSONStore(path).write(SAVED)
    before, store = path.read_bytes(), SQLiteStore(path)
    for use in (store.read, store.delete, lambda: store.write(SAVED)):
        with pytest.raises(SavedFormError, match="not a SQLite database, or damaged; it was left as it is"):
            use()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"[]", "a list"), (5, "holds int where"), (None, "holds NoneType"), ("{}", "a dict"), (b"\x00\xff", "not ")],
)
def test_a_damaged_row_is_named(tmp_path: Path, body: object, reason: str) -> None:
    """The error names the database and the key, for anything that somebody put in the row."""
    path = tmp_path / "talks.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"CREATE TABLE {SQLiteStore.TABLE} (key TEXT PRIMARY KEY, revision INTEGER, body)")
        database.execute(f"INSERT INTO {SQLiteStore.TABLE} VALUES ('ada', 1, ?)", (body,))
        database.commit()
    with pytest.raises(SavedFormError, match=rf"talks.db under the key 'ada' .*{reason}.*left as it is"):
        SQLiteStore(path, "ada").read()


def test_a_table_of_another_shape_is_refused(tmp_path: Path) -> None:
    """The name is taken by something else: no save, and the words of SQLite say why."""
    path = tmp_path / "talks.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"CREATE TABLE {SQLiteStore.TABLE} (name TEXT)")
    for use in (SQLiteStore(path).read, lambda: SQLiteStore(path).write(SAVED)):
        with pytest.raises(StoreError, match=r"talks.db cannot be used: "):
            use()


def test_a_locked_database_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program keeps a transaction open: the save waits, then says so; reading goes on."""
    monkeypatch.setattr("labkit.stores.sqlite.WAIT_SECONDS", 0.2)
    store = SQLiteStore(tmp_path / "talks.db")
    store.write(SAVED)
    with closing(sqlite3.connect(tmp_path / "talks.db", autocommit=True)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"talks.db cannot be used: database is locked"):
            store.write(replace(SAVED, revision=1))
        assert store.read() == replace(SAVED, revision=1)
    assert store.write(replace(SAVED, revision=1)) == 2


def test_redis_takes_a_client_of_any_setting(url: str) -> None:
    """Decoded answers do not matter, sealed bytes included; and every key is a separate conversation."""
    seal = Seal(lambda plain: b"\xff" + plain, lambda closed: closed[1:])
    with closing(redis.Redis.from_url(url, decode_responses=True)) as client:
        store = RedisStore(client, "ada", seal=seal)
        assert store.write(SAVED) == 1
        assert store.read() == replace(SAVED, revision=1)
        with pytest.raises(ConversationConflict, match="Redis under the key 'ada', but revision 1 is there"):
            store.write(replace(SAVED, conversation=talk(9)))
        assert RedisStore(client, "grace").read() is None


def test_redis_knows_a_save_whose_answer_was_lost(url: str) -> None:
    """The client asks again and has no conflict with itself; a stranger's equal save is one."""
    with losing_first_answer(url) as lossy:
        assert RedisStore(redis.Redis.from_url(lossy, retry=Retry(NoBackoff(), 1))).write(SAVED) == 1
    assert RedisStore(url).read() == replace(SAVED, revision=1)
    with pytest.raises(ConversationConflict):
        RedisStore(url).write(SAVED)


@contextmanager
def losing_first_answer(url: str) -> Iterator[str]:
    """A way to the server on which the first answer to a save is lost, with the connection."""
    port, lost = int(url.rpartition(":")[2].split("/")[0]), threading.Event()

    def pass_on(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            while asked := client.recv(1_000_000):
                server.sendall(asked)
                answer = server.recv(1_000_000)
                if b"EVAL" in asked and not lost.is_set():
                    lost.set()
                    return
                client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as door:
        clients = threading.Thread(target=lambda: [pass_on(door.accept()[0]) for _ in range(2)], daemon=True)
        clients.start()
        yield f"redis://127.0.0.1:{door.getsockname()[1]}/0"
        assert lost.is_set()


@pytest.mark.parametrize("other", ["text", "a list", "another hash", "half of it"])
def test_a_key_that_holds_something_else_is_left_as_it_is(url: str, other: str) -> None:
    """Another program's value under the key is neither read nor overwritten, nor deleted."""
    with closing(redis.Redis.from_url(url)) as client:
        put = {
            "text": lambda: client.set("conversation", "hello"),
            "a list": lambda: client.rpush("conversation", "hello"),
            "another hash": lambda: client.hset("conversation", mapping={"name": "Ada"}),
            "half of it": lambda: client.hset("conversation", mapping={"revision": 1}),
        }
        put[other]()
        before = client.dump("conversation")
        store = RedisStore(url)
        with pytest.raises(SavedFormError, match="Redis under the key 'conversation' holds"):
            store.read()
        if other != "half of it":
            with pytest.raises(SavedFormError, match="holds something else; it was left as it is: choose another key"):
                store.write(SAVED)
            try:
                store.delete()
            except SavedFormError as error:
                assert other in ("text", "a list"), error  # noqa: PT017
        assert client.dump("conversation") == before


def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """The error says what cannot be reached, without the password of the URL."""
    client = redis.Redis(host="127.0.0.1", port=1, password="secret-word", retry=None)
    store = RedisStore(client)
    for use in (store.read, store.delete, lambda: store.write(SAVED)):
        with pytest.raises(
            StoreError, match=r"Redis under the key 'conversation' cannot be reached: .*running"
        ) as caught:
            use()
        assert "secret-word" not in str(caught.value)
    assert "secret-word" not in repr(RedisStore("redis://:secret-word@127.0.0.1:1/0"))


def test_without_the_package_redis_the_error_says_what_to_install() -> None:
    """Only a RedisStore needs it; importing labkit's stores does not."""
    program = (
        "import sys; sys.modules['redis'] = None\n"
        "from labkit.stores import RedisStore\n"
        "try: RedisStore('redis://localhost')\n"
        "except ImportError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "RedisStore needs redis: pip install 'conversation-workbook[redis]'\n"


def test_stores_load_nothing_before_they_are_used() -> None:
    """Importing the stores loads neither pydantic, nor redis, nor the file lock."""
    program = "import sys, labkit.stores; print(*{'pydantic', 'redis', 'portalocker', 'anthropic'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == ""


def test_a_store_of_ones_own_is_a_store(tmp_path: Path) -> None:
    """Three methods are enough for a manager to save to it."""

    class Memory:
        """Keeps the last save in a list."""

        kept: list[Saved] = []  # noqa: RUF012

        def read(self) -> Saved | None:
            """The last save."""
            return self.kept[-1] if self.kept else None

        def write(self, saved: Saved) -> int:
            """Keep it."""
            self.kept.append(replace(saved, revision=saved.revision + 1))
            return saved.revision + 1

        def delete(self) -> None:
            """Forget all."""
            self.kept.clear()

    manager = ConversationManager(messages=[user("hello")])
    manager.save(Memory())
    assert ConversationManager.load(Memory()).transcript == [user("hello")]


def test_a_saved_file_can_be_read_by_people(tmp_path: Path) -> None:
    """A message a line, letters as they are."""
    path = tmp_path / "talk.json"
    manager = ConversationManager(messages=[user("Grüße aus Tromsø 🙂")], clock=None)
    manager.save(path)
    assert '{"role": "user", "content": "Grüße aus Tromsø 🙂"}' in path.read_text("utf-8").splitlines()
    assert json.loads(path.read_text("utf-8"))["kind"] == "ConversationManager"
