"""History strategies: functions from a history to the history that is sent, composed as a tuple and run by a loop.

A step is any function `history -> history`, yours included; one that says `keeps_whole_exchanges` is taken at its word.
`apply` runs steps and keeps what they give valid: whole exchanges, the newest turn, pinned messages, open tool rounds.
`explain` tells what became of each message. Taught in notebook 02.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.messages import (
    History,
    Message,
    Ruler,
    in_open_round,
    join,
    one_message,
    without_thinking,
)
from labkit.repair import StepError as StepError
from labkit.repair import first_reply, origins, same_on_the_wire, settle, stands_for

type Step = Callable[[History], Sequence[Message]]


def full_history(history: History) -> History:
    """Send everything, every time: the simplest strategy, right for short conversations."""
    return history


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

    def __call__(self, history: History) -> History:
        """The newest exchanges within the limit, behind whatever must stay."""
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


def apply(steps: Iterable[Step], history: Sequence[Message]) -> History:
    """Run steps in order and give the history to send: a view of the one that came in, which stays as it is.

    An open tool round is passed on untouched behind the view of what came before it. Once a step changed anything,
    thinking blocks are left out of the rest, because the API binds them to an unchanged prefix. Raises StepError when a
    step returns what cannot be sent.
    """
    history = History.of(history)
    view = closed = _before_round(history)
    for step in steps:
        view = _view_by(step, view)
    if view is closed or (len(view) == len(closed) and all(map(same_on_the_wire, view, closed))):
        return history
    if view.thinking():
        view = History(map(without_thinking, view))
    return join((view, history[len(closed) :])) if len(closed) < len(history) else view


def _before_round(history: History) -> History:
    return history[: first_reply(history)] if in_open_round(history) else history


def _view_by(step: Step, view: History) -> History:
    after = step(view)
    if isinstance(after, History) and getattr(step, "keeps_whole_exchanges", False):
        return after
    return settle(view, after, name(step))


def name(step: Step) -> str:
    """What a step is called in an explanation: its settings if it has any, else its function name."""
    return getattr(step, "__name__", None) or repr(step).split(", size=")[0] + (")" if ", size=" in repr(step) else "")


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one message: `kept`, `dropped`, `cleared` or `summarized`, by which step, and why, in words."""

    place: int
    message: Message
    fate: str
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
        standing = {place: m for m, places in zip(view, stands_for(whole, view), strict=True) for place in places or ()}
        reasons = _reasons(steps[:count], history, whole)
        for place, message in enumerate(whole):
            fate, why = _became(message, standing.get(place))
            why = reasons.get(place, why)
            known = fates[place]
            if fate != known.fate or (fate == "kept" and why and why != known.why):
                fates[place] = Fate(place, message, fate, name(steps[count - 1]) if count else "a summary", why)
    return fates


def _reasons(steps: Sequence[Step], history: History, whole: History) -> dict[int, str]:
    ask: Callable[[History], Mapping[int, str]] | None = getattr(steps[-1], "why", None) if steps else None
    if ask is None:
        return {}
    given = apply(steps[:-1], _before_round(history))
    told, sources = ask(given), stands_for(whole, given)
    certain = {*whole.staying(), *range(whole.newest_start(), len(whole))}
    return {place: told[at] for at in told for place in sources[at] or () if place not in certain}


def _stayed(place: int, history: History) -> Fate:
    newest = place >= history.newest_start()
    why = "pinned" if history[place].pinned else "the newest turn" if newest else "nothing left it out"
    return Fate(place, history[place], "kept", "", why)


def _became(message: Message, now: Message | None) -> tuple[str, str]:
    if now is None:
        return "dropped", "did not fit beside what is newer"
    if same_on_the_wire(now, message):
        return "kept", ""
    if now.content == without_thinking(message).content:
        return "kept", "without its thinking, because what stood before it changed"
    told = len(origins(now))
    if told == 1:
        return "cleared", "shortened in place"
    return "summarized", f"told in the summary of {told:,} messages"
