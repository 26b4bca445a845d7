"""A conversation as a frozen value: every change gives a new one, so that rewind and fork mean keeping the older one.

Taught in notebooks 01 and 06.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, cast

from labkit.blocks import well_formed
from labkit.case_facts import CaseFact as CaseFact
from labkit.case_facts import PastFact, changed, retracted, stale_values, without_values
from labkit.door import admitted
from labkit.messages import (
    REFUSED,
    Content,
    History,
    Message,
    assistant,
    exchanges,
    from_wire,
    join,
    without_thinking,
)
from labkit.origin import whose_words
from labkit.redaction import Redact, clean, redacted
from labkit.tokens import Meter, Usage

NO_WORDS = "(refused, without a word)"
"""The transcript's text for a refusal that brought no content; labkit's words, never sent."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One summary that took the place of older messages: its text, how many messages it covers, and what it cost.

    `put_back` names each rule that Claude's summary had lost or weakened, with the reason; `text` has it word for word.
    """

    text: str
    messages: int
    usage: Usage = field(default_factory=Usage)
    put_back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as a value: system prompt, case facts, transcript, working history, summaries, usage.

    `transcript` is everything ever said; `history` is the working history, the same until a summary takes the place of
    its older part. `summaries` are in the order they were made; `failures` counts the summaries that failed since the
    last one that worked. `sent_whole` counts the first messages of the history that came from elsewhere: their thinking
    answered everything before it, whatever steps this conversation has. `past_facts` are the values that a fact had
    before, none of which is sent. `last` is the usage of the last reply and `meter` what it said about the history
    sent. Cheap to copy: values share what they have in common.
    """

    system: str = ""
    transcript: History = field(default_factory=History)
    history: History = field(default_factory=History)
    facts: tuple[CaseFact, ...] = ()
    summaries: tuple[Summary, ...] = ()
    failures: int = 0
    sent_whole: int = 0
    usage: Usage = field(default_factory=Usage)
    last: Usage = field(default_factory=Usage)
    meter: Meter = field(default_factory=Meter)
    past_facts: tuple[PastFact, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a system prompt that is no text; half surrogate pairs in it are replaced."""
        if not isinstance(self.system, str):
            raise TypeError(
                f"the system prompt is text, but got {type(self.system).__name__}: give text, or blocks as "
                "request={'system': [...]}"
            )
        if not self.system.isascii():
            object.__setattr__(self, "system", well_formed(self.system))

    @classmethod
    def of(cls, messages: Sequence[Message | Mapping[str, Any]], system: str = "") -> "Conversation":
        """A conversation that already holds these messages, Messages or dicts in wire form.

        What the API would refuse in them is repaired in the history, or refused with its place: see `door`. The
        transcript keeps them as they came.
        """
        said = messages if isinstance(messages, History) else History(_read(messages))
        history = admitted(said)
        return cls(system=system, transcript=said, history=history, sent_whole=len(history))

    def said(self, message: Message) -> "Conversation":
        """The conversation with one more message.

        Raises ValueError when a tool call waits for its result and the message does not bring it, or when a tool_result
        answers no call: the API refuses both.
        """
        _check_tool_round(self.history, message)
        grown = self.transcript.append(message)
        history = grown if self.history is self.transcript else self.history.append(message)
        return replace(self, transcript=grown, history=history)

    def billed(self, usage: Usage, view: History | None = None) -> "Conversation":
        """The conversation after a reply: its usage added to the sum, kept as the last one, and noted for the `view`
        sent.
        """
        meter = Meter.of(usage, view) if view is not None else Meter()
        return replace(self, usage=self.usage + usage, last=usage, meter=meter)

    def refused(
        self, reply: Sequence[Mapping[str, Any]] = (), stop_reason: str = "refusal", **metadata: Any
    ) -> "Conversation":
        """The conversation after Claude refused its newest turn: that turn leaves the history, and stays in the
        transcript with the flag `refused`, with what was said of a reply.

        Source: Anthropic docs, Streaming refusals (read August 2026): the refused turn must be left out before the
        conversation goes on, or every later one is refused too.
        """
        words = assistant(list(reply) or NO_WORDS, stop_reason=stop_reason, **metadata)
        start = self.transcript.newest_start()
        turn = [replace(m, flags=(*m.flags, REFUSED)) for m in (*self.transcript[start:], words)]
        answered = self.history[: self.history.newest_start()]
        whole = min(self.sent_whole, len(answered))
        return replace(self, transcript=self.transcript[:start].append(*turn), history=answered, sent_whole=whole)

    @property
    def stop_reason(self) -> str | None:
        """The end of the newest reply, in the API's word; None before the first and for a reply from elsewhere."""
        newest = next((m for m in reversed(self.transcript) if m.role == "assistant"), None)
        return newest.stop_reason if newest else None

    def with_fact(self, text: str, source: str, key: str | None = None, time: str | None = None) -> "Conversation":
        """The conversation with one more case fact, which every request then carries at its start, word for word.

        With a `key` it takes the place of the fact of that key, whose older value is kept in `past_facts` and sent no
        more; summaries that say the older value lose the sentences that say it. A fact that only a tool or a document
        said is marked as theirs.
        """
        fact = CaseFact(text, source, key, time, whose_words(text, self.transcript))
        return self._with_facts(*changed(self.facts, self.past_facts, fact))

    def without_fact(self, key: str, time: str | None = None) -> "Conversation":
        """The conversation with the fact of this key taken back: kept in `past_facts`, sent no more.

        Raises KeyError when no fact has the key.
        """
        return self._with_facts(*retracted(self.facts, self.past_facts, key, time))

    def _with_facts(self, facts: tuple[CaseFact, ...], past: tuple[PastFact, ...]) -> "Conversation":
        new = replace(self, facts=facts, past_facts=past)
        if len(past) == len(self.past_facts):
            return new
        history = History(without_values(message, stale_values(facts, past)) for message in self.history)
        return new if history == self.history else replace(new, history=history, meter=Meter())

    def summarized(self, history: History, summary: Summary) -> "Conversation":
        """The conversation with `history` as its working history, in which a summary replaces the older part."""
        usage = self.usage + summary.usage
        return replace(
            self,
            history=history,
            summaries=(*self.summaries, summary),
            failures=0,
            sent_whole=0,
            usage=usage,
            meter=Meter(),
        )

    @property
    def turns(self) -> int:
        """The number of the user's turns; a tool round belongs to the turn that began it."""
        return len(self.transcript.starts())

    def rewind(self, turn: int) -> "Conversation":
        """The conversation as it was after `turn` turns, rebuilt from the transcript; branch by going on from here.

        Where the history was rewritten, by a summary say, thinking is left out of it from here on, because it was bound
        to another prefix. The usage stays, because what was spent was spent. Raises ValueError when there were fewer
        turns.
        """
        if not 0 <= turn <= self.turns:
            raise ValueError(f"cannot rewind to turn {turn}: this conversation has turns 0 to {self.turns}")
        starts = [*self.transcript.starts(), len(self.transcript)]
        kept = self.transcript[: starts[turn]]
        return self._restarted(kept)

    def edit(self, place: int, content: Content) -> "Conversation":
        """The conversation as if the message at `place` had said `content`: what followed it was another branch and is
        left out.

        Raises IndexError for a place that does not exist.
        """
        self._check_places([place])
        old = self.transcript[place]
        flags = tuple(flag for flag in old.flags if flag != REFUSED)
        edited = replace(old, content=cast("Any", content), flags=flags, replaces=(), stop_reason=None)
        return self._restarted(self.transcript[:place]).said(edited)

    def without(self, *places: int) -> "Conversation":
        """A copy in which the messages at these places were never said, with whole tool rounds where one is touched.

        Later thinking is left out of the history, because the API binds it to the messages before it. Raises IndexError
        for a place that does not exist.
        """
        self._check_places(places)
        gone = _with_tool_partners(self.transcript, set(places))
        left = History(m for place, m in enumerate(self.transcript) if place not in gone)
        return self._restarted(left, changed=min(gone, default=len(self.transcript)))

    def marked(self, place: int, **metadata: Any) -> "Conversation":
        """The conversation with metadata set on one message: `pinned`, `importance`, `flags` or `timestamp`.

        Nothing that was said changes by it. With another pin, steps may cut elsewhere, so thinking, which the API binds
        to what was sent before it, is left out of the history from here on. Raises IndexError for a place that does not
        exist, TypeError for other metadata.
        """
        self._check_places([place])
        if other := sorted(set(metadata) - {"pinned", "importance", "flags", "timestamp"}):
            raise TypeError(f"{other[0]!r} is not metadata: set pinned, importance, flags or timestamp")
        old, new = self.transcript[place], replace(self.transcript[place], **metadata)
        transcript = History(new if i == place else m for i, m in enumerate(self.transcript))
        history = transcript
        if self.history != self.transcript:
            history = History(_renewed(m, old, new) for m in self.history)
        if old.pinned != new.pinned and history.thinking():
            history = History(map(without_thinking, history))
        return replace(self, transcript=transcript, history=history, meter=Meter())

    def redacted(self, redact: Redact) -> "Conversation":
        """A copy for a log or a store with `redact` applied to every text in it; this one keeps the words."""
        transcript = redacted(self.transcript, redact)
        same = self.history is self.transcript
        return replace(
            self,
            system=clean(self.system, redact),
            transcript=transcript,
            history=transcript if same else redacted(self.history, redact),
            facts=tuple(fact.redacted(redact) for fact in self.facts),
            past_facts=tuple(replace(past, fact=past.fact.redacted(redact)) for past in self.past_facts),
            summaries=tuple(_redacted(summary, redact) for summary in self.summaries),
            meter=Meter(),
        )

    def _restarted(self, transcript: History, changed: int | None = None) -> "Conversation":
        history, whole = worked_with(transcript), self.history == worked_with(self.transcript)
        same = len(unrefused(transcript[:changed]))
        if changed is not None or not whole:
            first = same if whole else 0
            history = join((history[:first], map(without_thinking, history[first:])))
        return replace(
            self,
            transcript=transcript,
            history=history if history != transcript else transcript,
            summaries=(),
            failures=0,
            sent_whole=min(self.sent_whole, same),
            last=Usage(),
            meter=Meter(),
        )

    def _check_places(self, places: Sequence[int]) -> None:
        if unknown := [place for place in places if not 0 <= place < len(self.transcript)]:
            raise IndexError(f"there is no message {unknown[0]}: places run from 0 to {len(self.transcript) - 1}")


def _redacted(summary: Summary, redact: Redact) -> Summary:
    return replace(summary, text=clean(summary.text, redact), put_back=clean(summary.put_back, redact))


def unrefused(transcript: History) -> History:
    """A transcript without the turns that were refused; the transcript itself where none was."""
    if not any(REFUSED in message.flags for message in transcript):
        return transcript
    return History(message for message in transcript if REFUSED not in message.flags)


def worked_with(transcript: History) -> History:
    """The history to go on from when nothing was summarized: the transcript, unless turns were refused or repaired."""
    return admitted(unrefused(transcript))


def _read(messages: Sequence[Message | Mapping[str, Any]]) -> Iterator[Message]:
    for place, message in enumerate(messages):
        try:
            yield from_wire(message)
        except (TypeError, ValueError) as error:
            error.add_note(f"this is message {place} of the {len(messages)} that were given")
            raise


def _renewed(message: Message, old: Message, new: Message) -> Message:
    """Re-point a message of the working history from `old` to `new` (same content, other metadata)."""
    if message is old:
        return new
    if not any(said is old for said in message.replaces):
        return message
    stands_for = tuple(new if said is old else said for said in message.replaces)
    if message.content != without_thinking(old).content:
        return replace(message, replaces=stands_for)
    return replace(new, content=message.content, replaces=stands_for)


def _check_tool_round(history: History, message: Message) -> None:
    last = takewhile(lambda m: m.role == "assistant", reversed(history))
    called = [name for m in last for name in _ids(m, "tool_use", "id")]
    answered = _ids(message, "tool_result", "tool_use_id")
    if missing := [call for call in called if call not in answered]:
        raise ValueError(
            f"Claude called a tool and waits for the result of {', '.join(missing)}: send a "
            "tool_result block for each call first"
        )
    if stray := [call for call in answered if call not in called]:
        raise ValueError(
            f"tool_result for {', '.join(stray)}, but the message before it has no such tool_use: "
            "answer a call right after it"
        )


def _ids(message: Message, kind: str, key: str) -> list[str]:
    return [str(block.get(key)) for block in message.blocks if block["type"] == kind]


def _with_tool_partners(history: History, places: set[int]) -> set[int]:
    start, gone = 0, set(places)
    for exchange in exchanges(history):
        inside = set(range(start, start + len(exchange)))
        if gone & inside and any({"tool_use", "tool_result"} & m.block_types() for m in exchange):
            gone |= inside
        start += len(exchange)
    return gone
