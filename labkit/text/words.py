"""Words as the pruning steps compare them: everything a message says, its terms, stems and stop words.

Standard library only, the same on every platform. English has stop words and stems; of other languages whole words are
compared, and pairs of characters where a language writes none.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from labkit.blocks import words_in
from labkit.messages import Message

READ_CHARACTERS = 60_000
"""Characters that are read of one message: a longer one is read by its first and its last half of these."""

STOP_WORDS = frozenset(
    re.compile(r"\S+").findall(
        "a about above after again all also am an and any are as at be because been before being between both "
        "but by can could did do does doing done down during each else ever every for from further get give "
        "go got had has have having he her here hers him his how i if in into is isn it its itself just know "
        "let ll like may me mean might mine more most much must my no nor not now of off ok okay on once only "
        "or other our ours out over own please put re s same say see shall she should so some still such t "
        "take tell than thank thanks that the their them then there these they thing this those through to "
        "too under until up us ve very want was we well were what when where which while who whom whose why "
        "will with would yes you your yours"
    )
)
"""Words that say nothing about the matter; negations and numbers are treated by the guard, not here."""

_RUN = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ENDINGS = (
    ("ations", "at"),
    ("ation", "at"),
    ("ingly", ""),
    ("iness", "i"),
    ("ments", ""),
    ("ment", ""),
    ("ness", ""),
    ("ings", ""),
    ("ing", ""),
    ("ions", ""),
    ("ion", ""),
    ("ies", "i"),
    ("ied", "i"),
    ("ed", ""),
    ("es", ""),
    ("ly", ""),
    ("s", ""),
)


def searchable_text(message: Message) -> str:
    """Everything a message says, tool calls and tool results included, one block a line; at most READ_CHARACTERS."""
    content = message.content
    text = content if isinstance(content, str) else "\n".join(_spoken(content))
    if len(text) <= READ_CHARACTERS:
        return text
    half = READ_CHARACTERS // 2
    return text[:half] + "\n" + text[-half:]


def _spoken(blocks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for block in blocks:
        kind = block["type"]
        if kind.endswith("tool_use"):
            yield f"{block['name']} {json.dumps(block.get('input', {}), ensure_ascii=False)}"
        else:  # thinking keeps its words under keys of another name, so that none of it is read
            yield from words_in(block)


def runs(text: str) -> list[str]:
    """The words of a text in lower case, in order; signs are left out and `order_889` is two words."""
    return _RUN.findall(text.casefold())


def terms(text: str) -> list[str]:
    """The stems of a text's words without stop words, in order, as often as they occur."""
    found = [stem(word) for word in runs(text) if word not in STOP_WORDS]
    if text.isascii() or not _UNSPACED.search(text):
        return found
    return [part for word in found for part in _pairs(word)]


def _pairs(word: str) -> Iterable[str]:
    if len(word) < 3 or not _UNSPACED.search(word):
        return (word,)
    return (word[place : place + 2] for place in range(len(word) - 1))


@lru_cache(maxsize=4_096)
def stem(word: str) -> str:
    """A word without its commonest English endings, so that `cancelled` meets `cancel`; never shorter than 3 letters.

    A light rule of our own in the spirit of Porter's (1980): what it yields is for comparing, not for reading.
    """
    if len(word) < 4 or not word.isalpha() or not word.isascii():
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            if ending == "s" and word[-2] in "su":
                break
            word = word[: -len(ending)] + instead
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiou":
        word = word[:-1]
    if len(word) > 3 and word[-1] == "e":
        word = word[:-1]
    return word[:-1] + "i" if len(word) > 3 and word[-1] == "y" else word
