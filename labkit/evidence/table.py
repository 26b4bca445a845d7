"""Evidence: what a later question still finds in what a strategy would send, as a table by strategy and budget.

`python -m labkit.evidence own` prints it for the project's labelled conversations; a file or folder of LoCoMo, BEAM or
tau-bench may stand for `own`, and `--strategy my_module:my_function` measures a function of yours. No model is called.
Taught in notebook 08.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TextIO

from labkit.evidence.labelled import Evidence, Labelled, LabelledQuestion, labelled_set
from labkit.evidence.published_sets import ForeignFile, published
from labkit.evidence.recall import BUDGETS, AtBudget, Finding, Recall, cache_share, covers, findings, recall
from labkit.evidence.rivals import RIVALS
from labkit.evidence.strategies import STEPS, named, oracle_findings

BESIDE = 0.20
"""The budget at which tokens, cache share and time are shown."""
ORACLE = "the most there is (oracle)"
OWN = "the project's own labelled set (MIT, shipped with labkit)"


@dataclass(frozen=True)
class Row:
    """A strategy's line of the table: its findings at every budget, and its cache share at BESIDE (None: not asked)."""

    name: str
    found: tuple[Finding, ...]
    cached: float | None = None

    def at(self, share: float) -> list[Finding]:
        """The findings at one budget."""
        return [finding for finding in self.found if finding.share == share]

    def recall(self, share: float, whole: bool = False) -> Recall:
        """Evidence recall at one budget; `whole` counts evidence messages, not words that are quoted from them."""
        return recall(self.at(share), whole)

    @property
    def over(self) -> int:
        """The number of views that were larger than their budget."""
        return sum(finding.tokens > finding.limit for finding in self.found)

    def __str__(self) -> str:
        """One line, its columns those of HEAD."""
        cells = [f"{self.recall(share)!s:>15} {self.recall(share, whole=True).share:5.0%}" for share in BUDGETS]
        beside = self.at(BESIDE)
        cached = "-" if self.cached is None else f"{self.cached:.0%}"
        tokens, seconds = mean(one.tokens for one in beside), mean(one.seconds for one in beside)
        over = f"  {self.over} over budget" if self.over else ""
        return f"{self.name:27} {' '.join(cells)} {tokens:8,.0f} {cached:>6} {seconds * 1_000:8.1f}{over}"


_BUDGET_HEADS = " ".join(f"{f'at {share:.0%}':>15} whole" for share in BUDGETS)
HEAD = f"{'':27} {_BUDGET_HEADS} {'tokens':>8} {'cache':>6} {'ms':>8}"
NOTE = (
    "Share of questions whose evidence is all still in what would be sent [95% interval over conversations], at that\n"
    "share of the tokens (estimated); whole: the evidence messages themselves stand there. Beside it, at "
    f"{BESIDE:.0%}:\n"
    "tokens sent with a question, milliseconds that took, and the share of all tokens that a prompt cache could give\n"
    "back as the conversation grows turn by turn. No model was asked: kept is not answered."
)


def table(sets: Sequence[Labelled], strategies: Mapping[str, AtBudget], bar: bool = False) -> Iterator[Row]:
    """A row for each strategy, and last the oracle's; `bar` shows on standard error how far it is."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    with tqdm(total=(len(strategies) + 1) * len(sets), unit="talk", leave=False, disable=not bar) as progress:
        for name, strategy in strategies.items():
            progress.set_description(name)
            found, cached = list[Finding](), list[float]()
            for labelled in sets:
                found += [one for share in BUDGETS for one in findings(labelled, strategy, share)]
                cached.append(cache_share(labelled, strategy, BESIDE))
                progress.update()
            yield Row(name, tuple(found), mean(cached))
        progress.set_description(ORACLE)
        found = []
        for labelled in sets:
            found += [one for share in BUDGETS for one in oracle_findings(labelled, share)]
            progress.update()
        yield Row(ORACLE, tuple(found))


def chosen(place: str, part: str = "", kind: str = "") -> tuple[list[Labelled], str]:
    """The conversations of a SET, and in words whose they are. Raises ValueError for what cannot be read."""
    found, told = (labelled_set(), OWN) if place == "own" else published(Path(place))
    left = [one for one in found if part in ("", one.part) and kind in ("", one.kind)]
    if not left:
        has = ", ".join(sorted({f"{one.kind}/{one.part or '-'}" for one in found}))
        raise ValueError(f"{place} has no conversation of that part and kind: it has {has}")
    return left, told


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m labkit.evidence", description=__doc__.split("\n\n")[1])
    parser.add_argument("set", metavar="SET", help="own, or a file or folder of LoCoMo, BEAM or tau-bench")
    words = (
        "a step or a function of yours, or a mapping of several; may be repeated (default: labkit's steps and rivals)"
    )
    parser.add_argument("--strategy", action="append", default=[], metavar="MODULE:NAME", help=words)
    parser.add_argument("--part", choices=("dev", "unseen"), default="", help="only this part of the own set")
    parser.add_argument("--kind", default="", help="only this kind of conversation, such as chat, long or tools")
    lost = f"after each row, the questions it lost at {BESIDE:.0%} and the messages that held their evidence"
    parser.add_argument("--lost", action="store_true", help=lost.replace("%", "%%"))
    return parser


def main(arguments: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    """Print the table; the exit status is 0, or 2 where a set or a strategy cannot be used, which is said in words."""
    options = _parser().parse_args(arguments)
    try:
        strategies = {name: one for given in options.strategy for name, one in named(given).items()} or {
            **STEPS,
            **RIVALS,
        }
        sets, told = chosen(options.set, options.part, options.kind)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    questions = sum(len(labelled.questions) for labelled in sets)
    print(f"{len(sets)} conversations, {questions} questions: {told}.\n{NOTE}\n\n{HEAD}", file=out)
    for row in table(sets, strategies, bar=sys.stderr.isatty()):
        print(row, file=out, flush=True)
        if options.lost:
            print(*lost(row, sets), sep="\n", file=out)
    return 0


def lost(row: Row, sets: Sequence[Labelled]) -> Iterator[str]:
    """A line for each question that a row lost at BESIDE, and one for each piece of its evidence, with its places."""
    needed = {(one.name, question.ask): question.evidence for one in sets for question in one.questions}
    for finding in row.at(BESIDE):
        if not finding.covered:
            yield f"  lost in {finding.conversation}: {finding.question}"
            for one in needed[finding.conversation, finding.question]:
                yield f"    message {' or '.join(map(str, one.places))} says: {one.words[:70]}"


__all__ = [
    "BUDGETS",
    "AtBudget",
    "Evidence",
    "Finding",
    "ForeignFile",
    "Labelled",
    "LabelledQuestion",
    "Recall",
    "Row",
    "cache_share",
    "chosen",
    "covers",
    "findings",
    "labelled_set",
    "recall",
    "table",
]
