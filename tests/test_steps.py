"""The lighter steps before an exercise: each is right with its solution, and wrong answers are not."""

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.lab import ROOT
from labkit.teach.checks.exercise import Exercise
from labkit.teach.checks.solutions import runnable
from labkit.teach.checks.steps import Lighter, Puzzle, blanked, logical_lines, program, solved
from labkit.teach.exercises import all_exercises, exercise
from labkit.teach.questions.order import order
from labkit.teach.record import progress

STEPPED = [one for one in all_exercises().values() if one.lighter]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Keep what the tests record away from a learner's own progress."""
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr("__main__.exercise", exercise, raising=False)


def written(source: str, one: Exercise) -> object:
    """The learner's object that a cell with this source defines."""
    space = {"exercise": exercise}
    exec(source, space)
    return space[one.name]


@pytest.mark.parametrize("one", all_exercises().values(), ids=lambda one: one.id)
def test_every_shown_solution_runs_and_passes(one):
    """The text of a solution, pasted into the notebook, defines the answer, and the check calls it right."""
    verdict = one.verdict(written(runnable(one.reference, one.stub), one))
    assert verdict.ok, verdict


@pytest.mark.parametrize("one", STEPPED, ids=lambda one: one.id)
def test_the_blank_filled_in_is_right(one):
    """The solution's own words in the place of the three dots pass, and the untouched dots are no attempt."""
    filled = one.blanked().replace("...", one.lighter.blank)
    assert one.complete(written(filled, one)).ok
    untouched = one.complete(written(one.blanked(), one))
    assert untouched.untouched
    assert "three dots" in str(untouched)


@pytest.mark.parametrize("wrong", ["None", "0", "[]"])
@pytest.mark.parametrize("one", STEPPED, ids=lambda one: one.id)
def test_a_wrong_word_in_the_blank_is_not_right(one, wrong):
    """Nothing, a number and an empty list are wrong everywhere."""
    assert not one.complete(written(one.blanked().replace("...", wrong), one)).ok


@pytest.mark.parametrize("one", STEPPED, ids=lambda one: one.id)
def test_the_right_order_is_right(one):
    """The solution's lines in its order pass, through the widget; the try is recorded as a step, not as an attempt."""
    widget = order(one.id)
    sentence = widget.place(*solved(one.puzzle(), one.spelled()))
    assert widget.right, sentence
    assert [entry["kind"] for entry in progress.records()] == ["step"]


@pytest.mark.parametrize("one", STEPPED, ids=lambda one: one.id)
def test_three_wrong_orders_are_not_right(one):
    """The lines backwards, with a decoy in place of the last line, and without the last line."""
    puzzle = one.puzzle()
    right = list(solved(puzzle, one.spelled()))
    decoy = next(number for number in range(len(puzzle.shuffled)) if number not in dict(right))
    wrong = [right[::-1], [*right[:-1], (decoy, right[-1][1])], right[:-1]]
    for placed in wrong:
        widget = order(one.id)
        widget.place(*placed)
        assert not widget.right, puzzle.assembled(placed)


@pytest.mark.parametrize("one", STEPPED, ids=lambda one: one.id)
def test_the_lines_are_few_and_shuffled(one):
    """From three lines to fifteen, at most two of them wrong, and never in the right order at first."""
    puzzle = one.puzzle()
    right = [number for number, _ in solved(puzzle, one.spelled())]
    assert 3 <= len(right) <= 15
    assert len(puzzle.shuffled) - len(right) <= 2
    assert right != sorted(right)
    assert one.puzzle() == puzzle


NOTEBOOKS = {
    path.name[:2]: json.loads(path.read_text("utf-8"))["cells"] for path in (ROOT / "notebooks").glob("*.ipynb")
}


def places(number, wanted):
    """The places (from 0) of a notebook's code cells whose source fits."""
    return [
        place
        for place, cell in enumerate(NOTEBOOKS[number])
        if cell["cell_type"] == "code" and wanted("".join(cell["source"]))
    ]


@pytest.mark.parametrize("one", STEPPED, ids=lambda one: one.id)
def test_both_steps_come_before_the_exercise(one):
    """Filling in comes first, then the order, then the stub; the code to fill in is made from the solution."""
    number = one.id[:2]
    (fill,) = places(number, lambda source: f'exercise("{one.id}").complete(' in source)
    (ordering,) = places(number, lambda source: f'order("{one.id}")' in source)
    stubs = [place for place, cell in enumerate(NOTEBOOKS[number]) if cell["metadata"].get("exercise") == one.id]
    assert fill < ordering
    assert number == "06" or ordering < stubs[0]
    given = "".join(NOTEBOOKS[number][fill]["source"])
    assert ast.dump(ast.parse(given)) == ast.dump(
        ast.parse(f'{one.blanked()}\nexercise("{one.id}").complete({one.name})')
    )


@pytest.mark.parametrize("number", sorted({one.id[:2] for one in STEPPED}))
def test_the_first_line_of_ones_own_comes_by_cell_12(number):
    """Each notebook with steps has something to write by cell 12, counted from 0."""
    assert min(places(number, lambda source: ".complete(" in source or "return ..." in source)) <= 12


def test_an_ordered_program_that_does_not_run_says_so():
    """A syntax error in the ordered lines is a finding, not an exception."""
    widget = order("03-a")
    assert "SyntaxError" in widget.place((0, 5), (1, 0)) or "IndentationError" in widget.sentence


def test_an_exercise_without_steps_says_so():
    """The error says what to do instead."""
    with pytest.raises(ValueError, match="has no lighter steps: write it from its stub"):
        exercise("06-a").blanked()
    with pytest.raises(ValueError, match="3 decoys, at most 2"):
        Lighter("x", ("a", "b", "c"))
    with pytest.raises(ValueError, match="occurs 2 times"):
        blanked("a = 1\nb = 1\n", "1")


BODIES = st.lists(
    st.sampled_from(["x = 1", "y = (1,\n     2)", "if x:", "for z in y:", "pass"]), min_size=1, max_size=6
)


@given(BODIES)
def test_lines_put_together_again_are_the_program(parts):
    """Logical lines of a program, joined, give the same logical lines."""
    lines, level = ["def f(x):"], 1
    for part in parts:
        lines.append("\n".join("    " * level + row for row in part.splitlines()))
        level += part.endswith(":")
    source = "\n".join([*lines, "    " * level + "pass"]) + "\n"
    found = logical_lines(source)
    assert logical_lines(program(found)) == found
    assert len(found) == len(parts) + 2


def test_a_puzzle_is_the_same_for_the_same_seed_and_another_for_another():
    """The seed is the exercise's id, so a notebook's output can be stored."""
    source = "def f(x):\n" + "".join(f"    a{n} = {n}\n" for n in range(6))
    assert Puzzle.of(source, (), "a") == Puzzle.of(source, (), "a")
    assert len({Puzzle.of(source, (), str(seed)).shuffled for seed in range(20)}) > 10
    assert {level for _, level in solved(Puzzle.of(source, (), "a"), source)} == {0}
