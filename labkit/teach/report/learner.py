"""The work of one learner, as tables and sentences for a separate page."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from labkit.teach.exercises import all_exercises
from labkit.teach.questions.files import predictions
from labkit.teach.report.files import Student
from labkit.teach.report.tables import (
    Row,
    Table,
    answer_in_words,
    by_learner,
    by_notebook,
    by_objective,
    guess_in_words,
)
from labkit.teach.results.syllabus import questions
from labkit.teach.results.tally import Answers, Work


def words_of(student: Student) -> list[str]:
    """A learner's figures in sentences, each with its number of tries and its time."""
    table = by_learner([student])
    row = dict(zip(table.head, table.rows[0], strict=True))
    minutes = f"About {row['minutes']:,} minutes of work." if row["minutes"] else "No time is known."
    words = [
        f"Exercises right: {row['exercises right']}, with {row['attempts']} attempts, {row['hints']} hints and "
        f"{row['solutions']} solutions read. Questions right: {row['questions right']}. "
        f"Predictions right: {row['predictions right'] or 'none compared'}. {minutes}"
    ]
    return words + ([f"To look at: {row['to look at']}."] if row["to look at"] else [])


def tables_of(student: Student) -> list[Table]:
    """Tables of one learner: by notebook, objective, exercise, question and prediction; only what was tried."""
    made = (
        _touched(by_notebook([student])),
        _touched(by_objective([student])),
        Table("exercises", "Exercises", ("exercise", "what it asks for", *RESULT, "mistakes"), _exercises(student)),
        Table("questions", "Questions", ("question", "what it asks", "how it went", "tries", "wrong answers"),
              _questions(student)),
        Table("predictions", "Predictions", ("prediction", "what it asks", "guess", "what came", "right"),
              _predictions(student)),
    )  # fmt: skip
    return [table for table in made if table.rows]


def _touched(table: Table) -> Table:
    """A table of a class of one: the rows in which there is that one, and no column that counts to one."""
    there = table.head.index("learners")
    return replace(table, rows=tuple(row for row in table.rows if row[there])).without("learners")


RESULT = ("how it went", "attempts", "hints", "solution read")


def _exercises(student: Student) -> tuple[Row, ...]:
    rows: list[Row] = []
    for id, one in all_exercises().items():
        work = student.tally.work.get(id, Work())
        if id in student.tally.work or id in student.stored or id in student.rerun:
            solution = "yes" if work.solution else "no"
            went = _went(work, student.right(id))
            rows.append((id, one.title, went, work.attempts, len(work.hints), solution, _listed(work.mistakes)))
    return tuple(rows)


def _questions(student: Student) -> tuple[Row, ...]:
    answered = [(id, one, student.tally.answers[id]) for id, one in questions().items() if id in student.tally.answers]
    return tuple(
        (id, one.ask, _went(answers, answers.right), answers.tries, _listed(_wrong(id, answers)))
        for id, one, answers in answered
    )


def _predictions(student: Student) -> tuple[Row, ...]:
    rows: list[Row] = []
    for id, one in predictions().items():
        guess = student.tally.guesses.get(id)
        if guess:
            right = ("yes" if guess.right else "no") if guess.compared else "not compared"
            rows.append((id, one.ask, guess_in_words(id, guess.guess), guess_in_words(id, guess.value), right))
    return tuple(rows)


def _went(one: Work | Answers, right: bool) -> str:
    if one.first:
        return "right at first try"
    return "right" if right else "not right yet" if one.first is not None else "not tried"


def _wrong(id: str, answers: Answers) -> Iterator[str]:
    return (answer_in_words(id, given) for given in answers.wrong)


def _listed(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))
