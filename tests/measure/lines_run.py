"""Record which test runs which line of labkit, also in processes that tests start: a plugin for tests.measure.mutate.

Written into the folder LABKIT_LINES names, as lines of JSON: the test, the lines that it ran, its seconds, whether it
passed (one that measures time counts as if it did not). Lines that a file runs while it is collected, or for a fixture
that several of its tests share, are recorded for the file. Python reports each line once for each test
(sys.monitoring), so that the tests take little longer than without.
"""

import json
import os
import sys
import time
from pathlib import Path

from pluggy import HookimplMarker

LABKIT = str(Path(__file__).resolve().parents[2] / "labkit") + os.sep
FOLDER = "LABKIT_LINES"
CLOCKS = {"perf_counter", "monotonic", "process_time"}
hook = HookimplMarker("pytest")
TOOL = sys.monitoring.COVERAGE_ID
LINE, START, DISABLE = sys.monitoring.events.LINE, sys.monitoring.events.PY_START, sys.monitoring.DISABLE


class Lines:
    """The lines run so far for one test or file; written when the next one begins, by a child process at once."""

    def __init__(self, folder, where="", child=False):
        self.file = (Path(folder) / f"{os.getpid()}-{time.time_ns()}.jsonl").open("a", encoding="utf-8")
        self.where, self.child, self.ran = where, child, {}

    def watch(self):
        """Have Python tell each line of labkit once."""
        sys.monitoring.use_tool_id(TOOL, "labkit lines")
        sys.monitoring.register_callback(TOOL, START, self._entered)
        sys.monitoring.register_callback(TOOL, LINE, self._line)
        sys.monitoring.set_events(TOOL, START)

    def _entered(self, code, _offset):
        if LABKIT and code.co_filename.startswith(LABKIT):  # at the very end of a process globals are None
            sys.monitoring.set_local_events(TOOL, code, LINE)
        return DISABLE

    def _line(self, code, line):
        self.ran.setdefault(code.co_filename.removeprefix(LABKIT), set()).add(line)
        if self.child:
            self.tell()
        return DISABLE

    def tell(self, **more):
        """Write what was run, if anything was, or more is known."""
        ran, self.ran = self.ran, {}
        if self.where and (ran or more):
            lines = {f"labkit/{path.replace(os.sep, '/')}": sorted(numbers) for path, numbers in ran.items()}
            self.file.write(json.dumps({"where": self.where, "lines": lines, **more}) + "\n")
            self.file.flush()

    def turn_to(self, where, **more):
        """Tell the lines of the last test or file, and begin another."""
        self.tell(**more)
        self.where = where
        sys.monitoring.restart_events()


def timed(item):
    """True if a test reads a clock itself: on a busy machine it says nothing about a change."""
    code = getattr(getattr(item, "function", None), "__code__", None)
    return code is not None and not CLOCKS.isdisjoint(code.co_names)


class Plugin:
    """Says to Lines which test or file runs now."""

    def __init__(self, lines):
        self.lines, self.passed = lines, True

    @hook(wrapper=True)
    def pytest_make_collect_report(self, collector):
        """Record the lines that a file runs while it is collected for the file."""
        self.lines.turn_to(collector.nodeid.partition("::")[0])
        report = yield
        self.lines.turn_to("")
        return report

    @hook(wrapper=True)
    def pytest_runtest_protocol(self, item):
        """Record the lines from here on for this test."""
        self.lines.turn_to(item.nodeid)
        self.passed, start = not timed(item), time.perf_counter()
        outcome = yield
        self.lines.turn_to("", seconds=round(time.perf_counter() - start, 4), passed=self.passed)
        return outcome

    @hook(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        """Record the lines that tests share for the file."""
        before = self.lines.where
        if fixturedef.scope != "function":
            self.lines.turn_to(before.partition("::")[0])
        value = yield
        if fixturedef.scope != "function":
            self.lines.turn_to(before)
        return value

    @hook(wrapper=True)
    def pytest_runtest_makereport(self):
        """True if all three parts of the test passed."""
        report = yield
        self.passed = self.passed and report.passed
        return report


def pytest_configure(config):
    """Begin, in each process that runs tests."""
    if FOLDER in os.environ and (hasattr(config, "workerinput") or not config.getoption("numprocesses", None)):
        lines = Lines(os.environ[FOLDER])
        lines.watch()
        config.pluginmanager.register(Plugin(lines))


def watch_child():
    """Begin in a process that a test started; lines that ran before the test itself are recorded for the file."""
    test, _, part = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")
    if test and FOLDER in os.environ:
        Lines(os.environ[FOLDER], test if part == "(call)" else test.partition("::")[0], child=True).watch()
