"""Token budgets: the room that is left for history, shares of a window, and what kind of overflow happened.

Plan with the budget, count before you send, and read what the API says: today's models refuse only an input that is too
long by itself. Taught in notebook 03.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from labkit.messages import History
from labkit.models import DEFAULT_MODEL, Model, find
from labkit.tokens import estimator

SHARES: Mapping[str, float] = {"system": 0.20, "history": 0.50, "message": 0.20, "reply": 0.10}
"""A production split that is often used: how much of the window each consumer may have at most."""


@dataclass(frozen=True, slots=True)
class TokenBudget:
    """The plan of one context window, in tokens: system prompt, current message, reply, tools and thinking.

    `history` is what is left over: window - system - message - reply - tools - thinking. `reply` is the request's
    max_tokens. This is a plan: models from 4.5 on accept input plus max_tokens beyond the window and stop at its end
    (Anthropic docs, Context windows, read August 2026). Raises ValueError when nothing is left, naming each part.
    """

    window: int = 200_000
    system: int = 0
    message: int = 0
    reply: int = 4_096
    tools: int = 0
    thinking: int = 0

    def __post_init__(self) -> None:
        """Refuse a negative part, and parts that are together more than the window."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, tokens in parts.items():
            if tokens < 0 or (name == "window" and tokens < 1):
                raise ValueError(f"{name} {tokens:,} tokens: give {'at least 1' if name == 'window' else '0 or more'}")
        del parts["window"]
        if self.history < 0:
            shown = " + ".join(f"{n} {t:,}" for n, t in parts.items() if t or n not in ("tools", "thinking"))
            raise ValueError(
                f"{shown} > window {self.window:,}: {-self.history:,} tokens too many, so make the largest part smaller"
            )

    @classmethod
    def for_model(cls, model: str | Model = DEFAULT_MODEL, **parts: int) -> "TokenBudget":
        """A budget for the window of a model in the table; the parts are those of TokenBudget."""
        return cls(window=find(model).window, **parts)

    @property
    def history(self) -> int:
        """Tokens left for the history."""
        return self.window - self.system - self.message - self.reply - self.tools - self.thinking

    def left_after(self, history: int) -> int:
        """Tokens left for more history when `history` tokens are used; negative when there are too many."""
        return self.history - history


def allocate(window: int, shares: Mapping[str, float] = SHARES) -> dict[str, int]:
    """Tokens for each consumer of a window by its share; what rounding leaves goes to the history, or else the largest.

    Raises ValueError for a negative share or for shares that do not add up to 1.
    """
    if window < 1:
        raise ValueError(f"a window of {window:,} tokens cannot be shared out: give at least 1")
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-9:
        given = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        raise ValueError(f"shares must be 0 or more and add up to 100%, but got {given} = {sum(shares.values()):.0%}")
    tokens = {name: int(window * share + 1e-9) for name, share in shares.items()}
    rest = "history" if "history" in tokens else max(tokens, key=lambda name: tokens[name])
    tokens[rest] += window - sum(tokens.values())
    return tokens


class BudgetExceeded(ValueError):
    """The messages that must be sent do not fit the budget: the error names the largest parts and the excess."""


def check(view: History, budget: TokenBudget, model: str | Model = DEFAULT_MODEL) -> None:
    """Raise BudgetExceeded when a view, with everything that has to stay, is more than the budget has for history and
    message.

    Counts are estimates, in tokens.
    """
    room, ruler = budget.history + budget.message, estimator(model)
    used = view.total(ruler)
    if used <= room:
        return
    largest = sorted(range(len(view)), key=lambda place: -ruler(view[place]))[:3]
    parts = ", ".join(f"message {i} ({view[i].role}, {ruler(view[i]):,})" for i in largest)
    raise BudgetExceeded(
        f"what must be sent is about {used:,} tokens (estimated), {used - room:,} more than the {room:,} that the "
        f"budget has for it; largest: {parts}. Shorten one of these, unpin it, or raise the budget"
    )


MOST_BYTES = 32_000_000
"""The largest request that the API takes. Source: Anthropic docs, Errors: 32 MB for Messages (read August 2026)."""


class Overflow(Enum):
    """The five things that can be wrong when a request seems too long; all but the last are worth one more try."""

    INPUT_TOO_LONG = "the input alone is longer than the window: prune and try once"
    TOO_MANY_BYTES = "the request has more bytes than the API takes: prune and try once"
    ENDED_AT_WINDOW = "the reply was cut off at the end of the window: prune and try once"
    THINKING_BINDING = "a thinking block follows a changed prefix: leave thinking out and try once"
    OTHER = "not an overflow: pruning would not help"


def classify(outcome: Any) -> Overflow:
    """The case, of five, that an SDK error or a response is.

    Sources: error bodies quoted in public issue trackers (2025 and 2026) and Anthropic docs, Context windows and
    Preserved thinking.
    """
    if getattr(outcome, "stop_reason", None) == "model_context_window_exceeded":
        return Overflow.ENDED_AT_WINDOW
    status = getattr(outcome, "status_code", None)
    if status == 413:
        return Overflow.TOO_MANY_BYTES
    said = str(outcome) if status == 400 else ""
    if TOO_LONG.search(said) or "exceed context limit" in said:
        return Overflow.INPUT_TOO_LONG
    if any(words in said for words in REFUSED_THINKING):
        return Overflow.THINKING_BINDING
    return Overflow.OTHER


REFUSED_THINKING = (
    "`signature` in `thinking` block",
    "`data` in `redacted_thinking` block",
    "blocks in the latest assistant message cannot be modified",
)
"""Words of errors that are over once the thinking is left out; those on redacted thinking are not verified."""
TOO_LONG = re.compile(r"prompt is too long: (\d+) tokens > (\d+) maximum")


def excess(outcome: Any) -> tuple[int, int] | None:
    """The tokens that were sent and the most that are allowed, read from a 'prompt is too long' error; None for any
    other.
    """
    found = TOO_LONG.search(str(outcome))
    return (int(found[1]), int(found[2])) if found else None
