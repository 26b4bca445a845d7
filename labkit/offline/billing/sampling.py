"""Very large requests: their tokens are estimated from a sample, so that any body is answered within seconds.

ctok counts about 50,000 tokens of fresh text a second, so the largest body would take minutes. Prose repeats its
words and is counted word by word; only a request with more distinct text than LIMIT is sampled: one rate of tokens
per character, from evenly spaced slices, then serves all its texts. The count depends on the request alone, never on
what was counted before.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from labkit.offline.billing.tokens import SEAM, Tally, framing, fresh_text_tokens, tally_for
from labkit.offline.catalog import Model

BODY = 300_000
"""Bytes of a body up to which it is always counted text by text."""
LIMIT = 300_000
"""Characters of distinct text, cut at seams, up to which a request is counted text by text."""
MOST = 5_000_000
"""Characters of text, distinct or not, beyond which a request is always sampled."""
SLICE = 1_000
SLICES = 120
"""Slices of a sample, each of SLICE characters: about a second of counting."""


def tally_of(body: Mapping[str, Any], model: Model, size: int) -> Tally:
    """The count for a request of `size` bytes: text by text, or by a rate from a sample when it is very large."""
    if size <= BODY:
        return tally_for(model)
    texts = list(_texts([body.get("system"), body.get("tools"), body["messages"]]))
    if _is_countable(texts):
        return tally_for(model)
    rate = sampled_rate("".join(texts), framing(model).version)
    return Tally(framing(model), lambda text: round(len(text) * rate))


def _is_countable(texts: list[str]) -> bool:
    """True if the distinct text of a request is short enough to be counted within seconds."""
    if sum(map(len, texts)) > MOST:
        return False
    return sum(map(len, {piece for text in texts for piece in SEAM.split(text)})) <= LIMIT


def sampled_rate(text: str, version: str) -> float:
    """Tokens per character, from evenly spaced slices of a text."""
    step = max(SLICE, len(text) // SLICES)
    slices = [text[start : start + SLICE] for start in range(0, len(text), step)]
    return sum(fresh_text_tokens(part, version) for part in slices) / max(1, sum(map(len, slices)))


def _texts(value: Any) -> Iterator[str]:
    """Every string within a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
