"""`quiz("01")`: a notebook's knowledge check with the browser's own inputs, graded in the kernel.

Works by mouse and by keyboard, and says each result to a screen reader. Without a kernel the questions stand there as
text, their answers folded away. The key never goes to the browser before a question is answered. "Try again" asks the
same with other numbers and in another order, drawn by a seed.
"""

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import anywidget
import traitlets

from labkit.teach.cells.front import front
from labkit.teach.questions.files import as_page, names, questions_of
from labkit.teach.questions.kinds import Question
from labkit.teach.record import progress

NOT_MIXED = ("00", "07", "08", "09", "10")
"""Notebooks whose questions are not drawn for a mixed quiz: the tour, the knowledge check itself, and all after it."""

type Asked = Callable[[int], tuple[Question, ...]]


class Quiz(anywidget.AnyWidget):
    """A knowledge check as a widget: set `given` to answer from code, read `results` and `score`, set `seed` to try
    again.

    `given` maps a question's id to {"answer": ..., "try": n}, or to {"shown": true, "try": n} when the answer was
    asked for; a new `try` grades the same answer again. Answers are in places as shown.
    """

    _esm, _css = front(__file__)
    questions: Any = traitlets.List().tag(sync=True)
    given: Any = traitlets.Dict().tag(sync=True)
    results: Any = traitlets.Dict().tag(sync=True)
    score: Any = traitlets.Unicode().tag(sync=True)
    seed: Any = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(self, asked: Asked, seed: int = 0) -> None:
        """Take what gives the questions for a seed; nothing is answered yet."""
        self._questions, self._shown = asked, set[str]()
        super().__init__(seed=seed)
        self._ask()
        self.observe(self._grade, names="given")
        self.observe(self._ask, names="seed")

    @property
    def asked(self) -> dict[str, Question]:
        """The questions as they are asked now, by id."""
        return dict(self._by_id)

    def answer(self, id: str, answer: object) -> str:
        """Answer a question from code and give the sentence that says the result."""
        tries = self.given.get(id, {}).get("try", 0) + 1
        self.given = {**self.given, id: {"answer": answer, "try": tries}}
        return str(self.results[id]["sentence"])

    def _ask(self, _change: object = None) -> None:
        asked = self._questions(self.seed)
        self._by_id = {question.id: question for question in asked}
        self._shown.clear()
        with self.hold_sync():
            self.given, self.results = {}, {}
            self.questions = [question.public() for question in asked]
            self.score = self._scored()

    def _grade(self, change: dict[str, Any]) -> None:
        results = dict(self.results)
        for id, given in change["new"].items():
            if id in self._by_id and given != (change["old"] or {}).get(id):
                results[id] = self._result(self._by_id[id], given)
        self.results = results
        self.score = self._scored()

    def _result(self, question: Question, given: dict[str, Any]) -> dict[str, Any]:
        graded, shown = question.grade(given.get("answer")), bool(given.get("shown"))
        right = graded.right and not shown
        progress.record("answer", question.id, right=right, given=graded.given, shown=shown, seed=self.seed)
        if shown:
            self._shown.add(question.id)
            sentence = "The answer is shown; it does not count."
            return {"right": False, "counts": False, "sentence": sentence, "notes": [*question.notes()]}
        seen = question.id in self._shown
        sentence = f"{graded.sentence} It counts when you try again." if right and seen else graded.sentence
        return {"right": right, "counts": right and not seen, "sentence": sentence, "notes": [*graded.notes]}

    def _scored(self) -> str:
        right = sum(result["counts"] for result in self.results.values())
        again = f" Round {self.seed + 1}." if self.seed else ""
        return f"Score: {right} of {len(self._by_id)} right, {len(self.results)} answered.{again}"

    def __repr__(self) -> str:
        """The questions as text."""
        return as_page(self._by_id.values()).plain

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live quiz, and the questions with folded answers for readers without a kernel."""
        data, metadata = super()._repr_mimebundle_(**options) or ({}, {})
        words = as_page(self._by_id.values())
        return {**data, "text/plain": words.plain, "text/html": words.rich}, metadata


def quiz(notebook: str, rows: str = "", seed: int = 0) -> Quiz:
    """The knowledge check of a notebook, named by its number: `quiz("01")`; with other numbers for another seed.

    `rows` chooses questions by the letter of the curriculum that they belong to first, such as "AB". Raises KeyError
    when there is no such notebook, ValueError when no question is left.
    """
    return Quiz(lambda seed: _of_rows(questions_of(notebook, seed), rows), seed)


def mixed_quiz(each: int = 2, seed: int = 0) -> Quiz:
    """Questions out of all notebooks, drawn by the seed: `each` of every notebook, kinds mixed; a retake draws others.

    Raises ValueError for less than one question of each.
    """
    if each < 1:
        raise ValueError(f"{each} questions of each notebook: ask for at least 1")
    return Quiz(lambda seed: tuple(_mix(each, seed)), seed)


def _of_rows(questions: Iterable[Question], rows: str) -> tuple[Question, ...]:
    found = tuple(question for question in questions if not rows or question.covers[0][0] in rows)
    if not found:
        raise ValueError(f"no question belongs to {rows!r}: give letters of the curriculum, such as 'AB'")
    return found


def _mix(each: int, seed: int) -> Iterable[Question]:
    for number in names():
        if number not in NOT_MIXED:
            pool = list(questions_of(number, seed))
            Random(f"mix {number} {seed}").shuffle(pool)
            yield from _kinds_spread(pool)[:each]


def _kinds_spread(pool: list[Question]) -> list[Question]:
    """The first of each kind before the second of any."""
    before = [sum(other.kind == one.kind for other in pool[:place]) for place, one in enumerate(pool)]
    return [pool[place] for place in sorted(range(len(pool)), key=before.__getitem__)]
