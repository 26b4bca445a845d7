"""The cards of cards.toml: facts that scripted lessons ask for, small talk, and short lessons on a few topics."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

from labkit.offline.words.statements import Evidence, statements
from labkit.offline.words.stems import tokens, words

Length = Literal["one", "two", "full"]
_OWN = re.compile(r"\b(?:my|our|mine|ours)\b", re.I)
_HOW = re.compile(r"\bhow (?:do|does|can|could|should|would|to)\b|\bhelp\b", re.I)
_AFFAIRS = re.compile(
    r"^(?:and |so |but )?(?:which|who|whose|whom|where|what time|did|was|were|has|have|when (?:is|are|was|were"
    r"|does|did|will)"
    r"|what (?:was|were|did|has|have|will))\b",
    re.I,
)
_REFERS_BACK = re.compile(
    r"\b(?P<it>it|them|that|this|those|these|one|ones)\b|^(?:and |so |but )?(?:what|how) about\b|^(?:and|also)\b"
    r"|\b(?:an?|another|one more) example\b"
    r"|\bshow me\b|\bmore\b",
    re.I,
)
_EXAMPLE = re.compile(r"\bexamples?\b|\bshow me\b|\bsample\b", re.I)
_MORE = re.compile(r"\b(?:more|explain (?:it|that|this)|go on|elaborate|in (?:more )?detail)\b", re.I)
_CODE = re.compile(r"```python\n.*?```", re.S)


@dataclass(frozen=True, slots=True)
class FactCard:
    """A fact that lessons ask for: it is answered only while its evidence is in the request."""

    id: str
    ask: tuple[re.Pattern[str], ...]
    evidence: tuple[re.Pattern[str], ...]
    answer: str
    only: bool


@dataclass(frozen=True, slots=True)
class Lesson:
    """A short lesson in three lengths; `follow` matches requests that make sense only after its topic was named."""

    id: str
    title: str
    topic: str
    ask: tuple[re.Pattern[str], ...]
    follow: tuple[re.Pattern[str], ...]
    one: str
    two: str
    full: str

    def text(self, length: Length) -> str:
        """Return the lesson as one sentence, as two, or in full."""
        parts = {"one": [self.one], "two": [self.one, self.two], "full": [f"{self.one} {self.two}", self.full.strip()]}
        return ("\n\n" if length == "full" else " ").join(part for part in parts[length] if part)


def _patterns(entry: dict[str, Any], key: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.I) for pattern in entry.get(key, ()))


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("labkit.offline.words").joinpath("cards.toml").read_text(encoding="utf-8"))


@cache
def fact_cards() -> tuple[FactCard, ...]:
    """Return the fact cards in the order of the file."""
    return tuple(
        FactCard(e["id"], _patterns(e, "ask"), _patterns(e, "evidence"), e["answer"], e.get("only", False))
        for e in _data()["fact"]
    )


@cache
def lessons() -> tuple[Lesson, ...]:
    """Return the lessons in the order of the file: narrow topics stand before wide ones."""
    return tuple(
        Lesson(
            e["id"], e["title"], e["topic"], _patterns(e, "ask"), _patterns(e, "follow"), e["one"], e["two"], e["full"]
        )
        for e in _data()["lesson"]
    )


@cache
def _asks(section: str) -> tuple[tuple[str, str, tuple[re.Pattern[str], ...]], ...]:
    return tuple((e["id"], e.get("answer", ""), _patterns(e, "ask")) for e in _data()[section])


@lru_cache(maxsize=4096)
def card_asked(text: str) -> FactCard | None:
    """Return the fact card that a question asks for."""
    return next((card for card in fact_cards() if any(p.search(text) for p in card.ask)), None)


@lru_cache(maxsize=4096)
def small_talk(text: str) -> str | None:
    """Return the answer to small talk, or None."""
    plain = text.strip()
    return next((answer for _, answer, asks in _asks("chat") if any(p.search(plain) for p in asks)), None)


@lru_cache(maxsize=4096)
def about_asked(text: str) -> str | None:
    """Return which question about the request itself a text asks: the id of an `about` entry, or None."""
    return next((name for name, _, asks in _asks("about") if any(p.search(text) for p in asks)), None)


@lru_cache(maxsize=16384)
def _held(card_id: str, text: str) -> str | None:
    card = next(card for card in fact_cards() if card.id == card_id)
    found = next((m for m in (p.search(text) for p in card.evidence) if m), None)
    return found["value"].strip(" .,") if found else None


def fact_from_card(card: FactCard, said: Iterable[Evidence]) -> tuple[str, Evidence] | None:
    """Return a card's answer and the latest statement holding its evidence, the user's own first; or None."""
    latest = list(said)[::-1]
    for piece in sorted(latest, key=lambda piece: (piece.role != "user", piece.role == "tool")):
        value = _held(card.id, piece.unit.text)
        if value:
            return card.answer.format(value=value), piece
    return None


@cache
def _vocabulary() -> frozenset[str]:
    taught = " ".join(f"{e['title']} {e['one']} {e['two']} {e['full']}" for e in _data()["lesson"])
    return words(taught).stems | words(_data()["study"]).stems | frozenset(_data()["study"].split())


@lru_cache(maxsize=4096)
def lesson_asked(text: str) -> Lesson | None:
    """Return the lesson whose topic a question is about, unless it is about somebody's own affairs."""
    how = bool(_HOW.search(text))
    if _AFFAIRS.match(text) or (_OWN.search(text) and not how):
        return None
    lesson = next((lesson for lesson in lessons() if any(p.search(text) for p in lesson.ask)), None)
    if lesson is None:
        return None
    foreign = [word for word in words(text).stems if word not in _vocabulary()]
    return lesson if len(foreign) <= (1 if how else 0) else None


@lru_cache(maxsize=16384)
def topic_in(text: str) -> Lesson | None:
    """Return the lesson that a text of any kind names last; of two at the same place the narrower one."""
    best: tuple[int, Lesson] | None = None
    for lesson in lessons():
        last = max((m.start() for p in lesson.ask for m in p.finditer(text)), default=-1)
        if last >= 0 and (best is None or last > best[0]):
            best = (last, lesson)
    return best[1] if best else None


def refers_back(text: str) -> str | None:
    """Return the word by which a request refers to something earlier (`it`), `that` where it does so without one."""
    found = _REFERS_BACK.search(text)
    return None if not found else (found["it"] or "that").lower()


def follow_up(text: str, topic: str) -> Lesson | None:
    """Return the lesson that continues a topic in the direction that a request takes."""
    return next((le for le in lessons() if le.topic == topic and any(p.search(text) for p in le.follow)), None)


def follows_anything(text: str) -> bool:
    """Check whether a request would continue some topic, if only one had been named."""
    wide = bool(_EXAMPLE.search(text) or _MORE.search(text)) and len(tokens(text)) <= 9
    return wide or any(p.search(text) for lesson in lessons() for p in lesson.follow)


def continued(text: str, earlier: Lesson, length: Length) -> str | None:
    """Return the answer to a further request about a lesson: the next one, its example, or more of it."""
    following = follow_up(text, earlier.topic)
    if following:
        return following.text(length)
    if _EXAMPLE.search(text):
        code = _CODE.search(earlier.full)
        return code[0] if code else earlier.one
    if _MORE.search(text):
        return f"{earlier.two} {_CODE.sub('', earlier.full).strip()}".strip() if length != "one" else earlier.two
    return None


def is_taught(sentence: str) -> bool:
    """Check whether a sentence comes from a lesson and so says nothing about the conversation."""
    return sentence in _taught()


@lru_cache(maxsize=16384)
def lesson_given(text: str) -> Lesson | None:
    """Return the lesson that an answer holds, or None."""
    return next((lesson for lesson in lessons() if lesson.one in text or lesson.two in text), None)


@cache
def titles() -> frozenset[str]:
    """Return the titles of all lessons."""
    return frozenset(lesson.title for lesson in lessons())


@cache
def _taught() -> frozenset[str]:
    return frozenset(u.text for le in lessons() for u in statements(le.text("full")))
