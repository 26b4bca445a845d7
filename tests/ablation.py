"""The ablation table: evidence recall of each idea alone and of all together, on the labelled set.

`python -m tests.ablation` prints the dev part; `--part unseen` the part that was kept apart while tuning; `--embedder`
adds the rows that need the semantic extra. Needs no network; takes about two minutes a part.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

from labkit.deduplication import Deduplicate
from labkit.embedding import Embedder, MiniLM
from labkit.evidence import BUDGETS, AtBudget, Finding, Labelled, Question, covers, findings, labelled_set, recall
from labkit.importance import KeepImportant
from labkit.messages import History, exchanges, join
from labkit.references import KeepReferences
from labkit.relevance import Relevance
from labkit.relevance_scores import Weights
from labkit.strategies import KeepRecent, Step, apply
from labkit.tokens import estimator

TOKENS = estimator()
KINDS = ("chat", "long", "tools")
NOTHING = Weights(reply=0, near=0, speaker=0, kind=0, recency=0, prior=0, price=0, note=0)


def at_random(limit: int) -> Step:
    """Whole exchanges in an order drawn with a seed that follows from the history alone, while they fit."""

    def random(history: History) -> History:
        return _filled(history, limit, lambda parts: Random(len(history)).sample(range(len(parts)), len(parts)))

    return random


def oracle(question: Question) -> AtBudget:
    """Knows the evidence: the exchanges that bring most of what is still missing per token, then the newest."""
    needed = [replace(question, evidence=(evidence,)) for evidence in question.evidence]

    def for_limit(limit: int) -> Step:
        def knowing(history: History) -> History:
            return _filled(history, limit, lambda parts: [*_covering(parts, needed), *reversed(range(len(parts)))])

        return knowing

    return for_limit


def _covering(parts: list[History], needed: list[Question]) -> Iterator[int]:
    missing = list(needed)
    while missing:
        brought = [sum(covers(part, one) for one in missing) / part.total(TOKENS) for part in parts]
        best = max(range(len(parts)), key=brought.__getitem__, default=0)
        if not any(brought):
            return
        yield best
        missing = [one for one in missing if not covers(parts[best], one)]


def _filled(history: History, limit: int, order: Callable[[list[History]], list[int]]) -> History:
    *parts, newest = exchanges(history)
    left, kept = limit - newest.total(TOKENS), set[int]()
    for at in order(parts):
        if at not in kept and (cost := parts[at].total(TOKENS)) <= left:
            kept.add(at)
            left -= cost
    return join([*(part for at, part in enumerate(parts) if at in kept), newest])


def deduplicated(step: Callable[[int], Step]) -> AtBudget:
    """Deduplication before another step."""
    return lambda limit: lambda history: apply((Deduplicate(), step(limit)), history)


def referring(step: Callable[[int], Step], share: float = 0.8) -> AtBudget:
    """Another step with a share of the limit, and what its choice refers to brought back with the rest."""
    return lambda limit: KeepReferences((step(max(round(limit * share), 1)),), limit)


def rows(embedder: Embedder | None) -> Mapping[str, AtBudget]:
    """The strategies of the table by name."""

    def relevance(**weights: float) -> AtBudget:
        return lambda limit: Relevance(limit, weights=replace(Weights(), **weights))

    def alone(**weights: float) -> AtBudget:
        return lambda limit: Relevance(limit, weights=replace(NOTHING, **weights))

    def recent(limit: int) -> Step:
        return KeepRecent(limit, size=TOKENS)

    found: dict[str, AtBudget] = {
        "newest first": recent,
        "random": at_random,
        "deduplication, then newest": deduplicated(recent),
        "newest with references": referring(recent),
        "importance": KeepImportant,
        "importance with references": referring(KeepImportant),
        "BM25 alone": alone(),
        "BM25 by price": alone(price=Weights().price),
        "BM25 and spread": alone(reply=Weights().reply, near=Weights().near),
        "BM25 and importance": alone(prior=Weights().prior),
        "BM25 and note": alone(note=1, price=Weights().price),
        **{f"all but {name}": relevance(**{name: 0}) for name in ("reply", "near", "speaker", "kind", "recency")},
        **{f"all but {name}": relevance(**{name: 0}) for name in ("prior", "price", "note")},
        "relevance (default)": relevance(),
        "relevance with references": referring(relevance(), 0.9),
    }
    if embedder:
        found["relevance and MiniLM"] = lambda limit: Relevance(limit, embedder=embedder)
    return found


class Remembering:
    """An embedder that embeds each text once in its life: the table asks for the same texts again and again."""

    def __init__(self, embedder: Embedder) -> None:
        self.threshold = embedder.threshold
        self.embed = cache(embedder.embed)
        self.similarities = embedder.similarities


def measured(part: str, strategies: Mapping[str, AtBudget]) -> Iterator[tuple[str, list[Finding]]]:
    """The findings of each strategy at all budgets, the oracle's last; a bar on standard error shows how far."""
    labelled = labelled_set(part)
    for done, (name, strategy) in enumerate(strategies.items()):
        _bar(done, len(strategies) + 1, name)
        yield name, [one for share in BUDGETS for each in labelled for one in findings(each, strategy, share)]
    _bar(len(strategies), len(strategies) + 1, "oracle")
    yield "oracle", [one for share in BUDGETS for each in labelled for one in _known(each, share)]
    _bar(1, 1, "")


def _known(labelled: Labelled, share: float) -> Iterator[Finding]:
    for question in labelled.questions:
        yield from findings(replace(labelled, questions=(question,)), oracle(question), share)


def _bar(done: int, of: int, name: str) -> None:
    width = 30 * done // of
    sys.stderr.write(f"\r[{'#' * width}{'.' * (30 - width)}] {done}/{of} {name:32}" + ("\n" if done == of else ""))
    sys.stderr.flush()


def line(name: str, found: list[Finding]) -> str:
    """One row: recall with its interval at each budget, then the three kinds, then evidence messages kept whole."""
    cells = []
    for share in BUDGETS:
        here = [one for one in found if one.share == share]
        kinds = "/".join(f"{recall([o for o in here if o.kind == kind]).share * 100:.0f}" for kind in KINDS)
        cells.append(f"{recall(here)!s:>13} {kinds:>9} {recall(here, whole=True).share:4.0%}")
    over = sum(one.tokens > one.limit for one in found)
    return f"{name:28} " + " | ".join(cells) + (f"  {over} over budget" if over else "")


def main(arguments: list[str] | None = None) -> None:
    """Print the table of one part."""
    parser = argparse.ArgumentParser(prog="python -m tests.ablation", description=__doc__)
    parser.add_argument("--part", choices=("dev", "unseen"), default="dev")
    parser.add_argument("--embedder", action="store_true", help="also with MiniLM (the semantic extra)")
    chosen = parser.parse_args(arguments)
    embedder: Any = Remembering(MiniLM()) if chosen.embedder else None
    table = [line(name, found) for name, found in measured(chosen.part, rows(embedder))]
    head = " | ".join(f"{f'{share:.0%}':>13} {'c/l/t':>9} {'msg':>4}" for share in BUDGETS)
    print(f"Evidence recall, part {chosen.part}: [95% interval over conversations], chat/long/tools, messages whole")
    print(f"{'':28} {head}", *table, sep="\n")


if __name__ == "__main__":
    main()
