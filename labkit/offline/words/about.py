"""Answers about the request itself: how many messages it holds, what came first, what was discussed."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labkit.offline.words.cards import about_asked, is_taught, lesson_given, small_talk, titles
from labkit.offline.words.statements import LABEL, Evidence, sentences, statements, text_of
from labkit.offline.words.wording import worded

Messages = Sequence[Mapping[str, Any]]
About = tuple[str, tuple[tuple[int, str], ...]]
NOTHING_EARLIER = "This request holds nothing before your question, so I have nothing to go by."
_MOST = 8
_SUMMARY = re.compile(r"\[?(?:conversation |context )?summary\b|previous context", re.I)
_ABOUT_SELF = re.compile(r"\b(?:i|i'm|i've|my|we|our)\b", re.I)


def _texts(messages: Messages, role: str, before: int) -> list[tuple[int, str]]:
    said = [(i, text_of(m.get("content", ""))) for i, m in enumerate(messages[:before]) if m.get("role") == role]
    return [(i, text.replace(LABEL, "").strip()) for i, text in said if text.strip()]


def _quoted(text: str) -> str:
    first = " ".join(text.split())
    return f'"{first if len(first) <= 200 else first[:197].rstrip() + "..."}"'


def message_count(messages: Messages, before: int, said: Sequence[Evidence]) -> About:
    """Say how many messages this request carries, and how many of them are the user's."""
    users = sum(m.get("role") == "user" for m in messages)
    noun = "message" if len(messages) == 1 else "messages"
    return f"This request carries {len(messages):,} {noun}, {users:,} of them yours; I see no others.", ()


def first_question(messages: Messages, before: int, said: Sequence[Evidence]) -> About:
    """Repeat the first question of the request, or its first message where it asks none."""
    texts = _texts(messages, "user", before)
    if not texts:
        return NOTHING_EARLIER, ()
    asked = ((i, s) for i, text in texts for s in sentences(text) if s.endswith("?"))
    index, text = next(asked, texts[0])
    return f"The first thing you asked in what I was sent is: {_quoted(text)}", ((index, text),)


def last_question(messages: Messages, before: int, said: Sequence[Evidence]) -> About:
    """Repeat the user's message before this one."""
    texts = _texts(messages, "user", before)
    if not texts:
        return NOTHING_EARLIER, ()
    index, text = texts[-1]
    return f"Just before this you wrote: {_quoted(text)}", ((index, text),)


def last_answer(messages: Messages, before: int, said: Sequence[Evidence]) -> About:
    """Repeat the assistant's message before this one."""
    texts = _texts(messages, "assistant", before)
    if not texts:
        return "This request holds no earlier answer of mine.", ()
    index, text = texts[-1]
    return f"My last answer was: {_quoted(text)}", ((index, text),)


def _topics(messages: Messages, before: int) -> list[tuple[str, tuple[int, str]]]:
    """Return what the user brought up, in order: the titles of lessons, else the first sentence of a message."""
    topics: dict[str, tuple[int, str]] = {}
    for index, text in _texts(messages, "user", before):
        following = messages[index + 1] if index + 1 < before else {}
        lesson = lesson_given(text_of(following.get("content", "")))
        if lesson:
            topics.setdefault(lesson.title, (index, text))
            continue
        for line in [u.text for u in statements(text)] if _SUMMARY.match(text) else sentences(text):
            if line in titles():
                topics.setdefault(line, (index, line))
            elif not is_taught(line) and len(line.split()) > 3 and not small_talk(line) and not about_asked(line):
                topics.setdefault(_quoted(line), (index, line))
    return list(topics.items())


def discussed(messages: Messages, before: int, said: Sequence[Evidence]) -> About:
    """List what the request's messages are about."""
    topics = _topics(messages, before)
    if not topics:
        return NOTHING_EARLIER, ()
    shown = topics[-_MOST:]
    more = f" and {len(topics) - _MOST:,} earlier points" if len(topics) > _MOST else ""
    return f"In what I was sent we talked about {'; '.join(t for t, _ in shown)}{more}.", tuple(g for _, g in shown)


def topic(messages: Messages, before: int, said: Sequence[Evidence]) -> About:
    """Name the latest topic of the request."""
    topics = _topics(messages, before)
    if not topics:
        return NOTHING_EARLIER, ()
    return f"We were last at {topics[-1][0]}.", (topics[-1][1],)


def known(messages: Messages, before: int, said: Sequence[Evidence]) -> About:
    """List the facts that the user gave about themselves, the latest last."""
    facts = [e for e in said if e.role == "user" and not e.unit.leaf and _ABOUT_SELF.search(e.unit.text)]
    facts = [e for e in facts if len(e.unit.words.stems) > 1 and e.message < before][-_MOST:]
    if not facts:
        return "You have said nothing about yourself in what I was sent.", ()
    listed = " ".join(worded(e) for e in facts)
    return f"From what I was sent: {listed}", tuple((e.message, e.unit.text) for e in facts)


def remember(messages: Messages, before: int, said: Sequence[Evidence]) -> About:
    """Say that there is no memory beyond the request."""
    earlier = f"{before:,} earlier {'message' if before == 1 else 'messages'}" if before else "no earlier message"
    return f"I keep nothing between requests: all I have is what this one carries, and that is {earlier}.", ()


ABOUT: dict[str, Callable[[Messages, int, Sequence[Evidence]], About]] = {
    handler.__name__: handler
    for handler in (message_count, first_question, last_question, last_answer, discussed, topic, known, remember)
}
"""The answer to each `about` entry of cards.toml: from the messages, the question's index and the evidence."""
