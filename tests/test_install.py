"""`make install` is instant when nothing has changed, and says in one sentence what stops it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLOSED = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "PIP_NO_CACHE_DIR": "1",
}


@pytest.fixture
def clone(tmp_path):
    """The files that an installation reads, in a folder whose name has a space."""
    folder = tmp_path / "fresh clone"
    shutil.copytree(ROOT / "tools", folder / "tools")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def started(folder, *arguments, **environment):
    """A make that runs there, as the leader of its group of processes, as in a terminal."""
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "PYTHON")}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        ["make", *arguments],
        cwd=folder,
        stdout=pipe,
        stderr=pipe,
        text=True,
        env=kept | environment,
        start_new_session=True,
    )


def ended(making):
    """The output of make, without its closing line, and its success."""
    with making:
        said = "".join(making.communicate()).splitlines()
    return [line for line in said if not line.startswith("make: ***")], making.returncode == 0


def make(folder, *arguments, **environment):
    """Run make there; what it said without make's own closing line, and whether it succeeded."""
    return ended(started(folder, *arguments, **environment))


def old_python(folder):
    """A program that answers as Python 3.11.7 would."""
    path = folder / "python3.11"
    path.write_text('#!/bin/sh\ncase "$2" in *print*) echo 3.11.7 ;; *) exit 1 ;; esac\n')
    path.chmod(0o755)
    return path


def test_too_old_a_python_is_one_sentence(clone):
    """The cause, the need and the way out are named, and nothing is left behind."""
    path = old_python(clone)
    for target in ("install", "lab", "test"):
        said, succeeded = make(clone, target, f"PYTHON={path.name}", PATH=f"{clone}:{os.environ['PATH']}")
        assert not succeeded
        assert said == [
            f"make install: found Python 3.11.7 ({path}), and the workbook needs Python 3.12 or later: install one, "
            "or name one that is there, for example make install PYTHON=/usr/bin/python3.12"
        ]
    assert not (clone / ".venv").exists()


def test_a_python_that_is_not_there_is_one_sentence(clone):
    """A name that runs nothing is repeated, with what is needed."""
    said, succeeded = make(clone, "install", "PYTHON=/nowhere/python3")
    assert not succeeded
    assert len(said) == 1
    assert said[0].startswith("make install: found no Python that runs as /nowhere/python3, and the workbook needs")


def test_no_network_is_one_sentence(clone):
    """Without a network the packages cannot come; the sentence says why, and nothing counts as installed."""
    said, succeeded = make(clone, "install", f"PYTHON={sys.executable}", **CLOSED)
    assert not succeeded
    assert said[0].startswith("Setting up the workbook in .venv/ with Python ")
    assert said[1].startswith("make install: the packages could not be installed (Connection refused)")
    assert "needs a network connection to PyPI" in said[1]
    assert len(said) == 2
    assert not (clone / ".venv" / ".installed").exists()


def begun(clone):
    """Begin a set-up from nothing and press Ctrl-C, which gives one sentence; the number of the process that was."""
    making = started(clone, "install", f"PYTHON={sys.executable}", **CLOSED)
    assert making.stdout.readline().startswith("Setting up the workbook")
    os.killpg(making.pid, signal.SIGINT)
    broken_off = "make install: broken off: run the same command again; nothing has to be cleaned up"
    assert ended(making) == ([broken_off], False)
    assert not (clone / ".venv.lock").exists()
    return making.pid


def set_up(clone):
    """Let the clone look as after a whole set-up; gives back the stamp."""
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.unlink(missing_ok=True)
    python.symlink_to(sys.executable)
    stamp = clone / ".venv" / ".installed"
    stamp.write_text(f"{clone}\n")
    return stamp


def test_a_second_call_has_nothing_to_do(clone):
    """With the stamp newer than pyproject.toml and this folder's name on it, nothing runs; else everything does."""
    stamp = set_up(clone)
    (clone.parent / "link").symlink_to(clone)
    assert make(clone.parent / "link", "install", **CLOSED) == ([], True)
    assert make(clone, "install", **CLOSED) == ([], True)
    stamp.write_text("/another/folder\n")
    begun(clone)


def test_a_set_up_that_is_broken_off_says_so_and_leaves_nothing_in_the_way(clone):
    """After Ctrl-C the same command works again, even where one that was killed left its mark."""
    (clone / ".venv.lock").write_text(f"{begun(clone)}\n")
    set_up(clone)
    (clone / "pyproject.toml").touch()
    assert make(clone, "install", **CLOSED)[0][0] == "Bringing the packages in .venv/ up to date."
    assert not (clone / ".venv.lock").exists()


def test_a_second_set_up_waits_for_the_first(clone):
    """Two at once would clear away each other's work: the second says that it waits, and then has nothing to do."""
    (clone / ".venv.lock").write_text(f"{os.getpid()}\n")
    making = started(clone, "install", **CLOSED)
    waiting = f"Another set-up (process {os.getpid()}) is at work in this folder; waiting for it.\n"
    assert making.stdout.readline() == waiting
    set_up(clone)
    (clone / ".venv.lock").unlink()
    assert ended(making) == ([], True)


def test_no_room_is_one_sentence(clone):
    """A folder that cannot be written is named in one sentence, with the ways out."""
    (clone / ".venv.lock").symlink_to("/dev/full")
    said, succeeded = make(clone, "install", **CLOSED)
    assert not succeeded
    assert len(said) == 1
    assert said[0].startswith(f"make install: cannot write in {clone}, where .venv/ is to be: make room on the disk")
