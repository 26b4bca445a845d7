"""Evidence for loops: of the arguments that later calls need, how many are still readable when they are needed.

A run is a history with many tool rounds. Every request of it is shaped by the steps, and measured: estimated tokens,
what of it the prompt cache would read, dollars at the prices of a model, the goal, and the strings of the next call's
arguments that were said or found before. Nobody's model is asked: readable is not used. Taught in notebook 10.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from labkit.costs import Cost, cost
from labkit.messages import History, Message, assistant, from_wire, user
from labkit.models import DEFAULT_MODEL, Model, find
from labkit.repair import same_on_the_wire
from labkit.strategies import Step, apply
from labkit.summarization import readable
from labkit.tokens import Usage, estimator

SHORTEST = 4
"""Characters from where a string of an argument counts: shorter ones are found everywhere."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a run: its tokens (all, and those that the cache reads), its dollars with the reply, whether the
    goal is in it, and of the strings that the next calls need, how many there are and how many it holds.
    """

    tokens: int
    read: int
    cost: Cost
    goal: bool
    needed: int
    found: int


@dataclass(frozen=True, slots=True)
class Findings:
    """The figures of a run's requests."""

    requests: tuple[Request, ...]

    @property
    def tokens(self) -> int:
        """All input tokens."""
        return sum(request.tokens for request in self.requests)

    @property
    def largest(self) -> int:
        """The tokens of the largest request."""
        return max(request.tokens for request in self.requests)

    @property
    def read_share(self) -> float:
        """The share of the input that the cache reads."""
        return sum(request.read for request in self.requests) / max(self.tokens, 1)

    @property
    def dollars(self) -> float:
        """The whole bill."""
        return sum((request.cost for request in self.requests), Cost()).dollars

    @property
    def goal_share(self) -> float:
        """The share of the requests that hold the goal."""
        return sum(request.goal for request in self.requests) / len(self.requests)

    @property
    def readable(self) -> float:
        """The share of the needed strings that were there when they were needed; 1 where none was needed."""
        needed = sum(request.needed for request in self.requests)
        return sum(request.found for request in self.requests) / needed if needed else 1.0

    def over(self, budget: int) -> int:
        """Return how many requests are larger than a budget."""
        return sum(request.tokens > budget for request in self.requests)


def measured(run: History, steps: Sequence[Step], model: str | Model = DEFAULT_MODEL) -> Findings:
    """Shape every request of a run by the steps and measure it; tokens are estimates for the messages alone."""
    row, found, before = find(model), list[Request](), History()
    ruler, texts = estimator(row), [readable(message) for message in run]
    for place, end in pairwise([*run.replies(), len(run)]):
        past = run[:place]
        view = apply(steps, past, row.binds_thinking)
        tokens, read = view.total(ruler), view[: _common(before, view)].total(ruler)
        said = "\n".join(map(readable, view))
        needs = needed(run[place:end], texts[:place], past)
        bill = cost(Usage(0, ruler(run[place]), tokens - read, read, 1), row)
        goal = readable(past[past.newest_start()])
        found.append(Request(tokens, read, bill, goal in said, len(needs), sum(one in said for one in needs)))
        before = view
    return Findings(tuple(found))


def _common(before: History, view: History) -> int:
    """Return how many messages a request begins with that the one before it began with too."""
    pairs = enumerate(zip(before, view, strict=False))
    return next((place for place, pair in pairs if not same_on_the_wire(*pair)), min(len(before), len(view)))


def needed(reply: Sequence[Message], texts: Sequence[str], past: History) -> set[str]:
    """Return the strings in the arguments of a reply's calls that stand in what was said before the newest round.

    What the newest round says is left out, because every step keeps it.
    """
    calls = (block["input"] for message in reply for block in message.blocks if block["type"] == "tool_use")
    newest = past.newest_reply() or len(past)
    earlier, recent = "\n".join(texts[:newest]), "\n".join(texts[newest:])
    return {one for call in calls for one in _strings(call) if one in earlier and one not in recent}


def _strings(given: Any) -> Iterator[str]:
    if isinstance(given, Mapping):
        given = list(given.values())
    if isinstance(given, list | tuple):
        for one in given:
            yield from _strings(one)
    elif not isinstance(given, bool) and len(text := str(given)) >= SHORTEST:
        yield text


def read_run(path: str | Path) -> History:
    """Read a recorded run from a JSON file of yours.

    Takes messages in the API's own form (a list, or a dict with `messages`), those of OpenAI's chat form with
    `tool_calls` and role `tool`, as tau-bench has them (`traj`), and SWE-agent's trajectories (`trajectory`, with
    action and observation). Raises ValueError that names the keys for anything else.
    """
    read = json.loads(Path(path).read_text("utf-8"))
    if isinstance(read, Mapping) and "trajectory" in read:
        return History(_from_swe_agent(read))
    said = (
        read if isinstance(read, list) else read.get("messages") or read.get("traj") if isinstance(read, dict) else ()
    )
    if not said or not all(isinstance(one, dict) and "role" in one for one in said):
        keys = ", ".join(read) if isinstance(read, dict) else type(read).__name__
        raise ValueError(f"{path} has {keys}: give messages, traj or trajectory")
    if any("tool_calls" in one or one["role"] == "tool" for one in said):
        return History(_from_chat(said))
    return History(from_wire(one) for one in said)


def _from_chat(said: Sequence[Mapping[str, Any]]) -> Iterator[Message]:
    for one in said:
        if one["role"] == "tool":
            result = {"type": "tool_result", "tool_use_id": one["tool_call_id"], "content": str(one["content"])}
            yield user([result])
        elif one["role"] == "assistant":
            text = [{"type": "text", "text": one["content"]}] if (one.get("content") or "").strip() else []
            yield assistant([*text, *map(_call, one.get("tool_calls") or ())])
        elif one["role"] == "user":
            yield user(one["content"])


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call["function"]
    given = json.loads(function["arguments"] or "{}")
    return {"type": "tool_use", "id": call["id"], "name": function["name"], "input": given}


def _from_swe_agent(read: Mapping[str, Any]) -> Iterator[Message]:
    yield user(str(read.get("problem_statement") or "Solve the task."))
    for number, step in enumerate(read["trajectory"]):
        call = {"type": "tool_use", "id": f"toolu_{number}", "name": "bash", "input": {"command": step["action"]}}
        thought = (step.get("thought") or "").strip()
        yield assistant([*([{"type": "text", "text": thought}] if thought else []), call])
        yield user([{"type": "tool_result", "tool_use_id": call["id"], "content": step.get("observation") or "-"}])
