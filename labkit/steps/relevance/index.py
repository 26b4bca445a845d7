"""The index: the one cache of relevance, in which each message is read once in its life.

A query reads only the lists of its words. BM25 as in Robertson and Zaragoza, The Probabilistic Relevance Framework
(2009), k1 and b at their usual values.
"""

import math
import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from sys import intern

from labkit.messages import History, Message, Ruler
from labkit.text.once import SPARE_MESSAGES
from labkit.text.words import searchable_text, terms

K1 = 1.2
B = 0.75

COUNT_BITS = 10
CHEAPEST = 100
"""Messages of up to so many tokens have one price, so that short ones are not kept for being short."""

MOST_COUNTED = (1 << COUNT_BITS) - 1
"""A posting is one number: the slot, and in its last bits how often the term occurs there."""

_LABEL = re.compile(r"(?:\[[^\]]{0,40}\]\s*)?([^\W\d_]\w{1,30}):\s")
"""A speaker's name before the words, after a date in brackets where there is one."""


USER, CALL, WORDS = 1, 2, 4
"""Of a message: the user's; with a call of a tool; of the user or the assistant, with words alone, so that a quotation
loses nothing.
"""


class RelevanceIndex:
    """Postings, sizes and speakers for the messages of one conversation at a time; a slot is a message's number here.

    Messages are known by identity. Those that are no longer in the history asked about do not count in any score, and
    are forgotten once they outnumber the others.
    """

    __slots__ = (
        *("_before", "_history", "_messages", "_slots", "_slots_before"),
        *("_costs", "_kinds", "_labels", "_lengths", "_postings", "_price", "_size", "_sizes"),
    )

    def __init__(self, size: Ruler, price: float = 1.0) -> None:
        """An index of nothing yet; `size` measures each message once, `price` is the power of the cost."""
        self._size, self._price = size, price
        self._messages: list[Message] = []
        self._slots: dict[int, int] = {}
        self._lengths = array("I")
        self._sizes = array("q")
        self._costs = array("d")
        self._kinds = bytearray()
        self._history: History | None = None
        self._before: list[Message] = []
        self._slots_before: list[int] = []
        self._labels: list[str] = []
        self._postings: dict[str, int | array[int]] = {}

    def slots(self, history: History) -> list[int]:
        """The slot of each message of the history, in order; messages not met before are read now."""
        if history is self._history:
            return self._slots_before
        if len(self._messages) > 2 * len(history) + SPARE_MESSAGES:
            self.__init__(self._size, self._price)  # type: ignore[misc]
        messages = list(history)
        # Histories grow: most often all but the last message of the one before are known where they are.
        again = max(len(self._before) - 1, 0)
        same = again if messages[:again] == self._before[:again] else 0
        found = [*self._slots_before[:same], *map(self._read, messages[same:])]
        self._history, self._before, self._slots_before = history, messages, found
        return found

    def _read(self, message: Message) -> int:
        if (known := self._slots.get(id(message))) is not None:
            return known
        slot = self._slots[id(message)] = len(self._messages)
        self._messages.append(message)
        text = searchable_text(message)
        counts = Counter(terms(text))
        self._lengths.append(sum(counts.values()))
        self._sizes.append(size := self._size(message))
        self._costs.append(max(size, CHEAPEST) ** self._price)
        self._kinds.append(_kind(message))
        label = _LABEL.match(text)
        self._labels.append(intern(label[1].casefold()) if label else "")
        postings, packed = self._postings, slot << COUNT_BITS
        for term, count in counts.items():
            entry, posted = packed | min(count, MOST_COUNTED), postings.get(term)
            if posted is None:
                postings[intern(term)] = entry
            elif isinstance(posted, int):
                # Most terms occur once: one number takes a third of the memory of a list of one.
                postings[term] = array("Q", (posted, entry))
            else:
                posted.append(entry)
        return slot

    def sizes(self, slots: Sequence[int]) -> list[int]:
        """The sizes of the messages in these slots, by the ruler of the index."""
        return _of(self._sizes, slots)

    def costs(self, slots: Sequence[int]) -> list[float]:
        """The divisors of worth: the sizes, at least CHEAPEST, to the power of the price."""
        return _of(self._costs, slots)

    def kinds(self, slots: Sequence[int]) -> list[int]:
        """USER, CALL and WORDS of each message, added up."""
        return _of(self._kinds, slots)

    def labels(self, slots: Sequence[int]) -> list[str]:
        """The speaker's name that each message begins with, in lower case; empty where there is none."""
        return _of(self._labels, slots)

    def counts(self, slot: int) -> Counter[str]:
        """The number of times that each term occurs in a message."""
        return Counter(terms(searchable_text(self._messages[slot])))

    def asked(self, slots: Sequence[int]) -> "Asked":
        """The index as it answers for one history, whose slots are given in order."""
        first_ones = slots == list(range(len(slots)))
        places = None if first_ones else {slot: place for place, slot in enumerate(slots)}
        lengths = [self._lengths[slot] for slot in slots]
        return Asked(self._postings, places, lengths)


def _kind(message: Message) -> int:
    words = message.role != "system" and message.block_types() == {"text"}
    return USER * (message.role == "user") + CALL * message.has("tool_use") + WORDS * words


def _of[T](values: Sequence[T], slots: Sequence[int]) -> list[T]:
    """The values in these slots; those of the first slots in order are cut out at once."""
    if slots and slots[-1] == len(slots) - 1 and slots == list(range(len(slots))):
        return list(values[: len(slots)])
    return [values[slot] for slot in slots]


class Asked:
    """BM25 over the messages of one history: rarity and mean length are taken over them alone, so that the same
    history gives the same scores whatever the index has read before.
    """

    def __init__(
        self, postings: Mapping[str, "int | array[int]"], places: Mapping[int, int] | None, lengths: list[int]
    ) -> None:
        """Take the postings, the place of each slot (None where the slots are the first ones in order), and the lengths
        in terms.
        """
        self._postings, self._places, self.lengths = postings, places, lengths
        mean = max(sum(lengths) / max(len(lengths), 1), 1.0)
        self._flat, self._steep = K1 * (1 - B), K1 * B / mean

    def hits(self, term: str) -> list[tuple[int, int]]:
        """The places of the messages that say a term, and how often each says it."""
        posted = self._postings.get(term, ())
        packed: Sequence[int] = (posted,) if isinstance(posted, int) else posted
        if (places := self._places) is None:
            # Postings are in the order of the slots, so that those of later messages are cut off at once.
            packed = packed[: bisect_left(packed, len(self.lengths) << COUNT_BITS)]
            return [(entry >> COUNT_BITS, entry & MOST_COUNTED) for entry in packed]
        pairs = [(entry >> COUNT_BITS, entry & MOST_COUNTED) for entry in packed]
        return [(places[slot], n) for slot, n in pairs if slot in places]

    def count(self, term: str) -> int:
        """The number of the messages that say a term."""
        posted = self._postings.get(term, ())
        if self._places is None and not isinstance(posted, int):
            return bisect_left(posted, len(self.lengths) << COUNT_BITS)
        return len(self.hits(term))

    def rarity(self, count: int) -> float:
        """The weight of a term that so many of the messages say."""
        return math.log(1 + (len(self.lengths) - count + 0.5) / (count + 0.5))

    def add(self, scores: list[float], weights: Mapping[str, float]) -> dict[str, float]:
        """Add to each message's score the BM25 of weighted terms; return each term's weight times its rarity."""
        lengths, found = self.lengths, dict[str, float]()
        for term, weight in weights.items():
            if not (hits := self.hits(term)):
                continue
            worth = found[term] = weight * self.rarity(len(hits))
            for place, count in hits:
                norm = self._flat + self._steep * lengths[place]
                scores[place] += worth * count * (K1 + 1) / (count + norm)
        return found
