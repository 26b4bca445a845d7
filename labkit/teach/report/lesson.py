"""The state of a lesson: where everybody is, and the commonest wrong ideas of the last ten minutes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from labkit.teach.exercises import all_exercises
from labkit.teach.questions.files import predictions
from labkit.teach.report.files import key, ledgers
from labkit.teach.report.tables import answer_in_words
from labkit.teach.results.syllabus import notebook_of, questions
from labkit.teach.results.tally import moment

MINUTES = 10
"""A lesson looks so far back for wrong ideas."""

type Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """The newest record of one learner: the id of an exercise, question or prediction, and its time."""

    name: str
    id: str
    at: datetime

    @property
    def notebook(self) -> str:
        """The number of the notebook."""
        return notebook_of(self.id)


@dataclass(frozen=True, slots=True)
class Idea:
    """A wrong idea: the id where it showed, in words, the message that its author got, and who had it."""

    id: str
    words: str
    message: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lesson:
    """The places of all learners, by name, and the wrong ideas of the last minutes, the commonest first."""

    places: tuple[Place, ...]
    ideas: tuple[Idea, ...]


def lesson(folder: Path, now: datetime) -> Lesson:
    """Read the progress files below a folder as they are now; whatever cannot be read is passed over."""
    places: dict[str, Place] = {}
    held: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    for name, read in ledgers(folder):
        for entry in read.entries:
            id, at = entry["id"], moment(entry["at"])
            if at is None or at > now or id not in _known():
                continue
            before = places.get(key(name))
            if before is None or before.at <= at:
                places[key(name)] = Place(name, id, at)
            if now - at <= timedelta(minutes=MINUTES) and (idea := _idea(entry)):
                held[id, *idea][key(name)] = name
    ideas = [Idea(id, words, message, tuple(who.values())) for (id, words, message), who in held.items()]
    return Lesson(
        tuple(sorted(places.values(), key=lambda one: key(one.name))),
        tuple(sorted(ideas, key=lambda one: (-len(one.names), one.id, one.words))),
    )


def _known() -> Mapping[str, object]:
    return {**all_exercises(), **questions(), **predictions()}


def _idea(entry: Entry) -> tuple[str, str] | None:
    """The wrong idea of one record, in words and with its message; None for a record that is right or has none."""
    if entry["kind"] == "attempt" and entry.get("ok") is False:
        return next(_mistakes(entry), None)
    if entry["kind"] == "answer" and entry.get("right") is False and entry.get("given") is not None:
        words = answer_in_words(entry["id"], entry["given"]) if entry.get("seed", 0) == 0 else ""
        return (words, _why(entry)) if words else None
    return None


def _mistakes(entry: Entry) -> Iterator[tuple[str, str]]:
    """The named mistake of an attempt; of a name that there is none of, nothing is shown."""
    exercise = all_exercises().get(entry["id"])
    for mistake in exercise.mistakes if exercise else ():
        if (name := mistake.__name__.replace("_", " ")) == entry.get("mistake"):
            yield name, " ".join((mistake.__doc__ or "").split())


def _why(entry: Entry) -> str:
    graded = questions()[entry["id"]].grade(entry["given"])
    return " ".join(note for note in graded.notes if note) or graded.sentence
