"""The reasons for a message's relevance, in words that a learner can check against the messages themselves."""

from collections.abc import Iterator, Mapping, Sequence

from labkit.messages import History
from labkit.steps.importance import score
from labkit.steps.relevance.scores import Scores
from labkit.text.words import runs, searchable_text, stem

WORDS_SHOWN = 4
"""At most so many shared words are named."""


def why_relevant(history: History, found: Scores) -> Iterator[str]:
    """A reason for each message scored: `relevance 2.41, shares 'oven' with the question`, `..., the reply to #12`."""
    for place, relevance in enumerate(found.relevance):
        yield f"relevance {relevance:.2f}, {_source(history, found, place)}"


def _source(history: History, found: Scores, place: int) -> str:
    if found.shared[place]:
        words = ", ".join(map(repr, shared_words(searchable_text(history[place]), found.terms)))
        return f"shares {words} with the question"
    if nearest := _nearest(found.shared, place):
        at = place + nearest
        how = "the reply to" if nearest == -1 and history[at].role == "user" else "near"
        shared = shared_words(searchable_text(history[at]), found.terms)
        return f"{how} #{at}, which shares {', '.join(map(repr, shared))}"
    scored = score(history[place])
    if not scored.score:
        return scored.parts[0].why
    return f"nothing in common with the question; importance {scored}"


def shared_words(text: str, terms: Mapping[str, float]) -> list[str]:
    """The words of a text that the question has too, in any of their forms; the rarest first."""
    words = {word: terms[stem(word)] for word in runs(text) if stem(word) in terms}
    return sorted(words, key=lambda word: (-words[word], word))[:WORDS_SHOWN]


def _nearest(shared: Sequence[float], place: int) -> int:
    around = [step for step in (-1, 1, -2, 2) if 0 <= place + step < len(shared) and shared[place + step]]
    return max(around, key=lambda step: shared[place + step] / abs(step), default=0)
