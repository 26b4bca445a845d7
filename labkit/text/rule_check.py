"""The check of a summary: whether each rule is still there with all its force, or was weakened, or is gone.

A rule is kept when one place of the text has all its words that carry meaning, its numbers, its direction ('at most',
'before'), its negation and its force, with nothing added that narrows it or lets it off. Other words for the same thing
count where `rule_words.toml` has them. It errs on one side: a kept rule that it does not recognize is put back and
costs its tokens, a changed one that passed for kept would be broken.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import zip_longest
from typing import Any, Literal, NamedTuple

from labkit.text.mentions import NUMBER_WORDS
from labkit.text.rules import Rule, sentences
from labkit.text.words import stem

type Fate = Literal["kept", "weakened", "gone"]


class Verdict(NamedTuple):
    """The fate of a rule, the words of the text that come nearest, and the reason why it is not kept."""

    rule: str
    fate: Fate
    words: str = ""
    why: str = ""

    def __str__(self) -> str:
        """`weakened: 'Never call' ('calls are rare': it is no longer forbidden)`."""
        found = f" ({self.words!r}: {self.why})" if self.words else f" ({self.why})" if self.why else ""
        return f"{self.fate}: {self.rule!r}{found}"


def check(rules: Iterable[Rule | str], text: str) -> list[Verdict]:
    """The fate of each rule in a text, in the order given."""
    places = _places(text)
    return [_verdict(rule.text if isinstance(rule, Rule) else rule, places, text) for rule in rules]


def unkept(rules: Iterable[Rule | str], text: str) -> list[Verdict]:
    """The rules that a text does not keep: gone or weakened."""
    return [verdict for verdict in check(rules, text) if verdict.fate != "kept"]


_PHRASES = (
    (r"\u2019", "'"),
    (r"\bwon't\b", "will not"),
    (r"\bcan(?:no|')t\b", "can not"),
    (r"n't\b", " not"),
    (r"'s\b", ""),
    (r"\b(\d{1,2})(?::(\d\d))? ?([ap])\.?m\b\.?", None),
    (r"(?<=\d),(?=\d{3}\b)", ""),
    (r"([$€£])\s?(\d[\d.]*)", r"\2 \1"),
    (r"(\d)%", r"\1 percent"),
    (r"\b(?:(?:may|can|must|should|shall|will|do|does) )?(?:not|no|never) (?:to )?exceed(?:ing)?\b", " atmost "),
    (r"\b(?:(?:may|can|must|should|shall|will|do|does) )?(?:not|never) go (?:over|above|beyond)\b", " atmost "),
    (r"\b(?:no|not) (?:more|higher|longer|greater|larger) than\b|\bat (?:the )?most\b|\bup to\b", " atmost "),
    (r"\bor (?:less|fewer|under|below|lower)\b|\bmax(?:imum)?\b(?: of)?", " atmost "),
    (r"\b(?:stay|keep|remain|be|is|are|kept)? ?(?:under|below|within|less than|fewer than|shorter than)\b", " atmost "),
    (r"\blimit(?:ed)?(?: \w+){0,4}? to\b|\bcap(?:ped)?(?: \w+){0,3}? at\b", " atmost "),
    (r"\b(?:no|not) (?:less|fewer|lower|shorter|smaller) than\b|\bat (?:the )?least\b|\bor more\b", " atleast "),
    (r"\bmin(?:imum)?\b(?: of)?|\b(?:over|above|more than|longer than|exceed(?:s|ing)?)\b", " atleast "),
    (r"\b(?:no|not) later than\b|\bprior to\b|\bby the end of\b", " before "),
    (r"\b(?:no|not) (?:earlier|sooner) than\b|\bfollowing\b", " after "),
    (r"\bunder no circumstances?\b|\bat no (?:time|point)\b|\bnot (?:ever|once)\b|\bnever ever\b", " never "),
    (r"\bon no account\b|\bin no case\b", " never "),
    (r"\b(?:at all times|every time|each time|in (?:all|every) cases?|without exceptions?|invariably)\b", " always "),
    (r"\bnothing (?:but|other than)\b|\bexclusively\b|\bsolely\b|\bnothing else\b", " only "),
    (r"\boff[- ]limits\b|\boff the table\b|\bout of bounds\b|\ba no-go\b", " forbidden "),
    (r"\b(?:steer clear|stay away|keep away|keep clear) (?:of|from)\b", " avoid "),
)


def _read() -> dict[str, Any]:
    return tomllib.loads(files("labkit.text").joinpath("rule_words.toml").read_text("utf-8"))


_LISTS = _read()


def _listed(name: str) -> frozenset[str]:
    return frozenset(_LISTS[name].split())


_NEGATIONS, _PERMITS, _LIFTED, _BACK = map(_listed, ("negations", "permits", "lifted", "back"))
_DIRECTIONS, _PIVOTS, _QUIET = map(_listed, ("directions", "pivots", "quiet"))
_NARROWING, _WHEN, _UNIVERSAL = map(_listed, ("narrowing", "when", "universal"))
_FORCE = _UNIVERSAL | _listed("force")
_HEDGES = {
    _listed("weaker"): "it is weaker",
    _listed("exceptions"): "it has an exception or a condition that the rule has not",
}
"""Words whose addition weakens a rule, and how."""
_WORD = re.compile(r"[^\W_]+(?:[-'./:@#][^\W_]+)*|[$€£%]|#\w+")
_SPLIT = re.compile(r"\s*[,;:()]\s+|\s+[-\u2013\u2014]\s+|\s+\b(?:and|but)\b\s+|\)\s*|\s+(?=\()")


class _Words(NamedTuple):
    """A stretch of text as it is compared: every word in order, and of each the form in which it is compared."""

    shown: str
    plain: tuple[str, ...]
    keys: tuple[str, ...]

    @property
    def content(self) -> frozenset[str]:
        """The words that carry meaning, in the form in which they are compared."""
        return frozenset(key for key in self.keys if key)

    @property
    def counts(self) -> Counter[str]:
        """The same, with how often each occurs."""
        return Counter(key for key in self.keys if key)

    @property
    def negated(self) -> bool:
        """True when an odd number of words turns the sentence around."""
        return sum(word in _NEGATIONS for word in self.plain) % 2 == 1


def _clock(match: re.Match[str]) -> str:
    hour = int(match[1]) % 12 + (12 if match[3] == "p" else 0)
    return f"{hour}:{match[2] or '00'}"


@lru_cache(maxsize=8_192)
def _words(text: str) -> _Words:
    lower = text.casefold()
    for pattern, instead in _PHRASES:
        lower = re.sub(pattern, _clock if instead is None else instead, lower)
    plain = tuple(_WORD.findall(lower))
    return _Words(text, plain, tuple(map(_key, plain)))


@lru_cache(maxsize=16_384)
def _key(word: str) -> str:
    """The form in which a word is compared; nothing for one that carries no meaning or is counted elsewhere."""
    if word in _NEGATIONS or word in _DIRECTIONS or word in _QUIET:
        return ""
    if word in NUMBER_WORDS:
        return NUMBER_WORDS[word]
    if word[0].isdigit():
        return word.removesuffix(".0").removesuffix(":00") if ":" not in word else word
    groups = _groups()
    return groups.get(word) or groups.get(stem(word)) or stem(word)


@cache
def _groups() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _LISTS["same"]:
        first, *others = line.split()
        for word in (first, *others):
            found[word] = found[stem(word)] = stem(first)
    return found


class _Stretch(NamedTuple):
    """A run of clauses of one sentence, and the clauses right before and after it, which may narrow it."""

    words: _Words
    beside: tuple[_Words, ...]


class _Place(NamedTuple):
    """One sentence of the text, its stretches, and the sentence that follows, which may take the rule back."""

    sentence: _Words
    stretches: tuple[_Stretch, ...]
    following: _Words


def _places(text: str) -> list[_Place]:
    listed = list(sentences(text))
    return [
        _Place(_words(one), tuple(_stretches(one)), _words(then))
        for one, then in zip_longest(listed, listed[1:], fillvalue="")
    ]


def _stretches(sentence: str) -> Iterator[_Stretch]:
    """The sentence, and every run of up to four of its clauses, the longest first."""
    clauses = [clause for clause in _SPLIT.split(sentence) if clause and clause.strip()]
    yield _Stretch(_words(sentence), ())
    spans = {(at, end) for at in range(len(clauses)) for end in range(at + 1, min(at + 4, len(clauses)) + 1)}
    for at, end in sorted(spans, key=lambda span: span[0] - span[1]):
        beside = tuple(map(_words, (*clauses[max(at - 1, 0) : at], *clauses[end : end + 1])))
        yield _Stretch(_words(" , ".join(clauses[at:end])), beside)


def _verdict(text: str, places: list[_Place], whole: str) -> Verdict:
    rule = _words(text)
    if not rule.content:
        kept = " ".join(rule.plain) in " ".join(_words(whole).plain)
        return Verdict(text, "kept" if kept else "gone")
    nearest, best = Verdict(text, "gone"), 0.0
    for place in places:
        share = len(rule.content & place.sentence.content) / len(rule.content)
        if share < 0.5:
            continue
        why = _complaint(rule, place)
        if not why:
            return Verdict(text, "kept", place.sentence.shown)
        if share > best:
            nearest, best = Verdict(text, "weakened", place.sentence.shown, why), share
    return nearest


def _complaint(rule: _Words, place: _Place) -> str:
    """The reason why a place does not keep the rule; empty when one of its stretches does."""
    if why := _let_off(rule, place):
        return why
    found = [s for s in place.stretches if s.words.content & rule.content]
    complaints = [_differs(rule, stretch.words) or _conditional(rule, stretch.beside) for stretch in found]
    return "" if "" in complaints else complaints[0] if complaints else "other words"


def _let_off(rule: _Words, place: _Place) -> str:
    mine, theirs = Counter(rule.plain), Counter(place.sentence.plain)
    added = theirs - mine
    if _LIFTED & set(added) or "longer" in added:
        return "it is said to hold no longer"
    permits = Counter(_permits(place.sentence.plain)) - Counter(_permits(rule.plain))
    for words, why in _HEDGES.items():
        found = set(words) & set(added) - _PERMITS | set(words) & set(permits)
        if found:
            return f"{why} ({', '.join(sorted(found))})"
    then = place.following
    if then.plain and (then.plain[0] in _BACK or (then.shown[:1].islower() and then.plain[0] in _NARROWING)):
        return "what follows takes it back in part"
    return ""


def _permits(words: tuple[str, ...]) -> Iterator[str]:
    """The words that permit, without those that a negation beside them turns into a ban: 'may not', 'not allowed'."""
    for place, word in enumerate(words):
        if word in _PERMITS and not _NEGATIONS & set(words[max(place - 3, 0) : place + 2]):
            yield word


def _conditional(rule: _Words, beside: Iterable[_Words]) -> str:
    """A short clause beside the rule that says when it holds, where the rule has no such condition."""
    for clause in beside:
        if clause.plain and clause.plain[0] in _WHEN and len(clause.plain) <= 7 and clause.content - rule.content:
            return f"it holds only {clause.shown!r}"
    return ""


def _differs(rule: _Words, stretch: _Words) -> str:
    if missing := set(rule.counts - stretch.counts):
        return f"without {', '.join(sorted(missing))}"
    if rule.negated != stretch.negated:
        return "it is no longer forbidden" if rule.negated else "it is negated"
    mine, theirs = ({word for word in words.plain if word in _DIRECTIONS} for words in (rule, stretch))
    if mine - theirs or (theirs - mine) & {"atmost", "atleast"}:
        return f"the limit differs: {', '.join(sorted(mine ^ theirs))}"
    if set(rule.plain) & _UNIVERSAL - {"any", "no"} and not set(stretch.plain) & _FORCE:
        return "it is no longer binding"
    return _narrowed(rule, stretch) or _turned(rule, stretch)


def _narrowed(rule: _Words, stretch: _Words) -> str:
    """The words that the stretch adds inside the rule, or after it as a condition."""
    inside = [place for place, key in enumerate(stretch.keys) if key in rule.content]
    first, last = inside[0], inside[-1]
    for place, key in enumerate(stretch.keys):
        if not key or key in rule.content:
            continue
        before = set(stretch.plain[max(place - 3, 0) : place]) & _NARROWING
        if first < place < last or (
            place > last and (before or stretch.plain[place].endswith("ly") or place == last + 1)
        ):
            return f"it is narrower: {stretch.plain[place]}"
        if place == first - 1 or (place < first and before and (place == 0 or stretch.plain[0] in _NARROWING)):
            return f"it is narrower: {stretch.plain[place]}"
    return ""


def _turned(rule: _Words, stretch: _Words) -> str:
    """A word that orders two things ('before', 'instead of', 'to') has the same neighbours in both."""
    for pivot in _PIVOTS & set(rule.plain) & set(stretch.plain):
        (before, after), (left, right) = _around(rule, pivot), _around(stretch, pivot)
        if before and after and before[-1] in right and after[0] in left:
            return f"turned around at {pivot!r}"
    return ""


def _around(words: _Words, pivot: str) -> tuple[list[str], list[str]]:
    at = words.plain.index(pivot)
    return [key for key in words.keys[:at] if key], [key for key in words.keys[at + 1 :] if key]
