"""A question taken apart: the words that a fact must share with it, the kind of answer it wants, the names it gives."""

import re
from functools import cache, lru_cache
from itertools import takewhile
from typing import Literal, NamedTuple

from labkit.offline.words.kinds import FRAMES, HEADS, values
from labkit.offline.words.stems import groups_of, stem, stem_list, tokens, word_list

_LEAD = re.compile(
    r"\b(?:(?:can|could|would) you (?:please )?)?(?:tell|remind|show|give) me(?: again)?(?: of| about)?\b"
    r"|\b(?:do|did|can) you (?:still )?(?:remember|recall|know)\b|\bi (?:forgot|forget|can't remember)\b",
    re.I,
)
_YES_NO = re.compile(r"(?:and |so |but )?(?:do|does|did|is|are|am|was|were|have|has|had|will|should|may)\b")
_PERSON = re.compile(r"who (?:is|are|was|were) (?:my|our|the|your) (.+?)(?: (?:of|for|in|at|on|to) .*)?$")
_QUESTION_WORD = re.compile(r"\b(?:what|which|who|whose|whom|where|when|why|how)\b")
_QUANTITY = re.compile(r"\bhow (?:many|much) (?!(?:is|are|was|were|do|does|did|can|should|will)\b)(\S+)")
_LINKING = frozenset(["is", "are", "was", "were"])
_PRONOUN = frozenset(["i", "we", "you", "he", "she", "it", "they", "me", "us", "them"])
_ARTICLES = frozenset(["a", "an"])
_ANYBODY = frozenset(["people", "persons", "times"])

_ANY_NUMBER = frozenset(["sum", "number", "within"])
NAMED = 0.25
"""Weight of a name or identifier: it must occur anyway, and so says little about the rest."""

How = Literal["linked", "which", "done", ""]


class Term(NamedTuple):
    """A word of a question: its stem, its synonym groups, its weight, and the kinds of answer that stand in for it."""

    stem: str
    groups: frozenset[int]
    weight: float
    kinds: tuple[str, ...] = ()


class Question(NamedTuple):
    """The parts of a question: `focus` must be found, `named` must occur, `wants` are the acceptable kinds of answer.

    `choice` is the noun of `which printer do I have`, which a fact may leave unnamed; `degree` the one of `how long`.
    """

    terms: tuple[Term, ...]
    wants: tuple[str, ...]
    focus: Term | None
    choice: Term | None
    named: tuple[str, ...]
    degree: str
    subject: Literal["i", "you", ""]
    yes_no: bool
    tokens: frozenset[str]
    stems: frozenset[str]
    groups: frozenset[int]


@cache
def _heads() -> dict[str, tuple[str, ...]]:
    return {stem(head): kinds for head, kinds in HEADS.items()}


def _is_content(word: str) -> bool:
    return word not in word_list("stop") and stem(word) not in word_list("stop")


def _last_noun(phrase: list[str]) -> str:
    start = next((i for i, word in enumerate(phrase) if _is_content(word)), len(phrase))
    kept = [word for word in takewhile(lambda word: word not in word_list("cut"), phrase[start:]) if _is_content(word)]
    telling = [word for word in kept if stem(word) not in stem_list("weak")]
    return (telling or kept or [""])[-1]


def _after_what(rest: list[str]) -> tuple[str, How]:
    """Find what follows what/which: a noun with its verb, a noun after `is`, or an action (`what did I plant`)."""
    phrase = list(takewhile(lambda word: word not in word_list("auxiliary"), rest))
    following = rest[len(phrase) :]
    if not following:
        return next((word for word in phrase if _is_content(word)), ""), "which"
    if _last_noun(phrase):
        return _last_noun(phrase), "" if following[0] in _LINKING else "which"
    tail = (
        list(takewhile(lambda word: word not in _PRONOUN, following[1:])) if following[0] in _LINKING else following[1:]
    )
    noun = _last_noun(tail)
    if following[0] in _LINKING:
        return noun, "linked"
    return (noun, "done") if noun and stem(noun) not in stem_list("weak") else ("", "")


def _head(asked: list[str], lower: str) -> tuple[str, How]:
    """Find the word that a question turns on, and in what way."""
    place = next((i for i, word in enumerate(asked) if word in ("what", "which")), None)
    if place is not None and "what time" not in lower and "what hour" not in lower:
        return _after_what(asked[place + 1 :])
    person = _PERSON.match(" ".join(asked))
    if person:
        return person[1].split()[-1], "linked"
    counted = _QUANTITY.search(lower)
    noun = counted[1].strip("?") if counted else ""
    return (noun, "linked") if noun and noun not in _ANYBODY and _is_content(noun) else ("", "")


def _named(text: str) -> tuple[str, ...]:
    """Return the identifiers, numbers, proper names and quoted words of a question."""
    codes = [v for v in values("identifier", text) if any(c.isdigit() for c in v)]
    proper = [] if text.isupper() else list(values("proper", text[1:]))
    numbers = re.findall(r"(?<![\w.-])\d+(?![\w.-])", text)
    quoted = re.findall(r"[\"\u201c]([^\"\u201d]+)[\"\u201d]", text)
    return tuple(dict.fromkeys(w for v in [*codes, *proper, *numbers, *quoted] for w in tokens(v) if w != "i"))


def _weight(word: str, base: str, head: str, how: How) -> float:
    if word == head and how in ("linked", "done") and base not in _heads():
        return 1.0
    if base in _heads() or (word == head and how == "which"):
        return 0.5
    return 0.25 if base in stem_list("weak") or word in word_list("degrees") or word in _ANYBODY else 1.0


def _terms(asked: list[str], head: str, how: How, named: tuple[str, ...]) -> tuple[Term, ...]:
    terms: dict[str, Term] = {}
    used = -1
    for place, word in enumerate(asked):
        base = stem(word)
        following = stem(asked[place + 1]) if place + 1 < len(asked) else ""
        phrase = groups_of(base, following)
        if place == used:
            continue
        if phrase:
            terms[f"{base} {following}"] = Term(f"{base} {following}", frozenset(phrase), 1.0)
            used = place + 1
        elif _is_content(word) and base not in stem_list("generic_heads"):
            kinds = _heads()[base] if base in stem_list("stand_ins") else ()
            weight = NAMED if word in named else _weight(word, base, head, how)
            kinds = tuple(kind for kind in kinds if kind not in _ANY_NUMBER)
            terms[base] = Term(base, frozenset(groups_of(base)), weight, kinds)
    return tuple(terms.values())


def _wants(lower: str, terms: tuple[Term, ...], head: str, how: How) -> tuple[str, ...]:
    by_frame = next((kinds for pattern, kinds in FRAMES if pattern.search(lower)), ())
    if by_frame or _QUESTION_WORD.search(lower):
        return by_frame or (_heads().get(stem(head), ()) if how != "done" else ())
    return next((_heads()[term.stem] for term in reversed(terms) if term.stem in _heads()), ())


def _subject(lower: str) -> Literal["i", "you", ""]:
    found = re.search(r"\b(?:do|did|am|was|were|have|had|should|can|will|would|are) (i|we|you)\b", lower)
    return "" if not found else "you" if found[1] == "you" else "i"


@lru_cache(maxsize=4096)
def question(text: str) -> Question:
    """Take a question apart; the same text costs nothing the next time."""
    whole = text.replace("\u2019", "'").strip()
    plain = _LEAD.sub(" ", whole).strip()
    lower = re.sub(r"\b(what|who|where|when|how)'s\b", r"\1 is", plain.lower())
    lower = re.sub(r"\bwhat is the (?:total )?number of (?=(?:\w+ )?\w+s\b)", "how many ", lower)
    asked = [word for word in tokens(lower) if word not in _ARTICLES]
    head, how = _head(asked, lower)
    named = _named(plain)
    terms = _terms([word for word in asked if word != "the"], head, how, named)
    at_head = next((term for term in terms if stem(head) in term.stem.split()), None) if head else None
    yes_no = bool(_YES_NO.match(lower)) and plain == whole
    return Question(
        terms=terms,
        wants=() if yes_no else _wants(lower, terms, head, how),
        focus=at_head if how in ("linked", "done") else None,
        choice=at_head if how == "which" else None,
        named=named,
        degree=next((word for word in asked if word in word_list("degrees") and f"how {word}" in lower), ""),
        subject=_subject(lower),
        yes_no=yes_no,
        tokens=frozenset(tokens(text)),
        stems=frozenset(w for t in terms for w in t.stem.split()),
        groups=frozenset(g for t in terms for g in t.groups),
    )
