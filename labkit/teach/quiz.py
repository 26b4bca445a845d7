"""`quiz("01")`: a notebook's knowledge check with the browser's own inputs, graded in the kernel.

Works by mouse and by keyboard, and says each result to a screen reader. Without a kernel the questions stand
there as text, their answers folded away. The key never goes to the browser before a question is answered.
"""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from labkit.teach import progress
from labkit.teach.questions import Question, as_page, questions_of

HERE = Path(__file__).parent


class Quiz(anywidget.AnyWidget):
    """A knowledge check as a widget: set `given` to answer from code, read `results` and `score`.

    `given` maps a question's id to {"answer": ..., "try": n}, or to {"shown": true, "try": n} when the answer was
    asked for; a new `try` grades the same answer again.
    """

    _esm = (HERE / "quiz.js").read_text(encoding="utf-8")
    _css = (HERE / "quiz.css").read_text(encoding="utf-8")
    questions: Any = traitlets.List().tag(sync=True)
    given: Any = traitlets.Dict().tag(sync=True)
    results: Any = traitlets.Dict().tag(sync=True)
    score: Any = traitlets.Unicode().tag(sync=True)

    def __init__(self, questions: tuple[Question, ...]) -> None:
        """Take the questions; nothing is answered yet."""
        self._by_id = {question.id: question for question in questions}
        super().__init__(questions=[question.public() for question in questions])
        self.score = self._scored()
        self.observe(self._grade, names="given")

    def answer(self, id: str, answer: object) -> str:
        """Answer a question from code and give the sentence that says the result."""
        tries = self.given.get(id, {}).get("try", 0) + 1
        self.given = {**self.given, id: {"answer": answer, "try": tries}}
        return str(self.results[id]["sentence"])

    def _grade(self, change: dict[str, Any]) -> None:
        results = dict(self.results)
        for id, given in change["new"].items():
            if id in self._by_id and given != (change["old"] or {}).get(id):
                results[id] = _result(self._by_id[id], given)
                kept = {"given": given.get("answer"), "shown": bool(given.get("shown"))}
                progress.record("answer", id, right=results[id]["right"], **kept)
        self.results = results
        self.score = self._scored()

    def _scored(self) -> str:
        right = sum(result["right"] for result in self.results.values())
        return f"Score: {right} of {len(self._by_id)} right, {len(self.results)} answered."

    def __repr__(self) -> str:
        """The questions as text."""
        return as_page(self._by_id.values()).plain

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live quiz, and the questions with folded answers for readers without a kernel."""
        data, metadata = super()._repr_mimebundle_(**options) or ({}, {})
        words = as_page(self._by_id.values())
        return {**data, "text/plain": words.plain, "text/html": words.rich}, metadata


def _result(question: Question, given: dict[str, Any]) -> dict[str, Any]:
    if given.get("shown"):
        return {"right": False, "sentence": "The answer is shown; it does not count.", "notes": [*question.notes()]}
    graded = question.grade(given.get("answer"))
    return {"right": graded.right, "sentence": graded.sentence, "notes": [*graded.notes]}


def quiz(notebook: str) -> Quiz:
    """The knowledge check of a notebook, named by its number: `quiz("01")`; raises KeyError when there is
    none.
    """
    return Quiz(questions_of(notebook))
