"""The class report of 300 learners: at most 10 seconds of processor time and 300 MB, in a separate process."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labkit.teach.report.demo_class import write_class

LEARNERS, SECONDS, MEGABYTES = 300, 10.0, 300.0
MEASURED = (
    "import re, sys, time\nfrom pathlib import Path\nfrom labkit.teach.report.__main__ import main\n"
    "code = main(sys.argv[1:])\n"
    "most = re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1]\n"
    "print(time.process_time(), int(most) / 1024)\nsys.exit(code)"
)
"""ru_maxrss would not do: a new process inherits it from the one that started it."""


@pytest.fixture(scope="module")
def class_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated class of 300."""
    folder = tmp_path_factory.mktemp("class") / "class"
    write_class(folder, LEARNERS)
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="reads the most memory used from /proc, which Linux has")
@pytest.mark.parametrize("flags", [[], ["--csv", "--pages"]], ids=["report", "report, CSV and pages"])
def test_a_class_of_300(class_folder: Path, tmp_path: Path, flags: list[str]) -> None:
    """Reading, counting and writing, start of Python included; the line says what was measured."""
    command = [sys.executable, "-c", MEASURED, str(class_folder), "-o", str(tmp_path / "report.html"), *flags]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=True)
    clock = time.perf_counter() - started
    seconds, megabytes = map(float, done.stdout.splitlines()[-1].split())
    size = (tmp_path / "report.html").stat().st_size
    print(
        f"{LEARNERS} learners{' with pages' if flags else ''}: {seconds:.1f} s of processor time, "
        f"{clock:.1f} s on the clock, {megabytes:.0f} MB, {size:,} bytes"
    )
    assert seconds <= SECONDS
    assert megabytes <= MEGABYTES
