"""The lesson plans: one a notebook, and nothing that they point at is missing."""

import json
import re

import pytest

from labkit.teach.exercises import all_exercises
from labkit.teach.lesson_plan import Plan, lines, main, plans
from labkit.teach.questions.files import predictions
from labkit.teach.results.scores import NOTEBOOKS
from labkit.teach.results.syllabus import notebook_of, notebooks, questions


def test_every_notebook_has_a_plan() -> None:
    """No notebook is without a plan, and no plan without a notebook."""
    assert list(plans()) == list(notebooks())


def text_of(number: str) -> str:
    """The markdown of a notebook."""
    [path] = NOTEBOOKS.glob(f"{number}_*.ipynb")
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def dead(number: str, plan: Plan) -> list[str]:
    """The things that a plan points at and the notebook does not have."""
    headings = {line.lstrip("# ") for line in text_of(number).splitlines() if line.startswith("#")}
    known = {*all_exercises(), *predictions(), *questions()}
    missing = [one.section for one in (*plan.stops, *plan.misconceptions) if one.section not in headings]
    missing += [one.at for one in plan.misconceptions if one.at not in known or notebook_of(one.at) != number]
    named = [one for one in plan.misconceptions if one.mistake]
    mistakes = {id: {mistake.__name__ for mistake in one.mistakes} for id, one in all_exercises().items()}
    return missing + [one.mistake for one in named if one.mistake not in mistakes.get(one.at, ())]


@pytest.mark.parametrize("number", plans())
def test_nothing_that_a_plan_points_at_is_missing(number: str) -> None:
    """Sections, exercises, predictions, questions and named mistakes are there; a changed name is found."""
    plan = plans()[number]
    assert dead(number, plan) == []
    broken = Plan(plan.minutes, (), tuple(type(one)(f"{one.section}!", 1, "") for one in plan.stops[:1]), (), "")
    assert len(dead(number, broken)) == 1


@pytest.mark.parametrize("number", plans())
def test_a_plan_is_whole_and_fits_its_minutes(number: str) -> None:
    """Three misconceptions, something to ask before and for who is early, and stops in order within a longer time than
    the notebook gives for working alone.
    """
    plan = plans()[number]
    alone = re.search(r"\*\*Time\*\* (\d+) min", text_of(number))
    assert alone
    assert int(alone[1]) < plan.minutes
    assert len(plan.misconceptions) == 3
    assert plan.before
    assert plan.early
    after = [stop.after for stop in plan.stops]
    assert after == sorted(after)
    assert after[0] > 0
    assert after[-1] < plan.minutes


def test_a_plan_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints one plan by its number, all of them without, and refuses another number."""
    assert main(["01"]) == 0
    assert capsys.readouterr().out == "\n".join(lines("01")) + "\n"
    assert main([]) == 0
    assert capsys.readouterr().out.count("Stop together:") == len(plans())
    with pytest.raises(SystemExit):
        main(["42"])
