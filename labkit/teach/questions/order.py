"""`order("01-a")`: an exercise's solution as shuffled lines to put in order, checked by running what was ordered.

Works by mouse, touch and keyboard, and says each move to a screen reader. Without a kernel the lines are readable.
"""

from typing import Any

import anywidget
import traitlets

from labkit.teach.cells.front import front
from labkit.teach.cells.shown import page
from labkit.teach.exercises import exercise


class Order(anywidget.AnyWidget):
    """The lines of a program as a widget: set `given` to place them from code, and read `sentence`.

    `given` is {"placed": [[number of the line, levels of indentation], ...], "try": n}; lines left out are not placed.
    """

    _esm, _css = front(__file__)
    lines: Any = traitlets.List().tag(sync=True)
    fixed: Any = traitlets.Unicode().tag(sync=True)
    task: Any = traitlets.Unicode().tag(sync=True)
    given: Any = traitlets.Dict().tag(sync=True)
    sentence: Any = traitlets.Unicode().tag(sync=True)
    right: Any = traitlets.Bool(False).tag(sync=True)

    def __init__(self, id: str) -> None:
        """Take the exercise's id; nothing is placed yet."""
        self._exercise, self._puzzle = exercise(id), exercise(id).puzzle()
        fixed = "\n".join("    " * line.indent + line.text for line in self._puzzle.fixed)
        super().__init__(lines=list(self._puzzle.shuffled), fixed=fixed, task=self._exercise.task)
        self.observe(self._check, names="given")

    def place(self, *placed: tuple[int, int]) -> str:
        """Place lines from code, as (number, levels of indentation), and give the sentence that says the result."""
        self.given = {"placed": [list(one) for one in placed], "try": self.given.get("try", 0) + 1}
        return str(self.sentence)

    def _check(self, _change: object) -> None:
        placed = [(int(number), int(level)) for number, level in self.given.get("placed", [])]
        verdict = self._exercise.ordered(self._puzzle.assembled(placed))
        self.right, self.sentence = verdict.ok, str(verdict)

    def _words(self) -> list[str]:
        lines = "\n".join(["", *(f"    {line}" for line in self.lines)])
        return [f"Put these lines in order; some may be wrong. {self.task}\n{self.fixed}{lines}"]

    def __repr__(self) -> str:
        """The lines as text."""
        return page(self._words()).plain

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget, and the lines for readers without a kernel."""
        data, metadata = super()._repr_mimebundle_(**options) or ({}, {})
        words = page(self._words())
        return {**data, "text/plain": words.plain, "text/html": words.rich}, metadata


def order(id: str) -> Order:
    """The lines of an exercise's solution, to put in order. Raises KeyError for an exercise without this step."""
    return Order(id)
