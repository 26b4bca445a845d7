"""Random loops of tool calls for property tests, and a run of one: every request of it is sent to the offline Claude.

A loop follows from a number: its rounds have one to four parallel calls, results in one message or two, with errors,
images, long texts, thinking, words of the user in between, pins and closed exchanges before it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from labkit.messages import Block, History, Message, assistant, user, without_thinking
from labkit.models import find
from labkit.strategies import Step, apply
from tests.conversations import IMAGE, Case, words
from tests.promises import answer

MODELS = ("claude-sonnet-4-6", "claude-opus-5-5")
"""One that does not bind thinking, and one that does."""


@dataclass(frozen=True)
class Loop:
    """A conversation that ends in a loop, and the model that it is held with."""

    history: History
    model: str

    @property
    def binds(self) -> bool:
        """True when the model binds thinking to what was sent before it."""
        return find(self.model).binds_thinking


def loop(seed: int, most_rounds: int = 40, model: str | None = None, thinks: bool = True) -> Loop:
    """A random loop of up to so many rounds, with thinking or without."""
    random = Random(seed)
    model = model or random.choice(MODELS)
    said: list[Message] = []
    for exchange in range(random.choice((0, 0, 1, 3))):
        said += _exchange(random, f"e{exchange}", random.randint(0, 4), model)
        said.append(
            assistant([*_thought(random, model), {"type": "text", "text": f"Done: {words(random.randrange(9999))}"}])
        )
    said += _exchange(random, "open", random.randint(0, most_rounds), model)
    if not thinks:
        said = [replace(without_thinking(message), replaces=()) for message in said]
    return Loop(History(said), model)


def _exchange(random: Random, serial: str, rounds: int, model: str) -> Iterator[Message]:
    yield user(f"Goal {serial}: {words(random.randrange(9999))}", pinned=random.random() < 0.1)
    if random.random() < 0.1:
        yield user(f"And mind: {words(random.randrange(9999))}")
    size = random.choice((3, 30, 300))
    for turn in range(rounds):
        yield from _round(random, f"{serial}_{turn}", size, model)


def _round(random: Random, serial: str, size: int, model: str) -> Iterator[Message]:
    ids = [f"toolu_{serial}_{call}" for call in range(random.choice((1, 1, 1, 2, 4)))]
    spoken = [{"type": "text", "text": words(random.randrange(9999))}] if random.random() < 0.4 else []
    calls = [_call(random, i) for i in ids]
    yield assistant([*_thought(random, model), *spoken, *calls], pinned=random.random() < 0.01)
    results = [_result(random, i, size) for i in ids]
    if len(results) > 1 and random.random() < 0.2:
        yield user(results[:1])
        yield user(results[1:])
    elif random.random() < 0.05:
        yield user([*results, {"type": "text", "text": f"By the way: {words(random.randrange(9999))}"}])
    else:
        yield user(results, pinned=random.random() < 0.02)


def _call(random: Random, call: str) -> Block:
    given = {"q": words(random.randrange(9999)) * random.choice((1, 1, 9))}
    return {"type": "tool_use", "id": call, "name": "look_up", "input": given}


def _thought(random: Random, model: str) -> list[Block]:
    if random.random() < 0.5:
        return []
    return [{"type": "thinking", "thinking": words(random.randrange(9999)), "signature": "to be signed"}]


def _result(random: Random, call: str, size: int) -> Block:
    text = " ".join(words(random.randrange(9999)) for _ in range(random.randint(1, size)))
    found: dict[str, Any] = {"type": "tool_result", "tool_use_id": call, "content": text}
    kind = random.randrange(12)
    if kind == 0:
        found |= {"is_error": True, "content": f"{text}\nValueError: no order {random.randrange(999)}"}
    elif kind == 1:
        found["content"] = [IMAGE, {"type": "text", "text": text}]
    elif kind == 2:
        del found["content"]
    return found


@dataclass(frozen=True)
class Sent:
    """One request of a run: the history as it was, and what was sent of it."""

    past: History
    view: History


def run(told: Loop, steps: Sequence[Step]) -> Iterator[Sent]:
    """Hold the conversation: yield each request, with the thinking before it signed in answer to what was sent."""
    case, past, place = Case(told.history, told.model), History(), 0
    for end in [*told.history.replies(), len(told.history)]:
        if place < end:
            past = past.append(*_signed(case, past, told.history[place:end], steps, told.binds))
        place = end
        if past and past[-1].role != "assistant":
            yield Sent(past, apply(steps, past, told.binds))


def _signed(case: Case, past: History, behind: History, steps: Sequence[Step], binds: bool) -> Sequence[Message]:
    if not behind.thinking() or not past:
        return list(behind)
    return case.signed(past, apply(steps, past, binds), behind)[len(past) :]


def refusals(told: Loop, steps: Sequence[Step]) -> list[str]:
    """The offline API's words to the requests of a run that it refuses."""
    case = Case(told.history, told.model)
    said = ((len(sent.past), answer(case, sent.view)) for sent in run(told, steps))
    return [f"request after {place} messages: {words}" for place, words in said if words]
