"""Random conversations with all that a store must keep: summaries, pins, facts, usage, what the meter saw."""

from typing import Any

from conversations import conversations, texts
from hypothesis import strategies as st

from labkit.conversation import CaseFact, Conversation, Summary
from labkit.messages import History, Message, assistant, user, without_thinking
from labkit.stores.saved_form import Saved
from labkit.tokens import Meter, Usage

counts = st.integers(0, 2**53 - 1)
usages = st.builds(Usage, counts, counts, counts, counts, counts)
words = st.text(min_size=1).filter(str.strip)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
odd_blocks = st.dictionaries(st.text(), json_values, max_size=3).map(lambda block: {**block, "type": "from_tomorrow"})
odd_messages = st.builds(
    Message,
    st.sampled_from(["user", "assistant", "system"]),
    words | st.lists(odd_blocks, min_size=1, max_size=2).map(tuple),
    pinned=st.booleans(),
    importance=st.none() | st.floats(0, 1),
    timestamp=st.none() | st.text(),
    flags=st.lists(st.text(), max_size=2).map(tuple),
)


def folded(history: History, cut: int, text: str) -> History:
    """The history with a pair in place of its first `cut` messages and of those that these replaced."""
    gone = tuple(origin for m in history[:cut] for origin in (m, *m.replaces))
    pair = user(f"[Conversation summary: {text}]", replaces=gone, flags=("summary",)), assistant("Noted.")
    return History([*pair, *map(without_thinking, history[cut:])])


@st.composite
def views(draw: st.DrawFn, history: History) -> History | None:
    """The messages of the last request: nothing known, a beginning, a window, or a rewritten window."""
    place = draw(st.integers(0, len(history)))
    return draw(
        st.sampled_from([None, history[:place], history[place:], History(map(without_thinking, history[place:]))])
    )


@st.composite
def whole_conversations(draw: st.DrawFn) -> Conversation:
    """A conversation with anything in it that a manager can put there, folded up to three times."""
    said = draw(conversations())
    if draw(st.booleans()):
        said = said.append(*draw(st.lists(odd_messages, max_size=3)))
    history = said
    for fold in range(draw(st.integers(0, 3))):
        history = folded(history, draw(st.integers(0, len(history))), f"{draw(texts)} {fold}")
    return Conversation(
        system=draw(st.text()),
        transcript=said,
        history=history,
        facts=tuple(draw(st.lists(st.builds(CaseFact, words, words), max_size=2))),
        summaries=tuple(draw(st.lists(st.builds(Summary, st.text(), counts, usages), max_size=2))),
        failures=draw(counts),
        usage=draw(usages),
        last=draw(usages),
        meter=Meter(draw(counts), draw(views(history))),
    )


saved = st.builds(
    Saved,
    kind=st.text(min_size=1),
    settings=st.dictionaries(st.text(), json_values, max_size=3),
    conversation=whole_conversations(),
    revision=st.integers(1, 2**53 - 1),
)
"""Everything that a store can be given, at any revision."""
