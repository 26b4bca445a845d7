"""The tables of the class report, computed once, shown in HTML and written as CSV alike."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import mean, median
from typing import NamedTuple

from labkit.teach.cells.words import counted
from labkit.teach.exercises import all_exercises
from labkit.teach.questions.files import predictions
from labkit.teach.questions.predictions import in_words
from labkit.teach.report.files import Class, Student
from labkit.teach.results.syllabus import notebook_of, notebooks, objectives, of_notebook, questions
from labkit.teach.results.tally import Answers, Guess, Work


class Share(NamedTuple):
    """So many of so many."""

    part: int
    whole: int

    def __str__(self) -> str:
        """A percentage with what it comes from, empty for nothing of nothing."""
        return f"{self.part / self.whole:.0%} ({self.part} of {self.whole})" if self.whole else ""


type Cell = str | int | float | Share | None
type Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; `name` is that of its CSV file, `note` says how to read it."""

    name: str
    title: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""

    @property
    def numeric(self) -> tuple[bool, ...]:
        """For each column whether it holds numbers and shares alone."""
        return tuple(not any(isinstance(row[place], str) for row in self.rows) for place in range(len(self.head)))

    def without(self, *heads: str) -> "Table":
        """The table without these columns."""
        kept = [place for place, head in enumerate(self.head) if head not in heads]
        rows = tuple(tuple(row[place] for place in kept) for row in self.rows)
        return replace(self, head=tuple(self.head[place] for place in kept), rows=rows)


def tables(class_: Class) -> list[Table]:
    """Every table of the report, in its order; those without a row are left out."""
    students = class_.students
    made = (
        by_learner(students),
        by_notebook(students),
        by_objective(students),
        by_exercise(students),
        by_question(students),
        by_prediction(students),
        by_certainty(students),
        by_rerun(students),
        by_file(class_),
    )
    return [table for table in made if table.rows]


def by_learner(students: Sequence[Student]) -> Table:
    """A row a learner."""
    head = (
        "learner", "exercises right", "right at first try", "attempts", "hints", "solutions", "questions right",
        "questions at first try", "predictions right", "minutes", "to look at",
    )  # fmt: skip
    return Table("learners", "By learner", head, tuple(map(_learner, students)))


def _learner(student: Student) -> Row:
    works, answers = student.tally.work.values(), student.tally.answers.values()
    guesses = [guess for guess in student.tally.guesses.values() if guess.compared]
    no_file = [] if student.has_progress else ["no progress file"]
    return (
        student.name,
        Share(sum(map(student.right, all_exercises())), len(all_exercises())),
        _first(works),
        sum(work.attempts for work in works),
        sum(len(work.hints) for work in works),
        sum(work.solution for work in works),
        Share(sum(answer.right for answer in answers), len(questions())),
        _first(answers),
        Share(sum(guess.right for guess in guesses), len(guesses)),
        _minutes(student.tally.seconds.values()),
        "; ".join([*no_file, *student.marks, *_unproven(student)]),
    )


def by_notebook(students: Sequence[Student]) -> Table:
    """A row a notebook: how many worked in it, and how it went."""
    head = ("notebook", "learners", "exercises right", "questions right", "questions at first try", "median minutes")
    return Table("notebooks", "By notebook", head, tuple(_notebook(students, number) for number in notebooks()))


def _notebook(students: Sequence[Student], number: str) -> Row:
    exercises = of_notebook(all_exercises(), number)
    asked = of_notebook(questions(), number)
    here = [student for student in students if _worked(student, number)]
    return (
        f"{int(number)} · {notebooks()[number]}",
        len(here),
        Share(sum(student.right(id) for student in here for id in exercises), len(here) * len(exercises)),
        Share(sum(answer.right for answer in _answers(here, asked)), len(here) * len(asked)),
        _first(_answers(here, asked)),
        _middle(_seconds(student, number) for student in here),
    )


def by_objective(students: Sequence[Student]) -> Table:
    """A row for each objective that an exercise or a question practises."""
    head = (
        "objective", "what it says", "notebook", "learners", "exercises at first try", "questions at first try",
        "right in the end",
    )  # fmt: skip
    rows = []
    for one in objectives().values():
        if not one.exercises and not one.questions:
            continue
        works, answers = list(_works(students, one.exercises)), list(_answers(students, one.questions))
        at_it = sum(_tried(student, one.exercises, one.questions) for student in students)
        done = [work.right for work in works if work.attempts] + [answer.right for answer in answers if answer.tries]
        rows.append((one.id, one.line, int(one.notebook), at_it, _first(works), _first(answers), _true(done)))
    note = "Each row takes together the exercises and questions that cover the objective, for all who tried them."
    return Table("objectives", "By objective", head, tuple(rows), note)


def by_exercise(students: Sequence[Student]) -> Table:
    """A row an exercise, with the commonest named mistake."""
    head = (
        "exercise", "what it asks for", "tried", "right", "right at first try", "attempts each", "hints", "solutions",
        "commonest mistake", "most often missed", "median minutes",
    )  # fmt: skip
    return Table("exercises", "By exercise", head, tuple(_exercise(students, id) for id in all_exercises()))


def _exercise(students: Sequence[Student], id: str) -> Row:
    works = list(_works(students, [id]))
    tried = [work for work in works if work.attempts]
    return (
        id,
        all_exercises()[id].title,
        len(tried),
        sum(student.right(id) for student in students),
        _first(works),
        round(mean(work.attempts for work in tried), 1) if tried else None,
        sum(len(work.hints) for work in works),
        sum(work.solution for work in works),
        commonest(work.mistakes for work in works),
        commonest(work.missed for work in works),
        _middle(student.tally.seconds.get(id, 0.0) for student in students),
    )


def by_question(students: Sequence[Student]) -> Table:
    """A row a question, with the commonest wrong answer in words."""
    head = (
        "question", "what it asks", "answered", "right", "right at first try", "tries each", "answer shown",
        "commonest wrong answer", "median minutes",
    )  # fmt: skip
    return Table("questions", "By question", head, tuple(_question(students, id) for id in questions()))


def _question(students: Sequence[Student], id: str) -> Row:
    answers = list(_answers(students, [id]))
    tried = [answer for answer in answers if answer.tries]
    return (
        id,
        questions()[id].ask,
        len(tried),
        sum(answer.right for answer in answers),
        _first(answers),
        round(mean(answer.tries for answer in tried), 1) if tried else None,
        sum(bool(answer.shown) for answer in answers),
        commonest([answer_in_words(id, given) for given in answer.wrong] for answer in answers),
        _middle(student.tally.seconds.get(id, 0.0) for student in students),
    )


def by_prediction(students: Sequence[Student]) -> Table:
    """A row a prediction: what was guessed, and what came."""
    head = ("prediction", "what it asks", "compared", "right", "commonest guess", "what came", "median guess")
    rows = tuple(_prediction(students, id) for id in predictions())
    note = (
        "The median guess is that of the guessed numbers: against what came it shows in which direction a class errs."
    )
    return Table("predictions", "By prediction", head, rows, note)


def _prediction(students: Sequence[Student], id: str) -> Row:
    guesses = [guess for guess in _guesses(students) if guess[0] == id]
    numbers = [guess.guess for _, guess in guesses if isinstance(guess.guess, float)]
    return (
        id,
        predictions()[id].ask,
        len(guesses),
        _true(guess.right for _, guess in guesses),
        commonest([guess_in_words(id, guess.guess)] for _, guess in guesses),
        commonest([guess_in_words(id, guess.value)] for _, guess in guesses),
        round(median(numbers), 1) if numbers else None,
    )


def by_certainty(students: Sequence[Student]) -> Table:
    """A row for each band of certainty, for the guesses that came with one."""
    told = [guess for _, guess in _guesses(students) if guess.sure is not None]
    rows = []
    for low, high in ((0, 40), (40, 60), (60, 80), (80, 101)):
        band = [guess for guess in told if low <= (guess.sure or 0) < high]
        if band:
            sure = f"{mean(guess.sure or 0 for guess in band):.0f}%"
            rows.append((f"{low}% to {min(high, 100)}%", len(band), sure, _true(guess.right for guess in band)))
    note = "Who is well calibrated is right about as often as they say they are sure."
    head = ("how sure", "guesses", "sure on average", "right")
    return Table("certainty", "How sure, and how often right", head, tuple(rows), note)


def by_rerun(students: Sequence[Student]) -> Table:
    """A row for each learner whose notebooks were executed again, when any were."""
    head = ("learner", "notebooks", "right from a clean kernel", "right elsewhere only")
    rows = tuple(
        (
            student.name,
            len(student.notebooks),
            Share(sum(claim == "right" for claim in student.rerun.values()), len(student.rerun)),
            ", ".join(_unproven_ids(student)),
        )
        for student in students
        if student.rerun
    )
    note = (
        "The last column: right in the progress file or in a stored output, but not when the notebook runs by itself. "
        "A verdict can be forged, because the checks run in the notebook's own kernel."
    )
    return Table("reruns", "Executed from a clean kernel", head, rows, note)


def by_file(class_: Class) -> Table:
    """A row a file, with what became of it."""
    order = {"skipped": 0, "marked": 1, "read": 2}
    files = sorted(class_.files, key=lambda one: (order[one.fate], one.path))
    rows = tuple((one.path, one.fate, one.learner, one.why) for one in files)
    note = (
        "A marked file is counted like the others. The chain of a progress file shows that a line was changed; it "
        "cannot show who did it, and does not miss lines cut off at the end."
    )
    return Table("files", "Files", ("file", "what became of it", "learner", "why"), rows, note)


def commonest(lists: Iterable[Iterable[str]]) -> str:
    """The text that most learners have on their lists, with how many; "" when all lists are empty.

    Each list is one learner's, and counts a text once.
    """
    counts = Counter(text for texts in lists for text in dict.fromkeys(texts) if text)
    if not counts:
        return ""
    text, many = min(counts.items(), key=lambda item: (-item[1], item[0]))
    return f"{text} ({counted(many, 'learner')})"


def answer_in_words(id: str, given: object) -> str:
    """A wrong answer as it was kept, in words; "" when it is none that the question allows."""
    try:
        return questions()[id].in_words(given)[:200]
    except (TypeError, ValueError, IndexError, AttributeError, RecursionError):
        return ""


def guess_in_words(id: str, guess: str | float | None) -> str:
    """A guess or an outcome in the words of its prediction, "" when it is none of its answers."""
    asked = predictions()[id]
    if guess is None or isinstance(guess, str) != bool(asked.options):
        return ""
    try:
        return in_words(asked, guess)
    except (ValueError, IndexError):
        return ""


def _first(tried: Iterable[Work | Answers]) -> Share:
    firsts = [one.first for one in tried if one.first is not None]
    return Share(sum(firsts), len(firsts))


def _true(these: Iterable[bool]) -> Share:
    these = list(these)
    return Share(sum(these), len(these))


def _works(students: Iterable[Student], ids: Iterable[str]) -> Iterator[Work]:
    ids = list(ids)
    return (student.tally.work[id] for student in students for id in ids if id in student.tally.work)


def _answers(students: Iterable[Student], ids: Iterable[str]) -> Iterator[Answers]:
    ids = list(ids)
    return (student.tally.answers[id] for student in students for id in ids if id in student.tally.answers)


def _guesses(students: Iterable[Student]) -> list[tuple[str, Guess]]:
    return [(id, one) for student in students for id, one in student.tally.guesses.items() if one.compared]


def _tried(student: Student, exercises: Iterable[str], asked: Iterable[str]) -> bool:
    works, answers = _works([student], exercises), _answers([student], asked)
    return any(work.attempts for work in works) or any(answer.tries for answer in answers)


def _worked(student: Student, number: str) -> bool:
    kept = student.tally
    return bool(of_notebook([*kept.work, *kept.answers, *kept.guesses, *student.stored], number))


def _seconds(student: Student, number: str) -> float:
    return sum(seconds for id, seconds in student.tally.seconds.items() if notebook_of(id) == number)


def _minutes(seconds: Iterable[float]) -> float:
    return round(sum(seconds) / 60, 1)


def _middle(seconds: Iterable[float]) -> float | None:
    some = [one for one in seconds if one]
    return round(median(some) / 60, 1) if some else None


def _unproven_ids(student: Student) -> list[str]:
    work = student.tally.work
    claimed = [id for id in student.rerun if (id in work and work[id].right) or student.stored.get(id) == "right"]
    return [id for id in claimed if student.rerun[id] != "right"]


def _unproven(student: Student) -> Iterator[str]:
    if ids := _unproven_ids(student):
        yield f"not right from a clean kernel: {', '.join(ids)}"
