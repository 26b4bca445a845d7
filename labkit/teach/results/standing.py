"""The standing of a learner: what is done, notebook by notebook and objective by objective, and what comes next."""

import os
from collections.abc import Iterator
from html import escape
from math import ceil

from labkit.teach.cells.shown import Shown, as_html, framed, page, table
from labkit.teach.cells.words import counted
from labkit.teach.exercises import all_exercises
from labkit.teach.questions.files import predictions
from labkit.teach.record import progress
from labkit.teach.results.syllabus import Objective, notebooks, objectives, of_notebook, questions
from labkit.teach.results.tally import Answers, Guess, Tally, Work, tally

ENOUGH = 0.7
"""The share of an objective's points that is enough."""
OBJECTIVE_HEAD = ("objective", "what it says", "practised", "still missing")
HEAD = ("notebook", "exercises right", "hints", "solutions", "questions right", "predictions right", "next")


def where_you_stand(notebook: str = "") -> Shown:
    """Show what this learner has done in each notebook and what comes next; with a number such as "01", the objectives
    of that notebook one by one.

    Read from the local progress file alone. Raises KeyError for a notebook that does not exist.
    """
    if notebook and notebook not in notebooks():
        raise KeyError(f"there is no notebook {notebook!r}; there are {', '.join(notebooks())}")
    done = tally(progress.records())
    if notebook:
        rows = [(one.id, one.line, _practised(done, one), missing(done, one)) for one in _objectives_of(notebook)]
        title = f"{int(notebook)} · {notebooks()[notebook]}"
        return table(OBJECTIVE_HEAD, rows, title) if rows else page([f"{title}: a tour, without objectives."])
    shown = table(HEAD, [_row(done, number) for number in notebooks()], "Where you stand")
    words = [_words(done), *_warning()]
    folds = [_fold(done, number) for number in notebooks() if list(_objectives_of(number))]
    return Shown("\n".join([*words, shown.plain]), framed([*map(as_html, words), shown.rich, "".join(folds)]))


def _row(done: Tally, number: str) -> tuple[object, ...]:
    works = [done.work.get(id, Work()) for id in of_notebook(all_exercises(), number)]
    answers = [done.answers.get(id, Answers()) for id in of_notebook(questions(), number)]
    guesses = [done.guesses.get(id, Guess()) for id in of_notebook(predictions(), number)]
    return (
        f"{int(number)} · {notebooks()[number]}",
        _share(sum(work.right for work in works), len(works)),
        sum(len(work.hints) for work in works),
        sum(work.solution for work in works),
        _share(sum(answer.right for answer in answers), len(answers)),
        _share(sum(guess.right for guess in guesses), sum(guess.compared for guess in guesses), "none yet"),
        _next_in(done, number) or ("done" if works or answers else "read it"),
    )


def _words(done: Tally) -> str:
    right = sum(work.right for work in done.work.values())
    answered = sum(answer.right for answer in done.answers.values())
    guesses = [guess for guess in done.guesses.values() if guess.compared]
    first = next((number for number in notebooks() if _next_in(done, number)), None)
    ahead = f"Next: {_next_in(done, first)} in notebook {int(first)}." if first else "Nothing is left to do."
    if not done.counted:
        return f"Nothing is recorded yet. {ahead}"
    foretold = f"{sum(guess.right for guess in guesses)} of {len(guesses)} predictions"
    return (
        f"Right so far: {right} of {len(all_exercises())} exercises, {answered} of {len(questions())} questions, "
        f"{foretold}. {ahead}"
    )


def _next_in(done: Tally, number: str) -> str:
    """The next thing to do in a notebook, "" when all is right."""
    for id in of_notebook(all_exercises(), number):
        if not done.work.get(id, Work()).right:
            return f"exercise {id}"
    asked = of_notebook(questions(), number)
    left = sum(not done.answers.get(id, Answers()).right for id in asked)
    return counted(left, "question") if left else ""


def _warning() -> Iterator[str]:
    place = progress.folder()
    there = next(path for path in (place, *place.parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        yield (
            f"Nothing can be kept: the folder {place} cannot be written. Set {progress.FOLDER_VARIABLE} to another one "
            "before you start the lab."
        )


def _objectives_of(number: str) -> list[Objective]:
    return [one for one in objectives().values() if one.notebook == number]


def points(done: Tally, one: Objective) -> tuple[int, int]:
    """The points reached on an objective and all there are: one for each exercise and each question."""
    right = sum(done.work.get(id, Work()).right for id in one.exercises)
    right += sum(done.answers.get(id, Answers()).right for id in one.questions)
    return right, len(one.exercises) + len(one.questions)


def reached(done: Tally, one: Objective) -> bool:
    """True with seven tenths of an objective's points, or with one of its exercises right."""
    right, many = points(done, one)
    return any(done.work.get(id, Work()).right for id in one.exercises) or (many > 0 and right >= ENOUGH * many)


def missing(done: Tally, one: Objective) -> str:
    """The words for what is still to be done on an objective; empty where it is reached or nothing practises it."""
    right, many = points(done, one)
    if not many or reached(done, one):
        return ""
    more = counted(ceil(ENOUGH * many) - right, "right answer")
    return f"{more}, or exercise {' or '.join(one.exercises)}" if one.exercises else more


def _practised(done: Tally, one: Objective) -> str:
    right, many = points(done, one)
    return f"{right} of {many}{' ✓' * reached(done, one)}" if many else "by reading"


def _fold(done: Tally, number: str) -> str:
    lines = "".join(
        f"<li>{one.id} {escape(one.line)} <em>{_practised(done, one)}</em></li>" for one in _objectives_of(number)
    )
    return f"<details><summary>Objectives of notebook {int(number)}</summary><ul>{lines}</ul></details>"


def _share(part: int, whole: int, none: str = "none") -> str:
    return f"{part} of {whole}" if whole else none
