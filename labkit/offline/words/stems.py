"""Words as the recall compares them: stems, and groups of words taken as one; all data is in stems.toml."""

import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, NamedTuple

_TOKEN = re.compile(r"[^\W_]+(?:['.\-/@_:+,][^\W_]+)*")
_DOUBLED = re.compile(r"([bdfgmnprt])\1$")
_LOST_E = re.compile(r"(?:[cvzu]|[^n]g|[^s]s|[bcdfgkptz]l|[^aeiou](?:at|id|ir|ur|ul|in|ut|um|ad|ak|ik|ok|ap|or))$")
_ONE_SYLLABLE = re.compile(r"(?:qu|[^aeiou])+[aeiou][^aeiouwxy]$")


class Words(NamedTuple):
    """The words of a text: `order` keeps their sequence, `stems` drops the empty ones, `groups` holds synonym ids."""

    order: tuple[str, ...]
    stems: frozenset[str]
    groups: frozenset[int]


@cache
def table() -> dict[str, Any]:
    """Return stems.toml as parsed."""
    return tomllib.loads(files("labkit.offline.words").joinpath("stems.toml").read_text(encoding="utf-8"))


@cache
def word_list(name: str) -> frozenset[str]:
    """Return one of the plain lists of the table as it is, such as `stop`."""
    return frozenset(table()[name].split())


@cache
def stem_list(name: str) -> frozenset[str]:
    """Return one of the plain lists of the table, stemmed."""
    return frozenset(map(stem, word_list(name)))


@cache
def kind_words() -> dict[str, frozenset[str]]:
    """Return what things of a kind are called (colours, languages, ...), in lower case."""
    return {kind: frozenset(listed.split()) for kind, listed in table()["kinds"].items()}


@cache
def _irregular() -> dict[str, str]:
    return {form: base for base, forms in table()["irregular"].items() for form in forms.split()}


def tokens(text: str) -> list[str]:
    """Split a text into lower-case words; identifiers, times and addresses stay whole, possessives lose their 's."""
    found = _TOKEN.findall(text.lower().replace("\u2019", "'"))
    return [word if "'" not in word or word.endswith("n't") else word.split("'")[0] for word in found]


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """Reduce a lower-case word to the form that its inflections share: `shipping`, `shipped`, `ships` to `ship`."""
    word = _irregular().get(word, word)
    if len(word) < 4 or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-2] if word.endswith(("shes", "ches", "xes", "sses", "zzes")) else word[:-1]
        return _irregular().get(word, word)
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if root != word and len(root) > 2 and re.search(r"[aeiouy]", root):
            return _base_verb(root)
    return word[:-2] if word.endswith("ly") and len(word) > 5 else word


def _base_verb(root: str) -> str:
    if len(root) > 3 and _DOUBLED.search(root):
        return root[:-1]
    return root + "e" if _LOST_E.search(root) or _ONE_SYLLABLE.match(root) else root


@cache
def _groups() -> tuple[dict[str, tuple[int, ...]], dict[tuple[str, str], tuple[int, ...]]]:
    singles: dict[str, list[int]] = {}
    pairs: dict[tuple[str, str], list[int]] = {}
    for number, line in enumerate(table()["groups"].strip().splitlines()):
        for entry in line.split(", "):
            stems = [stem(word) for word in tokens(entry)]
            if len(stems) == 1:
                singles.setdefault(stems[0], []).append(number)
            else:
                pairs.setdefault((stems[0], stems[1]), []).append(number)
    return {s: tuple(g) for s, g in singles.items()}, {p: tuple(g) for p, g in pairs.items()}


def groups_of(first: str, second: str | None = None) -> tuple[int, ...]:
    """Return the synonym groups of a stem, or of a phrase of two stems."""
    singles, pairs = _groups()
    return singles.get(first, ()) if second is None else pairs.get((first, second), ())


@lru_cache(maxsize=16384)
def words(text: str) -> Words:
    """Analyse a text once; the same text costs nothing the next time."""
    stop, (singles, pairs) = word_list("stop"), _groups()
    order = tuple(stem(word) for word in tokens(text) if word not in word_list("passed_over"))
    stems = frozenset(word for word in order if word not in stop)
    groups = [number for word in order for number in singles.get(word, ())]
    groups += [number for pair in pairwise(order) for number in pairs.get(pair, ())]
    return Words(order, stems, frozenset(groups))
