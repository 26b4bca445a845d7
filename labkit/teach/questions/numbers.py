"""Questions with other numbers on every try: values drawn by a seed, and labkit's own answer for them.

A question's data names what to draw (`draw`), the function below that works the answer out (`compute`), or the steps
that decide which messages stay (`step`). The first value of each list is what is asked first, with seed 0.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import product
from math import prod
from random import Random
from typing import Any

from labkit.budgets import TokenBudget, allocate
from labkit.costs import cost
from labkit.messages import History, Message, assistant, user
from labkit.models import find
from labkit.steps.deduplication import Deduplicate
from labkit.steps.pruning import ClearToolResults, Prune, by_importance, retain_by_role
from labkit.strategies import KeepRecent, Step, apply, full_history
from labkit.summarization import Summarize
from labkit.tokens import Usage

type Values = Mapping[str, Any]


def drawn(draw: Mapping[str, Sequence[Any]], id: str, seed: int) -> dict[str, Any]:
    """One value from each list, chosen by the question's id and the seed: the first ones for seed 0, and all other
    combinations one after another for the later seeds, in an order fixed by the id.
    """
    many = prod(map(len, draw.values()))
    place = 0 if seed == 0 or many == 1 else _others(id, many)[(seed - 1) % (many - 1)]
    values = {}
    for name, choices in draw.items():
        place, which = divmod(place, len(choices))
        values[name] = choices[which]
    return values


def combinations(draw: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of values that can be drawn."""
    return [dict(zip(draw, values, strict=True)) for values in product(*draw.values())]


def order(many: int, id: str, seed: int, scrambled: bool = False) -> tuple[int, ...]:
    """In which order options are shown: as written for seed 0, else shuffled; never as written when `scrambled`."""
    places, random = list(range(many)), Random(f"{id} {seed}")
    if seed or scrambled:
        random.shuffle(places)
    while scrambled and many > 1 and places == sorted(places):
        random.shuffle(places)
    return tuple(places)


@cache
def _others(id: str, many: int) -> list[int]:
    places = list(range(1, many))
    Random(id).shuffle(places)
    return places


def _talk(turns: int) -> History:
    """Finished turns, and a question that waits."""
    told = (m for n in range(1, turns + 1) for m in (user(f"question {n}"), assistant(f"reply {n}")))
    return History([*told, user("the question at hand")])


def carried(turns: int) -> Values:
    """The messages of a request after so many finished turns."""
    answer = len(apply((full_history,), _talk(turns)))
    return {"answer": answer, "replies": turns, "past": 2 * turns, "one_more": answer + 1, "next": turns + 1}


def rewound(done: int, back: int) -> Values:
    """The messages of a request when a conversation goes on from the end of an earlier turn."""
    return {"answer": len(_talk(done)[: 2 * back]) + 1, "past": 2 * back, "whole": len(_talk(done))}


def growth(first: int, second: int, third: int) -> Values:
    """The tokens of the third request, read from running totals."""
    return {"answer": third - second, "before": second - first, "added": first + second + third}


def window(size: int) -> Values:
    """The messages that a window of this size really sends in a long conversation."""
    answer = len(KeepRecent(size)(_talk(3 * size)))
    return {"answer": answer, "over": size + 1, "questions": (answer + 1) // 2}


def gone(size: int) -> Values:
    """The first turn whose request no longer carries the first message."""
    talks = ((turn, _talk(turn - 1)) for turn in range(1, 2 * size))
    turn = next(turn for turn, talk in talks if KeepRecent(size)(talk)[0] is not talk[0])
    return {"answer": turn, "last": turn - 1, "whole": 2 * turn - 3, "more": 2 * turn - 1, "before": turn - 2,
            "as_messages": size + 1}  # fmt: skip


def room(window: int, system: int, message: int, reply: int, used: int, tools: int = 0) -> Values:
    """The tokens that a plan leaves for more history."""
    budget = TokenBudget(window, system, message, reply, tools)
    answer = budget.left_after(used)
    left_out = {"no_system": system, "no_message": message, "no_reply": reply, "no_tools": tools}
    return {"answer": answer, "all": budget.history} | {name: answer + part for name, part in left_out.items()}


def every_turn(system: int, turns: int) -> Values:
    """The tokens of a system prompt over a whole conversation."""
    return {"answer": turns * TokenBudget(system=system).system}


def shared(window: int) -> Values:
    """The tokens that the production split gives the history."""
    parts = allocate(window)
    return {"answer": parts["history"], "rest": window - parts["reply"], "used": window - parts["system"]}


def true_input(fresh: int, read: int, written: int) -> Values:
    """The input of a request, from its three usage fields."""
    usage = Usage(input_tokens=fresh, cache_read_input_tokens=read, cache_creation_input_tokens=written)
    return {"answer": usage.total_input, "no_writes": fresh + read, "no_reads": fresh + written}


def totals(first: int, second: int, third: int, reply: int) -> Values:
    """The input of three requests together, with the slip of adding their replies."""
    used = sum((Usage(size, reply) for size in (first, second, third)), Usage())
    return {"answer": used.total_input, "both": used.total_input + used.output_tokens}


def dollars(tokens: int, model: str) -> Values:
    """The price of a prompt read from the cache, with the slip of reading it afresh; in US cents."""
    row = find(model)
    cached = cost(Usage(cache_read_input_tokens=tokens), model).dollars * 100
    fresh = cost(Usage(input_tokens=tokens), model).dollars * 100
    return {"answer": round(cached, 4), "fresh": round(fresh, 4), "written": round(fresh * 1.25, 4),
            "price": row.prices.input, "cheap": row.prices.cache_read}  # fmt: skip


def paid_back(calls: int, saves: int) -> Values:
    """After how many requests a summary has paid for itself; in hundred-thousandths of a dollar."""
    answer = -(-calls // saves)
    return {"answer": answer, "short": answer - 1, "call": calls / 100_000, "saving": saves / 100_000,
            "almost": (answer - 1) * saves / 100_000, "one": 1}  # fmt: skip


def summarized(turns: int, keep: int) -> Values:
    """The messages of a request after a summary, with its pair and the question at hand."""
    view = Summarize(in_a_line, keep=keep)(_talk(turns)[:-1])
    return {
        "answer": len(view) + 1,
        "kept": 2 * keep,
        "no_pair": 2 * keep + 1,
        "no_question": len(view),
        "everything": 2 * turns + 1,
    }


COMPUTED: Mapping[str, Callable[..., Values]] = {
    function.__name__: function
    for function in (
        carried, dollars, every_turn, gone, growth, paid_back, rewound, room, shared, summarized, totals, true_input,
        window,
    )
}  # fmt: skip
"""The functions that a question's `compute` may name; each gives `answer` and the values of its slips and texts."""


def stated_tokens(message: Message) -> int:
    """The tokens of a message as the question tells them."""
    return int(message.flags[0].split()[0])


def in_a_line(old: History) -> str:
    """A summary for questions that ask about places and not about words."""
    return "a summary"


STEPS: Mapping[str, Callable[..., tuple[Step, ...]]] = {
    "window": lambda size: (KeepRecent(size),),
    "window_in_tokens": lambda budget: (KeepRecent(budget, size=stated_tokens),),
    "by_importance": lambda limit: (Prune(limit, worth=by_importance),),
    "retained_by_role": lambda limit: (retain_by_role, Prune(limit)),
    "cleared_results": lambda keep: (ClearToolResults(keep, batch=1),),
    "without_repeats": lambda: (Deduplicate(),),
    "summary": lambda keep: (Summarize(in_a_line, keep=keep),),
}
"""The functions that a question's `step` may name: from the values drawn to the steps that are run on its messages."""
