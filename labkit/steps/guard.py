"""The guard of deduplication: what keeps two messages apart, however alike they read.

No similarity of words or of meaning tells 'order 889' from 'order 898', so this runs after every embedder. It compares
what the two messages name (identifiers, numbers, dates, times, names), their negations and opposites, and refuses the
same sentence with one word exchanged. English; it is strict rather than clever, because a wrong merge loses a fact.
"""

import re
from typing import NamedTuple

from labkit.text.mentions import mentions
from labkit.text.words import STOP_WORDS, runs, stem

NEGATIONS = re.compile(
    r"\b(?:not?|never|none|nobody|nothing|neither|nor|without|cannot|no longer|hardly|unable|unavailable)\b|n't\b"
)
"""Words that turn a statement around; two texts with an odd difference in these are not the same."""

OPPOSITES = tuple(
    frozenset(pair.split("/"))
    for pair in re.findall(
        r"\S+",
        "on/off in/out up/down left/right before/after more/less increase/decrease raise/lower open/close "
        "enable/disable add/remove accept/reject accept/decline always/never all/none all/no first/last "
        "min/max minimum/maximum buy/sell buyer/seller start/stop start/end begin/end early/late "
        "earlier/later cheap/expensive cheapest/dearest hot/cold warm/cold inside/outside import/export "
        "upload/download push/pull send/receive lend/borrow allow/forbid win/lose pass/fail approve/deny "
        "approve/reject include/exclude attach/detach lock/unlock install/uninstall login/logout "
        "arrive/depart arrival/departure outbound/inbound outbound/return old/new old/young big/small "
        "large/small long/short high/low higher/lower many/few public/private internal/external single/double "
        "single/married male/female mother/father sister/brother son/daughter wife/husband he/she his/her "
        "morning/evening day/night today/tomorrow yesterday/tomorrow summer/winter north/south east/west "
        "front/back top/bottom full/empty credit/debit refund/charge keep/cancel keep/drop keep/delete "
        "anyone/nobody everyone/nobody with/without vegetarian/vegan work/fail asked/answered gross/net "
        "paid/unpaid valid/invalid connected/disconnected",
    )
)
"""Words that turn a request into its contrary when one text has the one and the other text has the other."""


class Named(NamedTuple):
    """The names and the sense of a text, in the form in which two texts are compared."""

    numbers: frozenset[str]
    dates: frozenset[str]
    names: frozenset[str]
    negations: int
    words: tuple[str, ...]


def named(text: str) -> Named:
    """Read a text for comparison; do this once for each message."""
    by_kind: dict[str, set[str]] = {}
    for kind, key, _ in mentions(text):
        by_kind.setdefault(_GROUPS[kind], set()).add(key)
    numbers, dates, names = (frozenset(by_kind.get(group, ())) for group in Named._fields[:3])
    return Named(numbers, dates, names, len(NEGATIONS.findall(text.lower())), tuple(runs(text)))


_GROUPS = {
    "identifier": "numbers",
    "contact": "numbers",
    "amount": "numbers",
    "number": "numbers",
    "date": "dates",
    "time": "dates",
    "day": "dates",
    "name": "names",
}


def difference(one: Named, other: Named) -> str:
    """The reason why two texts must not be merged, as a sentence; empty if they may be."""
    whats = ("numbers or identifiers", "dates or times", "names")
    for what, mine, yours in zip(whats, one[:3], other[:3], strict=False):
        if mine != yours:
            return f"{what} differ: {_shown(mine - yours)} against {_shown(yours - mine)}"
    if one.negations % 2 != other.negations % 2:
        return "one of them is negated"
    return _contrary(one.words, other.words) or _exchanged(one.words, other.words)


def _shown(keys: frozenset[str]) -> str:
    return ", ".join(sorted(keys)) or "none"


def _contrary(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    mine, yours = set(one) - set(other), set(other) - set(one)
    for pair in OPPOSITES:
        here, there = pair & (mine | {stem(w) for w in mine}), pair & (yours | {stem(w) for w in yours})
        if here and there and here != there:
            return f"opposites: {_shown(here)} against {_shown(there)}"
    return ""


def _exchanged(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    mine, yours = _content(one), _content(other)
    if sorted(mine) == sorted(yours) and mine != yours and len(one) == len(other):
        return "the same words in another order"
    if len(mine) == len(yours) >= 2:
        swapped = [pair for pair in zip(mine, yours, strict=True) if pair[0] != pair[1]]
        if len(swapped) == 1:
            return f"one word is exchanged: {swapped[0][0]} against {swapped[0][1]}"
    return ""


def _content(words: tuple[str, ...]) -> list[str]:
    return [stem(word) for word in words if word not in STOP_WORDS]
