"""`make install` is instant when nothing has changed, and says in one sentence what stops it."""

import os
import shutil
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


def make(folder, *arguments, **environment):
    """Run make there; what it said without make's own closing line, and whether it succeeded."""
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "PYTHON")}
    done = subprocess.run(
        ["make", *arguments], cwd=folder, capture_output=True, text=True, env=kept | environment, check=False
    )
    said = (done.stdout + done.stderr).splitlines()
    return [line for line in said if not line.startswith("make: ***")], done.returncode == 0


def old_python(folder):
    """A program that answers as Python 3.11.7 would."""
    path = folder / "python3.11"
    path.write_text('#!/bin/sh\ncase "$2" in *print*) echo 3.11.7 ;; *) exit 1 ;; esac\n')
    path.chmod(0o755)
    return path


def test_too_old_a_python_is_one_sentence(clone):
    """What was found, what is needed and what to do, and nothing is left behind."""
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


def test_a_second_call_has_nothing_to_do(clone):
    """With the stamp newer than pyproject.toml and this folder's name on it, nothing runs; else everything does."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    stamp = clone / ".venv" / ".installed"
    stamp.write_text(f"{clone}\n")
    assert make(clone, "install", **CLOSED) == ([], True)
    stamp.write_text("/another/folder\n")
    said, succeeded = make(clone, "install", f"PYTHON={sys.executable}", **CLOSED)
    assert (said[0].startswith("Setting up the workbook"), succeeded) == (True, False)
