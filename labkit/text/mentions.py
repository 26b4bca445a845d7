"""Mentions: what a text names that must not be confused or lost: identifiers, amounts, dates, times, contacts, names.

Each mention has a `key` that is the same however it is written: `3 pm` and `15:00`, `$12,500` and `12500`, `June 3rd`
and `3 June`. English and the forms listed here, each of them tested.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from labkit.text.words import STOP_WORDS

_listed = re.compile(r"\S+").findall
MONTHS = _listed("january february march april may june july august september october november december")
WEEKDAYS = _listed("monday tuesday wednesday thursday friday saturday sunday")
DAYS = (*WEEKDAYS, *(f"{day}s" for day in WEEKDAYS), "today", "tomorrow", "yesterday", "tonight")
_COUNTED = _listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_ORDERED = _listed("first second third fourth fifth sixth seventh eighth ninth tenth")
_TENS = _listed("thirty forty fifty sixty seventy eighty ninety hundred")
NUMBER_WORDS = (
    {word: str(value) for value, word in enumerate(_COUNTED)}
    | {word: str(place) for place, word in enumerate(_ORDERED, 1)}
    | {word: str(30 + 10 * place) for place, word in enumerate(_TENS)}
    | {"twice": "2", "dozen": "12"}
)

_MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" if len(month) > 3 else month for month in MONTHS)
# Each pattern reads a text once: `++` and `*+` give nothing back, and a look-behind begins only where a run does.
_SIGN = r"(?:[€%]|zł|(?:percent|euros?|dollars?|pounds?|crowns?)\b)"
_MONEY = rf"[$€£¥] ?\d[\d,]*+(?:\.\d+)?|(?<!\d,)\d[\d,]*+(?:\.\d+)? ?{_SIGN}"
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++")
_CODE = re.compile(r"\b[A-Z]{2} \d{2,4}\b(?![.,:]\d)")
_WORD_STARTS = r"\b(?:(?<![a-z_.-])|(?<=[^a-z_.-][.-])|(?<=^[.-]))"
_DIGITS = re.compile(
    r"(?P<contact>\+\d{1,3}(?:[ .()-]{0,2}\d){6,12}\b)"
    r"|(?P<iso>\b\d{4}-\d\d-\d\d\b)"
    rf"|(?P<date>\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTH})\b|\b(?:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?\b)"
    r"|(?P<time>\b\d{1,2}(?::\d\d)? ?[ap]\.?m\b|\b\d{1,2}:\d\d\b)"
    rf"|(?P<amount>(?<![\w.])(?:{_MONEY}))"
    rf"|(?P<identifier>#\w*\d[\w-]*|{_WORD_STARTS}[a-z][a-z_.-]*+\d(?:[\w.-]*\w)?|\b\d+[a-z_/-]+\d\w*(?:[-_/]\w+)*"
    r"|\b\d{3,}(?:-\d+)+\b|\b\d+(?:\.\d+){2,}\b)"
    r"|(?P<number>(?<![\w.])-?\d+(?:[ ,]\d{3}(?!\d))*(?:\.\d+)?)"
)
_DIGIT = re.compile(r"\d")
_BEFORE_NAME = r"(?:(?<=[^\W\d_A-Z] )|(?<=[,(&] )|(?<=\bDr\. )|(?<=\bMr\. )|(?<=\bMrs\. )|(?<=\bMs\. ))"
_NAME = re.compile(rf"{_BEFORE_NAME}[^\W\d_a-z][^\W\d_]++(?:['-][^\W\d_]+)*+(?![-_ ]?\d)")
_CLOCK = {"noon": "12:00", "midnight": "00:00"}
_TITLES = ("dr", "mr", "mrs", "ms")
_SPELLED = frozenset((*NUMBER_WORDS, *DAYS))
_WORD = re.compile(r"[a-z]+")


class Mention(NamedTuple):
    """One thing that a text names: its kind, the key that all its spellings share, and the words as written."""

    kind: str
    key: str
    words: str


@lru_cache(maxsize=2_048)
def mentions(text: str) -> tuple[Mention, ...]:
    """The names and numbers of a text, in the order of kinds: with digits first, then names, then days and numbers in
    words.

    Kinds are identifier, contact, date, time, amount, number, name, day. Importance, relevance and references all read
    the same messages: what the newest 2,048 texts name is remembered.
    """
    lower = text.lower()
    found = list(_with_digits(text, lower)) if _DIGIT.search(text) else []
    if "@" in text:
        found += [Mention("contact", words, words) for words in _EMAIL.findall(lower)]
    found += [Mention("name", word.lower(), word) for word in _NAME.findall(text) if _is_name(word)]
    for word in _WORD.findall(lower):
        if word in _CLOCK:
            found.append(Mention("time", _CLOCK[word], word))
        elif word in _SPELLED:
            found.append(
                Mention(
                    "number" if word in NUMBER_WORDS else "day", NUMBER_WORDS.get(word, word.removesuffix("s")), word
                )
            )
    return tuple(found)


def identifiers(text: str) -> set[str]:
    """The keys of what a text identifies things by: identifiers, contacts, amounts and numbers of three digits."""
    return {mention.key for mention in mentions(text) if is_identifying(mention)}


def is_identifying(mention: Mention) -> bool:
    """True when a later message can only be understood with what introduced this one."""
    kind, key, _ = mention
    if kind == "number":
        return len(key.lstrip("-").split(".")[0]) >= 3
    return kind in ("identifier", "contact", "amount")


def _is_name(word: str) -> bool:
    lower = word.lower()
    return word[0].isupper() and lower not in DAYS and lower not in STOP_WORDS and lower not in _TITLES


def _with_digits(text: str, lower: str) -> Iterator[Mention]:
    for words in _CODE.findall(text):
        yield Mention("identifier", words.lower().replace(" ", ""), words)
    for match in _DIGITS.finditer(lower):
        kind, words = match.lastgroup or "", match[0]
        written = text[slice(*match.span())] if len(text) == len(lower) else words
        yield Mention("date" if kind == "iso" else kind, _KEYS[kind](words), written)


def _date(words: str) -> str:
    day = re.search(r"\d+", words)
    month = next(place for place, name in enumerate(MONTHS, 1) if name[:3] in words.lower())
    return f"{month:02d}-{int(day[0]):02d}" if day else f"{month:02d}"


def _time(words: str) -> str:
    numbers = re.findall(r"\d+", words)
    hour, minute = int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0
    half = words.lower().replace(".", "")
    if half.endswith(("am", "pm")):
        hour = hour % 12 + (12 if half.endswith("pm") else 0)
    return f"{hour:02d}:{minute:02d}"


def _number(words: str) -> str:
    plain = re.sub(r"[^\d.-]", "", words).rstrip(".")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


_KEYS = {
    "contact": lambda words: re.sub(r"[\s()-]", "", words.casefold()),
    "iso": lambda words: words[5:],
    "date": _date,
    "time": _time,
    "amount": _number,
    "identifier": lambda words: re.sub(r"[#\s]", "", words.casefold()),
    "number": _number,
}
