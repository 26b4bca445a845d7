"""Tables of notebook 08: ways to deal with a growing conversation side by side, what to use when, and what changed.

The measured columns come from logs; who holds what, the risks and the sources stand in `platform.toml`.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from labkit.costs import billed, log_cost
from labkit.messages import History
from labkit.request_log import Sent
from labkit.teach.cells.shown import Shown, table
from labkit.teach.cells.wire import sources
from labkit.teach.lessons.talks import Talk


@dataclass(frozen=True, slots=True)
class Way:
    """One way, measured: requests, input tokens (as billed, compactions included), bytes sent, dollars, and how many
    facts were in what the model read last.
    """

    name: str
    requests: int
    tokens: int
    sent: int
    dollars: float
    facts: int

    @property
    def about(self) -> Mapping[str, str]:
        """Its side, holder, risk and source."""
        found: Mapping[str, str] = platform()["way"][self.name]
        return found


def measured(name: str, log: Sequence[Sent], read: Mapping[str, Any], talk: Talk) -> Way:
    """Measure a way by the log of its requests and by `read`, the request body that the model was given last.

    A fact counts where the words of a question's answer stand in that body. Raises ValueError for a way that
    `platform.toml` does not describe.
    """
    if name not in platform()["way"]:
        raise ValueError(f"no way is called {name!r}: there are {', '.join(platform()['way'])}")
    usages = [usage for sent in log for usage in billed(sent.reply.get("usage") or {})]
    beside = str(read.get("system") or "")
    return Way(
        name,
        requests=len(log),
        tokens=sum(usage.total_input for usage in usages),
        sent=sum(len(sent.sent) for sent in log),
        dollars=log_cost(log).dollars,
        facts=len(talk.answerable(History(read["messages"]), beside)),
    )


def comparison(ways: Sequence[Way], of: int) -> Shown:
    """The ways in a table, cheapest first; `of` is the number of facts that there were."""
    rows = [
        (way.name, way.about["side"], way.requests, way.tokens, way.sent, f"${way.dollars:.4f}", f"{way.facts} of {of}")
        for way in sorted(ways, key=lambda way: way.dollars)
    ]
    head = ["way", "side", "requests", "input tokens", "bytes sent", "dollars", "facts"]
    return table(head, rows, "Counts of the offline Claude (simulated; estimates), list prices")


def holders(ways: Iterable[Way]) -> Shown:
    """The place of the conversation with each way, with what can go wrong and the source of each claim."""
    rows = [(way.name, way.about["holder"], way.about["risk"], way.about["source"]) for way in ways]
    return table(["way", "who holds what was said", "what can go wrong", "source"], rows)


def bills(log: Sequence[Sent], names: Sequence[str] = ()) -> Shown:
    """Each request of a log: what was sent, what of it was new, how the cache split its input, and what it cost.

    `names` say what each request was, where its number says too little.
    """
    rows, before = [], History()
    for place, sent in enumerate(log):
        said = History(sent.messages)
        new = len(said) - len(before) if before.begins(said) else len(said)
        used, name = sent.usage, names[place] if names else place + 1
        fields = used.input_tokens, used.cache_creation_input_tokens, used.cache_read_input_tokens
        rows.append((name, len(said), new, len(sent.sent), *fields, f"${log_cost([sent]).dollars:.5f}"))
        before = said
    head = ["request", "messages", "new", "bytes", "input_tokens", "written", "read", "cost"]
    return table(head, rows, f"Answered by the {sources(log)}; list prices")


def decisions() -> Shown:
    """The tool to use for a need: the first row that fits is the one."""
    rows = [(each["need"], each["use"], each["because"]) for each in platform()["decision"]]
    return table(["what you need", "use", "because"], rows)


def changes() -> Shown:
    """Claims that changed since 2024, or are often read and were never true, with source and the notebooks that show
    them.
    """
    rows = [(c["then"], c["now"], c["since"], c["source"], ", ".join(c["see"]) or "-") for c in platform()["change"]]
    return table(["2024, or often read", "today", "since", "source", "shown in"], rows)


@cache
def platform() -> Mapping[str, Any]:
    """The data of the tables: `way` by name, and the lists `decision` and `change`."""
    return tomllib.loads(files("labkit.teach.views").joinpath("platform.toml").read_text("utf-8"))
