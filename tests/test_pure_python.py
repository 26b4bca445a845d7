"""The core, the offline Claude and the lessons are pure Python: they work in a Python like a browser's."""

import subprocess
import sys
from pathlib import Path

import pytest

from labkit.lab import ROOT
from labkit.stores.file_lock import locked
from labkit.teach.charts.lettering import DRAWN, FOLDED, WIDER, printable, width_of
from labkit.teach.charts.raster import font
from labkit.teach.lessons import stored_runs
from labkit.teach.lessons.stored_runs import in_another_python

LIKE_A_BROWSER = """
import importlib, pkgutil, sys, threading, time
def refuse(thread): raise RuntimeError("can't start new thread")
threading.Thread.start = refuse
del time.thread_time
for name in "PIL jinja2 markupsafe numpy onnxruntime plotly portalocker psutil redis yaml".split():
    sys.modules[name] = None  # compiled, or of no use in a browser
import labkit
"""
EVERY_MODULE = """
def every(package):
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if not found.name.endswith(("labkit.lab", ".report", ".nbgrader_export", ".raster", "__main__")):
            module = importlib.import_module(found.name)
            if found.ispkg:
                every(module)
every(labkit)
print("done")
"""
A_LESSON = """
import pathlib, tempfile
from labkit import SmartConversationManager
from labkit.teach.charts.chart import Chart, Series
from labkit.teach.checks.check import check
manager = SmartConversationManager(token_threshold=500)
for sentence in ("My order is A-1047.", "It is for Ada.", "What is my order number?"):
    reply = manager.send(sentence)
assert "A-1047" in str(reply), reply
sys.platform = "emscripten"  # it has no file locks
with tempfile.TemporaryDirectory() as folder:
    manager.save(pathlib.Path(folder) / "ada.json")
    assert len(SmartConversationManager.load(pathlib.Path(folder) / "ada.json").transcript) == 6
assert check("it ends", lambda: 4, 4).ok
assert "stopped" in check("it ends", lambda: [0 for _ in iter(int, 1)], seconds=0.01).sentence
chart = Chart(title="Messages", words="One bar.", categories=["1"], series=[Series("system", [1])])
assert "<svg" in chart.bundle()["text/html"], chart.bundle()
print("done")
"""


@pytest.mark.parametrize("code", [EVERY_MODULE, A_LESSON], ids=["every module", "a lesson"])
def test_a_python_like_a_browsers_is_enough(code: str) -> None:
    """Without threads and compiled packages all of the workbook but the class report is imported, and a lesson runs."""
    ran = subprocess.run([sys.executable, "-c", LIKE_A_BROWSER + code], capture_output=True, text=True, cwd=ROOT)
    assert (ran.stdout, ran.stderr) == ("done\n", "")


def test_a_planted_import_is_seen() -> None:
    """A module that needs a compiled package fails in that Python."""
    code = LIKE_A_BROWSER + "import labkit.teach.charts.raster"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "ModuleNotFoundError: import of PIL halted" in ran.stderr


def test_letters_are_as_wide_as_in_pillows_font() -> None:
    """The widths that are kept as data are those of the font that the PNG is drawn with, for every letter."""
    for letter in (*map(chr, range(128)), *map(chr, DRAWN), *map(chr, FOLDED), "é", "½"):
        assert width_of(letter, 1) == pytest.approx(WIDER * font(100).getlength(printable(letter)) / 100), letter


def test_a_browser_writes_without_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block runs without a lock file in a Python that has no file locks, and with one in any other."""
    for platform, there in (("emscripten", False), (sys.platform, True)):
        monkeypatch.setattr(sys, "platform", platform)
        with locked(tmp_path / "lock", 1):
            assert (tmp_path / "lock").exists() is there


def test_code_for_another_python_runs_here_where_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same is printed either way, but for the number of the process, and no name of it is left here."""
    code = "import os\nkept = 4\nprint(kept, os.getpid())"
    there = in_another_python(code).split()

    def refuse(*_command: object, **_options: object) -> None:
        raise OSError("emscripten does not support processes.")

    with monkeypatch.context() as patched:
        patched.setattr(stored_runs.subprocess, "run", refuse)
        here = in_another_python(code).split()
    assert (there[0], there[1] != here[1]) == (here[0], True)
    with pytest.raises(subprocess.CalledProcessError):
        in_another_python("1 / 0")
