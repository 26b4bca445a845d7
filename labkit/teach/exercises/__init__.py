"""The exercises themselves, one module a notebook; each offers its `EXERCISES`, and `exercise("01-a")` gives one.

The functions next to a reference solution are its known mistakes: the name says what went wrong, the docstring is the
message to a learner who made it.
"""

import tomllib
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.resources import files
from pkgutil import walk_packages

from labkit.teach.checks.exercise import Exercise
from labkit.teach.checks.steps import Lighter


def exercise(id: str) -> Exercise:
    """The exercise of this id, such as "01-a"; raises KeyError that names the ids there are."""
    known = all_exercises()
    if id not in known:
        raise KeyError(f"there is no exercise {id!r}; the exercises are {', '.join(known)}")
    return known[id]


@cache
def all_exercises() -> dict[str, Exercise]:
    """Every exercise by id, in the order of the notebooks."""
    names = [module.name for module in walk_packages(__path__, f"{__name__}.") if not module.ispkg]
    found = [exercise for name in names for exercise in getattr(import_module(name), "EXERCISES", ())]
    steps = tomllib.loads(files("labkit.teach.exercises").joinpath("steps.toml").read_text("utf-8"))
    lighter = {id: Lighter(one["blank"], tuple(one["decoys"]), one.get("spelled", "")) for id, one in steps.items()}
    found = [replace(one, lighter=lighter.get(one.id)) for one in found]
    return {exercise.id: exercise for exercise in sorted(found, key=lambda exercise: exercise.id)}
