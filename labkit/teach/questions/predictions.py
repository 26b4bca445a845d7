"""Predict, then run: a guess is written down before a key cell, and shown beside what happened after it.

What a cell shows depends on the guess in the cell alone, never on what was recorded before, so stored outputs
stay the same.
"""

import re

from labkit.teach.cells.shown import Shown, as_html, framed, page
from labkit.teach.checks.check import brief
from labkit.teach.questions.files import Prediction, predictions
from labkit.teach.questions.kinds import LETTERS, as_number
from labkit.teach.record import progress

NEAR, EXACT_UP_TO = 0.2, 10
"""A guessed number is right within this share of what came; up to this many it has to be exact."""

_guesses: dict[str, str | float] = {}
_sure: dict[str, float] = {}


def predict(id: str, guess: object = ..., sure: float | None = None) -> Shown:
    """Ask for a guess of what will happen: a letter, or a number. Three dots mean that there is none yet. `sure` is the
    learner's confidence, for those who want to give it, in percent from 0 to 100.

    Raises KeyError for an unknown id; a guess that is none of the answers is named in words.
    """
    asked = _find(id)
    _guesses.pop(id, None)
    _sure.pop(id, None)
    read = _read(asked, guess)
    if read is not None:
        _guesses[id] = read
        if (percent := _percent(sure)) is not None:
            _sure[id] = percent
        progress.record("prediction", id, guess=read, **_how_sure(id))
    choices = [f"{letter}) {option.text}" for letter, option in zip(LETTERS, asked.options, strict=False)]
    return page(["\n".join([f"Your prediction: {asked.ask}", *choices]), _said(asked, guess, sure)])


def outcome(id: str, value: object) -> Shown:
    """Show what happened with the guess: `value` is the result of the cells before it. Records both."""
    asked = _find(id)
    guess, came = _guesses.get(id), _outcome(asked, value)
    right = None if guess is None else _is_right(asked, guess, came)
    if guess is not None:
        progress.record("outcome", id, guess=guess, value=came, right=right, **_how_sure(id))
    said = [_compared(asked, guess, came, right), *([asked.why] if not asked.own else [])]
    return page(said, "done" if right else "plain") if guess is not None else _folded(said)


def why(id: str, words: object = ...) -> Shown:
    """Ask for the reason of an outcome in the learner's own words, and show the author's sentence next to them.

    Never graded. The words stay on this machine; the record says only how many there were. Raises KeyError for a
    prediction that asks for no reason.
    """
    asked = _find(id)
    if not asked.own:
        having = [one.id for one in predictions().values() if one.own]
        raise KeyError(f"the prediction {id!r} asks for no reason; these do: {', '.join(having)}")
    if not isinstance(words, str) or not words.strip():
        return page([asked.own, "Write your sentence between the quotation marks and run this cell again."])
    progress.keep_words(id, asked.own, words)
    return page([asked.own, f"You: {words.strip()}", f"The author: {asked.why}"], "done")


def _folded(said: list[str]) -> Shown:
    """An outcome without a guess, closed until the reader opens it: it would answer the question above it."""
    rich = "".join(f"<p>{as_html(words)}</p>" for words in said)
    return Shown("\n".join(said), framed([f"<details><summary>What happened</summary>{rich}</details>"]))


def _find(id: str) -> Prediction:
    if id not in predictions():
        raise KeyError(f"there is no prediction {id!r}; there are {', '.join(predictions())}")
    return predictions()[id]


def _letters(asked: Prediction) -> str:
    return LETTERS[: len(asked.options)]


def _read(asked: Prediction, guess: object) -> str | float | None:
    """The guess as a letter or a number, None when it is neither."""
    if not asked.options:
        return as_number(guess)
    said = " ".join(str(guess).lower().split())
    letter = found[1] if (found := _LETTER.fullmatch(said)) else ""
    choices = zip(LETTERS, asked.options, strict=False)
    return next((name for name, option in choices if said == option.text.lower() or name == letter), None)


_LETTER = re.compile(r"\(?([a-z])(?:[).:].*)?")
"""`b`, `b)`, `(b)` and `b) about the same`: a letter. A word that begins with one, such as `both`, is no choice."""


def _percent(sure: object) -> float | None:
    percent = as_number(str(sure).replace("%", " %"))
    return percent if percent is not None and 0 <= percent <= 100 else None


def _how_sure(id: str) -> dict[str, float]:
    return {"sure": _sure[id]} if id in _sure else {}


def _said(asked: Prediction, guess: object, sure: object) -> str:
    how = f'one of "{'", "'.join(_letters(asked))}"' if asked.options else f"a number (in {asked.unit})"
    if guess is ...:
        return f"No guess yet: write {how} in place of the three dots and run this cell again. Or just go on."
    read = _read(asked, guess)
    if read is None:
        return f"{brief(guess)} is none of the answers: write {how}."
    if sure is None:
        return f"You guess {in_words(asked, read)}. Run on and see."
    percent = _percent(sure)
    if percent is None:
        return f"You guess {in_words(asked, read)}. How sure you are is a percentage from 0 to 100, not {brief(sure)}."
    return f"You guess {in_words(asked, read)}, and are {percent:g}% sure. Run on and see."


def _outcome(asked: Prediction, value: object) -> str | float | None:
    """The outcome in the same terms as a guess; None when the learner changed the experiment beyond its options."""
    if not asked.options:
        return as_number(value)
    matching = [letter for letter, option in zip(LETTERS, asked.options, strict=False) if option.is_ == value]
    return matching[0] if matching else None


def in_words(asked: Prediction, answer: str | float) -> str:
    """A guess or an outcome in the words of its prediction: the letter with its text, or the number with its unit."""
    if isinstance(answer, str):
        return f"{answer}) {asked.options[LETTERS.index(answer)].text}"
    return f"{answer:,.10g} {asked.unit.removesuffix('s') if answer == 1 else asked.unit}"


def _is_right(asked: Prediction, guess: str | float, came: str | float | None) -> bool:
    if isinstance(guess, float) and isinstance(came, float):
        return abs(guess - came) <= (NEAR * abs(came) if abs(came) > EXACT_UP_TO else 0)
    return guess == came


def _compared(asked: Prediction, guess: str | float | None, came: str | float | None, right: bool | None) -> str:
    if came is None:
        return "What happened is none of the answers: you changed the experiment, so look at the cell above."
    happened = f"What happened: {in_words(asked, came)}."
    if guess is None:
        return happened
    happened = f"{happened} You guessed {in_words(asked, guess)}."
    if right:
        return f"{happened} ✓ As predicted."
    return f"{happened} ✗ Not as predicted: now is the time to find out why."
