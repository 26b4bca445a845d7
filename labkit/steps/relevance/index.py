"""The index behind relevance: which message says which word, kept up to date as a conversation grows.

What can be computed once for a message is computed when it first appears; a query then reads only the lists of its own
words. BM25 as in Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), k1 and b at their usual values.
"""

import math
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from labkit.messages import History, Message
from labkit.text.mentions import mentions
from labkit.text.once import SPARE_MESSAGES
from labkit.text.words import said, terms

K1 = 1.2
B = 0.75

COUNT_BITS = 10
MOST_COUNTED = (1 << COUNT_BITS) - 1
"""A posting is one number: the slot, and how often the term occurs there in its last bits."""

KINDS = {"when": 1, "amount": 2, "who": 4}
"""The bit for each thing that a question may ask for."""
ASKS = 8
"""The bit for a message that ends with a question mark."""
_ANSWERS = {"date": 1, "time": 1, "day": 1, "amount": 2, "number": 2, "identifier": 2, "contact": 2, "name": 4}


class RelevanceIndex:
    """Postings for the messages of one conversation at a time; a slot is a message's number in the index.

    Messages are known by identity. Those that are no longer in the history asked about do not count in any score, and
    are forgotten once they outnumber the others.
    """

    __slots__ = ("_lengths", "_marks", "_messages", "_postings", "_prior", "_priors", "_slots")

    def __init__(self, prior: Callable[[Message], float]) -> None:
        """An index of nothing yet; `prior` tells a message's importance, and is asked once for each."""
        self._prior = prior
        self._messages: list[Message] = []
        self._slots: dict[int, int] = {}
        self._lengths = array("I")
        self._priors = array("f")
        self._marks = array("B")
        self._postings: dict[str, int | array[int]] = {}

    def slots(self, history: History) -> list[int]:
        """The slot of each message of the history, in order; messages not met before are read now."""
        if len(self._messages) > 2 * len(history) + SPARE_MESSAGES:
            self.__init__(self._prior)  # type: ignore[misc]
        known, found = self._slots, []
        for message in history:
            slot = known.get(id(message))
            found.append(self._read(message) if slot is None else slot)
        return found

    def _read(self, message: Message) -> int:
        slot = self._slots[id(message)] = len(self._messages)
        self._messages.append(message)
        text = said(message)
        counts = Counter(terms(text))
        self._lengths.append(sum(counts.values()))
        self._priors.append(self._prior(message))
        self._marks.append(_marks(text))
        for term, count in counts.items():
            self._post(term, slot, min(count, MOST_COUNTED))
        return slot

    def _post(self, term: str, slot: int, count: int) -> None:
        known, packed = self._postings.get(term), slot << COUNT_BITS | count
        if known is None:
            self._postings[term] = packed
        elif isinstance(known, int):
            self._postings[term] = array("Q", (known, packed))
        else:
            known.append(packed)

    def priors(self, slots: Sequence[int]) -> list[float]:
        """The importance of the messages in these slots."""
        priors = self._priors
        return [priors[slot] for slot in slots]

    def kinds(self, slots: Sequence[int]) -> list[int]:
        """Which of KINDS the messages in these slots can answer, as bits."""
        marks = self._marks
        return [marks[slot] for slot in slots]

    def asking(self, slots: Sequence[int]) -> list[bool]:
        """Which of the messages in these slots are questions."""
        marks = self._marks
        return [marks[slot] & ASKS != 0 for slot in slots]

    def scores(self, slots: Sequence[int], query: Mapping[str, float]) -> tuple[list[float], dict[str, float]]:
        """BM25 of each message for a weighted query, and each term's weight: its rarity in this history times its own.

        `slots` are those of the history, in order; rarity and mean length are taken over them alone, so that the same
        history gives the same scores whatever the index has seen before.
        """
        found, weights = [0.0] * len(slots), dict[str, float]()
        whole = len(slots) == len(self._messages) and all(map(int.__eq__, slots, range(len(slots))))
        places = None if whole else {slot: place for place, slot in enumerate(slots)}
        lengths = self._lengths
        mean = max(sum([lengths[slot] for slot in slots]) / max(len(slots), 1), 1.0)
        for term, weight in query.items():
            hits = self._hits(term, places)
            if not hits:
                continue
            weights[term] = weight * math.log(1 + (len(slots) - len(hits) + 0.5) / (len(hits) + 0.5))
            for place, count in hits:
                norm = K1 * (1 - B + B * lengths[slots[place]] / mean)
                found[place] += weights[term] * count * (K1 + 1) / (count + norm)
        return found, weights

    def _hits(self, term: str, places: Mapping[int, int] | None) -> list[tuple[int, int]]:
        posting = self._postings.get(term, ())
        packed = (posting,) if isinstance(posting, int) else posting
        pairs = [(entry >> COUNT_BITS, entry & MOST_COUNTED) for entry in packed]
        return pairs if places is None else [(places[slot], n) for slot, n in pairs if slot in places]


def _marks(text: str) -> int:
    marks = ASKS if text.rstrip().endswith("?") else 0
    for kind in {mention.kind for mention in mentions(text)}:
        marks |= _ANSWERS[kind]
    return marks
