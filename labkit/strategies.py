"""History strategies: functions from a history to the history that is sent, composed as a tuple and run by a loop.

A step is any function `history -> history`, yours included; one that says `keeps_whole_exchanges` is taken at its word.
`apply` runs steps and keeps what they give valid: whole tool rounds, the goal, the newest round, pinned messages.
`explain` says what became of each message. Taught in notebook 02.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

from labkit.messages import (
    REFUSED,
    History,
    Message,
    Ruler,
    in_open_round,
    join,
    one_message,
    without_thinking,
)
from labkit.repair import StepError as StepError
from labkit.repair import origins, places_before, same_on_the_wire, settle

type Step = Callable[[History], Sequence[Message]]

FOLDED_FLAG = "folded"
"""The flag of a note that replaces tool rounds by a line a call."""


def full_history(history: History) -> History:
    """Send everything, every time: the simplest strategy, right for short conversations."""
    return history


def unit(size: Ruler) -> str:
    """Return what a ruler counts, in the plural: messages, tokens, or the ruler's own name."""
    kind = "messages" if size is one_message else getattr(size, "__name__", "units")
    return "tokens" if kind.endswith("tokens") else kind.replace("_", " ")


def check_limit(limit: int, what: str = "limit") -> None:
    """Raise ValueError for a limit in which nothing fits, called `what` in the error."""
    if limit < 1:
        raise ValueError(f"a {what} of {limit:,} keeps nothing: it must be at least 1")


@dataclass(frozen=True, slots=True)
class KeepRecent:
    """Keep the newest exchanges that fit `limit`: a sliding window over messages, or over tokens with
    `size=estimate_tokens`.

    With `low`, the window is cut rarely and deeply: once it outgrows `limit` it is cut to `low` at most, and then grows
    again, so that the prompt cache survives most turns. The cut depends on the history alone. The newest exchange and
    pinned messages always stay, even where they alone outgrow the limit. Raises ValueError for a limit below 1 or a low
    mark above it.
    """

    limit: int
    low: int | None = None
    size: Ruler = one_message
    keeps_whole_exchanges: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse a window in which nothing fits."""
        check_limit(self.limit, "window")
        if self.low is not None and not 1 <= self.low <= self.limit:
            raise ValueError(f"low mark {self.low:,} is not between 1 and the limit of {self.limit:,}")

    def __str__(self) -> str:
        """`the newest 400 tokens`, and with a low mark where the window is cut to."""
        low = "" if self.low is None else f", cut to {self.low:,}"
        return f"the newest {self.limit:,} {unit(self.size)}{low}"

    def __call__(self, history: History) -> History:
        """The newest exchanges within the limit, after whatever must stay."""
        total = history.total(self.size)
        if total <= self.limit:
            return history
        over, kept = self._excess(total - self.limit), list[History]()
        cut = history.first_start_after(over, self.size)
        for place in history.staying():
            if place >= cut:
                break
            part = history.exchange_at(place)
            if not kept or part[0] is not kept[-1][0]:
                kept.append(part)
                over += part.total(self.size)
                cut = history.first_start_after(over, self.size)
        return join([*kept, history[cut:]]) if kept else history[cut:]

    def _excess(self, over: int) -> int:
        block = self.limit - (self.limit if self.low is None else self.low)
        return over if block == 0 else -(-over // block) * block


def apply(
    steps: Iterable[Step], history: Sequence[Message], binds_thinking: bool = True, sent_whole: int = 0
) -> History:
    """Run steps in order and return the history to send: a view of the history given, which stays as it is.

    Thinking that was written before the newest cut is left out for good, because the API binds it to an unchanged
    prefix; thinking written since stays whole. With `binds_thinking` false, for a model that does not bind it, the
    round that was the newest at the cut keeps its thinking too. Which thinking is older than the cut follows from the
    history alone: the steps are run on it as it was at earlier requests. The first `sent_whole` messages came from
    elsewhere and were sent as they are. Raises StepError when a step returns what cannot be sent.
    """
    steps, history = tuple(steps), History.of(history)
    view = _ran(steps, history)
    if view is history or (len(view) == len(history) and all(map(same_on_the_wire, view, history))):
        return history
    if not view.thinking():
        return view
    old = _before_the_cut(steps, history, view, sent_whole)
    if not binds_thinking and in_open_round(old):
        old = old[: old.newest_reply()]
    return _stripped(view, len(old))


def _stripped(view: History, old: int) -> History:
    """Return a view without the thinking of its first `old` messages; only what is new since the last time is added."""
    thinking = view[:old].thinking()
    if not thinking:
        return view
    key = ("stripped", old)
    known: list[tuple[int, History]] = [entry for entry in view.memo(key) if entry[0] <= len(view)]
    if known:
        done, made = known[-1]
    else:
        cuts = pairwise([-1, *thinking, old])
        parts = (part for low, high in cuts for part in ([view[low]] if low >= 0 else [], view[low + 1 : high]))
        done, made = old, join(map(without_thinking, part) if isinstance(part, list) else part for part in parts)
    made = made.followed_by(view[done:])
    view.keep_memo(key, [*known[-1:], (len(view), made)])
    return made


def _ran(steps: tuple[Step, ...], history: History) -> History:
    view = history
    for step in steps:
        view = _view_by(step, view)
    return view


def _before_the_cut(steps: tuple[Step, ...], history: History, view: History, sent_whole: int) -> History:
    """Return the view that was sent when the steps last changed what an earlier request had sent.

    Every request since then began with the one before. Walks back from reply to reply; what it found is kept with the
    history, so that the next request compares itself with the one before and no further.
    """
    key, newest = ("sent", _hashable(steps), sent_whole), view
    known = {entry[0]: entry[1:] for entry in history.memo(key)}
    for reply in history.replies_back():
        remembered = known.get(reply) if reply >= sent_whole else None
        older = remembered[0] if remembered else history[:reply] if reply < sent_whole else _ran(steps, history[:reply])
        if not _goes_on(older, newest, history[reply]):
            break
        newest = remembered[1] if remembered else older
        if remembered:
            break
    else:
        newest = view[:0]  # nothing that was sent has ever been changed, as when each result is clipped at once
    if history[-1].role != "assistant":
        history.keep_memo(key, [*history.memo(key)[-2:], (len(history), view, newest)])
    return newest


def _hashable(steps: tuple[Step, ...]) -> object:
    try:
        hash(steps)
    except TypeError:
        return object()
    return steps


def _goes_on(older: History, newer: History, reply: Message) -> bool:
    """True when a request is an earlier one with its reply after it."""
    return older.begins(newer) and len(newer) > len(older) and origins(newer[len(older)])[0] in (reply, *origins(reply))


def _view_by(step: Step, view: History) -> History:
    after = step(view)
    if isinstance(after, History) and getattr(step, "keeps_whole_exchanges", False):
        return after
    return settle(view, after, name(step))


def name(step: Step) -> str:
    """Return what a step is called in an explanation: its words if it has any, else its function's name."""
    return getattr(step, "__name__", None) or str(step)


DROPPED, CLEARED = "did not fit next to what is newer", "shortened in place"
"""The reasons of `explain` where a step gives none."""

type Became = Literal["kept", "dropped", "cleared", "folded", "summarized"]


@dataclass(frozen=True, slots=True)
class Fate:
    """The fate of one message, with the step and the reason, in words.

    Kept, dropped, cleared (sent shorter, in its place), folded (a line of a loop's note) or summarized.
    """

    place: int
    message: Message
    fate: Became
    step: str
    why: str


def explain(
    steps: Sequence[Step], history: Sequence[Message], transcript: Sequence[Message] | None = None
) -> list[Fate]:
    """One Fate for every message, in order: the steps are run one by one and compared.

    A step that has a method `why`, from the history it is given to a reason for each place, is asked for its reasons.
    `transcript` is everything ever said, where a summary already took the place of a part of `history`.
    """
    history = History.of(history)
    whole = History.of(transcript) if transcript is not None else history
    fates = [_stayed(place, whole) for place in range(len(whole))]
    for count in range(len(steps) + 1):
        view = apply(steps[:count], history)
        sources = zip(view, places_before(whole, view), strict=True)
        standing = {place: message for message, places in sources for place in places or ()}
        reasons = _reasons(steps[:count], history, whole)
        for place, message in enumerate(whole):
            fate, why = _became(message, standing.get(place))
            why = reasons.get(place, why)
            known = fates[place]
            if fate != known.fate or (fate == "kept" and why and why != known.why):
                rewritten = "a refusal" if REFUSED in message.flags else "a summary"
                fates[place] = Fate(place, message, fate, name(steps[count - 1]) if count else rewritten, why)
    return fates


def _reasons(steps: Sequence[Step], history: History, whole: History) -> dict[int, str]:
    ask: Callable[[History], Mapping[int, str]] | None = getattr(steps[-1], "why", None) if steps else None
    if ask is None:
        return {}
    given = apply(steps[:-1], history)
    told, sources = ask(given), places_before(whole, given)
    certain = {*whole.staying(), *range(whole.newest_start(), len(whole))}
    return {place: told[at] for at in told for place in sources[at] or () if place not in certain}


def _stayed(place: int, history: History) -> Fate:
    newest = place >= history.newest_start()
    why = "pinned" if history[place].pinned else "the newest turn" if newest else "nothing left it out"
    return Fate(place, history[place], "kept", "", why)


def _became(message: Message, now: Message | None) -> tuple[Became, str]:
    if now is None:
        return "dropped", "Claude refused this turn" if REFUSED in message.flags else DROPPED
    if same_on_the_wire(now, message):
        return "kept", ""
    if now.content == without_thinking(message).content:
        return "kept", "without its thinking, because the messages before it changed"
    count = len(origins(now))
    if FOLDED_FLAG in now.flags:
        return "folded", f"a line a call in the note after the question, which replaces {count:,} messages"
    if count == 1:
        return "cleared", CLEARED
    return "summarized", f"part of the summary of {count:,} messages"
