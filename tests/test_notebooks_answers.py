"""Each notebook goes on to its end whatever a learner writes into its exercises: mistakes, solutions, nothing."""

import ast
import atexit
import io
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from labkit.teach.checks.exercise import Exercise
from labkit.teach.exercises import all_exercises
from labkit.teach.trials import courses as trials

FOLDER = Path(__file__).parents[1] / "notebooks"
CELLS = {
    path.stem: ["".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"] if _is_code(cell)]
    for _is_code in [lambda cell: cell["cell_type"] == "code"]
    for path in sorted(FOLDER.glob("*.ipynb"))
}
WITH_EXERCISES = [name for name in CELLS if any(id.startswith(name[:2]) for id in all_exercises())]


def of(name: str) -> list[Exercise]:
    """The exercises of a notebook."""
    return [one for id, one in all_exercises().items() if id.startswith(name[:2])]


@contextmanager
def shell() -> Iterator[InteractiveShell]:
    """A shell that runs cells as a notebook's kernel does, in this process; all that it takes over is given back."""
    main, hooks = sys.modules["__main__"], (sys.displayhook, sys.excepthook)
    InteractiveShell.clear_instance()
    quiet = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
    made = InteractiveShell.instance(config=quiet)
    try:
        yield made
    finally:
        atexit.unregister(made.atexit_operations)
        InteractiveShell.clear_instance()
        sys.modules["__main__"] = main
        sys.displayhook, sys.excepthook = hooks


def failures(cells: Sequence[str]) -> list[str]:
    """The errors when these cells are run one after another, as a learner would with Run All."""
    said, found = io.StringIO(), []
    with shell() as notebook, redirect_stdout(said):
        for source in cells:
            result = notebook.run_cell(source)
            if not result.success:
                error = result.error_before_exec or result.error_in_exec
                found.append(f"{type(error).__name__}: {error} in {source[:60]!r}")
    return found


def with_answers(name: str, answer: str) -> list[str]:
    """The cells of a notebook with an answer in the place of each exercise's stub, such as `reference`."""
    answers = {one.stub.strip(): f'{one.name} = exercise("{one.id}").{answer}' for one in of(name)}
    return [answers.get(source, source) for source in CELLS[name]]


@pytest.mark.parametrize("name", WITH_EXERCISES)
def test_a_notebook_goes_on_with_a_mistake_in_every_exercise(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run All gets to the end where every answer is wrong; test_exercises proves that no mistake breaks a check."""
    monkeypatch.chdir(FOLDER)
    assert failures(with_answers(name, "mistakes[-1]")) == []


@pytest.mark.parametrize("name", [name for name in WITH_EXERCISES if any(".usable()" in cell for cell in CELLS[name])])
def test_a_notebook_goes_on_with_every_solution(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run All gets to the end with right answers in all cells that others build on."""
    monkeypatch.chdir(FOLDER)
    monkeypatch.setattr(trials, "SEARCH", 0.0)  # that the solutions hold out is proved in test_exercises
    assert failures(with_answers(name, "reference")) == []


@pytest.mark.parametrize("name", WITH_EXERCISES)
def test_no_cell_needs_an_answer(name: str) -> None:
    """No cell but the exercise's own reads what the learner writes, so a deleted or broken cell stops nothing below."""
    stubs = {one.stub.strip(): one.name for one in of(name)}
    assert set(stubs) <= set(CELLS[name])
    for source in CELLS[name]:
        if source not in stubs:
            assert (names_read(source) - names_defined(source)) & set(stubs.values()) == set(), source


def names_defined(source: str) -> set[str]:
    """The functions and classes that a cell defines."""
    return {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def names_read(source: str) -> set[str]:
    """The names that a cell reads."""
    return {
        node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def test_a_cell_that_fails_is_seen() -> None:
    """A failing cell is named with its error and the cells after it still run, so that the tests above can fail."""
    cells = [
        "x = 1",
        "1 / 0",
        "def broken(:",
        "assert x == 2",
        "assert __name__ == '__main__'",
        "await __import__('asyncio').sleep(0)",
    ]
    assert [told.split(":")[0] for told in failures(cells)] == ["ZeroDivisionError", "SyntaxError", "AssertionError"]
    assert names_read("y = answer(3)") == {"answer"}
