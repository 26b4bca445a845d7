"""`review()`: five questions that are due again, by the days since each objective was last asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from labkit.teach.cells.shown import Shown, page
from labkit.teach.questions.files import questions_of
from labkit.teach.questions.kinds import Question
from labkit.teach.questions.quiz import Quiz
from labkit.teach.record import progress
from labkit.teach.results.syllabus import notebook_of, questions
from labkit.teach.results.tally import moment

GAPS = (1, 3, 7)
"""Days from one time to the next; the last one repeats. Spaced retrieval beats massed (g = 0.74, Latimier and others,
2021); even gaps do as well as growing ones, and these fit a course of some weeks.
"""
MANY = 5
"""Questions of one review, about three minutes."""


@dataclass(frozen=True)
class Seen:
    """The days on which an objective was asked, oldest first, and the questions that asked it, with their tries."""

    days: tuple[date, ...]
    tries: Mapping[str, int]

    @property
    def due(self) -> date:
        """The day on which it is due again: a gap after the last one."""
        return self.days[-1] + timedelta(GAPS[min(len(self.days), len(GAPS)) - 1])


def seen(records: Iterable[Mapping[str, Any]]) -> dict[str, Seen]:
    """The objectives that were asked, by id, from a learner's records."""
    days: dict[str, list[date]] = {}
    tries: dict[str, dict[str, int]] = {}
    for entry in records:
        id, at = str(entry.get("id")), moment(entry.get("at"))
        if entry.get("kind") != "answer" or id not in questions() or at is None:
            continue
        for row in questions()[id].covers:
            asked, day = days.setdefault(row, []), at.date()
            if not asked or asked[-1] < day:
                asked.append(day)
            many = tries.setdefault(row, {})
            many[id] = many.get(id, 0) + 1
    return {row: Seen(tuple(asked), tries[row]) for row, asked in days.items()}


def due_questions(records: Iterable[Mapping[str, Any]], today: date, many: int = MANY) -> list[tuple[str, int]]:
    """Questions to ask today, with a seed each: as many due objectives as possible in few questions.

    The longest overdue come first; of the questions on an objective, the one tried least, with numbers not seen yet.
    """
    known = seen(records)
    tries = {id: count for one in known.values() for id, count in one.tries.items()}
    waiting = sorted((one.due, row) for row, one in known.items() if one.due <= today)
    chosen: dict[str, int] = {}
    covered: set[str] = set()
    for _, row in waiting:
        if len(chosen) == many:
            break
        if row in covered:
            continue
        open_rows = {other for _, other in waiting} - covered
        candidates = [question for id, question in questions().items() if row in question.covers and id not in chosen]
        if not candidates:
            continue
        best = min(candidates, key=lambda one: (tries.get(one.id, 0), -len(open_rows & set(one.covers)), one.id))
        chosen[best.id] = tries.get(best.id, 0)
        covered |= set(best.covers)
    return list(chosen.items())


def review(today: date | None = None) -> Quiz | Shown:
    """The questions that are due today, with other numbers than before; a sentence when none is.

    Ignoring it costs nothing: what is due stays due. Read from the local progress file alone.
    """
    due = due_questions(progress.records(), today or datetime.now(UTC).date())
    if not due:
        return page(["Review: nothing is due. Questions that you have answered come back here after 1, 3 and 7 days."])
    return Quiz(lambda seed: tuple(_asked(id, first + seed) for id, first in due))


def _asked(id: str, seed: int) -> Question:
    return next(question for question in questions_of(notebook_of(id), seed) if question.id == id)


def retention(records: Iterable[Mapping[str, Any]]) -> dict[int, tuple[int, int]]:
    """Right and all answers, by the days since the objective was last asked: the first answer of a day counts."""
    last: dict[str, date] = {}
    counts: dict[int, tuple[int, int]] = {}
    for entry in records:
        id, at = str(entry.get("id")), moment(entry.get("at"))
        if entry.get("kind") != "answer" or id not in questions() or at is None or entry.get("shown") is True:
            continue
        for row in questions()[id].covers:
            gap = (at.date() - last[row]).days if row in last else 0
            last[row] = at.date()
            if gap > 0:
                right, every = counts.get(gap, (0, 0))
                counts[gap] = (right + (entry.get("right") is True), every + 1)
    return dict(sorted(counts.items()))
