"""The things to do, by id: notebooks, the objectives of the curriculum, exercises, questions and predictions."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from labkit.teach.exercises import all_exercises
from labkit.teach.questions.files import names, questions_of
from labkit.teach.questions.kinds import Question


@dataclass(frozen=True, slots=True)
class Objective:
    """A row of the curriculum: its line, the number of the notebook that teaches it, and what practises it (ids)."""

    id: str
    line: str
    notebook: str
    exercises: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


def notebook_of(id: str) -> str:
    """The number of the notebook that an exercise, a question or a prediction belongs to."""
    return id[:2]


def of_notebook(ids: Iterable[str], number: str) -> list[str]:
    """Those of these ids that belong to a notebook, named by its number."""
    return [id for id in ids if notebook_of(id) == number]


@cache
def questions() -> dict[str, Question]:
    """Every question of a knowledge check by id, as it is asked first."""
    return {question.id: question for number in names() for question in questions_of(number)}


@cache
def notebooks() -> dict[str, str]:
    """The notebooks' titles by their numbers, in order: "01" is "Statelessness"."""
    found = {str(row["notebook"]) for row in _rows().values()} | set(names().values())
    return {name[:2]: name[3:].replace("_", " ").capitalize() for name in sorted(found)}


@cache
def objectives() -> dict[str, Objective]:
    """Every row of the curriculum by id, with the exercises and questions that cover it."""
    found = {}
    for id, row in _rows().items():
        exercises = tuple(one.id for one in all_exercises().values() if id in one.covers)
        asked = tuple(question.id for question in questions().values() if id in question.covers)
        found[id] = Objective(id, str(row["line"]), notebook_of(str(row["notebook"])), exercises, asked)
    return found


@cache
def _rows() -> Mapping[str, Mapping[str, object]]:
    return tomllib.loads(files("labkit.teach").joinpath("curriculum.toml").read_text("utf-8"))
