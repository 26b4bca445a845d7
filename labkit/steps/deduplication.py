"""Deduplication: a question asked again in other words goes once, with its answer; the later copy stays.

An embedder says how alike two questions are, the guard says whether they may be the same at all, and an earlier copy
goes only when nothing that it names is missing from the later one. Taught in notebook 04.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from threading import Lock
from typing import Any, ClassVar, NamedTuple

from labkit.messages import History, Message, join
from labkit.steps.guard import difference, named
from labkit.text.embedding import Embedder, WordOverlap
from labkit.text.mentions import mentions
from labkit.text.once import Once
from labkit.text.words import searchable_text, terms

FEWEST_STEMS = 2
"""A text with fewer stems that is no question ('yes, please'), or with none, means something only in its place: it goes
only with an equal answer.
"""

SPARE_TEXTS = 1_024


class Merged(NamedTuple):
    """An exchange that was left out for a later one: where both open, how alike they are, and both questions."""

    place: int
    kept: int
    similarity: float
    question: str
    again: str

    def __str__(self) -> str:
        """`asked again in #14 (0.83 alike): 'Where is my parcel?'`."""
        return f"asked again in #{self.kept} ({self.similarity:.2f} alike): {self.again[:80]!r}"


class _Questions:
    """Distinct questions met so far, by number, and for each of them the others that say the same."""

    def __init__(self, embedder: Embedder, threshold: float) -> None:
        self.embedder, self.threshold = embedder, threshold
        self.texts: list[str] = []
        self.vectors: list[Any] = []
        self.alike: dict[int, array[int]] = {}
        self.thin: set[int] = set()
        self.numbers: dict[int, int] = {}
        self.newest: dict[int, int] = {}
        self.before = array("i")
        self.number_of = Once(lambda message: self.number(message.text))

    def number(self, text: str) -> int:
        """The number of a question; one not met before is compared with all that name the same things."""
        key = _digest(*text.casefold().split())
        if key not in self.numbers:
            self.numbers[key] = self._add(text)
        return self.numbers[key]

    def _add(self, text: str) -> int:
        number, what, vector = len(self.texts), named(text), self.embedder.embed(text)
        signature = _digest(*(key for group in what[:3] for key in ("|", *sorted(group))), str(what.negations % 2))
        others = list(self._chain(self.newest.get(signature, -1)))
        likeness = self.embedder.similarities(vector, [self.vectors[other] for other in others])
        for other, value in zip(others, likeness, strict=True):
            if value >= self.threshold and not difference(named(self.texts[other]), what):
                self.alike.setdefault(number, array("i")).append(other)
                self.alike.setdefault(other, array("i")).append(number)
        self.before.append(self.newest.get(signature, -1))
        self.newest[signature] = number
        if len(set(terms(text))) < FEWEST_STEMS - text.rstrip().endswith("?"):
            self.thin.add(number)
        self.texts.append(text)
        self.vectors.append(vector)
        return number

    def likeness(self, one: int, other: int) -> float:
        """The likeness of two questions, from 0 to 1; 1 for the same words."""
        if one == other:
            return 1.0
        return float(self.embedder.similarities(self.vectors[one], [self.vectors[other]])[0])

    def _chain(self, number: int) -> Iterator[int]:
        """The questions that name the same things, the newest first."""
        while number >= 0:
            yield number
            number = self.before[number]


def _digest(*words: str) -> int:
    return int.from_bytes(blake2b(" ".join(words).encode("utf-8", "surrogatepass"), digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class Deduplicate:
    """Leave out exchanges whose question is asked again later, in the same words or in others.

    `embedder` says how alike questions are (word overlap by default, `MiniLM()` reads meaning) and `threshold` from
    where they count as alike, the embedder's own by default. The guard always runs. Pinned messages and the newest
    exchange stay. `merged` lists what goes. Raises ValueError for a threshold outside 0 to 1.
    """

    embedder: Embedder = field(default_factory=WordOverlap)
    threshold: float | None = None
    keeps_whole_exchanges: ClassVar[bool] = True
    _state: list[_Questions] = field(default_factory=list, init=False, repr=False, compare=False)
    _names: Once[tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _settled: list[dict[tuple[int, ...], tuple[list[Message], list[Message], bool]]] = field(
        default_factory=lambda: [{}], init=False, repr=False, compare=False
    )
    _lock: Any = field(default_factory=Lock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a threshold that means nothing."""
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold {self.threshold:,} is not between 0 (all are alike) and 1 (equal ones only)")
        object.__setattr__(self, "_names", Once(_names))

    def __str__(self) -> str:
        """`questions asked again later left out`."""
        return "questions asked again later left out"

    def __call__(self, history: History) -> History:
        """The history without the earlier copies."""
        gone = {merged.place for merged in self.merged(history)}
        if not gone:
            return history
        return join(history[first:end] for first, end in pairwise(history.edges()) if first not in gone)

    def merged(self, history: History) -> list[Merged]:
        """The exchanges that this step leaves out of a history, and the later exchange for each."""
        with self._lock:
            return list(self._merged(history))

    def _merged(self, history: History) -> Iterator[Merged]:
        questions, messages = self._questions(len(history)), list(history)
        staying, newest = set(history.staying()), history.newest_start()
        latest: dict[int, tuple[int, int]] = {}
        found: list[Merged] = []
        end = len(messages)
        for place in reversed(history.starts()):
            number = questions.number_of(messages[place])
            others = questions.alike.get(number)
            spans = {latest[other] for other in others if other in latest} if others else set()
            spans |= {latest[number]} if number in latest else set()
            copy = None
            if spans and place != newest and staying.isdisjoint(range(place, end)):
                copy = self._later_copy(messages, messages[place:end], spans, number in questions.thin)
            if copy is None:
                latest[number] = place, end
            else:
                likeness = questions.likeness(number, questions.number_of(messages[copy]))
                found.append(Merged(place, copy, likeness, messages[place].text, messages[copy].text))
            end = place
        self._names.keep(messages, len(messages))
        if len(self._settled[0]) > SPARE_TEXTS:
            self._settled[0] = {}
        questions.number_of.keep(messages, len(messages))
        return reversed(found)

    def _later_copy(
        self, messages: list[Message], part: list[Message], spans: set[tuple[int, int]], thin: bool
    ) -> int | None:
        answers = self._settled[0]
        for copy, end in sorted(spans):
            whole = messages[copy:end]
            key = (*map(id, part), 0, *map(id, whole))
            if key not in answers:
                answers[key] = part, whole, _equal(part, whole) if thin else self._covered(part, whole)
            if answers[key][2]:
                return copy
        return None

    def _questions(self, count: int) -> _Questions:
        if not self._state or len(self._state[0].texts) > 2 * count + SPARE_TEXTS:
            threshold = self.embedder.threshold if self.threshold is None else self.threshold
            self._state[:] = [_Questions(self.embedder, threshold)]
        return self._state[0]

    def _covered(self, earlier: list[Message], later: list[Message]) -> bool:
        told = set[str]().union(*map(self._names, later))
        return all(told.issuperset(self._names(message)) for message in earlier)

    def why(self, history: History) -> Mapping[int, str]:
        """For each message that goes, the question that is asked again."""
        reasons: dict[int, str] = {}
        for merged in self.merged(history):
            part = history.exchange_at(merged.place)
            reasons |= dict.fromkeys(range(merged.place, merged.place + len(part)), str(merged))
        return reasons


def _equal(earlier: list[Message], later: list[Message]) -> bool:
    same = zip(earlier, later, strict=False)
    return len(earlier) == len(later) and all(one.content == other.content for one, other in same)


def _names(message: Message) -> tuple[str, ...]:
    return tuple({mention.key for mention in mentions(searchable_text(message))})
