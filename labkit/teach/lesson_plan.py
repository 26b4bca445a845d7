"""The lesson plans, one a notebook: `python -m labkit.teach.lesson_plan 01` prints one, without a number all of them.

What a plan says is data, `lesson_plans.toml` beside the curriculum.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from textwrap import fill

from labkit.teach.results.syllabus import notebooks

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Stop:
    """A place where the class halts together: its section's heading, after how many minutes, what to talk about."""

    section: str
    after: int
    ask: str


@dataclass(frozen=True, slots=True)
class Misconception:
    """A wrong idea to expect: `at` is the id where it shows, `mistake` its name there, `section` what answers it."""

    believes: str
    at: str
    section: str
    mistake: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of teaching one notebook, in so many minutes."""

    minutes: int
    before: tuple[str, ...]
    stops: tuple[Stop, ...]
    misconceptions: tuple[Misconception, ...]
    early: str


@cache
def plans() -> dict[str, Plan]:
    """The plan of each notebook by its number."""
    read = tomllib.loads(files("labkit.teach").joinpath("lesson_plans.toml").read_text("utf-8"))
    return {
        number: Plan(
            row["minutes"],
            tuple(row["before"]),
            tuple(Stop(**stop) for stop in row["stops"]),
            tuple(Misconception(**one) for one in row["misconceptions"]),
            row["early"],
        )
        for number, row in read.items()
    }


def lines(number: str) -> Iterator[str]:
    """The plan of one notebook as lines to print."""
    plan = plans()[number]
    yield f"{int(number)} · {notebooks()[number]}: {plan.minutes} minutes"
    yield from ("", "Ask before:")
    yield from map(_item, plan.before)
    yield from ("", "Stop together:")
    yield from (_item(f"after {stop.after} minutes, at '{stop.section}': {stop.ask}") for stop in plan.stops)
    yield from ("", "Misconceptions to expect:")
    for one in plan.misconceptions:
        named = f", '{one.mistake.replace('_', ' ')}'" if one.mistake else ""
        yield _item(f"{one.believes} It shows in {one.at}{named}; go to '{one.section}'.")
    yield from ("", "Done early:", _item(plan.early))


def _item(text: str) -> str:
    return fill(text, WIDTH, initial_indent="- ", subsequent_indent="  ")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the plans that the command line asks for and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m labkit.teach.lesson_plan", description="A lesson plan a notebook.")
    parser.add_argument("number", nargs="?", choices=list(plans()), help="of a notebook; without it, all of them")
    asked = parser.parse_args(arguments)
    chosen = [asked.number] if asked.number else list(plans())
    print("\n\n\n".join("\n".join(lines(number)) for number in chosen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
