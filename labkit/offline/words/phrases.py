"""Phrases of a message that can serve as arguments: identifiers, places, numbers, dates, names and free text."""

import re
from functools import lru_cache

from labkit.offline.words.kinds import values
from labkit.offline.words.stems import tokens

_IDENTIFIER = re.compile(
    r"(?:^|_)(?:id|ids|number|no|code|sku|reference|ref|order|ticket|invoice|tracking|serial|isbn|key)s?$", re.I
)
_PLACE = re.compile(
    r"city|cities|location|place|town|country|destination|origin|address|region|airport|station|where|^from$|^to$", re.I
)
_DATE = re.compile(r"date|day|when|deadline|check_?in|check_?out|start|end", re.I)
_TIME = re.compile(r"time|hour", re.I)
_PERSON = re.compile(r"name|customer|person|user|guest|recipient|attendee|author|who|contact", re.I)
_FREE = re.compile(
    r"query|question|search|text|message|prompt|topic|expression|keyword|reason|description|note|subject|title"
    r"|body|content|statement|sql|term|"
    r"command|code_snippet|problem|issue|summary|comment|input|request",
    re.I,
)
_KINDS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"e-?mail", re.I), ("email",)),
    (re.compile(r"phone|mobile", re.I), ("phone",)),
    (re.compile(r"url|link|website", re.I), ("url",)),
    (re.compile(r"path|file", re.I), ("path",)),
)
_DIRECTION = {
    "origin": r"\bfrom\s+",
    "from": r"\bfrom\s+",
    "departure": r"\bfrom\s+",
    "destination": r"\bto\s+",
    "to": r"\bto\s+",
    "arrival": r"\bto\s+",
}
_NAME = r"[A-Z][\w'-]+(?: [A-Z][\w'-]+)*"
_AND = r"(?:\s*,\s*|\s*(?:,\s*)?(?:and|or|&)\s+)"
_LABELS = frozenset(("id", "ids", "number", "no", "code", "key", "reference", "ref"))
_LABEL = r"(?:\s+(?:numbers?|no\.?|ids?|codes?))?\s*(?:is|are|:)?\s*"
_CODE = r"#?[A-Za-z]{0,5}[-_]?\d[\w-]*"
_FILLER = re.compile(
    r"^(?:(?:hi|hello|please|now|then|and|so|can you|could you|would you|will you|i want to|i need to|i'd like to"
    r"|i would like to|let's|help me"
    r"|look up|search(?: the \w+)?(?: for)?|find(?: out)?|check|tell me|show me|what is|what's|calculate|compute"
    r"|run|evaluate)\b[,:]?\s*)+",
    re.I,
)
_SUM = re.compile(r"[\d(][\d\s.,()+*/^%-]*[\d)]")


def name_words(name: str) -> list[str]:
    """Split a name in snake or camel case into lower-case words."""
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().replace("-", "_").split("_")


@lru_cache(maxsize=4096)
def _identifiers(name: str, text: str) -> tuple[str, ...]:
    """Return the identifiers beside the property's own noun (`orders 889 and 898`), else all of the text."""
    for noun in (word for word in name_words(name) if word not in _LABELS):
        listed = re.search(rf"\b{re.escape(noun.removesuffix('s'))}s?\b{_LABEL}({_CODE}(?:{_AND}{_CODE})*)", text, re.I)
        if listed:
            return tuple(code.lstrip("#") for code in re.findall(_CODE, listed[1]))
    found = (*values("identifier", text), *values("number", text))
    codes = dict.fromkeys(code.lstrip("#") for code in found if any(c.isdigit() for c in code))
    return tuple(code for code in codes if not values("date", code))


@lru_cache(maxsize=4096)
def _places(name: str, text: str) -> tuple[str, ...]:
    direction = _DIRECTION.get(name.lower().split("_")[0])
    if direction:
        found = re.search(rf"{direction}({_NAME})", text)
        return (found[1],) if found else ()
    listed = re.findall(rf"\b(?:in|for|at|to|from|of|near)\s+({_NAME}(?:{_AND}{_NAME})*)", text)
    named = [place for several_places in listed for place in re.findall(_NAME, several_places)]
    return tuple(p for p in dict.fromkeys(named or _proper(text)) if not values("date", p))


def _proper(text: str) -> tuple[str, ...]:
    """Return the capitalised words of a text, its first word only where it has hardly any other."""
    found = values("proper", text)
    short = len(tokens(text)) <= 2
    return tuple(v for v in found if short or " " in v or not text.startswith(v))


def free_text(text: str) -> str:
    """Return what a message asks for without the words that only ask, or what it puts in quotation marks."""
    quoted = re.search(r"[\"\u201c]([^\"\u201d]+)[\"\u201d]", text)
    return quoted[1] if quoted else _FILLER.sub("", text).strip(" ?.!") or text.strip()


def _numbers(name: str, text: str) -> tuple[str, ...]:
    found = values("number", text)
    beside = [
        n
        for n in found
        for w in name_words(name)
        if re.search(
            rf"\b{re.escape(n)}\s+{re.escape(w.removesuffix('s'))}|\b{re.escape(w)}\s+(?:of\s+)?{re.escape(n)}",
            text,
            re.I,
        )
    ]
    return tuple(beside) or found


_SMALL = dict(
    zip(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"],
        range(13),
        strict=True,
    )
)


def _as_number(value: str, whole: bool) -> float | int | None:
    if value.lower() in _SMALL:
        return _SMALL[value.lower()]
    try:
        number = float(value.replace(",", "")[:15])
    except ValueError:
        return None
    return int(number) if whole or number.is_integer() else number


def strings(name: str, wanted: str, text: str) -> tuple[str, ...]:
    """Return what a text offers for a string by its property's name and its format, such as `date`."""
    for pattern, kinds in _KINDS:
        if pattern.search(name) or wanted in kinds:
            return tuple(v for kind in kinds for v in values(kind, text))
    if _IDENTIFIER.search(name):
        return _identifiers(name, text)
    if _PLACE.search(name):
        return _places(name, text)
    if _TIME.search(name) or wanted == "time":
        return values("time", text)
    if _DATE.search(name) or wanted in ("date", "date-time"):
        return values("date", text)
    if "expression" in name and _SUM.search(text):
        return ((_SUM.search(text) or [""])[0].strip(),)
    if _FREE.search(name):
        return (free_text(text),)
    return values("name", text) if _PERSON.search(name) else (_proper(text) or _quoted(text))


def _quoted(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[\"\u201c]([^\"\u201d]+)[\"\u201d]", text))


def numbers(name: str, whole: bool, text: str) -> tuple[float | int, ...]:
    """Return the numbers that a text offers for a property, as whole ones if asked."""
    offered = _identifiers(name, text) if _IDENTIFIER.search(name) else _numbers(name, text)
    return tuple(n for n in (_as_number(value, whole) for value in offered) if n is not None)


def is_free(name: str) -> bool:
    """Check whether a property takes free text, so that nearly anything would do for it."""
    return bool(_FREE.search(name))


def is_date(name: str) -> bool:
    """Check whether a property takes a date."""
    return bool(_DATE.search(name))
