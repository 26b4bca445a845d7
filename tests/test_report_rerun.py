"""A rerun takes what the checks say in a clean kernel, in a closed room with bounds, whatever the notebook does."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from labkit.teach.report import __main__ as report
from labkit.teach.report import sandbox
from labkit.teach.report.files import read_class
from labkit.teach.report.rerun import Limits, rerun, rerun_class

CHECK = 'from labkit.teach.exercises import exercise\nexercise("{id}").check()'
TAKE = "from labkit.teach.exercises import exercise\n{name} = exercise('{id}').{which}"
RIGHT = f"{TAKE.format(name='how_many_messages', id='00-a', which='reference')}\n{CHECK.format(id='00-a')}"
LIMITS = Limits(seconds=90, megabytes=4_000)
in_a_room = pytest.mark.skipif(bool(sandbox.why_not()), reason=f"no closed room here: {sandbox.why_not()}")


def handed_in(path: Path, *sources: str) -> Path:
    """Write a notebook of code cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(new_notebook(cells=[new_code_cell(source) for source in sources])), "utf-8")
    return path


def stored_as_right(path: Path, cell: int, exercise: str) -> None:
    """Give a cell of a notebook a stored output that says that this exercise is right."""
    stored = json.loads(path.read_text("utf-8"))
    shown = {"text/plain": f"✓ Exercise {exercise}: all checks are right."}
    stored["cells"][cell]["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": shown}]
    path.write_text(json.dumps(stored), "utf-8")


@in_a_room
def test_what_only_an_old_kernel_knew_is_not_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Checks that a notebook passes by itself are right; one that is right in its stored output alone is named.

    A sibling module is at hand, an error does not end the run, the class's own files stay as they were, and the
    instructor reads that a verdict can be forged.
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
    stored_as_right(path, 4, "01-a")
    (path.parent / "answers.py").write_text("def how_many_messages(request):\n    return len(request['messages'])\n")
    before = path.read_bytes()
    assert report.main([str(tmp_path / "class"), "-o", str(tmp_path / "r.html"), "--rerun", "--csv"]) == 0
    assert path.read_bytes() == before
    rows = (tmp_path / "r_csv" / "reruns.csv").read_text("utf-8").splitlines()
    assert rows[1] == "ada,1,0.3333,01-a"
    said = capsys.readouterr().err
    assert "1 of 1 executed" in said
    assert "can be forged" in said
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "not right from a clean kernel: 01-a" in page
    assert "6 cells, 1 with ZeroDivisionError" in page
    assert "A verdict can be forged" in page


SPY = """
import os, pathlib
seen = b"".join(path.read_bytes() for path in pathlib.Path("/proc").glob("[0-9]*/environ") if os.access(path, os.R_OK))
if b"the-instructors-key" in seen + str(os.environ).encode():
    raise LookupError("the key is in reach")
"""


NAMED_LIKE = ("json", "traceback", "nbformat", "nbclient", "ipykernel", "sitecustomize", "usercustomize", "labkit")


@in_a_room
def test_a_file_named_like_a_module_runs_in_the_closed_room_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python files beside a notebook, named like what the rerun imports, see no key and change no file outside."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "the-instructors-key")
    mark = tmp_path / "class" / "it_ran_outside"
    path = handed_in(tmp_path / "class" / "eve" / "00.ipynb", SPY, "import planted")
    for name in (*NAMED_LIKE, "planted"):
        (path.parent / f"{name}.py").write_text(f"{SPY}\nopen({str(mark)!r}, 'w')\n")
    assert rerun(path, LIMITS).words == "2 cells, 1 with FileNotFoundError"  # planted wanted to leave its mark
    assert not mark.exists()


def test_a_report_started_among_the_files_of_the_class_is_refused(tmp_path: Path) -> None:
    """Nothing is read from the class's folder on Python's path; with -P, which keeps it off, the report is made."""
    handed_in(tmp_path / "class" / "eve" / "00.ipynb", RIGHT)
    command = ["-m", "labkit.teach.report", ".", "-o", str(tmp_path / "r.html")]
    for flags, code in (([], 1), (["-P"], 0)):
        done = subprocess.run(
            [sys.executable, *flags, *command], cwd=tmp_path / "class", capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert ("is on Python's path" in done.stderr) == bool(code)


@in_a_room
def test_the_instructors_files_and_network_are_out_of_reach(tmp_path: Path) -> None:
    """Inside there are no files of the account and the class, no way to write outside, no way out by any socket."""
    path = handed_in(
        tmp_path / "class" / "eve" / "00.ipynb",
        f"import os\nfor place in ({str(tmp_path)!r}, {str(Path.home() / '.cache')!r}, '/etc/shadow'):\n"
        "    assert not os.path.exists(place)",
        "import os, labkit\nopen(os.path.join(os.path.dirname(labkit.__file__), 'planted.py'), 'w')",
        "open('/planted', 'w')",
        "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)",
        "import ctypes\nlibc = ctypes.CDLL(None)\naddress = bytes([2, 0, 0, 80, 192, 0, 2, 1]) + bytes(8)\n"
        "assert libc.connect(libc.socket(2, 1, 0), address, 16) != 0",
    )
    assert rerun(path, LIMITS).words == "5 cells, 3 with OSError"


@in_a_room
def test_a_process_left_by_a_double_fork_ends_with_its_notebook(tmp_path: Path) -> None:
    """A process that detached itself is gone when the rerun is over."""
    name = f"left-{os.getpid()}-{time.monotonic_ns()}"
    sleeper = f"os.execv(sys.executable, ['python', '-c', 'import time; time.sleep(60)', {name!r}])"
    left = "import os, sys\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
    path = handed_in(tmp_path / "a.ipynb", f"{left}        {sleeper}\n    os._exit(0)", "import time\ntime.sleep(1)")
    assert rerun(path, LIMITS).words == "2 cells, none ended in an error"
    assert not [one for one in psutil.process_iter(["cmdline"]) if name in (one.info["cmdline"] or [])]


@in_a_room
def test_a_notebook_that_kills_whatever_it_can_kills_its_own_room_alone(tmp_path: Path) -> None:
    """Signals to parents, grandparents and everybody end one rerun; the next hand-in has its verdict."""
    kill = (
        "import os, signal\nfor pid in (os.getppid(), 1, 2, 3, -1):\n    try:\n        os.kill(pid, signal.SIGKILL)\n"
    )
    kill += f"    except OSError:\n        pass\n{CHECK.format(id='00-a')}"
    handed_in(tmp_path / "class" / "eve" / "00.ipynb", kill)
    handed_in(tmp_path / "class" / "ada" / "00.ipynb", RIGHT)
    class_ = read_class(tmp_path / "class")
    rerun_class(class_, LIMITS)
    assert [student.right("00-a") for student in class_.students] == [True, False]
    assert "its process ended before the notebook did" in class_.files[1].why


MANY = """
import os, signal, time
children = []
try:
    for _ in range(1_000):
        children.append(os.fork())
        if not children[-1]:
            time.sleep(60)
            os._exit(0)
finally:
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
"""
FILES = "for number in range(30):\n    with open(f'{number}', 'wb') as file:\n        file.write(bytes(20_000_000))"
LARGE = "kept = bytearray(8_000_000_000)"


@in_a_room
def test_processes_disk_and_the_memory_of_one_process_are_bounded(tmp_path: Path) -> None:
    """Each ends in an error of the cell that asks for too much, and the other cells run."""
    run = rerun(handed_in(tmp_path / "a.ipynb", LARGE, MANY, RIGHT, FILES), LIMITS)
    assert run.words == "4 cells, 1 with BlockingIOError, 1 with MemoryError, 1 with OSError"
    assert run.claims == {"00-a": "right"}


@in_a_room
def test_memory_is_bounded_in_all(tmp_path: Path) -> None:
    """Twenty processes that keep within the bound one by one are stopped when together they do not."""
    keep = "import time; kept = bytearray(100_000_000); time.sleep(60)"
    source = (
        f"import subprocess, sys, time\nmore = [subprocess.Popen([sys.executable, '-c', {keep!r}]) for _ in range(20)]"
    )
    run = rerun(handed_in(tmp_path / "a.ipynb", f"{source}\ntime.sleep(60)"), Limits(seconds=120, megabytes=1_000))
    assert run.words == "stopped: more than 1,000 MB of memory in all"


@in_a_room
def test_a_notebook_without_an_end_is_stopped(tmp_path: Path) -> None:
    """At the end of its time a notebook is stopped, even one that prints and cannot be interrupted; the report does not
    grow with what it prints.
    """
    stubborn = "while True:\n    try:\n        print('x' * 100_000)\n    except BaseException:\n        pass"
    before, started = psutil.Process().memory_info().rss, time.monotonic()
    assert rerun(handed_in(tmp_path / "a.ipynb", stubborn), Limits(seconds=10)).words == "stopped after 10 seconds"
    assert time.monotonic() - started < 60
    assert psutil.Process().memory_info().rss - before < 100_000_000


def test_output_without_an_end_is_bounded_where_the_report_reads_it() -> None:
    """A program that fills the pipe of its answer is stopped after so many bytes."""
    endless = [sys.executable, "-c", "while True:\n    print('x' * 100_000)"]
    ran = sandbox.run(endless, sandbox.environment("/tmp"), Limits(seconds=20))
    assert ran.stopped == "stopped: more than 5,000,000 bytes of output"
    assert len(ran.output) == sandbox.OUTPUT_BYTES


@in_a_room
def test_an_error_reaches_the_terminal_in_printable_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Escapes in the name of an error are shown as question marks, and those in a file's name too."""
    path = handed_in(
        tmp_path / "class" / "eve" / "0\x1b[2J.ipynb",
        f"{RIGHT}\nraise type('\\x1b]0;owned\\x07\\u202e', (Exception,), {{}})",
    )
    rerun_class(read_class(tmp_path / "class"), LIMITS)
    said = capsys.readouterr().err
    assert "1 with ?]0;owned??" in said
    assert not {"\x1b", "\x07", "\u202e"} & set(said)
    assert path.exists()


def test_a_rerun_without_a_closed_room_is_refused_unless_the_danger_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing of the class runs without bubblewrap, and the sentence says what the flag would mean; with the flag the
    notebooks run, without the instructor's variables.
    """
    monkeypatch.setenv("ANTHROPIC_API_KEY", "the-instructors-key")
    here = os.environ["PATH"]
    handed_in(tmp_path / "class" / "eve" / "00.ipynb", RIGHT, "import os\nassert 'ANTHROPIC_API_KEY' not in os.environ")
    command = [str(tmp_path / "class"), "-o", str(tmp_path / "r.html"), "--rerun"]
    sandbox.why_not.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        assert report.main(command) == 1
        said = capsys.readouterr().err
        assert "bubblewrap is not installed" in said or "only Linux has" in said
        assert "With --with-my-rights it runs all the same: learners' code can then read and change your files" in said
        monkeypatch.setenv("PATH", here)
        assert report.main([*command, "--with-my-rights"]) == 0
    finally:
        sandbox.why_not.cache_clear()
    assert "2 cells, none ended in an error" in capsys.readouterr().err


def test_what_a_process_started_ends_with_it() -> None:
    """Ending a process ends its children, separate sessions included."""
    child = "import time; time.sleep(60)"
    start = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True)"
    code = f"{start}; print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        grandchild = psutil.Process(int(parent.stdout.readline()))
        sandbox.end(parent.pid)
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


@in_a_room
def test_a_check_that_never_spoke_is_not_right(tmp_path: Path) -> None:
    """When a kernel ends itself, what its checks said before counts and a stored output below it does not; a file that
    is no notebook after all says so.
    """
    for name, sources in (("ada", [RIGHT, "import os\nos._exit(1)", ""]), ("ben", [3])):
        cells = [
            {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": 1}
            for source in sources
        ]
        path = tmp_path / "class" / name / "00.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
        stored_as_right(path, -1, "01-a")
    class_ = read_class(tmp_path / "class")
    assert all(student.right("01-a") for student in class_.students)
    rerun_class(class_, LIMITS)
    assert not any(student.right("01-a") for student in class_.students)
    assert [student.right("00-a") for student in class_.students] == [True, False]
    assert [one.why.partition("executed: ")[2] for one in class_.files] == [
        "stopped: DeadKernelError",
        "cannot be executed (AttributeError)",
    ]
