"""Views of notebook 09: which rules, facts and pictures a request still has, as the compaction threshold moves."""

from collections.abc import Callable, Sequence

from labkit.messages import History, exchanges
from labkit.models import DEFAULT_MODEL
from labkit.steps.pictures import KeepPictures, pictures
from labkit.steps.rules import KeepRules, lost_rules
from labkit.strategies import KeepRecent, Step, apply
from labkit.teach.cells.shown import Shown, table
from labkit.teach.charts.chart import Chart, Lane, Series, Threshold
from labkit.teach.lessons.context_rot import Asked
from labkit.teach.lessons.courier import LINES, RULES, courier, screenshots
from labkit.tokens import ESTIMATED_TOKENS

HIGH_RATIO = 0.5
"""The window is cut to half of its limit, as the production preset does."""


def survivors(threshold: int, keep_rules: bool, newest_pictures: int) -> Chart:
    """A request by its parts at a threshold, and below it which rules still stand in it, word for word.

    `threshold` is the most estimated tokens of text before a window cuts; `newest_pictures` of six stay whole.
    """
    history = courier()
    window = KeepRecent(threshold, max(int(threshold * HIGH_RATIO), 1), ESTIMATED_TOKENS)
    views = [apply((_step(window, keep_rules),), history[:end]) for end in _ends(history)]
    said = [history[:end] for end in _ends(history)]
    alive = [
        {rule for rule in RULES if rule not in {lost.text for lost in lost_rules(view, whole)}}
        for view, whole in zip(views, said, strict=True)
    ]
    told = [{rule for rule in RULES if rule in str(whole.wire())} for whole in said]
    shots = screenshots()
    left = apply((KeepPictures(newest_pictures),), shots)
    facts = sum(line in str(views[-1].wire()) for line in LINES)
    words = (
        f"At {threshold:,} tokens the last request has {views[-1].total(ESTIMATED_TOKENS):,} and still says "
        f"{len(alive[-1])} of {len(RULES)} rules and {facts} of {len(LINES)} dated lines. Of six screenshots "
        f"{sum(1 for message in left for _ in pictures(message))} go whole: {left.total(ESTIMATED_TOKENS):,} tokens "
        f"instead of {shots.total(ESTIMATED_TOKENS):,}."
    )
    return Chart(
        title="Tokens of each request, and which rules it still says",
        words=words,
        categories=[str(turn) for turn in range(1, len(views) + 1)],
        series=[Series("history", [view.total(ESTIMATED_TOKENS) for view in views])],
        axis="turn",
        thresholds=[Threshold(threshold, f"threshold {threshold:,}")],
        top=history.total(ESTIMATED_TOKENS) * 1.1,
        height=343 + 13 * len(RULES),
        lanes=[
            Lane.of(rule, "facts", [rule in now and rule in ever for now, ever in zip(alive, told, strict=True)])
            for rule in RULES
        ],
        source=f"Tokens estimated for {DEFAULT_MODEL}; the conversation is invented.",
    )


def _step(window: KeepRecent, keep_rules: bool) -> Step:
    return KeepRules((window,)) if keep_rules else window


def _ends(history: History) -> list[int]:
    """The end of each request of the conversation: after the user's message of each exchange."""
    ends, place = [], 0
    for exchange in exchanges(history):
        ends.append(place + 1)
        place += len(exchange)
    return ends


def kept_by(steps: dict[str, Callable[[int], Sequence[Step]]], shares: Sequence[float] = (0.4, 0.2)) -> Shown:
    """For each way, how many of the twelve rules are sent at each share of the tokens, and with how many tokens."""
    history, rows = courier(), []
    for name, made in steps.items():
        row: list[object] = [name]
        for share in shares:
            limit = int(share * history.total(ESTIMATED_TOKENS))
            view = apply(made(limit), history)
            kept = len(RULES) - len(lost_rules(view, history))
            row.append(f"{kept} of {len(RULES)} ({view.total(ESTIMATED_TOKENS):,} of {limit:,})")
        rows.append(row)
    caption = "Rules that are sent word for word (tokens used of those allowed, estimated)"
    return table(["way", *(f"{share:.0%} of the tokens" for share in shares)], rows, caption)


def wrong_with_more(asked: Sequence[Asked], count: int = 6) -> Shown:
    """Questions that were answered rightly from the relevant part and wrongly from the whole, the shortest first."""
    lost = sorted((one for one in asked if one.part_right and not one.whole_right), key=lambda one: len(one.whole))
    rows = [(one.ask, one.answer, one.part, one.whole) for one in lost[:count]]
    caption = "Answers of GPT-4.1 (Chroma, context rot, July 2025), not measured here"
    return table(["question", "right answer", "said with the part", "said with everything"], rows, caption)
