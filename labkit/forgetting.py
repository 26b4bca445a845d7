"""Forgetting on purpose: words that leave the conversation, its saved copies, the log and the recording.

What was sent cannot be called back, so the report says what it reached and what it could not. Taught in notebook 09.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from labkit.case_facts import CaseFact, Facts, Past
from labkit.conversation import Conversation
from labkit.messages import History, Message, without_thinking
from labkit.redaction import Redact, clean
from labkit.request_log import Log, Sent, cleaned_body, redacted_log
from labkit.tokens import Meter

if TYPE_CHECKING:
    from pathlib import Path

    from labkit.stores import Store

FORGOTTEN = "[forgotten]"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The result of forgetting: the places it reached, each with a count, and those it could not reach.

    `saves` names each store that was written, with its revision before and after.
    """

    what: str
    reached: tuple[str, ...]
    not_reached: tuple[str, ...]
    saves: tuple[tuple[str, int, int], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        """Both lists, a line each."""
        lines = [f"forgotten: {self.what!r}"]
        lines += [f"  reached: {line}" for line in self.reached or ("nothing, because nothing said it",)]
        return "\n".join(lines + [f"  not reached: {line}" for line in self.not_reached])


def forgetter(what: str) -> Redact:
    """A function that replaces these words by `[forgotten]`, whatever their capitals and the space between them.

    Raises ValueError for no words.
    """
    words = what.split()
    if not words:
        raise ValueError("cannot forget an empty text: give the words or numbers to forget")
    pattern = re.compile(r"\s+".join(map(re.escape, words)), re.I)
    return lambda text: pattern.sub(FORGOTTEN, text)


def forgotten(conversation: Conversation, what: str) -> tuple[Conversation, list[str]]:
    """The conversation without these words, and what was reached, each with a count.

    Messages, summaries and the system prompt keep the rest of what they say; a case fact that says the words goes
    whole, from the past ones too. Thinking from the first changed message on is left out, because the API binds it.
    """
    redact = forgetter(what)
    clear = _Cleaner(redact)
    transcript, history = History(map(clear, conversation.transcript)), History(map(clear, conversation.history))
    same = conversation.history is conversation.transcript
    facts, past = _without(conversation, redact)
    summaries = tuple(
        replace(s, text=redact(s.text), put_back=tuple(map(redact, s.put_back))) for s in conversation.summaries
    )
    system = redact(conversation.system)
    reached = [
        _counted(sum(a is not b for a, b in zip(conversation.transcript, transcript, strict=True)), "message"),
        _counted(sum(a != b for a, b in zip(conversation.summaries, summaries, strict=True)), "summary", "summaries"),
        _counted(len(conversation.facts) + len(conversation.past_facts) - len(facts) - len(past), "case fact"),
        "the system prompt" if system != conversation.system else "",
    ]
    if not any(reached):
        return conversation, []
    history = transcript if same and not history.thinking() else _unbound(conversation.history, history)
    new = replace(conversation, system=system, transcript=transcript, history=history, facts=facts)
    new = replace(new, past_facts=past, summaries=summaries, meter=Meter())
    return new, [line for line in reached if line]


def _without(conversation: Conversation, redact: Redact) -> tuple[Facts, Past]:
    def says(fact: CaseFact) -> bool:
        """True for a fact that says the words anywhere."""
        return any(redact(text) != text for text in (fact.text, fact.source, fact.key or ""))

    facts = tuple(fact for fact in conversation.facts if not says(fact))
    return facts, tuple(past for past in conversation.past_facts if not says(past.fact))


class _Cleaner:
    """Cleans messages and all that they stand for, each once, so that what was one message is one again."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._made: dict[int, tuple[Message, Message]] = {}

    def __call__(self, message: Message) -> Message:
        if id(message) not in self._made:
            self._made[id(message)] = message, self._clean(message)
        return self._made[id(message)][1]

    def _clean(self, message: Message) -> Message:
        content, replaces = clean(message.content, self._redact), tuple(map(self, message.replaces))
        same = content == message.content and all(a is b for a, b in zip(replaces, message.replaces, strict=True))
        return message if same else replace(message, content=content, replaces=replaces)


def _unbound(before: History, after: History) -> History:
    first = next((at for at, (a, b) in enumerate(zip(before, after, strict=True)) if a is not b), len(after))
    return History(without_thinking(m) if at >= first else m for at, m in enumerate(after))


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}" if number else ""


def forget_everywhere(
    conversation: Conversation,
    what: str,
    stores: Sequence["Store"] = (),
    log: Log | None = None,
    recording: "str | Path | None" = None,
) -> tuple[Conversation, Forgotten]:
    """Forget words in a conversation and in the stores, the log and the recording that are given; and say how far.

    Raises what a store raises; everything that was reached before stays forgotten.
    """
    redact = forgetter(what)
    without, reached = forgotten(conversation, what)
    saves = []
    for store in stores:
        found, save = _in_store(store, what)
        reached += [f"{count} in {store!r}" for count in found]
        saves += save
    sent = 0
    if log is not None:
        said = [_says(entry, redact) for entry in log]
        sent, cleaned = sum(said), redacted_log(log, redact)
        log[:] = [new if says else old for says, new, old in zip(said, cleaned, log, strict=True)]
        reached += [_counted(sent, "request", "requests") + " in the log"] if sent else []
    if recording is not None:
        from labkit.replay import rewrite

        changed = rewrite(recording, redact)
        reached += [f"{_counted(changed, 'reply', 'replies')} in the recording {recording}"] if changed else []
    return without, Forgotten(what, tuple(reached), _beyond(sent, log, stores, recording), tuple(saves))


def _says(entry: Sent, redact: Redact) -> bool:
    bodies = (bytes(body).decode(errors="replace") for body in (entry.sent, entry.received))
    # A stream says a word in pieces, so both sides are put together before they are compared.
    return any(cleaned_body(body, redact) != cleaned_body(body, str) for body in bodies)


def _in_store(store: "Store", what: str) -> tuple[list[str], list[tuple[str, int, int]]]:
    saved = store.read()
    if saved is None:
        return [], []
    conversation, reached = forgotten(saved.conversation, what)
    settings = {key: clean(value, forgetter(what)) for key, value in saved.settings.items()}
    if not reached and settings == saved.settings:
        return [], []
    written = store.write(replace(saved, conversation=conversation, settings=settings))
    return reached or ["the settings"], [(repr(store), saved.revision, written)]


def _beyond(sent: int, log: Log | None, stores: Sequence[object], recording: object) -> tuple[str, ...]:
    times = f"{sent} requests of the log" if log is not None else "every request that carried it"
    lines = [
        f"what was sent: {times} went to whoever answered; what a provider keeps, and for how long, is its own terms",
        "the provider's prompt cache, until the entry expires (5 minutes or an hour after its last use)",
        "other forks, and older values of the conversation that your code keeps",
        "backups and copies of files, and free pages of a database",
    ]
    missing = [
        "stores that were not given: name them in stores=" if not stores else "",
        "a log that was not given: name it in log=" if log is None else "",
        "a recording that was not given: name it in recording=" if recording is None else "",
    ]
    return tuple(lines + [line for line in missing if line])
