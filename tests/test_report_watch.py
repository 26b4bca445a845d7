"""The page of a lesson: where everybody is and what is commonly wrong now, without names, to this machine alone."""

import http.client
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labkit.teach.exercises import all_exercises
from labkit.teach.record import ledger
from labkit.teach.report.lesson import lesson
from labkit.teach.report.watch import page, server

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MISTAKE = "only the question is sent"


def working(folder: Path, name: str, *rows: tuple[float, str, str, dict[str, Any]], now: datetime = NOW) -> None:
    """Write a learner's records, each so many minutes ago."""
    entries = [
        {"v": 2, "at": (now - timedelta(minutes=ago)).isoformat(), "kind": kind, "id": id, **details}
        for ago, kind, id, details in rows
    ]
    end = {"v": 2, "at": now.isoformat(), "kind": "learner", "id": name}
    (folder / name).mkdir(parents=True)
    (folder / name / "progress.jsonl").write_text("\n".join(ledger.written([*entries, end])) + "\n", "utf-8")


def missed(mistake: str = MISTAKE) -> dict[str, Any]:
    """An attempt that showed a mistake."""
    return {"ok": False, "mistake": mistake, "missed": []}


@pytest.fixture
def class_folder(tmp_path: Path) -> Path:
    """Three learners in a lesson, and files that are none of theirs."""
    working(tmp_path, "Ada", (20, "attempt", "02-a", missed("two messages a turn")), (2, "attempt", "01-a", missed()))
    working(tmp_path, "Ben", (4, "attempt", "01-a", missed()), (3, "attempt", "01-a", missed()))
    working(tmp_path, "Cleo", (1, "answer", "01-q1", {"right": False, "given": 1, "seed": 0}))
    (tmp_path / "Cleo" / "torn.jsonl").write_bytes(b'{"v": 2, "at"')
    (tmp_path / "notes.txt").write_text("no progress file")
    return tmp_path


def test_the_commonest_wrong_idea_of_the_last_ten_minutes_comes_first(class_folder: Path) -> None:
    """Each learner counts once for an idea, its own message comes with it, and what is older is left out."""
    seen = lesson(class_folder, NOW)
    assert [(one.id, one.words, len(one.names)) for one in seen.ideas] == [
        ("01-a", MISTAKE, 2),
        ("01-q1", "The third question alone; the API has the rest", 1),
    ]
    [mistake] = [one for one in all_exercises()["01-a"].mistakes if one.__name__ == MISTAKE.replace(" ", "_")]
    assert seen.ideas[0].message == " ".join(str(mistake.__doc__).split())
    assert seen.ideas[1].message


def test_everybody_is_where_their_newest_record_is(class_folder: Path) -> None:
    """The newest record of each learner says where they are."""
    seen = lesson(class_folder, NOW)
    assert [(place.name, place.id, place.notebook) for place in seen.places] == [
        ("Ada", "01-a", "01"), ("Ben", "01-a", "01"), ("Cleo", "01-q1", "01"),
    ]  # fmt: skip


def test_names_are_shown_when_asked_for_alone(class_folder: Path) -> None:
    """No name is on the page until it is asked for; then all are."""
    seen = lesson(class_folder, NOW)
    for names in (False, True):
        shown = page(seen, NOW, names)
        assert [name in shown for name in ("Ada", "Ben", "Cleo")] == [names] * 3
        assert MISTAKE in shown


def test_whatever_a_record_holds_is_shown_as_text(tmp_path: Path) -> None:
    """A name that is markup is escaped, and a mistake that the exercise does not have is not shown."""
    working(tmp_path, "x", (1, "attempt", "01-a", missed("<b>mine</b>")), (1, "attempt", "nowhere", missed()))
    path = tmp_path / "x" / "progress.jsonl"
    path.write_text(path.read_text().replace('"id": "x"', '"id": "<script>alert(1)</script>"'))
    shown = page(lesson(tmp_path, NOW), NOW, names=True)
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "mine" not in shown


@pytest.fixture
def port(class_folder: Path) -> Iterator[int]:
    """The port of a running page."""
    with server(class_folder) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield serving.server_port
        serving.shutdown()


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [("/", "127.0.0.1", 200), ("/?names=shown", "localhost", 200), ("/etc/passwd", "127.0.0.1", 404),
     ("/", "evil.example", 403), ("/", "127.0.0.1.evil.example", 403)],
)  # fmt: skip
def test_the_page_is_served_to_this_machine_alone(port: int, path: str, host: str, status: int) -> None:
    """The page answers under this machine's names; under another one, which a page of another site would bring, it is
    refused.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"Host": f"{host}:{port}"})
    answer = connection.getresponse()
    assert answer.status == status
    assert ("Where everybody is" in answer.read().decode()) == (status == 200)
    if status == 200:
        assert "default-src 'none'" in str(answer.getheader("Content-Security-Policy"))
    connection.close()
