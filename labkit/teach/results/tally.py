"""From one learner's records to figures: what was tried, what came right and when, and how long it took.

The rules of counting, which the class report repeats in words (RULES), are all here. A record that is not of the form
that labkit writes counts as foreign and changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from labkit.teach.exercises import all_exercises
from labkit.teach.questions.files import predictions
from labkit.teach.questions.predictions import EXACT_UP_TO, NEAR
from labkit.teach.results.syllabus import questions

GAP_MINUTES = 10
"""A longer pause between two records is taken for a break."""

RULES = (
    "An attempt is a check of an answer; a check of the untouched stub is none, and neither is one after the first "
    "that was right.",
    "At first try means: right at the first attempt, without having asked for the solution before.",
    "A question counts as right when it was answered rightly before its answer was shown. Trying again with other "
    "numbers can still make it right.",
    "Hints are counted once each, however often they were read.",
    "A prediction is compared once: the first guess that met its outcome. A guessed number is right within "
    f"{NEAR:.0%} of what came, and exactly if that is {EXACT_UP_TO} or less.",
    f"Time is the sum of the pauses between records, each given to what was recorded at its end. Pauses of more than "
    f"{GAP_MINUTES} minutes are left out, so reading without running anything for so long is not counted.",
)

type Entry = Mapping[str, Any]


@dataclass(slots=True)
class Work:
    """One learner at one exercise. `first` says whether the first attempt was right, None before there was one."""

    attempts: int = 0
    first: bool | None = None
    right: bool = False
    solution: bool = False
    hints: set[int] = field(default_factory=set)
    mistakes: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Answers:
    """One learner at one question; `wrong` are the wrong answers to it as it is asked first, as they were kept."""

    tries: int = 0
    first: bool | None = None
    right: bool = False
    shown: set[int] = field(default_factory=set)
    wrong: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Guess:
    """One learner's first compared guess: what was guessed, what came, whether it was right, how sure they were (in
    percent, None when not said). `compared` is False as long as there is a guess without an outcome.
    """

    guess: str | float | None = None
    value: str | float | None = None
    right: bool = False
    sure: float | None = None
    compared: bool = False


@dataclass(slots=True)
class Tally:
    """Everything counted for one learner, by the ids of exercises, questions and predictions; `seconds` too.

    `steps` are the lighter steps passed, by exercise, and `reasons` the predictions with a reason in own words.
    """

    work: dict[str, Work] = field(default_factory=dict)
    answers: dict[str, Answers] = field(default_factory=dict)
    guesses: dict[str, Guess] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    steps: dict[str, set[str]] = field(default_factory=dict)
    reasons: set[str] = field(default_factory=set)
    counted: int = 0
    foreign: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


def tally(entries: Iterable[Entry]) -> Tally:
    """Count one learner's records, given in the order in which they were kept."""
    total = Tally()
    for entry in entries:
        id, kind = entry.get("id"), entry.get("kind")
        count = COUNTS.get(kind) if isinstance(kind, str) else None
        if kind in ABOUT:
            continue
        if count is None or not isinstance(id, str) or id not in _known(kind):
            total.foreign += 1
            continue
        count(total, id, entry)
        total.counted += 1
        _time(total, id, entry)
    return total


def _known(kind: object) -> Mapping[str, object]:
    if kind in ("prediction", "outcome", "why"):
        return predictions()
    return questions() if kind == "answer" else all_exercises()


def _attempt(total: Tally, id: str, entry: Entry) -> None:
    work = total.work.setdefault(id, Work())
    ok, missed = entry.get("ok") is True, _texts(entry.get("missed"))
    untouched = entry.get("untouched") is True or not (ok or missed or entry.get("mistake"))
    if work.right or untouched:
        return
    work.attempts += 1
    if work.first is None:
        work.first = ok and not work.solution
    work.right = ok
    work.mistakes += _texts([entry.get("mistake")])
    work.missed += missed


def _hint(total: Tally, id: str, entry: Entry) -> None:
    step = entry.get("step")
    if isinstance(step, int) and 1 <= step <= len(all_exercises()[id].hints):
        total.work.setdefault(id, Work()).hints.add(step)


def _solution(total: Tally, id: str, entry: Entry) -> None:
    total.work.setdefault(id, Work()).solution = True


def _answer(total: Tally, id: str, entry: Entry) -> None:
    answers = total.answers.setdefault(id, Answers())
    seed = entry["seed"] if isinstance(entry.get("seed"), int) else 0
    if entry.get("shown") is True:
        answers.shown.add(seed)
        return
    if answers.right or seed in answers.shown or entry.get("given") is None:
        return
    answers.tries += 1
    answers.right = entry.get("right") is True
    if answers.first is None:
        answers.first = answers.right and not answers.shown
    if not answers.right and seed == 0:
        answers.wrong.append(entry["given"])


def _guess(total: Tally, id: str, entry: Entry) -> None:
    total.guesses.setdefault(id, Guess(_value(entry.get("guess"))))


def _outcome(total: Tally, id: str, entry: Entry) -> None:
    guess = total.guesses.setdefault(id, Guess())
    value, guessed = _value(entry.get("value")), _value(entry.get("guess"))
    if guess.compared or value is None or guessed is None:
        return
    guess.guess, guess.value, guess.compared = guessed, value, True
    guess.right = entry.get("right") is True
    sure = _value(entry.get("sure"))
    guess.sure = sure if isinstance(sure, float) and 0 <= sure <= 100 else None


def _step(total: Tally, id: str, entry: Entry) -> None:
    if entry.get("ok") is True and isinstance(entry.get("step"), str):
        total.steps.setdefault(id, set()).add(entry["step"][:20])


def _why(total: Tally, id: str, entry: Entry) -> None:
    total.reasons.add(id)


ABOUT = ("learner", "generated")
"""Kinds of record that are about the file and no work of the learner's."""

COUNTS: Mapping[str, Callable[[Tally, str, Entry], None]] = {
    "attempt": _attempt,
    "hint": _hint,
    "solution": _solution,
    "answer": _answer,
    "prediction": _guess,
    "outcome": _outcome,
    "step": _step,
    "why": _why,
}


def _time(total: Tally, id: str, entry: Entry) -> None:
    at = moment(entry.get("at"))
    if at is None:
        return
    pause = (at - total.last_at).total_seconds() if total.last_at else 0.0
    if 0 < pause <= GAP_MINUTES * 60:
        total.seconds[id] = total.seconds.get(id, 0.0) + pause
    total.first_at = min(total.first_at or at, at)
    total.last_at = at


def moment(at: object) -> datetime | None:
    """A record's time, None when it is none; without a time zone it is taken for UTC."""
    try:
        read = datetime.fromisoformat(str(at))
        return (read.replace(tzinfo=UTC) if read.tzinfo is None else read).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _texts(given: object) -> list[str]:
    texts = given if isinstance(given, list) else []
    return [text[:120] for text in texts[:20] if isinstance(text, str) and text]


def _value(given: object) -> str | float | None:
    if isinstance(given, str):
        return given[:40] or None
    if isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < 1e15:
        return float(given)
    return None
