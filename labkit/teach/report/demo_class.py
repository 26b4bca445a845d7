"""A class that does not exist, to try the report with: `python -m labkit.teach.report.demo_class FOLDER`.

Every learner has an ability, every exercise and question a difficulty, and a seed decides the rest, so the same command
writes the same files. They are written as a learner's own notebook writes them, chain included, and say that they are
generated; so does every page made from them.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from json import loads
from pathlib import Path
from random import Random
from typing import Any

from tqdm import tqdm  # type: ignore[import-untyped]

from labkit.teach.checks.exercise import Exercise
from labkit.teach.exercises import all_exercises
from labkit.teach.questions.files import predictions
from labkit.teach.questions.kinds import LETTERS, Question
from labkit.teach.record.ledger import VERSION, Entry, written
from labkit.teach.results.scores import NOTEBOOKS
from labkit.teach.results.syllabus import notebooks, of_notebook, questions

LEARNERS, SEED = 30, 7
FIRST_DAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_CAME = re.compile(r"^What happened: (?:([a-j])\) |([\d,.]+))", re.MULTILINE)


def write_class(folder: Path, learners: int = LEARNERS, seed: int = SEED) -> list[Path]:
    """Write a folder with a progress file for each learner and give the paths; nothing that is there is overwritten.

    Raises FileExistsError when the folder is not empty, ValueError for less than one learner.
    """
    if learners < 1:
        raise ValueError(f"a class of {learners} learners: ask for at least 1")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already and is not empty: name a new folder")
    paths = []
    for number in tqdm(range(1, learners + 1), unit="learner", leave=False, disable=None):
        path = folder / f"learner-{number:03}" / "progress.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(written(records(number, seed))) + "\n", "utf-8")
        paths.append(path)
    return paths


def records(number: int, seed: int = SEED) -> Iterator[Entry]:
    """The records of one generated learner, oldest first."""
    random = Random(f"{seed} {number}")
    ability = random.gauss(0, 1)
    at = FIRST_DAY + timedelta(minutes=random.randrange(90))
    reached = min(len(notebooks()), max(2, round(random.gauss(6 + ability, 1.5))))
    yield {"v": VERSION, "at": at.isoformat(), "kind": "generated", "id": f"seed {seed}, learner {number}"}
    for notebook in list(notebooks())[:reached]:
        for kind, id, details in _work(notebook, ability, random):
            at += timedelta(seconds=round(random.lognormvariate(4, 0.8), 1))
            yield {"v": VERSION, "at": at.isoformat(), "kind": kind, "id": id, **details}
        at += timedelta(hours=random.choice((1, 20, 26, 47)))
    yield {"v": VERSION, "at": at.isoformat(), "kind": "learner", "id": f"Learner {number:03} (generated)"}


def _work(notebook: str, ability: float, random: Random) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for id in of_notebook(predictions(), notebook):
        if id in came() and random.random() < 0.85:
            yield from _predicted(id, ability, random)
    for id in of_notebook(all_exercises(), notebook):
        if random.random() < 0.93:
            yield from _tried(all_exercises()[id], ability, random)
    for id in of_notebook(questions(), notebook):
        if random.random() < 0.9:
            yield from _answered(questions()[id], ability, random)


def _predicted(id: str, ability: float, random: Random) -> Iterator[tuple[str, str, dict[str, Any]]]:
    value, options = came()[id], LETTERS[: len(predictions()[id].options)]
    right = random.random() < _chance(id, ability)
    guess: str | float = value
    if not right and isinstance(value, str):
        guess = random.choice([letter for letter in options if letter != value])
    elif not right and isinstance(value, float):
        guess = float(round(value * random.choice((0.3, 0.5, 0.6, 1.5, 2, 3)))) + (value == 0)
        right = guess == value
    sure = {"sure": float(random.choice((30, 50, 60, 80, 90)))} if random.random() < 0.5 else {}
    yield "prediction", id, {"guess": guess, **sure}
    yield "outcome", id, {"guess": guess, "value": value, "right": right, **sure}


def _tried(exercise: Exercise, ability: float, random: Random) -> Iterator[tuple[str, str, dict[str, Any]]]:
    claims = [probe.claim for probe in exercise.probes]
    names = [mistake.__name__.replace("_", " ") for mistake in exercise.mistakes]
    likely = Random(f"{exercise.id} mistakes").choices(range(1, 9), k=len(names))
    for attempt in range(random.randrange(2, 7)):
        if random.random() < _chance(exercise.id, ability) + 0.1 * attempt:
            yield "attempt", exercise.id, {"ok": True, "mistake": "", "missed": []}
            return
        mistake = random.choices(names, likely)[0] if random.random() < 0.7 else ""
        missed = random.sample(claims, random.randint(1, len(claims)))
        yield "attempt", exercise.id, {"ok": False, "mistake": mistake, "missed": missed}
        if random.random() < 0.4:
            yield "hint", exercise.id, {"step": min(attempt + 1, len(exercise.hints))}
    if random.random() < 0.5:
        yield "solution", exercise.id, {}


def _answered(question: Question, ability: float, random: Random) -> Iterator[tuple[str, str, dict[str, Any]]]:
    right, wrong = key_and_slips(question)
    likely = Random(f"{question.id} slips").choices(range(1, 9), k=len(wrong))
    for attempt in range(3):
        good = random.random() < _chance(question.id, ability) + 0.25 * attempt
        given = right if good else random.choices(wrong, likely)[0]
        yield "answer", question.id, {"right": good, "given": given, "shown": False, "seed": 0}
        if good:
            return
    yield "answer", question.id, {"right": False, "given": None, "shown": True, "seed": 0}


def key_and_slips(question: Question) -> tuple[Any, list[Any]]:
    """A right answer of a question and some wrong ones, as the progress file keeps them."""
    places = range(len(question.options))
    right = [place for place in places if question.options[place].right]
    if question.kind == "one":
        return right[0], [place for place in places if place not in right]
    if question.kind == "order":
        order = list(places)
        return order, [[*order[:p], order[p + 1], order[p], *order[p + 2 :]] for p in places[:-1]]
    if question.kind == "number":
        answer, slips = question.answer, question.slips  # type: ignore[attr-defined]
        return f"{answer:g}", [f"{value:g}" for value in [slip.value for slip in slips] or [answer * 2 + 1]]
    return right, [[place] for place in places if [place] != right] + [list(places)] * (len(right) < len(places))


@cache
def came() -> dict[str, str | float]:
    """The outcome of each prediction, as a letter or a number: read from the notebooks' stored outputs."""
    found: dict[str, str | float] = {}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in loads(path.read_text("utf-8"))["cells"]:
            asked = re.search(r'outcome\("([\w-]+)"', "".join(cell["source"]))
            shown = "\n".join(
                "".join(output.get("data", {}).get("text/plain", "")) for output in cell.get("outputs", ())
            )
            told = _CAME.search(shown)
            if asked and told and asked[1] in predictions():
                found[asked[1]] = told[1] or float(told[2].replace(",", "").rstrip("."))
    return found


def _chance(id: str, ability: float) -> float:
    difficulty = Random(f"{id} difficulty").gauss(0, 0.16)
    return min(max(0.55 + 0.13 * ability - difficulty, 0.05), 0.97)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the class that the command line asks for and give the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m labkit.teach.report.demo_class",
        description="Write a generated class to try the report with: no learner of it exists.",
        epilog="Then: python -m labkit.teach.report FOLDER -o report.html",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new folder, or an empty one")
    parser.add_argument("--learners", type=int, default=LEARNERS, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed gives another class (%(default)s)")
    asked = parser.parse_args(arguments)
    try:
        paths = write_class(asked.folder, asked.learners, asked.seed)
    except (OSError, ValueError) as error:
        print(f"labkit.teach.report.demo_class: {error}.", file=sys.stderr)
        return 1
    print(f"{len(paths):,} generated learners in {asked.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
