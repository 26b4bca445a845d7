"""Change lines of labkit one at a time, see whether a test notices: python -m tests.measure.mutate --lines 100 --seed 1

Works in copies of the workbook. First all tests run once to find out which of them runs which line
(tests.measure.lines_run); that is kept, in the folder for temporary files, until labkit or the tests change. Then each
change is made, and the tests that run the changed line run, fastest first. A line that is run by import, not by a test,
is left to the tests that run any line of its module, one that no test is known to run to the files that name its
module. What no test notices has survived, and is printed to be looked at.

Tests that measure time are left out, and those beyond the first --seconds of a change: what only they would notice
counts as survived, and so does what was noticed by a test that in the end fails unchanged as well. A change that makes
its tests take five times as much processor time as unchanged, and ten seconds more, is a loop without an end: noticed.
Not part of make test.
"""

import argparse
import contextlib
import hashlib
import json
import multiprocessing
import os
import queue
import re
import resource
import shutil
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from pathlib import Path

from tests.measure.mutants import Change, run_for, sampled

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (
    "test_lab.py", "test_install.py", "test_environment.py", "test_readme.py", "test_architecture.py",
    "test_elsewhere.py", "test_mutate.py",
)  # fmt: skip
"""Tests of the house rather than of labkit."""
PYTEST = ("-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
PYTEST += ("--hypothesis-profile=first_failure",)
FRESH = multiprocessing.get_context("forkserver")
PRELOADED = ["anthropic", "hypothesis", "nbclient", "nbformat", "nbval.plugin", "numpy", "pytest"]
"""Modules that the tests load again and again, none of labkit: each process begins with them, which spares two seconds.
"""
PATIENCE = 20
END = "a loop without an end"
IN_A_CHILD = """import os
if "PYTEST_CURRENT_TEST" in os.environ:
    import lines_run
    lines_run.watch_child()
"""


@dataclass
class Map:
    """The tests and files that run each line of labkit, and the seconds that each takes."""

    runs: dict[str, dict[int, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @classmethod
    def of(cls, told: list[dict]) -> "Map":
        """The map from what the plugin wrote; a test that fails unchanged can notice nothing, and is left out."""
        made, failing = cls(), {one["where"] for one in told if not one.get("passed", True)}
        for one in told:
            where = one["where"]
            if where not in failing:
                made.seconds[where] += one.get("seconds", 0)
                if "::" in where:
                    made.seconds[where.partition("::")[0]] += one.get("seconds", 0)
                for path, lines in one["lines"].items():
                    for line in lines:
                        made.runs[path][line].add(where)
        return made

    def of_change(self, source: str, change: Change) -> list[str]:
        """The tests that run a changed line, fastest first; for a line of no function those that run its module."""
        lines, at = self.runs[change.path], run_for(source, change)
        found = next((lines[line] for line in reversed(at) if line in lines), set())
        return self.fastest_first(found if at else set().union(*lines.values()))

    def fastest_first(self, found: Collection[str]) -> list[str]:
        """Each test once; for a file its tests, but a notebook as a whole."""
        files = {one for one in found if one.startswith("tests/") and "::" not in one}
        inside = {test for test in self.seconds if "::" in test and test.partition("::")[0] in files}
        return sorted({*found, *inside} - files, key=lambda one: (self.seconds[one], one))

    def within(self, tests: Collection[str], seconds: float) -> list[str]:
        """The first of these tests, as many as take so long; the first one in any case."""
        ends = list(accumulate(self.seconds[test] for test in tests))
        return [test for test, end in zip(tests, ends, strict=True) if end <= max(seconds, ends[0])]

    def limit(self, tests: Collection[str]) -> float:
        """The seconds of processor time after which these tests can be said never to end."""
        return 10 + 5 * sum(self.seconds[test] for test in tests)


def mapped(root: Path) -> Map:
    """The map of the workbook, from a run of its tests in a copy, or from the last such run."""
    files = [file for folder in ("labkit", "tests") for file in sorted((root / folder).rglob("*")) if file.is_file()]
    content = b"".join(file.name.encode() + file.read_bytes() for file in files if "__pycache__" not in file.parts)
    kept = Path(tempfile.gettempdir()) / f"labkit-lines-{hashlib.sha256(content).hexdigest()[:16]}.jsonl"
    if not kept.exists():
        print("Running all tests once, to find out which of them runs which line.", flush=True)
        with copied(root) as copy, tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "sitecustomize.py").write_text(IN_A_CHILD)
            flags = ("-p", "lines_run", "-n", "2", "--dist", "loadscope")
            environment = {"LABKIT_LINES": folder, "PYTHONPATH": os.pathsep.join([folder, str(copy / "tests")])}
            code, said = pytest(copy, test_files(copy), *flags, seconds=3600, **environment)
            if code not in (0, 1):
                raise SystemExit(f"The tests do not run: {said[-2000:]}")
            told = "".join(file.read_text("utf-8") for file in Path(folder).glob("*.jsonl"))
        kept.write_text(told, "utf-8")
    return Map.of([json.loads(line) for line in kept.read_text("utf-8").splitlines()])


@contextlib.contextmanager
def copied(root: Path) -> Iterator[Path]:
    """A copy of the workbook, for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="labkit-mutate-") as folder:
        unneeded = shutil.ignore_patterns(".*", "__pycache__", "screenshots", "site", "browser", "benchmarks")
        yield Path(shutil.copytree(root, Path(folder) / "workbook", symlinks=True, ignore=unneeded))


def test_files(root: Path) -> list[str]:
    """The files of tests that may notice a change."""
    tests = [file for file in sorted((root / "tests").glob("test_*.py")) if file.name not in LEFT_OUT]
    return [file.relative_to(root).as_posix() for file in [*tests, *sorted((root / "notebooks").glob("*.ipynb"))]]


def naming(root: Path, path: str) -> list[str]:
    """The test files of a module's name, and those that name it or a module that imports it."""
    importers = [one for one in (root / "labkit").rglob("*.py") if _dotted(path) in one.read_text("utf-8")]
    names = {_dotted(path), *(_dotted(one.relative_to(root).as_posix()) for one in importers)}
    return [
        file for file in test_files(root)
        if Path(path).stem in file or any(one in (root / file).read_text("utf-8") for one in names)
    ]  # fmt: skip


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def pytest(root: Path, tests: Collection[str], *flags: str, seconds: float, **more: str) -> tuple[int | None, str]:
    """The exit code and the output of these tests, in a process that begins with PRELOADED; None when they take more
    processor time than these seconds, or PATIENCE times as long by the clock.
    """
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said.txt"
        child = FRESH.Process(target=_in_child, args=(root, [*PYTEST, *flags, *tests], said, seconds, more))
        child.start()
        child.join(PATIENCE * seconds)
        code = None if child.exitcode == -signal.SIGXCPU else child.exitcode
        child.kill()
        child.join()
        return code, said.read_text("utf-8", "replace")


def _in_child(root: Path, arguments: list[str], said: Path, seconds: float, more: Mapping[str, str]) -> None:
    import pytest

    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
    os.chdir(root)
    places = [str(root), *filter(None, [more.get("PYTHONPATH")])]
    os.environ |= {**more, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(places)}
    sys.dont_write_bytecode = True
    sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
    with said.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.exit(pytest.main(arguments))


def noticed(root: Path, tests: Collection[str], seconds: float) -> str:
    """The first of these tests that fails, END when they do not end in time, nothing when all pass.

    A test that a change has given another name is left out.
    """
    if not tests:
        return ""
    code, said = pytest(root, tests, "-x", seconds=seconds)
    if lost := re.findall(r"^ERROR: not found: \S*?/(tests/\S+)", said, re.MULTILINE):
        return noticed(root, [test for test in tests if test.partition("[")[0] not in lost], seconds)
    return END if code is None else "" if code == 0 else (failed(said) or [said[-200:]])[0]


def failed(said: str) -> list[str]:
    """The tests and files that failed, from what pytest says at the end."""
    return re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", said, re.MULTILINE)


def failing(root: Path, tests: Collection[str]) -> list[str]:
    """Those of these tests that fail on labkit unchanged: they have noticed nothing."""
    alone = sorted({test for test in tests if "::" in test and not test.startswith("notebooks")})
    return failed(pytest(root, alone, seconds=3600)[1]) if alone else []


def noticing(root: Path, change: Change, known: Map, seconds: float) -> str:
    """The first test that notices a change, or nothing; the copy is as before afterwards."""
    file = root / change.path
    source = file.read_text("utf-8")
    tests = known.of_change(source, change) or known.fastest_first(naming(root, change.path))
    if shown(root, source.splitlines()[change.line - 1]):
        tests = [test for test in tests if not test.startswith("notebooks")]
    tests = known.within(tests, seconds)
    try:
        file.write_text(change.applied(source), "utf-8")
        return noticed(root, tests, known.limit(tests))
    finally:
        file.write_text(source, "utf-8")


@cache
def _stored(root: Path) -> str:
    """All that notebooks store, without signs."""
    return _bare("".join(path.read_text("utf-8") for path in sorted((root / "notebooks").glob("*.ipynb"))))


def _bare(text: str) -> str:
    return re.sub(r"\\n|\W", "", text)


def shown(root: Path, line: str) -> bool:
    """True if a notebook shows this line of source, and so would notice any change of it."""
    return _bare(line) in _stored(root)


def main() -> None:
    """Make the changes, print what survives, and count it."""
    parser = argparse.ArgumentParser(prog="python -m tests.measure.mutate", description=__doc__)
    parser.add_argument("--lines", type=int, default=100, help="how many lines are changed")
    parser.add_argument("--seed", type=int, default=1, help="which lines")
    parser.add_argument("--workers", type=int, default=2, help="how many changes are tried side by side")
    parser.add_argument(
        "--seconds", type=float, default=60, help="how long the tests of a change take at most, unchanged"
    )
    asked = parser.parse_args()
    FRESH.set_forkserver_preload(PRELOADED)
    known, chosen = mapped(ROOT), sampled(ROOT, asked.lines, asked.seed)
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(asked.workers) as pool:
        free: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for _ in range(asked.workers):
            free.put(stack.enter_context(copied(ROOT)))

        def tried(change: Change) -> str:
            """The test that notices a change, in a copy that is free."""
            root = free.get()
            try:
                return noticing(root, change, known, asked.seconds)
            finally:
                free.put(root)

        found: dict[Change, str] = {}
        running = {pool.submit(tried, change): change for change in chosen}
        for done in as_completed(running):
            change, by = running[done], done.result()
            found[change] = by
            alive = sum(not one for one in found.values())
            print(f"{len(found)} of {len(chosen)}, {alive} survived: {change.path}:{change.line} {by}", flush=True)
        unfair = failing(free.get(), found.values())
    survivors = [change for change in chosen if not found[change] or found[change] in unfair]
    for change in survivors:
        print(change.in_words((ROOT / change.path).read_text("utf-8")))
    print(f"Of {len(chosen)} changed lines {len(survivors)} were noticed by no test (seed {asked.seed}).")


if __name__ == "__main__":
    main()
