"""The mutation tool: what it changes, which tests it chooses, and that it tells tests that notice from those that do
not.
"""

import ast
import json
from pathlib import Path

import pytest

from tests.measure import mutate
from tests.measure.mutants import Change, changes, run_for
from tests.measure.mutate import END, Map, failed, noticed, shown

SOURCE = '''\
LIMIT: int = 3

def within(number, most=LIMIT):
    """Not above 3."""
    if number < 0:
        raise ValueError(f"{number + 1} is below 0" if number else 0)
    return number <= most and not (
        number == 7
    )

pick = lambda many: many[0]

if __name__ == "__main__":
    print(within(2))
'''


mutate.FRESH.set_forkserver_preload(["pytest", "hypothesis"])


def made(source):
    """The lines that each change leads to, by number."""
    lines = {}
    for change in changes("one.py", source):
        lines.setdefault(change.line, set()).add(change.applied(source).splitlines()[change.line - 1].strip())
    return lines


def test_these_changes_are_made():
    """Comparisons, numbers, conditions and truth; not the words of errors, nor what only a start from a shell runs."""
    assert made(SOURCE) == {
        1: {"LIMIT: int = 4"},
        5: {"if number <= 0:", "if number < 1:", "if not (number < 0):"},
        7: {"return number < most and not (", "return number <= most or not ("},
        8: {"number != 7", "number == 8"},
        11: {"pick = lambda many: many[1]"},
        14: {"print(within(3))"},
    }
    assert made("warn('old', stacklevel=2)\nbig = 2_000\npairs = zip(a, b, strict=True)\n") == {2: {"big = 4000"}}


def test_every_change_is_another_program():
    """A change of a module of labkit can be parsed, and differs from the line before."""
    source = (mutate.ROOT / "labkit/text/once.py").read_text("utf-8")
    before = ast.dump(ast.parse(source))
    assert all(ast.dump(ast.parse(change.applied(source))) != before for change in changes("once.py", source))


@pytest.mark.parametrize(
    ("line", "start", "lines"),
    [(1, 13, []), (3, 24, []), (5, 7, [5]), (8, 8, [7, 8]), (11, 25, [11]), (11, 0, []), (14, 13, [])],
)
def test_a_line_in_a_function_is_known_from_one_of_import(line, start, lines):
    """A statement of several lines counts as all of them; defaults and module-level lines are run by import."""
    assert list(run_for(SOURCE, Change("one.py", line, start, start + 1, ""))) == lines


def test_the_tests_of_a_line_come_fastest_first():
    """A test that fails unchanged is left out; what a file runs when it is collected, each of its tests can notice."""
    told = [
        {"where": "tests/a.py::slow", "lines": {"one.py": [5]}},
        {"where": "tests/a.py::slow", "lines": {}, "seconds": 2.0, "passed": True},
        {"where": "tests/b.py::quick", "lines": {"one.py": [5, 7]}, "seconds": 0.5, "passed": True},
        {"where": "tests/c.py::broken", "lines": {"one.py": [5]}, "seconds": 0.1, "passed": False},
        {"where": "tests/d.py", "lines": {"one.py": [5, 11]}},
        {"where": "tests/d.py::inside", "lines": {"one.py": [5]}, "seconds": 1.0, "passed": True},
    ]
    known = Map.of(told)
    every = ["tests/b.py::quick", "tests/d.py::inside", "tests/a.py::slow"]
    assert known.of_change(SOURCE, Change("one.py", 5, 7, 8, "")) == every
    assert known.of_change(SOURCE, Change("one.py", 8, 8, 9, "")) == every[:1]
    assert known.of_change(SOURCE, Change("one.py", 1, 13, 14, "")) == every
    assert known.of_change(SOURCE, Change("other.py", 5, 7, 8, "")) == []
    assert (known.within(every, 1.5), known.within(every, 0), known.within([], 1)) == (every[:2], every[:1], [])
    assert known.limit(every[:2]) == 10 + 5 * 1.5


def test_what_notices_is_named(tmp_path):
    """A failing test by its name, a loop without an end as such; nothing where all pass or nothing is asked."""
    file = tmp_path / "test_three.py"
    file.write_text(
        "def test_fine():\n    pass\ndef test_bad():\n    assert 0\ndef test_long():\n    while True: pass\n"
    )
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = ['-p', 'no:nbval']\n")
    (tmp_path / "conftest.py").write_text("import hypothesis\nhypothesis.settings.register_profile('first_failure')\n")
    assert noticed(tmp_path, ["test_three.py"], 60) == "test_three.py::test_bad"
    assert noticed(tmp_path, ["test_three.py::test_fine"], 60) == ""
    assert noticed(tmp_path, ["test_three.py::test_long"], 1) == END
    assert noticed(tmp_path, [], 60) == ""


def test_failures_are_read_whole():
    """Names with spaces, and files that cannot be collected."""
    said = "FAILED tests/a.py::test_one[two words] - assert 0\nERROR tests/b.py\nFAILED tests/c.py::t\n1 failed"
    assert failed(said) == ["tests/a.py::test_one[two words]", "tests/b.py", "tests/c.py::t"]


def test_a_line_that_a_notebook_shows_is_known():
    """Its stored output would notice any change of it; a line of the tool itself is shown nowhere."""
    source = (mutate.ROOT / "labkit/summarization.py").read_text("utf-8")
    assert shown(mutate.ROOT, next(line for line in source.splitlines() if "len(starts) <= keep" in line))
    assert not shown(mutate.ROOT, "kept = Path(tempfile.gettempdir())")


def test_each_test_tells_its_lines(tmp_path):
    """Lines that a test runs are recorded for the test, those that the collection of its file runs for the file."""
    file = tmp_path / "test_words.py"
    file.write_text("from labkit.text import words\ndef test_runs():\n    assert words.runs('A b') == ['a', 'b']\n")
    flags = (
        "-p",
        "tests.measure.lines_run",
        "-c",
        str(mutate.ROOT / "pyproject.toml"),
        "--rootdir",
        str(tmp_path),
        "-p",
        "conftest",
    )
    code, said = mutate.pytest(mutate.ROOT, [str(file)], *flags, seconds=60, LABKIT_LINES=str(tmp_path))
    assert code == 0, said
    told = [json.loads(line) for one in tmp_path.glob("*.jsonl") for line in one.read_text("utf-8").splitlines()]
    source = (mutate.ROOT / "labkit/text/words.py").read_text("utf-8")
    (function,) = [one for one in ast.parse(source).body if getattr(one, "name", "") == "runs"]
    body = set(range(function.body[0].lineno, function.end_lineno + 1))
    ran = {one["where"]: body & set(one["lines"].get("labkit/text/words.py", ())) for one in told if one["lines"]}
    assert {Path(where).name: bool(lines) for where, lines in ran.items()} == {
        "test_words.py": False,
        "test_words.py::test_runs": True,
    }
