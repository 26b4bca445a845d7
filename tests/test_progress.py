"""Progress: append-only, silent, on this machine, and never in the way of a lesson."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.teach import progress


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test's records in a folder of its own."""
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(tmp_path / "progress"))
    return tmp_path


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["attempt", "hint"]), st.text(max_size=30), st.text(max_size=30))))
def test_what_is_recorded_is_read_back_in_order(entries: list[tuple[str, str, str]]) -> None:
    """Any texts, line breaks and broken Unicode included, come back in the order in which they were
    recorded.
    """
    progress.reset()
    for kind, id, note in entries:
        assert progress.record(kind, id, note=note)
    found = [(entry["kind"], entry["id"]) for entry in progress.records()]
    readable = [text.encode("utf-8", "replace").decode() for _, text, _ in entries]
    assert found == [(kind, id) for (kind, _, _), id in zip(entries, readable, strict=True)]


def test_a_torn_line_spoils_only_itself() -> None:
    """A process that was killed in the middle of a write loses that record and no other."""
    progress.record("attempt", "01-a", ok=False)
    with progress.file().open("a") as handle:
        handle.write('\n{"kind": "attempt", "id": "01-b", "at"')
    progress.record("attempt", "01-c", ok=True)
    assert [entry["id"] for entry in progress.records("attempt")] == ["01-a", "01-c"]


def test_foreign_lines_are_passed_over() -> None:
    """Lines of JSON that are no records are not read as records."""
    progress.record("hint", "01-a", step=1)
    with progress.file().open("a") as handle:
        handle.write('\n[1, 2]\n"words"\n{"id": "01-b"}')
    assert [entry["id"] for entry in progress.records()] == ["01-a"]


def test_two_notebooks_may_write_at_once() -> None:
    """Records of processes that write at the same time do not run into one another."""
    code = (
        "import sys\nfrom labkit.teach import progress\n"
        "for i in range(300): progress.record('attempt', sys.argv[1], turn=i, pad='x' * 500)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, name]) for name in ("01-a", "01-b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    turns = {name: [e["turn"] for e in progress.records() if e["id"] == name] for name in ("01-a", "01-b")}
    assert turns == {"01-a": list(range(300)), "01-b": list(range(300))}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be kept, recording says so with False and the lesson goes on."""
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(tmp_path / "a file" / "below"))
    assert progress.record("attempt", "01-a") is False
    assert list(progress.records()) == []


def test_progress_can_be_handed_in_and_deleted(tmp_path: Path) -> None:
    """Export copies the file as it is; reset leaves nothing behind; with nothing recorded, export says
    what to do.
    """
    with pytest.raises(FileNotFoundError, match="nothing is recorded yet"):
        progress.export(tmp_path / "mine.jsonl")
    progress.record("attempt", "01-a", ok=True)
    copy = progress.export(tmp_path / "mine.jsonl")
    assert json.loads(copy.read_text().strip())["ok"] is True
    progress.reset()
    assert list(progress.records()) == []


def test_the_default_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the environment variable records go to the user's data folder, not into the repository."""
    monkeypatch.delenv(progress.FOLDER_VARIABLE)
    assert Path(progress.__file__).parents[2] not in progress.folder().parents
    assert progress.folder().name == "labkit"
