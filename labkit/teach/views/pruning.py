"""Views of notebook 04: a conversation turn by turn with its scores, and as a list with the fate of every message."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set

from labkit.messages import History, exchanges
from labkit.models import DEFAULT_MODEL
from labkit.steps.importance import score
from labkit.strategies import CLEARED, DROPPED, Fate, Step, apply, explain, name
from labkit.teach.cells.shown import Shown, table
from labkit.teach.cells.wire import blocks_in_words
from labkit.teach.cells.words import cut
from labkit.teach.charts.chart import Chart, Series
from labkit.teach.lessons.talks import Talk
from labkit.tokens import estimate_tokens, estimator

PART_OF = {"kept": "history", "dropped": "dropped"} | dict.fromkeys(("cleared", "folded", "summarized"), "summary")
"""The look of a message by its fate; the newest turn and pinned messages have separate colours."""

LABELS = {"current": "newest turn", "history": "kept", "facts": "pinned", "summary": "shortened", "dropped": "dropped"}

LONGEST = 90
"""Characters of a message beside its bar."""

SHORTER = {DROPPED: "older", CLEARED: "result emptied"}
"""Reasons in the words that fit beside a bar."""


def by_turn(history: History) -> Shown:
    """Each turn in a row: what the user says, how many messages answer it, its estimated tokens, and its best score."""
    rows = []
    for number, exchange in enumerate(exchanges(history), 1):
        tool = ", ".join(str(b["name"]) for message in exchange for b in message.blocks if b["type"] == "tool_use")
        best = max(score(message).score for message in exchange)
        rows.append((number, exchange[0].text, tool or "-", len(exchange), estimate_tokens(exchange), f"{best:.2f}"))
    return table(["turn", "the user says", "tool", "messages", "tokens", "importance"], rows)


def fates(talk: Talk, steps: Sequence[Step], limit: int, rule: str = "") -> Chart:
    """The conversation as a list: what became of each message under these steps and why, and above it, which questions
    can still be answered.

    `limit` is the budget in tokens that the words compare with, `rule` what the steps are called. Tokens are estimated.
    """
    history = talk.history
    told, view = explain(steps, history), apply(steps, history)
    alive = talk.answerable(view)
    reasons = _reasons(steps, history)
    pins = {id(old) for message in view if message.pinned for old in message.replaces or (message,)}
    parts = [_part(fate, history, pins) for fate in told]
    sizes = [_size(fate, view) for fate in told]
    blank = [None] * len(talk.questions)
    return Chart(
        title=f"What is sent with a budget of {limit:,} tokens{f', {rule}' if rule else ''}",
        words=_words(told, view, limit, len(alive), len(talk.questions)),
        kind="rows",
        categories=["answered" if question in alive else "lost" for question in talk.questions]
        + [f"{fate.place + 1} {fate.fate}" for fate in told],
        series=[
            Series(
                part, [*blank, *(size if own == part else None for own, size in zip(parts, sizes, strict=True))], name
            )
            for part, name in LABELS.items()
        ],
        notes=[f"{question.answer}: {question.ask}" for question in talk.questions]
        + [f"{_reason(fate, reasons)}{cut(blocks_in_words(fate.message.blocks), LONGEST)}" for fate in told],
        axis="message",
        top=max(estimate_tokens(message) for message in history) * 1.02,
        height=90 + 14 * (len(told) + len(talk.questions)),
        source=f"Tokens estimated for {DEFAULT_MODEL}. At the top: which questions what is sent still answers.",
    )


def _reasons(steps: Sequence[Step], history: History) -> dict[str, Mapping[int, str]]:
    """The steps' own reasons for the messages of a history, by the name that `explain` gives them."""
    return {name(step): step.why(history) for step in steps if hasattr(step, "why")}


def _reason(fate: Fate, reasons: Mapping[str, Mapping[int, str]]) -> str:
    """The reason in a word or two, before the message's own; empty for a message that simply stayed."""
    own = reasons.get(fate.step, {}).get(fate.place, "").partition(":")[0]
    if fate.fate == "kept":
        return ""
    if own:
        return f"[{own}] "
    return f"[{fate.step}] " if fate.step.isidentifier() else f"[{SHORTER.get(fate.why, fate.why)}] "


def _part(fate: Fate, history: History, pins: Set[int]) -> str:
    if fate.fate == "kept" and fate.place >= history.newest_start():
        return "current"
    if fate.fate == "kept" and id(fate.message) in pins:
        return "facts"
    return PART_OF[fate.fate]


def _size(fate: Fate, view: History) -> int:
    if fate.fate == "cleared":
        shorter = [message for message in view if any(old == fate.message for old in message.replaces)]
        return sum(map(estimate_tokens, shorter[:1]))
    return estimate_tokens(fate.message)


def _words(told: Sequence[Fate], view: History, limit: int, alive: int, asked: int) -> str:
    counts = Counter(fate.fate for fate in told)
    named = ", ".join(
        f"{counts[fate]} {fate}" for fate in ("kept", "cleared", "folded", "summarized", "dropped") if counts[fate]
    )
    tokens = view.total(estimator())
    over = f" That is {tokens - limit:,} more than the budget, because of what must stay." if tokens > limit else ""
    return (
        f"Of {len(told)} messages {named}; about {tokens:,} tokens (estimated) are sent.{over} "
        f"{alive} of {asked} questions can still be answered."
    )


def answers_left(talk: Talk, rules: Mapping[str, Sequence[Sequence[Step]]], limits: Sequence[int]) -> Shown:
    """The questions that each rule leaves answerable at each budget, and in brackets the tokens that it really sends.

    `rules` holds for each rule its steps at each of the limits.
    """
    rows = []
    for rule, at_limits in rules.items():
        views = [apply(steps, talk.history) for steps in at_limits]
        rows.append((rule, *(f"{len(talk.answerable(view))} ({view.total(estimator()):,})" for view in views)))
    head = ["rule", *(f"{limit:,} tokens" for limit in limits)]
    return table(head, rows, f"of {len(talk.questions)} questions; in brackets the estimated tokens sent")
