"""Views of notebooks 00 and 01: how the input grows turn by turn, and what the request of one turn carries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.messages import History, Message
from labkit.models import DEFAULT_MODEL
from labkit.request_log import Sent
from labkit.teach.cells.wire import blocks_in_words, sources
from labkit.teach.cells.words import counted, listed
from labkit.teach.charts.chart import Chart, Series
from labkit.tokens import estimate_tokens

type Talk = Iterable[Message | Mapping[str, Any]]

PARTS_OF_INPUT = ("system", "history", "current")


@dataclass(frozen=True, slots=True)
class Input:
    """The input of one request in tokens, by the part that it is spent on."""

    system: int
    history: int
    current: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.system + self.history + self.current


def tokens_per_turn(
    talk: Talk | Sequence[Sent],
    turns: int | None = None,
    *,
    system: str = "",
    model: str = DEFAULT_MODEL,
    title: str = "Input tokens of each request, by what they are spent on",
) -> Chart:
    """The input as it grows turn by turn: system prompt, history and current message of each request, stacked.

    `talk` is a conversation, whose tokens are then estimated for `model`, or the log of a client: then the totals are
    the billed ones, and only their split into parts is estimated. `turns` shows the first so many and keeps the axes of
    all of them. Raises ValueError when there is nothing to show or `turns` is not within it.
    """
    inputs, source = _inputs(list(talk), system, model)
    if not inputs:
        raise ValueError("there is no request to show yet: send a message, or give a conversation with a user message")
    turns = len(inputs) if turns is None else turns
    if not 1 <= turns <= len(inputs):
        raise ValueError(f"turns = {turns} is not between 1 and {len(inputs)}, the number of requests there are")
    return Chart(
        title=title,
        words=_growth(inputs[:turns]),
        categories=[str(i + 1) for i in range(len(inputs))],
        series=[
            Series(part, [getattr(each, part) if i < turns else None for i, each in enumerate(inputs)])
            for part in PARTS_OF_INPUT
        ],
        axis="request",
        top=max(each.total for each in inputs) * 1.1,
        source=source,
    )


def payload(talk: Talk, turn: int, *, drop: Sequence[int] = (), system: str = "", model: str = DEFAULT_MODEL) -> Chart:
    """The request of a turn, message by message: place, role, estimated tokens and first words.

    `turn` counts the user's turns from 1; the messages whose numbers (from 1) are in `drop` are left out and shown as
    dropped. The rows are those of the whole conversation, so that the picture keeps its place while `turn` moves. The
    message being sent is never left out. Raises ValueError for a turn or a message that the conversation does not have.
    """
    history = History.of(talk)
    asked = history.starts()
    if not 1 <= turn <= len(asked):
        raise ValueError(f"turn = {turn} is not between 1 and {len(asked)}, the turns of this conversation")
    if strange := [place for place in drop if not 1 <= place <= len(history)]:
        raise ValueError(f"there is no message {strange[0]} to drop: this conversation has {len(history)}")
    rows = history[: asked[-1] + 1]
    parts = ["system", *(_part(place, asked[turn - 1] + 1, drop) for place in range(1, len(rows) + 1))]
    sizes = [_system_tokens(system, model), *(estimate_tokens(message, model) for message in rows)]
    notes = [system or "none", *(blocks_in_words(message.blocks) for message in rows)]
    return Chart(
        title=f"What the request of turn {turn} carries",
        words=_carried(turn, parts, sizes),
        kind="rows",
        axis="message",
        categories=["system", *(f"{place} {message.role}" for place, message in enumerate(rows, 1))],
        series=[
            Series(part, [size if size and part == own else None for own, size in zip(parts, sizes, strict=True)])
            for part in (*PARTS_OF_INPUT, "dropped")
        ],
        notes=[note if part else "" for note, part in zip(notes, parts, strict=True)],
        top=max(sizes) * 1.02,
        height=min(96 + 24 * len(sizes), 900),
        source=f"{_estimated_for(model)} A dropped message is not in the request.",
    )


def _part(place: int, sent: int, drop: Sequence[int]) -> str:
    if place >= sent:
        return "current" if place == sent else ""
    return "dropped" if place in drop else "history"


def _estimated_for(model: str) -> str:
    return f"Token counts estimated by characters for {model}."


def _system_tokens(system: str, model: str) -> int:
    return estimate_tokens(system, model) if system else 0


def _inputs(items: Sequence[Any], system: str, model: str) -> tuple[list[Input], str]:
    if not items or not all(isinstance(item, Sent) for item in items):
        return list(_estimated(History.of(items), system, model)), _estimated_for(model)
    billed = [sent for sent in items if sent.usage.requests]
    words = f"Totals as billed by the {sources(billed)}; split into parts: estimated."
    return list(map(_billed, billed)), words


def _estimated(history: History, system: str, model: str) -> Iterable[Input]:
    first = _system_tokens(system, model)
    for start in history.starts():
        yield Input(first, estimate_tokens(history[:start], model), estimate_tokens(history[start], model))


def _billed(sent: Sent) -> Input:
    history, model = History.of(sent.messages), str(sent.request["model"])
    system = sent.request.get("system", "")
    text = system if isinstance(system, str) else "\n".join(str(block.get("text", "")) for block in system)
    total, start = sent.usage.total_input, history.newest_start()
    first = min(_system_tokens(text, model), total)
    current = min(estimate_tokens(history[start:], model), total - first) if start else total - first
    return Input(first, total - first - current, current)


def _growth(inputs: Sequence[Input]) -> str:
    first, last, spent = inputs[0], inputs[-1], sum(each.total for each in inputs)
    if len(inputs) == 1:
        split = f"system prompt {first.system:,}, message {first.current:,}"
        return f"Request 1 carries {first.total:,} input tokens: {split}."
    return (
        f"From request 1 to request {len(inputs)} the input grows from {first.total:,} to {last.total:,} tokens. "
        f"In request {len(inputs)}, {last.history:,} of them ({last.history / last.total:.0%}) are history sent again. "
        f"All {len(inputs)} requests together: {spent:,} input tokens."
    )


def _carried(turn: int, parts: Sequence[str], sizes: Sequence[int]) -> str:
    kept = [place for place, part in enumerate(parts) if part in ("history", "current")]
    gone = [str(place) for place, part in enumerate(parts) if part == "dropped"]
    tokens = sizes[0] + sum(sizes[place] for place in kept)
    carried = (
        f"{'the system prompt and ' if sizes[0] else ''}{len(kept):,} of {counted(len(kept) + len(gone), 'message')}"
    )
    words = f"The request of turn {turn} carries {carried}, about {tokens:,} tokens (estimated)."
    if len(gone) == 1:
        return f"{words} Message {gone[0]} is left out: for this reply it is as if it had never been said."
    if gone:
        return f"{words} Messages {listed(gone)} are left out: for this reply it is as if they had never been said."
    return words
