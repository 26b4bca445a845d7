"""Recall: the sentence of a request that answers a question, or nothing; no knowledge from anywhere else."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from labkit.offline.words.exclusions import RULES, kind_shown, other_subject
from labkit.offline.words.question import Question, Term, question
from labkit.offline.words.statements import Evidence

ENOUGH = 0.66
"""Share of a question's words that a sentence must cover; lower answers more and refuses less."""
ENOUGH_YES_NO = 0.8
SYNONYM, BESIDE, SYNONYM_BESIDE, IN_RECORD, STAND_IN, LONE_SYNONYM = 0.9, 0.6, 0.5, 0.85, 0.85, 0.5
"""The weight of a question's word that does not occur in the sentence itself: as a synonym, near it, as its kind."""
ELSEWHERE = 0.65
"""Factor for a statement about somebody else's doing."""
_SOFT = frozenset({"proper", "language", "instrument", "subject", "season"})
_SPECIFIC = frozenset({"email", "phone", "url"})
_UPDATE = re.compile(
    r"\b(?:actually|correction|instead|changed|moved|now|make (?:it|that)|sorry|no longer|updated?)\b", re.I
)
_OWN = re.compile(r"(?:\w+, )?(?:i|we|my|our|you|your)\b", re.I)
_CLOSE = 0.06


class Found(NamedTuple):
    """An answer's sentence and how much of the question it covers, from 0 to a little over 1."""

    said: Evidence
    score: float


def _share(term: Term, said: Evidence, alone: bool) -> float:
    words, around = said.unit.words, said.unit.around
    if term.stem in words.stems:
        return 1.0
    if not term.groups.isdisjoint(words.groups):
        return LONE_SYNONYM if alone else SYNONYM
    if term.stem in around.stems:
        return IN_RECORD if said.unit.leaf else BESIDE
    return 0.0 if term.groups.isdisjoint(around.groups) else SYNONYM_BESIDE


def _coverage(asked: Question, said: Evidence) -> float:
    """Return the share of the question's words that a statement covers; 0 when it lacks what it must show."""
    total = matched = direct = 0.0
    alone = len(asked.terms) == 1 and not asked.wants and (asked.yes_no or not _OWN.match(said.unit.text))
    for term in asked.terms:
        share = _share(term, said, alone)
        direct += share
        if share == 0.0 and term.kinds and kind_shown(term.kinds, said, asked) is not None:
            share = STAND_IN
        if share == 0.0 and term is asked.focus:
            return 0.0
        total += term.weight
        matched += term.weight * share
    if not total or (not direct and _SPECIFIC.isdisjoint(asked.wants)):
        return 0.0
    return matched / total


def _judge(asked: Question, said: Evidence) -> Found | None:
    score = _coverage(asked, said)
    if score < ENOUGH or any(rule(asked, said) for rule in RULES):
        return None
    kind = kind_shown(asked.wants, said, asked)
    if asked.wants and kind is None:
        score *= 0.65 if _SOFT.issuperset(asked.wants) else 0.0
    if other_subject(asked, said):
        score *= ELSEWHERE
    if score < (ENOUGH_YES_NO if asked.yes_no else ENOUGH):
        return None
    bonus = 0.0 if kind is None else 0.1 - 0.03 * min(kind, 2)
    return Found(said, score + bonus + (0.05 if _UPDATE.search(said.unit.text) else 0.0))


def _touches(asked: Question, said: Evidence) -> bool:
    words, around = said.unit.words, said.unit.around
    return not (
        asked.stems.isdisjoint(words.stems)
        and asked.groups.isdisjoint(words.groups)
        and (not said.unit.leaf or asked.stems.isdisjoint(around.stems))
    )


def candidates(asked: Question, said: Iterable[Evidence]) -> list[Found]:
    """Return what could answer the question, in the order in which it was said."""
    specific = not _SPECIFIC.isdisjoint(asked.wants)
    found = []
    for piece in said:
        if (specific or _touches(asked, piece)) and (
            piece.unit.value or asked.yes_no or piece.unit.words.stems - asked.stems
        ):
            judged = _judge(asked, piece)
            if judged:
                found.append(judged)
    return found


def recall(said: Iterable[Evidence], text: str) -> Found | None:
    """Return the statement that answers a question, or None; of equals the later one wins."""
    found = candidates(question(text), said)
    if not found:
        return None
    best = max(answer.score for answer in found)
    return next(answer for answer in reversed(found) if answer.score >= best - _CLOSE)
