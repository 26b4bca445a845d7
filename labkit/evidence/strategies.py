"""The strategies of the evidence table: labkit's own steps, chance, one that knows, and any function of yours."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from inspect import Parameter, signature
from random import Random
from typing import Any

from labkit.evidence.labelled import Labelled, LabelledQuestion
from labkit.evidence.recall import AtBudget, Finding, covers, findings
from labkit.messages import History, exchanges, join
from labkit.steps.deduplication import Deduplicate
from labkit.steps.importance import KeepImportant
from labkit.steps.pruning import ClearToolResults
from labkit.steps.references import KeepReferences
from labkit.steps.relevance.choice import Relevance
from labkit.strategies import KeepRecent, Step, apply
from labkit.tokens import ESTIMATED_TOKENS

LIMITS = ("limit", "tokens", "budget", "token_budget")
FORMS = "write it as step(history), as step(history, limit) with the limit in tokens, or as make(limit) -> step"


def newest(limit: int) -> Step:
    """The newest exchanges that fit."""
    return KeepRecent(limit, size=ESTIMATED_TOKENS)


def at_random(limit: int) -> Step:
    """Whole exchanges in an order drawn with a seed that follows from the history alone, while they fit."""

    def random(history: History) -> History:
        """The exchanges drawn."""
        return _filled(history, limit, lambda parts: Random(len(history)).sample(range(len(parts)), len(parts)))

    return random


def after(first: Step, then: AtBudget) -> AtBudget:
    """One step before another that knows the limit."""
    return lambda limit: lambda history: apply((first, then(limit)), history)


def referring(then: AtBudget, share: float = 0.8) -> AtBudget:
    """Another step with a share of the limit, and what its choice refers to brought back with the rest."""
    return lambda limit: KeepReferences((then(max(round(limit * share), 1)),), limit)


STEPS: Mapping[str, AtBudget] = {
    "random": at_random,
    "newest first": newest,
    "newest first, in blocks": lambda limit: KeepRecent(limit, low=max(limit // 2, 1), size=ESTIMATED_TOKENS),
    "no repeats, then newest": after(Deduplicate(), newest),
    "tools cleared, then newest": after(ClearToolResults(), newest),
    "newest with references": referring(newest),
    "importance": KeepImportant,
    "relevance": Relevance,
}
"""labkit's steps, and chance, by the names that the table gives them."""


def named(given: str) -> Mapping[str, AtBudget]:
    """The object that `MODULE:NAME` names: a step, a function of a limit, or a mapping of many by name.

    Raises ValueError in words for a name that is not there, and for an object that can be none of these.
    """
    module, _, attribute = given.partition(":")
    if not attribute:
        raise ValueError(f"{given!r} does not say what to take from the module: write it as my_module:my_function")
    try:
        found = getattr(import_module(module), attribute)
    except ImportError as error:
        raise ValueError(f"{module!r} cannot be imported ({error}): run this in the folder of my_module.py") from error
    except AttributeError as error:
        raise ValueError(f"{module!r} has no {attribute!r}: check the name") from error
    if isinstance(found, Mapping):
        return {str(name): at_budget(one) for name, one in found.items()}
    return {attribute: at_budget(found)}


def at_budget(function: Any) -> AtBudget:
    """A learner's function as one from a limit in tokens to a step.

    A `size` that it takes beside the limit is given the ruler for tokens. Raises ValueError for another form.
    """
    if not callable(function):
        raise ValueError(f"{function!r} is no function: {FORMS}")
    parameters = signature(function).parameters
    needed = [p.name for p in parameters.values() if p.default is p.empty and p.kind in _POSITIONAL]
    name = getattr(function, "__name__", repr(function))
    if len(needed) == 1 and needed[0] in LIMITS:
        return (lambda limit: function(limit, size=ESTIMATED_TOKENS)) if "size" in parameters else function
    if isinstance(function, type) or len(needed) not in (1, 2):
        raise ValueError(f"{name} needs {', '.join(needed) or 'nothing'}: {FORMS}")
    if len(needed) == 1:
        return lambda limit: function
    if needed[0] in LIMITS:
        return lambda limit: lambda history: function(limit, history)
    return lambda limit: lambda history: function(history, limit)


_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def oracle(question: LabelledQuestion) -> AtBudget:
    """Knows the evidence: the exchanges that bring most of what is still missing per token, then the newest."""
    needed = [replace(question, evidence=(evidence,)) for evidence in question.evidence]

    def for_limit(limit: int) -> Step:
        """The step for a limit."""

        def knowing(history: History) -> History:
            """The exchanges that are needed, and the newest."""
            return _filled(history, limit, lambda parts: [*_covering(parts, needed), *reversed(range(len(parts)))])

        return knowing

    return for_limit


def oracle_findings(labelled: Labelled, share: float) -> Iterator[Finding]:
    """The findings of the oracle: the most that whole exchanges can keep at this budget."""
    for question in labelled.questions:
        yield from findings(replace(labelled, questions=(question,)), oracle(question), share)


def _covering(parts: list[History], needed: list[LabelledQuestion]) -> Iterator[int]:
    missing = list(needed)
    while missing:
        brought = [sum(covers(part, one) for one in missing) / part.total(ESTIMATED_TOKENS) for part in parts]
        best = max(range(len(parts)), key=brought.__getitem__, default=0)
        if not any(brought):
            return
        yield best
        missing = [one for one in missing if not covers(parts[best], one)]


def _filled(history: History, limit: int, order: Callable[[list[History]], Any]) -> History:
    *parts, newest = exchanges(history)
    left, kept = limit - newest.total(ESTIMATED_TOKENS), set[int]()
    for at in order(parts):
        if at not in kept and (cost := parts[at].total(ESTIMATED_TOKENS)) <= left:
            kept.add(at)
            left -= cost
    return join([*(part for at, part in enumerate(parts) if at in kept), newest])
