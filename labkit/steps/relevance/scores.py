"""How relevant each earlier message is to the message at hand: shared words, spread to replies and neighbours.

Every part of a score has a weight that an ablation can set to 0. Figures behind the defaults: see Weights.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from labkit.messages import History, Message
from labkit.steps.relevance.index import KINDS, RelevanceIndex
from labkit.text.words import runs, said, terms


@dataclass(frozen=True, slots=True)
class Weights:
    """The parts of relevance; 0 leaves a part out. Tuned by hand on the dev part of the labelled set, one at a time.

    `reply`: what a message passes on to the one after it (whole for a question, half otherwise). `near`: to its
    neighbours, half of it to theirs. `speaker`: 'my' looks at the user's words, 'did you say' at the assistant's.
    `kind`: 'when' looks for dates, 'how much' for amounts, 'who' for names. `recency`: the newest counts so much more
    than the oldest. `prior`: importance, for what shares no word with the question; `thin` times as much when the
    question has hardly a word of its own. `price`: the power of the cost that worth is divided by. `note`: whether
    passages may be quoted. `meaning`: what an embedder adds.
    """

    reply: float = 0.6
    near: float = 0.3
    speaker: float = 0.3
    kind: float = 0.3
    recency: float = 0.2
    prior: float = 0.3
    thin: float = 4.0
    price: float = 0.6
    note: float = 1.0
    meaning: float = 2.0


THIN_TERMS = 2
"""A question of at most so many stems is thin: what it asks for is told by what matters in general."""
OPENING = 0.3
"""What the rest of the newest turn weighs in the query beside its last message in words."""
NEUTRAL = 0.2
"""Importance up to this earns nothing."""

FIRST_PERSON = frozenset(("i", "my", "me", "mine", "we", "our", "us", "ours"))
SAYING = re.compile(
    r"\byou(?:'d| had| did| have)?\b.*\b(?:sa(?:y|id)|suggest|recommend|t(?:ell|old)|advi[sc]e|propose|explain|mention|"
    r"warn|list|write|wrote)|according to you|your (?:advice|suggestion|answer|opinion)"
)
ASKED = {
    "when": re.compile(
        r"\b(?:when|what (?:time|day|date|year|month)|which (?:day|date)|until|how long|deadline|by when)\b"
    ),
    "amount": re.compile(
        r"\b(?:how (?:much|many|far|high|deep|wide|large|old|hot)|price|cost|pay|number|amount|total)\b"
    ),
    "who": re.compile(r"\b(?:who|whom|whose|where|name|which (?:company|person|place|city|bank|hotel))\b"),
}
"""What a question asks for, by its words; KINDS says which mentions answer it."""


class Scores(NamedTuple):
    """For each message before the newest turn: shared words, relevance with what it got from others, importance.

    `terms` weighs each stem of the query; `thin` says that the question had hardly a word of its own.
    """

    shared: list[float]
    relevance: list[float]
    priors: list[float]
    terms: Mapping[str, float]
    thin: bool


def query(history: History) -> tuple[dict[str, float], Message]:
    """The stems of the message at hand with their weights, and that message: the last one of the user in words."""
    newest = history[history.newest_start() :]
    last = next((m for m in reversed(newest) if m.role == "user" and m.text), newest[0])
    asked = dict.fromkeys(terms(said(last)), 1.0)
    for message in newest:
        for term in terms(said(message)) if message is not last else ():
            asked.setdefault(term, OPENING)
    return asked, last


def scores(history: History, index: RelevanceIndex, weights: Weights) -> Scores:
    """Score every message before the newest turn."""
    stop = history.newest_start()
    asked, last = query(history)
    slots = index.slots(history)[:stop]
    shared, found = index.scores(slots, asked)
    thin = len(set(terms(said(last)))) <= THIN_TERMS
    _by_speaker(shared, history, last.text.lower(), weights)
    _by_kind(shared, index.kinds(slots), last.text.lower(), weights)
    relevance = _spread(shared, index.asking(slots), weights)
    return Scores(shared, relevance, index.priors(slots), found, thin)


def _by_speaker(shared: list[float], history: History, asked: str, weights: Weights) -> None:
    favoured = "assistant" if SAYING.search(asked) else "user" if FIRST_PERSON & set(runs(asked)) else ""
    if favoured and weights.speaker:
        for place, value in enumerate(shared):
            if value and history[place].role == favoured:
                shared[place] = value * (1 + weights.speaker)


def _by_kind(shared: list[float], kinds: Sequence[int], asked: str, weights: Weights) -> None:
    wanted = sum(KINDS[kind] for kind, pattern in ASKED.items() if pattern.search(asked))
    if wanted and weights.kind:
        for place, value in enumerate(shared):
            if value and kinds[place] & wanted:
                shared[place] = value * (1 + weights.kind)


def _spread(shared: Sequence[float], asking: Sequence[bool], weights: Weights) -> list[float]:
    """What each message has of its own and gets from the two on either side; later ones count a little more."""
    padded = [0.0, 0.0, *shared, 0.0, 0.0]
    near, far, count = weights.near, weights.near / 2, max(len(shared), 1)
    question, statement = weights.reply, weights.reply / 2
    found = []
    for place, (b2, b1, own, a1, a2) in enumerate(
        zip(padded, padded[1:], padded[2:], padded[3:], padded[4:], strict=False)
    ):
        value = own + near * (b1 + a1) + far * (b2 + a2)
        if b1:
            value += b1 * (question if asking[place - 1] else statement)
        found.append(value * (1 + weights.recency * place / count))
    return found
