"""Summarization: Claude condenses the older part of a conversation, and a pair of messages takes its place.

The pure part (what to summarize, what to ask, what replaces it) is here, once for sync and async; the manager makes the
calls. A summary that fails, is empty, is refused or is no shorter than what it replaces changes nothing. Taught in
notebook 05.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from labkit.blocks import well_formed
from labkit.messages import History, Message, Ruler, assistant, exchanges, join, user, without_thinking
from labkit.models import DEFAULT_MODEL, Model, find
from labkit.origin import with_origins
from labkit.redaction import Redact, redacted
from labkit.repair import compacted_end, origins
from labkit.text.rule_check import Verdict, unkept
from labkit.text.rules import rules_of
from labkit.tokens import Usage, estimate_tokens
from labkit.transcript import READING, in_parts, indented
from labkit.transcript import readable as readable

if TYPE_CHECKING:
    from anthropic.types import Message as Response

SUMMARY_FLAG = "summary"
SUMMARY_PREFIX = "[Conversation summary: "
ACKNOWLEDGEMENT = "Understood. I will go on from this summary."
SUMMARIZER_SYSTEM = "You condense conversations so that they can be continued from your summary alone."
RULES_HEADING = "Rules, word for word:"
RULES_TO_KEEP = "Rules to keep, word for word:"
SO_FAR = "Summary so far, to be updated into one summary"
INSTRUCTION = (
    "Summarize the conversation below so that it can go on without the original messages. Keep word for word: names, "
    "identifiers, amounts, dates, decisions and who made them, preferences, constraints, open questions and what tools "
    "returned. Leave out greetings, thanks and small talk. Write the summary only."
)

type Summarizer = Callable[[History], str]
type Calls[T] = Generator[dict[str, Any], "Response", T]


class SummaryFailed(RuntimeError):
    """A summary could not be used; the message says why, and the conversation is as it was."""


@dataclass(frozen=True, slots=True)
class Summarize:
    """Replace all but the newest `keep` turns by a summary: a step with a function from a history to a text.

    The turn that is to be answered stays even with `keep` 0. The pair in place of the older part replaces an earlier
    pair as well, so that summaries are folded and never nested. Pinned messages stay word for word. Raises ValueError
    for a negative keep, SummaryFailed for a summary that cannot be used.
    """

    summarizer: Summarizer
    keep: int = 4

    def __post_init__(self) -> None:
        """Refuse a number of turns that means nothing."""
        if self.keep < 0:
            raise ValueError(f"keep {self.keep} turns: give 0 or more")

    def __str__(self) -> str:
        """`a summary of all but the newest 4 turns`."""
        return f"a summary of all but the newest {self.keep} turns"

    def __call__(self, history: History) -> History:
        """The history with a summary for its older part; the same history when there is nothing older."""
        old, recent = split(history, max(self.keep, 1))
        return replaced(history, recent, self.summarizer(old)) if old else history


def split(history: History, keep: int) -> tuple[History, History]:
    """The older part and the newest `keep` turns; nothing is old while it is only an earlier summary and what must
    stay.
    """
    starts = history.starts()
    if len(starts) <= keep:
        return history[:0], history
    cut = starts[len(starts) - keep] if keep else len(history)
    old = history[:cut]
    if all(part.staying() or is_summary(part[0]) for part in exchanges(old)):
        return history[:0], history
    return old, history[cut:]


def too_early(history: History, old: History, threshold: int, billed: int, size: Ruler, beside: int = 0) -> bool:
    """True when one more summary of `old` neither leaves room for a turn below the threshold nor halves the request.

    What must stay (newest turns, pinned messages, `beside`: system prompt and tools) may be longer than the threshold
    by itself. Then a summary on every turn would cost a request each and break the prompt cache, and the next request
    would be above it again. The first summary is never too early. Sizes are in tokens: `billed` is the last request,
    `size` estimates a message.
    """
    if not any(map(is_summary, old)):
        return False
    goes = [part for part in exchanges(old) if not part.staying() and not is_summary(part[0])]
    new = sum(part.total(size) for part in goes)
    rest = beside + history.total(size) - new
    another = history[history.newest_start() :].total(size)
    off = billed / max(beside + history[:-1].total(size), 1)  # what is billed for each token that was estimated
    return off * (rest + another) > threshold and new < rest


def is_summary(message: Message) -> bool:
    """True for the user message of a pair that replaces older messages, and for its acknowledgement."""
    return SUMMARY_FLAG in message.flags


def replaced(history: History, recent: History, summary: str) -> History:
    """The history with a summary pair in place of everything before `recent`, pinned exchanges kept word for word.

    A rule that the summary lost or weakened is put back at its end, word for word; a sentence that only a tool or a
    document said is marked as theirs. A compaction block stays first, because the API reads nothing before one.
    Thinking is left out of the messages carried over, because the API binds it to those before it. Raises SummaryFailed
    for an empty summary and for one that is no shorter, in estimated tokens, than the messages it replaces.
    """
    old = history[: len(history) - len(recent)]
    if not summary.strip():
        raise SummaryFailed("the summary is empty")
    compacted, pinned = _exchanges_that_stay(old)
    kept = {id(message) for part in (compacted, pinned) for message in part}
    gone = tuple(origin for m in old if id(m) not in kept for origin in _origins(m))
    honest = with_origins(summary.strip(), gone)
    pair = summary_pair(with_rules(honest, lost_to(summary, gone)), gone)
    before = sum(estimate_tokens(message) for message in old if id(message) not in kept)
    after = estimate_tokens(History(pair))
    if after >= before:
        raise SummaryFailed(f"the summary is no shorter: about {after:,} tokens for {before:,} (estimated)")
    return join((compacted, pair, *(map(without_thinking, part) for part in (pinned, recent))))


def _origins(message: Message) -> tuple[Message, ...]:
    return origins(message) if message.replaces or not is_summary(message) else ()


def lost_to(summary: str, gone: Iterable[Message]) -> list[Verdict]:
    """The rules of the messages that a summary replaces and that it has lost or weakened, each with the reason."""
    return unkept(rules_of(gone), summary)


def with_rules(summary: str, lost: Sequence[Verdict]) -> str:
    """The summary with these rules put back at its end, word for word; at most 50 tokens each (estimated)."""
    rules = "".join(f"\n- {verdict.rule}" for verdict in lost)
    return f"{summary}\n\n{RULES_HEADING}{rules}" if rules else summary


def summary_pair(summary: str, stands_for: tuple[Message, ...]) -> tuple[Message, Message]:
    """The user message that carries a summary and the assistant message that acknowledges it."""
    return (
        user(f"{SUMMARY_PREFIX}{summary}]", replaces=stands_for, flags=(SUMMARY_FLAG,)),
        assistant(ACKNOWLEDGEMENT, flags=(SUMMARY_FLAG,)),
    )


def _exchanges_that_stay(old: History) -> tuple[History, History]:
    """The messages that must stay up to the newest compaction block, and those that must stay after it."""
    cut = compacted_end(old)
    compacted, others = (join(p for p in exchanges(part) if p.staying()) for part in (old[:cut], old[cut:]))
    return compacted, others


def summary_text(message: Message) -> str:
    """The summary inside the message of a pair."""
    return message.text.removeprefix(SUMMARY_PREFIX).removesuffix("]")


@dataclass(frozen=True, slots=True)
class ClaudeSummarizer:
    """The request for a summary: model, most tokens of a summary, instruction and system prompt.

    `input_tokens` bounds one request's input; left out, it is the model's window. `redact` cleans what the summarizer
    is shown. A longer history is summarized in parts, each time with the summary so far, so that the summarizer never
    overflows.
    """

    model: str | Model = DEFAULT_MODEL
    max_tokens: int = 1_024
    instruction: str = INSTRUCTION
    system: str = SUMMARIZER_SYSTEM
    input_tokens: int | None = None
    redact: Redact | None = None

    def calls(self, old: History) -> Calls[tuple[str, Usage]]:
        """Yield the requests for a summary of `old`, take the responses, and give the text and what it cost.

        A summary that was cut off at max_tokens is asked for once more, with twice the room. Raises SummaryFailed for a
        refusal, a reply without text, or a summary that was cut off twice.
        """
        shown = redacted(old, self.redact) if self.redact else old
        # A redacted summary has lost its originals, and with them the difference between a user's rule and a tool's.
        rules = [self.redact(rule.text) if self.redact else rule.text for rule in rules_of(_that_go(old))]
        summary, usage = "", Usage()
        twice = min(2 * self.max_tokens, max(find(self.model).max_output, self.max_tokens))
        for part in self._parts(shown, rules):
            try:
                response = yield self.request(part, summary, rules)
                if response.stop_reason == "max_tokens" and twice > self.max_tokens:
                    usage += Usage.of(response.usage)
                    response = yield {**self.request(part, summary, rules), "max_tokens": twice}
            except Exception as error:
                if usage.requests:
                    raise CostlyFailure(f"a part of it failed: {error}", usage) from error
                raise
            usage += Usage.of(response.usage)
            summary = _text_of(response, usage)
        return summary, usage

    def request(self, part: str, summary: str = "", rules: Sequence[str] = ()) -> dict[str, Any]:
        """One request to the summarizer: the instruction, the room that it has, the rules to keep, the summary so far
        if there is one, and a part of the conversation.
        """
        words = int(self.max_tokens * WORDS_PER_TOKEN)
        room = f"The summary has room for at most {self.max_tokens:,} tokens, about {words:,} words."
        named = "\n".join([RULES_TO_KEEP, *(f"- {' '.join(rule.split())}" for rule in rules), "\n"]) if rules else ""
        so_far = f"{SO_FAR}: {indented(summary)}\n\n" if summary else ""
        content = f"{self.instruction} {room} {READING}\n\n{named}{so_far}Conversation:\n{part}"
        return {
            "model": find(self.model).id,
            "max_tokens": self.max_tokens,
            "system": well_formed(self.system),
            "messages": [{"role": "user", "content": well_formed(content)}],
        }

    def _parts(self, shown: History, rules: Sequence[str]) -> list[str]:
        room = self.input_tokens or find(self.model).window - 2 * self.max_tokens
        besides = self.request("", "", rules)
        fixed = self._tokens(besides["system"] + besides["messages"][0]["content"])
        most = max(int((room - fixed - self.max_tokens) * SAFETY), LEAST_PART)
        return in_parts(((_speaker(m), _spoken(m)) for m in shown if not _acknowledges(m)), most, self._tokens)

    def _tokens(self, text: str) -> int:
        return estimate_tokens(text, self.model)


LEAST_PART = 60
"""Tokens that a part of a conversation has at least, however little room the summarizer has."""

SAFETY = 0.75
"""Share of the room that an estimate may fill: estimates of whole conversations are within 25% of the count."""

WORDS_PER_TOKEN = 0.7
"""English words that a token is, a little low. Source: Anthropic docs, Glossary, read August 2026: 3.5 characters."""


def _that_go(old: History) -> Iterable[Message]:
    return (message for part in exchanges(old) if not part.staying() for message in part)


def _speaker(message: Message) -> str:
    return "earlier summary" if is_summary(message) else message.role


def _spoken(message: Message) -> Message:
    return replace(message, content=summary_text(message)) if is_summary(message) else message


def _acknowledges(message: Message) -> bool:
    return is_summary(message) and message.role == "assistant"


def _text_of(response: "Response", usage: Usage) -> str:
    text = "\n".join(block.text for block in response.content if block.type == "text").strip()
    if response.stop_reason not in ("end_turn", "stop_sequence"):
        raise CostlyFailure(f"the summary ended with stop_reason {response.stop_reason!r}", usage)
    if not text:
        raise CostlyFailure("the summary has no text", usage)
    return text


class CostlyFailure(SummaryFailed):
    """A summary that was billed and cannot be used; `usage` is what it cost."""

    def __init__(self, reason: str, usage: Usage) -> None:
        """Take the reason in words, and the bill."""
        super().__init__(reason)
        self.usage = usage
