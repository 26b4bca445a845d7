"""Kinds of answer (a date, an amount, a name, ...): how a text shows one, and which words of a question ask for one."""

import re
from functools import cache, lru_cache

from labkit.offline.words.stems import kind_words, word_list

_COUNT = (
    "(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    "|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|dozen|half)"
)
_NUMBER = rf"(?:\d++(?:[,.]\d++)*+|{_COUNT}(?:[- ]{_COUNT})*)"
_MONTH = (
    "(?:january|february|april|june|july|august|september|october|november|december"
    "|jan|feb|apr|jun|jul|aug|sept|sep|oct|nov|dec|(?-i:March|Mar|May))"
)
_DAY = "(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_SEASON = "(?:spring|summer|autumn|winter)"
_SPAN = "(?:seconds?|minutes?|mins?|hours?|days?|weeks?|months?|years?|fortnights?|decades?)"
_UNIT = (
    "(?:kg|kilos?|kilograms?|g|grams?|mg|lbs?|pounds|ounces|tons?|tonnes?|km|kilomet(?:er|re)s?|miles?|cm|mm|m"
    "|met(?:er|re)s?|feet"
    r"|foot|inch(?:es)?|gb|mb|tb|kb|gigabytes?|megabytes?|ms|milliseconds?|ml|litres?|liters?|degrees?|°c?|mph"
    r"|km/h|watts?|kw"
    r"|hectares?|acres?|square \w+)"
)
_CURRENCY = "(?:euros?|dollars?|pounds?|francs?|crowns?|yen|usd|eur|gbp|chf|cents?|bucks)"
_ORDINAL = r"\b\d{1,2}(?:st|nd|rd|th)\b(?! floor)"

_PATTERNS = {
    "email": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "url": r"(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|dev)\b(?:/\S*)?",
    "path": r"(?<!\S)(?:~|\.{1,2})?/(?:[\w.-]+/?)+|\b\w+(?:/[\w.-]+)+|\b[A-Z]:\\\S+|\b[\w-]+\.(?:py|toml|ya?ml"
    r"|json|txt|md|csv|log|sql)\b",
    "phone": r"(?<![\w-])(?!\d{4}-\d\d-)\+?\d(?:[ ()/-]?\d){6,14}(?![\w-])",
    "time": r"\b\d{1,2}:\d{2}\b(?:\s?[ap]\.?m)?|\b\d{1,2}\s?[ap]\.?m\b"
    rf"|\b(?:\d{{1,2}}|{_COUNT}) in the (?:morning|afternoon|evening)\b"
    r"|\b(?:with|at|before|after|during) (?:breakfast|lunch|dinner|supper|bedtime|night)\b"
    rf"|\bat {_COUNT}(?: (?:fifteen|thirty|forty-five))?\b(?! \w)"
    rf"|\b(?:noon|midnight|half past \w+|quarter (?:past|to) \w+|{_NUMBER} o'clock)\b",
    "date": r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b"
    rf"|\b(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? )?{_MONTH}\b(?:\.? \d{{1,2}}(?:st|nd|rd|th)?\b)?(?:,? \d{{4}})?"
    rf"|{_ORDINAL}|\b{_DAY}\b|\b(?:today|tonight|tomorrow|yesterday|easter|christmas|weekdays|weekends?)\b"
    rf"|\b(?:next|this|last) (?:week|month|year|weekend|{_SEASON})\b",
    "year": r"\b(?:19|20)\d\d\b",
    "within": rf"\b(?:in|within|after|until|before|every) (?:about |around )?(?:(?:{_NUMBER}|an?) (?:\w+ )?{_SPAN}"
    rf"|{_SEASON})\b",
    "daypart": r"\b(?:in the (?:morning|afternoon|evening)|at night|after (?:work|school|hours)|on weekdays)\b",
    "occasion": r"\b(?:when|whenever|if|after|before|during|upon) \w+|\bon (?!the\b|my\b|our\b)\w+ \w+s\b",
    "duration": rf"\b(?!a second\b)(?:{_NUMBER}|an?|half an?|several|a few)(?:[- ]\w+)?[- ]{_SPAN}\b|\b\d+ ?(?:ms|s"
    rf"|min|h)\b",
    "money": rf"[$€£]\s?\d++(?:[,.]\d++)*+k?|\b{_NUMBER} ?k? ?{_CURRENCY}\b",
    "percent": rf"\b{_NUMBER} ?(?:%|percent\b|per cent\b)",
    "measure": rf"\b{_NUMBER} ?{_UNIT}(?!\w)",
    "number": rf"(?<![\w:#/.-]){_NUMBER}(?![\w:/-]|[.,]\d)",
    "sum": rf"(?<![\w:#/.-])(?<!\bin )(?<!\bsince ){_NUMBER}(?![\w:/-]|[.,]\d)"
    r"(?=\s*(?:$|[.,;!?)\"]|(?:a|an|per|each|every|after|before|for|in|on|at|from|to|of|this|last|and|or|monthly"
    r"|weekly|yearly|today|now|when"
    r"|over|under|with|by|degrees|so|but|if|plus)\b))",
    "frequency": rf"\b(?:once|twice|thrice|{_NUMBER} times|every|each)\b(?: \w+){{0,3}}|\b(?:hourly|daily|weekly"
    rf"|monthly|yearly)\b",
    "identifier": r"#\d+|\b(?=[\w.-]*\d)(?=[\w.-]*[A-Za-z])[\w-]+(?:\.[\w-]+)*|\b\d{3,}(?:-\d+)*\b|\b\d+-[\d-]+\b"
    r"|\b[a-z]+(?:_[a-z0-9]+)+\b|\b[A-Z]{1,3} \d{2,}\b",
    "caps": r"\b[A-Z0-9-]{4,}\b",
    "version": r"\bv\d[\w.]*|\b\d+\.\d[\w.]*\b|(?<=[a-z] )(?<!\bon )(?<!\bat )(?<!\bin )\d+\b(?! \w)",
    "place": r"\b(?:in|at|on|under|near|beside|behind|inside|next to|to|above|below|between|outside|opposite)"
    r"\s+(?:the\s+|my\s+|our\s+|an?\s+)?[\w'é-]+",
    "address": r"\b\d{1,5}[a-z]? (?:[A-Z][\w']+ ?){1,3}|\b[A-Z][\w']+(?:strasse|straße|gasse|weg) \d+",
    "reason": r"\b(?:because|since|due to|so that|caused by|owing to|as a result|thanks to)\b.+",
    "name": r"(?<!\bin )(?<!\bat )(?<!\bfrom )(?<!\bnear )(?<!\bto )(?<!\w)"
    r"(?:(?:Dr|Mrs?|Ms|Prof|Professor)\.? )?[A-Z][\w'é-]+(?: [A-Z][\w'é-]+)*",
    "proper": r"(?<!\w)[A-Z][\w'é-]+(?: [A-Z][\w'é-]+)*",
}
_IN_A_NAME = re.compile(r"\w [A-Z]\w+ $")
_CASED = frozenset({"name", "proper", "identifier", "caps", "address", "path"})

_DATES = ("date", "time", "year", "within", "daypart", "season")
_MONEY, _MEASURE = ("money", "sum"), ("measure", "sum")
HEADS: dict[str, tuple[str, ...]] = {
    "time": ("time",),
    "hour": ("time", "duration"),
    "year": ("year",),
    "deadline": ("date", "time", "within"),
    "number": ("identifier", "phone", "number"),
    "port": ("number", "identifier"),
    "extension": ("identifier", "number"),
    "version": ("version",),
    "size": ("measure", "sum"),
    "address": ("address", "email", "url"),
    "link": ("url", "path"),
    "amount": ("money", "measure", "sum"),
    "discount": ("percent", "money", "sum"),
    "length": ("duration", "measure", "sum"),
    "age": ("number",),
    **dict.fromkeys(("date", "day", "month", "birthday"), ("date", "year")),
    **dict.fromkeys(("code", "reference", "id", "identifier", "plate"), ("identifier", "caps")),
    **dict.fromkeys(("email", "e-mail", "mail"), ("email",)),
    **dict.fromkeys(("phone", "telephone"), ("phone",)),
    **dict.fromkeys(("url", "website"), ("url",)),
    **dict.fromkeys(("city", "country", "town"), ("proper",)),
    **dict.fromkeys(("file", "folder", "directory"), ("path",)),
    **dict.fromkeys(("place", "location"), ("place", "address")),
    **dict.fromkeys(("price", "cost", "fee", "payment", "budget", "salary", "rent", "balance"), _MONEY),
    **dict.fromkeys(("rate", "percentage"), ("percent", "sum")),
    **dict.fromkeys(("weight", "width", "height", "depth", "distance", "dose", "temperature"), _MEASURE),
    **dict.fromkeys(("duration", "timeout"), ("duration",)),
    **{kind: (kind,) for kind in ("name", "path", "reason", "colour", "language", "instrument", "subject", "season")},
}
"""The kinds that satisfy a question that asks for a thing of this name."""

FRAMES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), kinds)
    for pattern, kinds in (
        (r"\bwhat (?:time|hour)\b", ("time",)),
        (r"\bhow long\b", ("duration", "measure")),
        (r"\bhow late\b", ("duration", "time", "measure", "number")),
        (r"\bhow old\b", ("number", "duration")),
        (
            r"\bhow (?:far|heavy|wide|tall|high|deep|big|large|fast|hot|cold|thick|broad)\b",
            ("measure", "money", "percent", "sum"),
        ),
        (r"\bhow often\b", ("frequency",)),
        (r"\bhow many\b", ("number",)),
        (r"\bhow much\b", ("money", "measure", "percent", "sum")),
        (r"\bwhen (?:do|does)\b", (*_DATES, "occasion")),
        (r"\bwhen\b", _DATES),
        (r"\bwhere\b", ("place", "address", "path", "url")),
        (r"\bwhy\b", ("reason",)),
        (r"\bwho(?:se|m)?\b", ("name", "person")),
    )
)
"""Question words and the kinds of answer that they ask for; the first that matches holds."""


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    return re.compile(_PATTERNS[kind], re.NOFLAG if kind in _CASED else re.IGNORECASE)


@lru_cache(maxsize=16384)
def values(kind: str, text: str) -> tuple[str, ...]:
    """Return everything in a text that is of a kind, in order of appearance."""
    listed = kind_words().get(kind)
    if listed is not None:
        return tuple(word for word in re.findall(r"[a-z+#]+", text.lower()) if word in listed)
    found = list(_pattern(kind).finditer(text))
    if kind in ("name", "proper"):
        return tuple(name for name in (_without_opener(match[0]) for match in found) if name)
    if kind == "sum":
        found = [match for match in found if not _IN_A_NAME.search(text[max(match.start() - 40, 0) : match.start()])]
    if kind == "place":
        found = [match for match in found if not (values("date", match[0]) or re.search(r"\d", match[0]))]
    if kind == "number":
        taken = _places_taken(text)
        found = [match for match in found if taken.isdisjoint(range(*match.span()))]
    return tuple(match[0] for match in found)


def _places_taken(text: str) -> frozenset[int]:
    """Return the places of a text that belong to a time, a date, a telephone number or an identifier with letters."""
    spans = (
        match.span()
        for kind in ("time", "date", "phone", "identifier")
        for match in _pattern(kind).finditer(text)
        if not match[0].isdigit()
    )
    return frozenset(place for span in spans for place in range(*span))


def _without_opener(name: str) -> str:
    parts = name.split()
    while parts and parts[0].lower() in word_list("openers"):
        parts = parts[1:]
    return " ".join(parts)
