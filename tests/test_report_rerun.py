"""A rerun takes what the checks say in a clean kernel, within bounds, whatever the notebook does."""

import json
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from labkit.teach.report import __main__ as report
from labkit.teach.report.files import read_class
from labkit.teach.report.rerun import Limits, _kill, rerun, rerun_class

CHECK = 'from labkit.teach.exercises import exercise\nexercise("{id}").check()'
TAKE = "from labkit.teach.exercises import exercise\n{name} = exercise('{id}').{which}"
LIMITS = Limits(seconds=90, megabytes=4_000)


def handed_in(path: Path, *sources: str) -> Path:
    """Write a notebook of code cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(new_notebook(cells=[new_code_cell(source) for source in sources])), "utf-8")
    return path


def test_what_only_an_old_kernel_knew_is_not_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Checks that a notebook passes by itself are right; one that is right in its stored output alone is named.

    A sibling module is at hand, an error does not end the run, and the class's own files stay as they were.
    """
    path = handed_in(
        tmp_path / "class" / "ada" / "01_mine.ipynb",
        "from answers import how_many_messages",
        "1 / 0",
        CHECK.format(id="00-a"),
        TAKE.format(name="next_request", id="01-a", which="mistakes[0]"),
        CHECK.format(id="01-a"),
        CHECK.format(id="01-b"),
    )
    stored = json.loads(path.read_text())
    stored["cells"][4]["outputs"] = [
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {"text/plain": "✓ Exercise 01-a: all 5 checks are right."},
        }
    ]
    path.write_text(json.dumps(stored))
    (path.parent / "answers.py").write_text("def how_many_messages(request):\n    return len(request['messages'])\n")
    before = path.read_bytes()
    assert report.main([str(tmp_path / "class"), "-o", str(tmp_path / "r.html"), "--rerun", "--csv"]) == 0
    assert path.read_bytes() == before
    rows = (tmp_path / "r_csv" / "reruns.csv").read_text("utf-8").splitlines()
    assert rows[1] == "ada,1,0.3333,01-a"
    assert "1 of 1 executed" in capsys.readouterr().err
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "not right from a clean kernel: 01-a" in page
    assert "6 cells, 1 with ZeroDivisionError" in page


def network_can_be_taken_away() -> bool:
    """Whether this system gives an ordinary account a network of its own; tried in a process that ends at once."""
    tried = (
        "import sys\nfrom labkit.teach.report.bounded_run import take_network_away\nsys.exit(not take_network_away())"
    )
    return subprocess.run([sys.executable, "-c", tried], check=False).returncode == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux bounds memory, so this was left out")
def test_a_hostile_notebook_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look for keys, a wish for memory, calls to another machine and an endless loop come to nothing, and what stands
    below them runs.

    Where the system allows it, not even a socket made without Python leads out.
    """
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    bare = "import ctypes\nlibc = ctypes.CDLL(None)\naddress = bytes([2, 0, 0, 80, 192, 0, 2, 1]) + bytes(8)\n"
    bare += "assert libc.connect(libc.socket(2, 1, 0), address, 16) == 0"
    path = handed_in(
        tmp_path / "a.ipynb",
        "import os\nassert 'ANTHROPIC_API_KEY' not in os.environ",
        "kept = bytearray(8_000_000_000)",
        "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)",
        bare if network_can_be_taken_away() else "assert False",
        "import time\nwhile True:\n    time.sleep(0.1)",
        TAKE.format(name="how_many_messages", id="00-a", which="reference"),
        CHECK.format(id="00-a"),
    )
    run = rerun(path, Limits(seconds=40, megabytes=3_000))
    assert run.claims == {"00-a": "right"}
    errors = "1 with AssertionError, 1 with KeyboardInterrupt, 1 with MemoryError, 1 with PermissionError"
    assert run.words == f"7 cells, {errors}"


def test_a_notebook_without_an_end_is_stopped(tmp_path: Path) -> None:
    """At the end of its time a notebook is stopped, even one that cannot be interrupted."""
    stubborn = "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass"
    started = time.monotonic()
    assert rerun(handed_in(tmp_path / "a.ipynb", stubborn), Limits(seconds=4)).words == "stopped after 4 seconds"
    assert time.monotonic() - started < 20


def test_what_a_process_started_ends_with_it() -> None:
    """Ending a process ends its children, sessions of their own included."""
    child = "import time; time.sleep(60)"
    start = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True)"
    code = f"{start}; print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        grandchild = psutil.Process(int(parent.stdout.readline()))
        _kill(parent.pid)
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


def test_a_check_that_never_spoke_is_not_right(tmp_path: Path) -> None:
    """When a kernel ends itself, what its checks said before counts and a stored output below it does not; a file that
    is no notebook after all says so.
    """
    told = {"output_type": "display_data", "metadata": {}, "data": {"text/plain": "✓ Exercise 01-a: all right."}}
    right = f"{TAKE.format(name='how_many_messages', id='00-a', which='reference')}\n{CHECK.format(id='00-a')}"
    for name, sources in (("ada", [right, "import os\nos._exit(1)", ""]), ("ben", [3])):
        cells = [
            {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": 1}
            for source in sources
        ]
        cells[-1]["outputs"] = [told]
        path = tmp_path / "class" / name / "00.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    class_ = read_class(tmp_path / "class")
    assert all(student.right("01-a") for student in class_.students)
    rerun_class(class_, LIMITS, say=lambda _: None)
    assert not any(student.right("01-a") for student in class_.students)
    assert [student.right("00-a") for student in class_.students] == [True, False]
    assert [one.why.partition("executed: ")[2] for one in class_.files] == [
        "stopped: DeadKernelError",
        "cannot be executed (AttributeError)",
    ]
