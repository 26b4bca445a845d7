"""Importance: a score of a message by its content and role, explained word by word, and the step that prunes by it.

Rules, identifiers, amounts, dates, names, decisions, preferences and tool results raise the score; greetings, thanks
and filler lower it. The score is a starting point: give the step a function of your own. Taught in notebook 04.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from labkit.messages import History, Message, Ruler
from labkit.steps.pruning import Prune
from labkit.strategies import unit
from labkit.text.mentions import mentions
from labkit.text.once import Once
from labkit.text.rules import rules_of
from labkit.text.words import searchable_text
from labkit.tokens import ESTIMATED_TOKENS

type Score = Callable[[Message], float]

BASE = {"user": 0.25, "assistant": 0.15, "system": 0.5}
"""The worth of a message before a word of it is read, by role."""

POINTS = {
    "identifier": 0.30,
    "contact": 0.30,
    "amount": 0.20,
    "date": 0.15,
    "time": 0.15,
    "number": 0.10,
    "name": 0.10,
    "day": 0.05,
    "decision": 0.25,
    "preference": 0.20,
    "change": 0.15,
    "rule": 1.0,
    "tool result": 0.20,
    "question": -0.10,
}
"""Points for the first thing of a kind; set by hand, then checked on the dev part of the labelled set."""

MOST_WITHOUT_A_RULE = 0.99
"""The highest score of a message that holds no rule, so that one with a rule goes last."""

FURTHER = 0.25
"""The share of its points that each further thing of the same kind adds, up to three."""

CUES = {
    "decision": r"\b(?:decided?|decision|settled|agreed?|chose|chosen|choose|confirmed|booked|accepted|approved|signed|"
    r"we(?:'ll| will)? (?:take|use|go)|i(?:'ll| will) (?:take|go)|let's|stick with|go with|went with|final)\b",
    "preference": r"\b(?:prefer|favou?rite|never|always|must(?:n't)?|can't|cannot|won't|allergic|allergy|hates?|"
    r"loves?|only|don't (?:like|want|eat)|instead of|rather|at most|at least|max)\b",
    "change": r"\b(?:actually|moved|changed|change|no longer|not any ?more|instead|correction|cancel(?:led|ed)?|"
    r"postponed|pushed|lowered|raised|corrected|now)\b",
}
"""Words that announce something worth keeping, by kind."""

FILLER = frozenset(
    re.findall(
        r"\S+",
        "hello hi hey morning afternoon evening night good great nice lovely perfect wonderful thanks thank "
        "thx cheers you so much very a lot welcome you're your bye goodbye ok okay yes yeah yep no sure fine "
        "right cool lol haha ha oh ah wow hm hmm please sorry pleasure gladly noted done congratulations "
        "enjoy it that's all for now today how are i'm well there to of course any time anytime glad help the "
        "is am and again",
    )
)
"""A message of nothing but these words is a greeting, thanks or filler."""

_CUES = {kind: re.compile(pattern) for kind, pattern in CUES.items()}
_FILLER_WORD = re.compile(r"[\w']+")
_SHORT = 80


class Part(NamedTuple):
    """One reason of a score: how many points, and for which words, in words a learner can check; true for a rule."""

    points: float
    why: str
    rule: bool = False


class Scored(NamedTuple):
    """A score from 0 to 1 and the parts that it is the sum of."""

    score: float
    parts: tuple[Part, ...]

    def __str__(self) -> str:
        """The score and its parts in a line: `0.55: +0.25 said by the user; +0.30 names KR-58213`."""
        return f"{self.score:.2f}: " + "; ".join(f"{part.points:+.2f} {part.why}" for part in self.parts)


def importance(message: Message) -> float:
    """The loss if this message goes, from 0 (a greeting) to 1; its own metadata score where it has one."""
    return score(message).score if message.importance is None else message.importance


def score(message: Message) -> Scored:
    """The importance of a message with the parts that make it up."""
    text = searchable_text(message)
    if _is_filler(text):
        return Scored(0.0, (Part(0.0, "a greeting, thanks or filler"),))
    parts = (Part(BASE[message.role], f"said by the {message.role}"), *_parts(message, text))
    # A rule has no number and no name to score by, and is broken once it is gone: it alone reaches the top.
    top = 1.0 if any(part.rule for part in parts) else MOST_WITHOUT_A_RULE
    return Scored(min(max(sum(part.points for part in parts), 0.0), top), parts)


def _is_filler(text: str) -> bool:
    return len(text) <= _SHORT and all(word in FILLER for word in _FILLER_WORD.findall(text.lower()))


def _parts(message: Message, text: str) -> Iterator[Part]:
    found: dict[str, dict[str, str]] = {}
    for kind, key, words in mentions(text):
        found.setdefault(kind, {}).setdefault(key, words)
    for kind, named in found.items():
        points = POINTS[kind] * (1 + FURTHER * min(len(named) - 1, 3))
        yield Part(points, f"{kind} {', '.join(list(named.values())[:4])}")
    lower = text.lower()
    for kind, pattern in _CUES.items():
        if match := pattern.search(lower):
            yield Part(POINTS[kind], f"sounds like a {kind} ('{match[0]}')")
    if rules := rules_of((message,)):
        yield Part(POINTS["rule"], f"a rule that {rules[0].kind} ('{rules[0].cue}')", True)
    if not isinstance(message.content, str) and "tool_result" in message.block_types():
        yield Part(POINTS["tool result"], "a tool result")
    elif text.endswith("?"):
        yield Part(POINTS["question"], "asks and states nothing")


@dataclass(frozen=True, slots=True)
class KeepImportant:
    """Drop the exchanges that matter least until the rest fits `limit`, as `score` rates their messages.

    An exchange is worth its best message, and one with a rule is worth more than any without; of equals the oldest goes
    first. `score` is any function from a message to a number, yours included, asked once for each message. `size`
    measures a message, estimated tokens by default. The newest exchange and what is pinned stay even where they alone
    outgrow the limit. Raises ValueError for a limit below 1.
    """

    limit: int
    size: Ruler = ESTIMATED_TOKENS
    score: Score = importance
    keeps_whole_exchanges: ClassVar[bool] = True
    _scores: Once[float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a limit in which nothing fits."""
        Prune(self.limit)
        object.__setattr__(self, "_scores", Once(self.score))

    def __str__(self) -> str:
        """`at most 400 tokens, by importance`."""
        return f"at most {self.limit:,} {unit(self.size)}, by importance"

    def __call__(self, history: History) -> History:
        """The history without what matters least."""
        self._scores.keep(history, len(history))
        return Prune(self.limit, self.size, self._worth)(history)

    def _worth(self, exchange: History) -> float:
        return max(map(self._scores, exchange))

    def why(self, history: History) -> Mapping[int, str]:
        """For each place of the history its message's score, with the parts where `score` is labkit's own."""
        if self.score is importance:
            return {place: f"importance {score(message)}" for place, message in enumerate(history)}
        return {place: f"importance {self._scores(message):.2f}" for place, message in enumerate(history)}
