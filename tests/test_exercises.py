"""Every exercise knows its reference, its untouched stub and its wrong answers apart."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.teach.checks import exercise as exercises
from labkit.teach.checks.exercise import Exercise
from labkit.teach.exercises import all_exercises, exercise
from labkit.teach.record import progress
from tests.verdicts import in_lines, stored

EXERCISES = list(all_exercises().values())
MISTAKES = [(one, mistake) for one in EXERCISES for mistake in one.mistakes]
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the tests record away from a learner's own progress."""
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(tmp_path))
    exercises._hints_shown.clear()


def written(source: str, name: str) -> Callable[..., Any]:
    """The function or class that a cell with this source defines, in a notebook that has imported `exercise`."""
    space: dict[str, Any] = {"exercise": exercise}
    exec(source, space)
    return space[name]


@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.id)
def test_the_reference_passes(one: Exercise) -> None:
    """The solution that a learner can ask for is right in every check, and gives what is stored."""
    verdict = one.verdict(one.reference)
    assert verdict.ok, verdict
    assert len(verdict.findings) == len(one.probes)
    assert in_lines(one, one.reference, verdict) == stored()[f"{one.id} {one.name}"]


@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.id)
def test_the_untouched_stub_is_not_yet(one: Exercise) -> None:
    """A stub runs as it is; its check says 'not yet' and what to do, and finds no fault."""
    verdict = one.verdict(written(one.stub, one.name))
    assert not verdict.ok
    assert str(verdict).startswith(f"Not yet, exercise {one.id}")
    assert one.task in str(verdict)
    assert not verdict.mistake


@pytest.mark.parametrize(("one", "mistake"), MISTAKES, ids=lambda value: getattr(value, "__name__", None))
def test_each_known_mistake_gets_its_own_message(one: Exercise, mistake: Callable[..., Any]) -> None:
    """A wrong answer is recognized by its behaviour and gets its lesson, and no other one's, as it is stored."""
    verdict = one.verdict(mistake)
    assert not verdict.ok
    assert verdict.mistake == mistake.__name__.replace("_", " ")
    lesson = " ".join((mistake.__doc__ or "").split())
    assert len(lesson.split()) >= 8
    assert lesson in str(verdict)
    others = [" ".join((other.__doc__ or "").split()) for other in one.mistakes if other is not mistake]
    assert not any(other in str(verdict) for other in others)
    assert in_lines(one, mistake, verdict) == stored()[f"{one.id} {mistake.__name__}"]


@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.id)
def test_an_exercise_is_complete(one: Exercise) -> None:
    """At least three named mistakes, hints in steps, and claims that each have a hint."""
    assert len(one.mistakes) >= 3
    assert len(one.hints) >= 2
    assert all(probe.claim and probe.hint for probe in one.probes)
    assert one.covers


def divides(*_: object) -> object:
    """An answer with an error in it."""
    return 1 / 0


def leaves(*_: object) -> object:
    """An answer that tries to end the kernel."""
    sys.exit(1)


def forgets(*_: object) -> None:
    """An answer without a return."""


def takes_nothing() -> object:
    """An answer with the wrong arguments."""
    return 1


def as_asked(one: Exercise, answer: Callable[..., Any]) -> Callable[..., Any]:
    """The broken answer in the shape that the exercise asks for: a class has it as its `send`."""
    return type(one.name, (one.reference,), {"send": answer}) if one.kind == "class" else answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (divides, "stopped with ZeroDivisionError"),
        (leaves, "stopped with SystemExit"),
        (forgets, "gave back None: end each path in a return, or in a raise where an error has to go on"),
        (takes_nothing, "stopped with TypeError: takes_nothing() takes 0 positional arguments"),
    ],
)
@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.id)
def test_broken_answers_are_reported_once_and_never_raise(one: Exercise, answer: Any, words: str) -> None:
    """An answer that fails the same way everywhere gets the reason once, without a mistake that is not its own."""
    verdict = one.verdict(as_asked(one, answer))
    assert str(verdict).count(words) == 1
    assert "for the same reason" in str(verdict)
    assert not verdict.mistake


def test_an_endless_answer_is_tried_once() -> None:
    """One loop without an end costs one time limit, not one for each probe."""
    calls = []

    def endless(*_: object) -> object:
        calls.append(1)
        while True:
            pass

    verdict = exercise("01-a").verdict(endless)
    assert len(calls) == 1
    assert "still running" in str(verdict)


@pytest.mark.parametrize("given", [3, "words", [1], object()])
def test_an_answer_that_is_no_function_is_reported(given: object) -> None:
    """Something else under the name of the function is shown, and what to write is said."""
    assert "write a function called next_request" in str(exercise("01-a").verdict(given))


def test_the_notebooks_own_function_is_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument, the function of the exercise's name is taken from the notebook; a deleted cell
    is 'not yet'.
    """
    main = sys.modules["__main__"]
    monkeypatch.delattr(main, "next_request", raising=False)
    assert "nothing by that name was found" in str(exercise("01-a").check())
    monkeypatch.setattr(main, "next_request", exercise("01-a").reference, raising=False)
    assert exercise("01-a").check().ok


def test_attempts_hints_and_solutions_are_recorded() -> None:
    """The records that an instructor can read later are bound to the exercise's id; nothing of the answer itself is
    kept.
    """
    one = exercise("01-a")
    one.check(one.mistakes[0])
    one.check(one.reference)
    one.hint()
    one.solution()
    kept = list(progress.records())
    assert [entry["kind"] for entry in kept] == ["attempt", "attempt", "hint", "solution"]
    assert [entry.get("mistake") for entry in kept[:2]] == ["only the question is sent", ""]
    assert {entry["id"] for entry in kept} == {"01-a"}


def test_hints_come_in_steps_and_end() -> None:
    """Each call gives one more hint; the last one stays; a step can be asked for by number."""
    one = exercise("01-b")
    seen = [str(one.hint()) for _ in range(len(one.hints) + 1)]
    assert [hint in text for hint, text in zip(one.hints, seen, strict=False)] == [True] * len(one.hints)
    assert seen[-1] == seen[-2]
    assert one.hints[0] in str(one.hint(1))


def test_what_is_shown_does_not_depend_on_the_past() -> None:
    """The same answer gives the same words, whatever was recorded before."""
    one = exercise("01-a")
    first = str(one.check(one.mistakes[0]))
    for _ in range(3):
        one.check(one.reference)
    assert str(one.check(one.mistakes[0])) == first


def test_an_unknown_exercise_is_named() -> None:
    """A mistyped id says which exercises there are."""
    with pytest.raises(KeyError, match=r"no exercise '01-z'; the exercises are .*01-a"):
        exercise("01-z")


@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.id)
def test_the_notebook_holds_the_stub_and_its_check(one: Exercise) -> None:
    """The stub in the notebook is the one that is tested, and a cell below checks it."""
    [path] = NOTEBOOKS.glob(f"{one.id[:2]}_*.ipynb")
    sources = ["".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"]]
    stub = sources.index(one.stub.strip())
    assert any(f'exercise("{one.id}").check(' in source for source in sources[stub:])


def test_a_function_that_reads_the_notebooks_own_list_hears_so() -> None:
    """Likeliest in 01: the notebook's `messages` in place of the parameter. Its numbers are fine."""
    notebook: dict[str, Any] = {"messages": ["old", "new"], "least": 2}
    exec("def turns_that_fit(sizes, room):\n    return least + len(messages)", notebook)
    said = exercise("03-a").verdict(notebook["turns_that_fit"]).headline
    assert "It reads messages of the notebook; the check calls it with other values: use the parameters." in said
    exec("def turns_that_fit(sizes, room):\n    return least + len(sizes)", notebook)
    assert "of the notebook" not in exercise("03-a").verdict(notebook["turns_that_fit"]).headline
