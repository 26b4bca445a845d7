"""Views of notebook 03: a context window as a deck that fills, and its load."""

from collections.abc import Mapping

from labkit.budgets import SHARES, allocate
from labkit.teach.cells.words import counted
from labkit.teach.charts.chart import Chart, Series, Threshold

WINDOW = 200_000
"""The window of the drawn examples, in tokens: that of the 4.5 models (labkit/facts.toml)."""
PARTS: Mapping[str, str] = {"system": "system", "history": "history", "message": "current", "reply": "reply"}
"""The four consumers of a window and how each is drawn."""
LABELS = {"system": "system prompt", "history": "history", "message": "current message", "reply": "reply (max_tokens)"}
SOON = 5
"""From how many turns before the history is full the words warn."""


def consumers(window: int = WINDOW, **tokens: int) -> Chart:
    """The share of the window that one request takes: a bar for each of system, tools, history, message and reply, in
    tokens.

    The words give each share and what is left. Raises TypeError for another part, ValueError when they are more than
    the window.
    """
    names = {"system": "system", "tools": "system", "history": "history", "message": "current", "reply": "reply"}
    if strange := sorted(set(tokens) - set(names)):
        raise TypeError(f"there is no part {strange[0]!r}: give some of {', '.join(names)}")
    used = sum(tokens.values())
    if used > window:
        raise ValueError(f"{used:,} tokens are {used - window:,} more than the window of {window:,}")
    shown = [name for name in names if name in tokens]
    labels = LABELS | {"tools": "tools"}
    parts = {names[name]: [labels[other] for other in shown if names[other] == names[name]] for name in shown}
    said = ", ".join(f"{labels[name]} {tokens[name]:,}" for name in shown)
    return Chart(
        title=f"One window of {window:,} tokens",
        words=f"{said[0].upper()}{said[1:]}: together {used:,} of {window:,} tokens ({used / window:.0%}), so "
        f"{window - used:,} are left.",
        kind="rows",
        axis="part",
        categories=[labels[name] for name in shown],
        series=[
            Series(part, [tokens[name] if names[name] == part else None for name in shown], " and ".join(held))
            for part, held in parts.items()
        ],
        notes=[f"{tokens[name] / window:.1%} of the window" for name in shown],
        top=max(tokens.values()) * 1.05,
        height=96 + 26 * len(shown),
        source="Counts of the offline Claude (simulated; estimates).",
    )


def deck(turn: int, a_turn: int, system: int, message: int, max_tokens: int, history_share: int) -> Chart:
    """The window on one turn of a conversation that grows by `a_turn` tokens a turn, and the share of each consumer.

    `system`, `message` and `max_tokens` are tokens, `history_share` is in percent of the window; the other three share
    the rest as they do in `SHARES`. The words warn before the history outgrows its share or the plan its window, and
    say what the API would do.
    """
    used = {"system": system, "history": a_turn * (turn - 1), "message": message, "reply": max_tokens}
    room = allocate(WINDOW, shares_with(history_share))
    rows = ["the window", *LABELS.values()]
    places = {name: place for place, name in enumerate(used, 1)}
    series = [
        Series(PARTS[name], _in_rows({0: tokens, places[name]: tokens}), LABELS[name]) for name, tokens in used.items()
    ]
    free = {0: WINDOW - sum(used.values())} | {places[name]: room[name] - tokens for name, tokens in used.items()}
    series.append(Series("dropped", _in_rows(free), "still free"))
    return Chart(
        title=f"Turn {turn}: what is on the deck",
        words=_deck_words(turn, a_turn, used, room),
        kind="rows",
        axis="part",
        categories=rows,
        series=series,
        notes=[_note(sum(used.values()), WINDOW), *(_note(tokens, room[name]) for name, tokens in used.items())],
        thresholds=[Threshold(WINDOW, "window")],
        top=WINDOW * 1.25,
        height=226,
        source="Token numbers as the sliders give them. Dashed: still free in the window, or in a consumer's share.",
    )


def shares_with(history: int) -> dict[str, float]:
    """Shares of the window with `history` percent for the history; the rest is split as in `SHARES`."""
    rest = sum(share for name, share in SHARES.items() if name != "history")
    return {
        name: history / 100 if name == "history" else share / rest * (1 - history / 100)
        for name, share in SHARES.items()
    }


def _in_rows(values: Mapping[int, int]) -> list[float | None]:
    return [max(values[place], 0) or None if place in values else None for place in range(len(LABELS) + 1)]


def _note(used: int, room: int) -> str:
    return f"{used:,} of {room:,}" + (f", {used - room:,} over" if used > room else "")


def _deck_words(turn: int, a_turn: int, used: Mapping[str, int], room: Mapping[str, int]) -> str:
    total, sent = sum(used.values()), sum(used.values()) - used["reply"]
    words = f"Turn {turn} sends {sent:,} tokens and plans {used['reply']:,} for the reply: {total:,} of {WINDOW:,}."
    over = [LABELS[name] for name in used if used[name] > room[name]]
    if sent > WINDOW:
        return f"{words} Overflow: the input alone is {sent - WINDOW:,} tokens too long, and the API answers 400."
    if total > WINDOW:
        return (
            f"{words} Overflow of the plan by {total - WINDOW:,}: the API takes the request, but a reply longer than "
            f"{WINDOW - sent:,} tokens is cut off at the window."
        )
    if over:
        return f"{words} Over its share: {' and '.join(over)}. Prune now, while there is room."
    turns = (room["history"] - used["history"]) // a_turn
    return f"{words} {'Warning: the' if turns < SOON else 'The'} history has room for {counted(turns, 'more turn')}."
