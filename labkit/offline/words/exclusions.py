"""Reasons to reject a statement that shares the question's words."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from labkit.offline.words.kinds import values
from labkit.offline.words.question import Question, Term
from labkit.offline.words.statements import Evidence
from labkit.offline.words.stems import groups_of, stem, tokens, word_list

_DETERMINERS = frozenset(["the", "my", "our", "your", "his", "her", "their", "a", "an", "this", "that"])
_DIMENSIONS = tuple(
    frozenset(words.split())
    for words in (
        "long length",
        "wide width broad",
        "high height tall",
        "deep depth",
        "heavy weigh weight",
        "old age",
        "far distance",
        "hot cold warm",
    )
)
_HEADED = re.compile(r"^(?:the|my|our|your) (?:\w+ )?(\w+) (?:of|for|on|in) ", re.I)
_BUSY = ("date", "time", "money", "phone")


def kind_shown(kinds: Sequence[str], said: Evidence, asked: Question) -> int | None:
    """Return the place in `kinds` of the first kind that a statement shows with words that the question lacks."""
    shown = said.unit.value or said.unit.text
    for place, kind in enumerate(kinds):
        for value in values(kind, shown):
            fresh = any(word not in asked.tokens and word not in word_list("stop") for word in tokens(value))
            if fresh and not (kind == "identifier" and _is_part(value, shown)):
                return place
    return None


def _is_part(value: str, text: str) -> bool:
    """Check whether what looks like an identifier is the year, hour or amount of something longer."""
    return any(value in other and value != other for kind in _BUSY for other in values(kind, text)) or bool(
        values("year", value) and values("date", text)
    )


def names_missing(asked: Question, said: Evidence) -> bool:
    """An identifier or a proper name of the question occurs neither in the sentence nor beside it."""
    heard = f"{said.unit.text} {said.unit.place}".lower()
    return not all(
        re.search(rf"(?<![\w-]){re.escape(name)}", heard) or name in said.unit.around.order for name in asked.named
    )


def other_subject(asked: Question, said: Evidence) -> bool:
    """The question is about `I` and the statement about another thing, or about `you` and the user said it."""
    opening = tokens(said.unit.text)[:4]
    if asked.subject == "you":
        return said.role == "user" and "you" not in opening and "please" not in opening
    if (
        asked.subject != "i"
        or said.unit.leaf
        or opening[:1] not in (["the"], ["my"], ["our"], ["his"], ["her"], ["their"])
    ):
        return False
    first = said.unit.words.order[:1]
    groups = frozenset(group for base in first for group in groups_of(base))
    return asked.stems.isdisjoint(first) and asked.groups.isdisjoint(groups)


def other_dimension(asked: Question, said: Evidence) -> bool:
    """The question asks how long and the statement says how high."""
    if not asked.degree:
        return False
    spoken = said.unit.words.stems
    own = next((d for d in _DIMENSIONS if asked.degree in d), frozenset({asked.degree}))
    return own.isdisjoint(spoken) and any(not d.isdisjoint(spoken) for d in _DIMENSIONS)


@lru_cache(maxsize=16384)
def _owned(text: str) -> tuple[tuple[str, str], ...]:
    found = re.findall(r"\b([\w-]+)'s ([\w-]+)", text.lower())
    return tuple(
        (stem(owner), stem(thing))
        for owner, thing in found
        if owner not in ("it", "that", "he", "she", "what", "let", "here")
    )


def belongs_elsewhere(asked: Question, said: Evidence) -> bool:
    """The question asks for a daughter's name and the statement names her teacher."""
    return any(
        owner in asked.stems and thing not in asked.stems and asked.groups.isdisjoint(groups_of(thing))
        for owner, thing in _owned(said.unit.text)
    )


def _is_bare(term: Term, text: str) -> bool:
    """Check that a noun only helps to name another thing (`the gym membership`) or acts without being distinguished."""
    parts = re.findall(r"[#\w'.-]+", text)
    places = [i for i, part in enumerate(parts) if stem(part.lower().split("'")[0].strip(".")) == term.stem]
    for place in places:
        before = parts[place - 1].lower() if place else ""
        after = parts[place + 1] if place + 1 < len(parts) else ""
        plain = after.isalpha() and after.islower() and after not in word_list("introduces")
        if not (before in _DETERMINERS and plain):
            return False
    return bool(places)


def choice_unnamed(asked: Question, said: Evidence) -> bool:
    """The question asks which gym, and the statement tells of `the gym membership`."""
    if asked.choice is None or said.unit.leaf or asked.choice.stem not in said.unit.words.stems:
        return False
    return not asked.choice.kinds and _is_bare(asked.choice, said.unit.text)


def choice_guessed(asked: Question, said: Evidence) -> bool:
    """The question asks which seat, the statement names none, and is not about what `I` do either."""
    if asked.choice is None or asked.wants or not _absent(asked.choice, said):
        return False
    opening = tokens(said.unit.text)[:3]
    acts = "i" in opening or "we" in opening or "you" in opening
    return asked.subject != "i" or not acts


def _absent(term: Term, said: Evidence) -> bool:
    return term.stem not in said.unit.words.stems and term.groups.isdisjoint(said.unit.words.groups)


def leaf_beside(asked: Question, said: Evidence) -> bool:
    """A leaf of a tool result answers only when its own name is asked for, or the question names its record."""
    if not said.unit.leaf or asked.named:
        return False
    turning = asked.focus or asked.choice
    if asked.subject == "i" and not asked.wants:
        return True
    if turning is None:
        return not any(term.weight >= 0.5 and not _absent(term, said) for term in asked.terms)
    return _absent(turning, said) and not turning.kinds


def other_head(asked: Question, said: Evidence) -> bool:
    """The question asks for the number of a locker and the statement gives `the combination of the locker`."""
    headed = _HEADED.match(said.unit.text)
    if not headed or asked.focus is None or not _absent(asked.focus, said):
        return False
    head = stem(headed[1].lower())
    return head not in asked.stems and asked.groups.isdisjoint(groups_of(head))


RULES: tuple[Callable[[Question, Evidence], bool], ...] = (
    names_missing,
    other_dimension,
    belongs_elsewhere,
    choice_unnamed,
    choice_guessed,
    leaf_beside,
    other_head,
)
"""The rules that rule a statement out altogether; `other_subject` only makes it less likely."""
