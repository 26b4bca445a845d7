"""Scores: how relevant each message is to the message at hand, by shared words spread over the conversation.

Every part has a weight that an ablation can set to 0: `python -m tests.measure.ablation`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import pairwise
from typing import NamedTuple

from labkit.messages import History, Message
from labkit.steps.relevance.index import K1, USER, Asked, RelevanceIndex
from labkit.text.words import searchable_text, terms


@dataclass(frozen=True, slots=True)
class Weights:
    """The parts of relevance; 0 leaves a part out.

    `reply`: what a message passes on to the next one, which may answer it. `near`: how much of the question is said
    within four messages on either side. `feedback`: what the words of the messages found first add to the question's.
    `speaker`: for the person whom the question names, or for the user where messages carry no names. `price`: the power
    of the cost that worth is divided by. `note`: the largest share of the room for identifiers of a history with tools;
    0 writes no note at all, so that messages stay as they are, those first that name most. `meaning`: what an embedder
    adds.

    Chosen by hand, one at a time, on five chats of LoCoMo, ten of BEAM and half the tasks of tau-bench (December 2026).
    """

    reply: float = 0.5
    near: float = 0.5
    feedback: float = 0.2
    speaker: float = 0.3
    price: float = 0.4
    note: float = 0.6
    meaning: float = 1.0


THIN = 2
"""Words of so few terms ask for hardly anything: what else the newest part says is asked with them."""
OPENING = 0.3
"""The weight of that, compared with 1 for the user's last words."""
AROUND = 4
"""So many messages on either side are near; their words count less with every step away."""
FOUND_FIRST = 10
"""So many of the best messages give words to the question."""
GIVEN = 20
"""So many words are given, those that the messages found first share and others rarely say."""
SHORT = 5
"""A message of fewer terms gives words as if it had so many, so that a greeting does not decide."""
NAMED_SHARE = 0.1
"""A name before the words is a speaker's when so large a share of the messages begins with it."""
MOST_ASKED = 64
"""So many terms of the newest turn are looked up: a tool result of a thousand words is no question."""


class Scores(NamedTuple):
    """For each message before the newest part: shared words, relevance with what it got from others; `terms` weighs
    each stem of the question.
    """

    shared: list[float]
    relevance: list[float]
    terms: Mapping[str, float]


def query(history: History) -> tuple[dict[str, float], Message]:
    """The stems of the message at hand with their weights, and that message: the user's last one in words."""
    newest = history[history.newest_start() :]
    last = next((m for m in reversed(newest) if m.role == "user" and m.text), newest[0])
    asked = dict.fromkeys(terms(searchable_text(last)), 1.0)
    if len(asked) <= THIN:
        for message in reversed(history[history.joints()[-2] :]):
            for term in terms(searchable_text(message)) if len(asked) < MOST_ASKED else ():
                asked.setdefault(term, OPENING)
    return asked, last


def scores(history: History, index: RelevanceIndex, weights: Weights) -> Scores:
    """Score every message before the newest part."""
    stop = history.joints()[-2]
    asked, _ = query(history)
    slots = index.slots(history)[:stop]
    labels = index.labels(slots)
    named = _named(labels, asked)
    asked = {term: weight for term, weight in asked.items() if term not in named}
    corpus, shared = index.asked(slots), [0.0] * stop
    found = corpus.add(shared, asked)
    matched = shared[:]
    if weights.feedback and found:
        corpus.add(matched, _given(corpus, index, slots, shared, asked, weights.feedback))
    relevance = _normal([own + weights.reply * before for before, own in pairwise([0.0, *matched])])
    if weights.near:
        near = _normal(_near(corpus, found, stop))
        relevance = [own + weights.near * around for own, around in zip(relevance, near, strict=True)]
    favoured = _favoured(index.kinds(slots), labels, named)
    relevance = [own + weights.speaker * by for own, by in zip(relevance, favoured, strict=True)]
    return Scores(shared, relevance, found)


def _named(labels: Sequence[str], asked: Mapping[str, float]) -> dict[str, str]:
    """The speakers whom the question names, by the stem of the name."""
    counts = Counter(labels)
    speakers = [name for name, count in counts.items() if name and count >= NAMED_SHARE * len(labels)]
    stems = {stem: name for name in speakers for stem in terms(name)}
    return {stem: name for stem, name in stems.items() if stem in asked}


def _favoured(kinds: Sequence[int], labels: Sequence[str], named: Mapping[str, str]) -> Sequence[int]:
    if named:
        names = set(named.values())
        return [label in names for label in labels]
    if 2 * labels.count("") < len(labels):
        return [0] * len(labels)
    return [kind & USER for kind in kinds]


def _given(
    corpus: Asked,
    index: RelevanceIndex,
    slots: Sequence[int],
    shared: Sequence[float],
    asked: Mapping[str, float],
    weight: float,
) -> dict[str, float]:
    """The words that the messages found first add to the question, with their weights.

    Pseudo-relevance feedback in the manner of Rocchio (1971): what is often said by them and rarely by others.
    """
    first = nsmallest(FOUND_FIRST, (place for place, own in enumerate(shared) if own), key=lambda at: (-shared[at], at))
    all_of_them = sum(shared[place] for place in first)
    given: dict[str, float] = {}
    for place in first:
        share = shared[place] / all_of_them / max(corpus.lengths[place], SHORT) ** 0.5
        for term, count in index.counts(slots[place]).items():
            if term not in asked:
                given[term] = given.get(term, 0.0) + share * min(count, 2)
    rated = {term: value * corpus.rarity(corpus.count(term)) for term, value in given.items()}
    best = nsmallest(GIVEN, rated, key=lambda term: (-rated[term], term))
    return {term: weight * rated[term] / rated[best[0]] for term in best}


def _near(corpus: Asked, found: Mapping[str, float], stop: int) -> list[float]:
    """For each place how much of the question is said around it: every term counts once, however often it is said."""
    sums = [0.0] * stop
    for term, worth in found.items():
        said_around: dict[int, float] = {}
        for place, count in corpus.hits(term):
            for at in range(max(place - AROUND, 0), min(place + AROUND + 1, stop)):
                said_around[at] = said_around.get(at, 0.0) + count * (1 - abs(at - place) / (AROUND + 1))
        for at, often in said_around.items():
            sums[at] += worth * often / (often + K1)
    return sums


def _normal(values: list[float]) -> list[float]:
    top = max(values, default=0.0)
    return [value / top for value in values] if top > 0 else values
