"""Progress: append-only, silent, on this machine, chained, and never in the way of a lesson."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.stores.file_lock import locked
from labkit.teach.record import ledger, progress

WRITER = (
    "import sys\nfrom labkit.teach.record import progress\n"
    "for i in range(int(sys.argv[2])): progress.record('attempt', sys.argv[1], turn=i, pad='x' * 500)"
)
TEXTS = st.text(max_size=30)
DETAILS = st.dictionaries(st.sampled_from(["note", "given", "ok"]), TEXTS | st.booleans() | st.lists(st.integers()))


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test's records in a separate folder."""
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(tmp_path / "progress"))
    monkeypatch.delenv(progress.NAME_VARIABLE, raising=False)
    return tmp_path


def remove_records() -> None:
    """Leave no records, for the next example of a property."""
    progress.file().unlink(missing_ok=True)


def state() -> ledger.Ledger:
    """The content of the file."""
    return ledger.read(progress.file().read_bytes())


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["attempt", "hint"]), TEXTS, TEXTS)))
def test_what_is_recorded_is_read_back_in_order(entries: list[tuple[str, str, str]]) -> None:
    """Any texts, line breaks and broken Unicode included, come back in the order in which they were recorded."""
    remove_records()
    for kind, id, note in entries:
        assert progress.record(kind, id, note=note)
    found = [(entry["kind"], entry["id"]) for entry in progress.records()]
    readable = [text.encode("utf-8", "replace").decode() for _, text, _ in entries]
    assert found == [(kind, id) for (kind, _, _), id in zip(entries, readable, strict=True)]


@settings(max_examples=40)
@given(st.lists(DETAILS, min_size=1, max_size=4), st.data())
def test_a_file_cut_anywhere_loses_the_cut_line_alone(details: list[dict], data: st.DataObject) -> None:
    """Wherever a killed process stopped writing, all whole lines stay, the next record is kept, and the chain holds."""
    remove_records()
    for number, detail in enumerate(details):
        progress.record("attempt", f"{number}", **detail)
    whole = progress.file().read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    kept = ledger.read(whole[:cut]).entries
    progress.file().write_bytes(whole[:cut])
    assert progress.record("attempt", "after")
    after = state()
    assert after.entries[:-1] == kept
    assert after.entries[-1]["id"] == "after"
    assert (after.broken, after.unchained) == ((), 0)
    assert len(after.unreadable) <= 1
    assert len(kept) >= whole[:cut].count(b"\n")


@settings(max_examples=60)
@given(st.lists(DETAILS, min_size=3, max_size=6), st.data())
def test_an_edited_removed_moved_or_added_line_is_found(details: list[dict], data: st.DataObject) -> None:
    """Each change of a line but the loss of the last ones breaks the chain; the untouched file breaks it nowhere."""
    lines = list(ledger.written({"kind": "attempt", "id": str(n), "at": "", **d} for n, d in enumerate(details)))
    assert ledger.read("\n".join(lines).encode()).broken == ()
    place = data.draw(st.integers(0, len(lines) - 2))
    edited = lines[place].replace(f'"id": "{place}"', '"id": "99"')
    changed = {
        "edited": [*lines[:place], edited, *lines[place + 1 :]],
        "removed": lines[:place] + lines[place + 1 :],
        "moved": [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]],
        "added": [*lines[:place], ledger.plain({"kind": "attempt", "id": "new", "at": ""}), *lines[place:]],
        "unchained": [*lines[:place], edited[: edited.rindex(', "chain"')] + "}", *lines[place + 1 :]],
    }
    told = {how: bool(ledger.read("\n".join(altered).encode()).broken) for how, altered in changed.items()}
    assert told == dict.fromkeys(changed, True)
    last = lines[-1].replace('"attempt"', '"hint"')
    assert ledger.read("\n".join([*lines[:-1], last]).encode()).broken == (len(lines),)


@given(st.binary(max_size=200))
def test_nothing_in_a_file_is_an_error(data: bytes) -> None:
    """Any bytes can be read; what is no record is counted as unreadable."""
    found = ledger.read(data)
    assert len(found.entries) + len(found.unreadable) == len(ledger.lines_of(data))


def test_deep_and_foreign_lines_are_passed_over() -> None:
    """Lines of JSON that are no records, and lists nested 100,000 deep, are not read as records."""
    progress.record("hint", "01-a", step=1)
    with progress.file().open("a") as handle:
        handle.write('[1, 2]\n"words"\n{"id": "01-b"}\n' + "[" * 100_000)
    progress.record("hint", "01-a", step=2)
    assert [entry["step"] for entry in progress.records()] == [1, 2]
    assert (len(state().unreadable), state().broken) == (4, ())


def test_lines_of_the_older_form_are_read_and_the_chain_goes_on_behind_them() -> None:
    """A file of version 1, whose lines had no chain and began with their line break, is read and continued."""
    progress.folder().mkdir(parents=True)
    older = [{"v": 1, "at": "2026-03-02T10:00:00+00:00", "kind": "attempt", "id": f"01-{c}", "ok": False} for c in "ab"]
    progress.file().write_text("".join("\n" + json.dumps(entry) for entry in older))
    progress.record("attempt", "01-c", ok=True)
    assert [entry["id"] for entry in progress.records()] == ["01-a", "01-b", "01-c"]
    assert (state().unchained, state().broken, state().unreadable) == (2, (), ())
    progress.file().write_text(progress.file().read_text().replace('"id": "01-b"', '"id": "01-z"'))
    assert len(state().broken) == 1


def test_a_later_version_is_named() -> None:
    """Lines that a later version wrote are read as far as they can be, and counted."""
    lines = "\n".join(ledger.written([{"v": 99, "at": "", "kind": "attempt", "id": "01-a"}]))
    assert (ledger.read(lines.encode()).newer, len(ledger.read(lines.encode()).entries)) == (1, 1)


def test_a_long_line_does_not_hide_the_one_before_it() -> None:
    """The chain goes on behind a torn line that is larger than what is read at once."""
    progress.record("hint", "01-a", step=1)
    with progress.file().open("a") as handle:
        handle.write('{"torn": "' + "x" * 100_000)
    progress.record("hint", "01-a", step=2)
    assert (len(state().entries), state().broken) == (2, ())


def test_two_notebooks_may_write_at_once() -> None:
    """Records of processes that write at the same time do not run into one another, and their chain holds."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name, "200"]) for name in ("01-a", "01-b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    turns = {name: [e["turn"] for e in progress.records() if e["id"] == name] for name in ("01-a", "01-b")}
    assert turns == {"01-a": list(range(200)), "01-b": list(range(200))}
    assert (state().broken, state().unreadable, state().unchained) == ((), (), 0)


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be killed by signal 9 on Windows")
def test_killed_writers_harm_nothing() -> None:
    """Processes killed with signal 9 while they write leave whole lines, no lock, and a file that goes on."""
    for number in range(4):
        seen = progress.file().stat().st_size if progress.file().exists() else 0
        writer = subprocess.Popen([sys.executable, "-c", WRITER, f"01-{number}", "100000"])
        while not progress.file().exists() or progress.file().stat().st_size < seen + 20_000 + 700 * number:
            assert writer.poll() is None
            time.sleep(0.001)
        writer.send_signal(signal.SIGKILL)
        writer.wait(10)
    assert progress.record("hint", "after")
    for number in range(4):
        turns = [entry["turn"] for entry in progress.records() if entry["id"] == f"01-{number}"]
        assert turns == list(range(len(turns)))
        assert len(turns) > 20
    assert (state().broken, state().unchained) == ((), 0)
    assert [entry["id"] for entry in progress.records("hint")] == ["after"]


def test_a_lock_that_is_never_given_back_costs_the_chain_and_not_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """When another program holds the lock for too long, the record is kept without a chain."""
    monkeypatch.setattr(progress, "LOCK_SECONDS", 0.05)
    progress.record("hint", "01-a", step=1)
    with locked(progress.folder() / "progress.lock", 1):
        assert progress.record("hint", "01-a", step=2)
    progress.record("hint", "01-a", step=3)
    assert [entry["step"] for entry in progress.records()] == [1, 2, 3]
    assert (state().unchained, state().broken) == (1, ())


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recording that is not possible says so with False and the lesson goes on."""
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(tmp_path / "a file" / "below"))
    assert progress.record("attempt", "01-a") is False
    assert list(progress.records()) == []
    assert progress.reset() is None


def test_a_copy_to_hand_in_carries_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy is the file and one more line with the name: as given, from the environment, or of the account."""
    progress.record("attempt", "01-a", ok=True)
    mine = progress.file().read_bytes()
    copy = progress.export(tmp_path / "mine.jsonl", name="Ada Ünal")
    found = ledger.read(copy.read_bytes())
    assert copy.read_bytes().startswith(mine)
    assert (found.entries[-1]["kind"], found.entries[-1]["id"], found.broken) == ("learner", "Ada Ünal", ())
    assert progress.file().read_bytes() == mine
    monkeypatch.setenv(progress.NAME_VARIABLE, "the grey heron")
    monkeypatch.chdir(tmp_path)
    assert progress.export() == tmp_path / "progress-the-grey-heron.jsonl"
    assert progress.export(tmp_path) == tmp_path / "progress-the-grey-heron.jsonl"
    monkeypatch.delenv(progress.NAME_VARIABLE)
    assert progress.learner()


def test_a_file_that_cannot_be_handed_in_is_named(tmp_path: Path) -> None:
    """With nothing recorded, export says what to do; it overwrites no file of another kind, and not the original."""
    with pytest.raises(FileNotFoundError, match="nothing is recorded yet"):
        progress.export(tmp_path / "mine.jsonl")
    progress.record("attempt", "01-a", ok=True)
    (tmp_path / "essay.txt").write_text("To be or not to be")
    for taken in (tmp_path / "essay.txt", progress.file()):
        before = taken.read_bytes()
        with pytest.raises(FileExistsError, match="give another file"):
            progress.export(taken)
        assert taken.read_bytes() == before


def test_a_reset_sets_the_records_aside() -> None:
    """After a reset nothing is recorded, and everything from before is in a dated file in the same folder."""
    for number in (1, 2):
        progress.record("attempt", f"01-{number}", ok=True)
        before = progress.file().read_bytes()
        aside = progress.reset()
        assert aside is not None
        assert aside.read_bytes() == before
        assert list(progress.records()) == []
    assert len(list(progress.folder().glob("progress-until-20*.jsonl"))) == 2
    assert progress.reset() is None


def test_records_know_no_notebook() -> None:
    """A copied cell counts for the same exercise: a record holds its id and no trace of cell, file or folder."""
    for _ in range(2):
        progress.record("attempt", "01-a", ok=False)
    assert {frozenset(entry) for entry in progress.records()} == {frozenset({"v", "at", "kind", "id", "ok", "chain"})}


def test_the_default_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the environment variable records go to the user's data folder, not into the repository."""
    monkeypatch.delenv(progress.FOLDER_VARIABLE)
    assert Path(progress.__file__).parents[3] not in progress.folder().parents
    assert progress.folder().name == "labkit"
