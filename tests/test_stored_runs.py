"""A stored run replaces a program that is not there, says so, and is what the program really prints."""

import json
import shutil
from pathlib import Path

import pytest
import redis

from labkit.teach.lessons import stored_runs
from labkit.teach.lessons.stored_runs import run_or_stored, with_minilm, with_redis

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NO_REDIS = "the run on a Redis server was left out, because there is no redis-server here"


def test_a_stored_run_says_that_it_may_be_one():
    """Without the program its stored lines are shown, below a line that names the program and says 'stored run'."""
    shown = run_or_stored("redis", None)
    assert shown.source == "A stored run: redis-server was not found here."
    assert str(shown).startswith("Run with redis-server; a stored run on a machine that has none.\n")
    assert "A-1047" in str(shown)


def test_what_ran_is_shown_as_it_ran():
    """With the program its own lines are shown, whatever is stored: a changed cell shows its change."""
    shown = run_or_stored("redis", lambda: "Redis:     something else\n")
    assert shown.source == "Run here with redis-server."
    assert str(shown).splitlines()[1:] == ["Redis:     something else"]


def test_an_unknown_program_is_refused():
    """A name without a stored run is an error, also where the program is there."""
    with pytest.raises(KeyError, match="fortran"):
        run_or_stored("fortran", lambda: "")


@pytest.mark.parametrize("missing", ["which", "find_spec"], ids=["no server", "no package"])
def test_without_server_or_package_nothing_is_run(missing, monkeypatch):
    """A missing program or a missing package is enough for the stored run; what was to run is not called."""
    monkeypatch.setattr(stored_runs, missing, lambda name: None)
    shown = with_redis(lambda url: pytest.fail("nothing can run here"))
    assert shown.source.startswith("A stored run")


def test_without_the_model_nothing_is_run(monkeypatch):
    """The stored run is shown where the extra is missing."""
    monkeypatch.setattr(stored_runs, "available", lambda: False)
    shown = with_minilm(lambda model: pytest.fail("nothing can run here"))
    assert shown.source.startswith("A stored run")


def test_the_server_is_real_and_ends_with_the_run():
    """A run gets a server that keeps a value, and nothing listens at its address afterwards."""
    if not shutil.which("redis-server"):
        pytest.skip(NO_REDIS)
    addresses = []

    def remember(url):
        """Set a value and read it back."""
        addresses.append(url)
        with redis.Redis.from_url(url) as server:
            server.set("order", "A-1047")
            return server.get("order").decode()

    shown = with_redis(remember)
    assert shown.source.startswith("Run here")
    assert str(shown).splitlines()[1:] == ["A-1047"]
    with redis.Redis.from_url(addresses[0]) as server, pytest.raises(redis.ConnectionError):
        server.ping()


@pytest.mark.parametrize(("name", "notebook"), [("redis", "06_manager"), ("minilm", "04_pruning")])
def test_the_notebook_stores_what_is_shown_without_the_program(name, notebook):
    """The notebook, run where the program is, holds to the letter what a machine without it shows."""
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text("utf-8"))["cells"]
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    shown = run_or_stored(name, None)
    assert [str(shown)] == [text for data in outputs if (text := "".join(data.get("text/plain", ""))) == str(shown)]
