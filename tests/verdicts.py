"""The messages to learners, as stored: of every solution and known mistake, and by questions with drawn numbers.

`python -m tests.verdicts` stores it. Read the difference after a change.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from labkit.teach.checks.exercise import Exercise, Verdict
from labkit.teach.checks.probing import observed_once
from labkit.teach.exercises import all_exercises
from labkit.teach.questions.entries import question_from
from labkit.teach.questions.files import entries
from labkit.teach.questions.numbers import combinations

QUESTIONS = Path(__file__).parent / "data" / "questions_drawn.txt"
STORED = Path(__file__).parent / "data" / "verdicts.txt"


def in_lines(one: Exercise, answer: Callable[..., Any], verdict: Verdict) -> str:
    """The answer's name; what its verdict says of claims that do not hold; of a solution what each probe gave."""
    lines = [line for line in str(verdict).splitlines() if "✓ Right" not in line and line.strip() != verdict.lesson]
    if answer is one.reference:
        outcomes = zip(one.probes, observed_once(one.probes, answer), strict=True)
        lines = [f"{probe.claim}: {outcome.value!r}" for probe, outcome in outcomes]
    return "\n  ".join([f"{one.id} {answer.__name__}", *map(str.strip, lines)])


def asked(entry: dict[str, Any]) -> Iterator[str]:
    """A question with the first and the last numbers that can be drawn: what it asks, and what it answers."""
    values = combinations(entry["draw"])
    for drawn in (values[0], values[-1]):
        question = question_from(entry, values=drawn)
        yield f"{question.id}: {' | '.join([question.ask, *question.lines(), *question.answers()])}"


def drawn_questions() -> list[str]:
    """All such questions."""
    return [line for entry in entries().values() if "draw" in entry for line in asked(entry)]


@cache
def stored() -> dict[str, str]:
    """The stored messages, by exercise and name of the answer."""
    parts = re.split(r"\n(?=\S)", STORED.read_text("utf-8").rstrip())
    return {part.partition("\n")[0]: part for part in parts}


def main() -> None:
    """Store what the checks tell now."""
    answers = [(one, answer) for one in all_exercises().values() for answer in (one.reference, *one.mistakes)]
    QUESTIONS.write_text("\n".join(drawn_questions()) + "\n", "utf-8")
    STORED.write_text("\n".join(in_lines(one, answer, one.verdict(answer)) for one, answer in answers) + "\n", "utf-8")


if __name__ == "__main__":
    main()
