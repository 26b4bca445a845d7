"""The exercises of notebook 02: keep the newest turns whole, and put a summary in the place of the old ones."""

from typing import Any

from labkit.teach.checks.check import WrongShape
from labkit.teach.checks.exercise import Answer, Exercise, Probe

type Wire = dict[str, Any]

SUMMARY = "The customer moved order 889 to Friday."


def three_turns() -> list[Wire]:
    """A conversation of three turns that waits for its fourth reply, fresh each time."""
    return [
        {"role": "user", "content": "My order is 889."},
        {"role": "assistant", "content": "Thank you."},
        {"role": "user", "content": "Please send it on Friday."},
        {"role": "assistant", "content": "Friday is noted."},
        {"role": "user", "content": "In the morning."},
        {"role": "assistant", "content": "In the morning, then."},
        {"role": "user", "content": "What have we agreed?"},
    ]


def with_a_tool() -> list[Wire]:
    """A conversation whose second turn calls a tool, and which waits for its third reply."""
    return [
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "What does order 889 cost?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "price", "input": {"order": 889}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "41.50"}]},
        {"role": "assistant", "content": "It costs 41.50 dollars."},
        {"role": "user", "content": "And the postage?"},
    ]


def newest_turns(messages: list[Wire], turns: int) -> list[Wire]:
    """A turn opens with a user message in plain words; whoever cuts there never parts a call from its result."""
    starts = [i for i, m in enumerate(messages) if m["role"] == "user" and isinstance(m["content"], str)]
    return messages[starts[-turns] :] if len(starts) > turns else messages


def two_messages_a_turn(messages: list[Wire], turns: int) -> list[Wire]:
    """You count two messages a turn. The newest turn has no reply yet, and a turn with a tool has four messages, so
    the cut falls in the middle of a turn. Look for the places where a turn opens.
    """
    return messages[-2 * turns :]


def messages_are_counted_instead_of_turns(messages: list[Wire], turns: int) -> list[Wire]:
    """You keep that many messages. A turn has a question and its reply, and with a tool four messages: count the places
    where a turn opens.
    """
    return messages[-turns:]


def the_messages_come_in_reverse(messages: list[Wire], turns: int) -> list[Wire]:
    """The right messages, newest first. Claude reads from the first to the last, so the order has to stay."""
    return newest_turns(messages, turns)[::-1]


def the_tool_result_opens_a_turn(messages: list[Wire], turns: int) -> list[Wire]:
    """A tool result travels in a user message, but nobody asked anything there: it belongs to the turn before.
    Cut in front of it, and the API refuses a result whose call it cannot find.
    """
    starts = [i for i, m in enumerate(messages) if m["role"] == "user"]
    return messages[starts[-turns] :] if len(starts) > turns else messages


def the_question_at_hand_is_not_counted(messages: list[Wire], turns: int) -> list[Wire]:
    """You keep one turn too many: the question that waits for its reply is a turn too, the newest one."""
    return newest_turns(messages, turns + 1)


def the_oldest_turns_are_kept(messages: list[Wire], turns: int) -> list[Wire]:
    """You keep the beginning and drop the end. The newest message is the one to be answered; it has to stay."""
    starts = [i for i, m in enumerate(messages) if m["role"] == "user" and isinstance(m["content"], str)]
    return messages[: starts[turns]] if len(starts) > turns else messages


def tool_messages_are_thrown_away(messages: list[Wire], turns: int) -> list[Wire]:
    """The tool call and its result are gone, and with them the price that the tool had found. A turn is everything
    between two questions of the user.
    """
    return newest_turns([m for m in messages if isinstance(m["content"], str)], turns)


def with_summary(messages: list[Wire], keep: int, summary: str) -> list[Wire]:
    """Replace the old turns by a pair: the summary as a user message, and a reply to it, so that the roles go on."""
    starts = [i for i, m in enumerate(messages) if m["role"] == "user"]
    if len(starts) <= keep:
        return list(messages)
    pair = [{"role": "user", "content": summary}, {"role": "assistant", "content": "Understood."}]
    return [*pair, *messages[starts[-keep] :]]


def keep_is_counted_in_messages(messages: list[Wire], keep: int, summary: str) -> list[Wire]:
    """You keep that many messages, and a turn is more than one. Find where the newest turns open, and cut there."""
    pair = with_summary(three_turns(), 1, summary)[:2]
    return [*pair, *messages[-keep:]] if len(messages) > keep else list(messages)


def the_originals_travel_too(messages: list[Wire], keep: int, summary: str) -> list[Wire]:
    """The summary is there, and everything that it replaces as well: the request got longer instead of shorter."""
    return [*with_summary(three_turns(), 1, summary)[:2], *messages]


def nobody_answers_the_summary(messages: list[Wire], keep: int, summary: str) -> list[Wire]:
    """Two user messages stand side by side. The Claude API merges them, so that the summary reads like a part of the
    next question. A short reply between them keeps the two apart, on every platform.
    """
    shorter = with_summary(messages, keep, summary)
    return [m for m in shorter if m["content"] != "Understood."]


def the_reply_has_no_words(messages: list[Wire], keep: int, summary: str) -> list[Wire]:
    """The reply to the summary is empty, and the API refuses a message without words: 400, "must have non-empty
    content". One word is enough.
    """
    return [m | {"content": ""} if m["content"] == "Understood." else m for m in with_summary(messages, keep, summary)]


def the_summary_comes_last(messages: list[Wire], keep: int, summary: str) -> list[Wire]:
    """The summary comes after the newest turns. It is about earlier times, and Claude answers what comes last."""
    shorter = with_summary(messages, keep, summary)
    return [*shorter[2:], *shorter[:2]] if len(shorter) < len(messages) else shorter


def a_short_talk_is_summarized_too(messages: list[Wire], keep: int, summary: str) -> list[Wire]:
    """With no more turns than you keep there is nothing old, and so nothing to summarize: send the talk as it is."""
    starts = [i for i, m in enumerate(messages) if m["role"] == "user"]
    pair = with_summary(three_turns(), 1, summary)[:2]
    return [*pair, *messages[starts[-min(keep, len(starts))] :]]


def the_summary_is_a_system_message(messages: list[Wire], keep: int, summary: str) -> list[Wire]:
    """A message of the role system may not come first, and many models do not take one at all. Send the summary as
    the user's and answer it.
    """
    shorter = with_summary(messages, keep, summary)
    return [{"role": "system", "content": summary}, *shorter[2:]] if len(shorter) < len(messages) else shorter


def _lines(messages: object) -> list[str]:
    if not isinstance(messages, list | tuple):
        raise WrongShape(f"gave back a {type(messages).__name__}; give back a list of messages")
    return [f"{message['role']}: {_words(message['content'])}" for message in messages]


def _words(content: Any) -> str:
    return (content.strip() or "(no words)") if isinstance(content, str) else str(content[0]["type"])


def _unchanged(messages: list[Wire]) -> list[str]:
    return [line for line in _lines(messages) if line in _lines(three_turns())]


def _roles(messages: list[Wire]) -> str:
    empty = any(line.endswith("(no words)") for line in _lines(messages))
    return " ".join(line.partition(":")[0] for line in _lines(messages)) + ", one without words" * empty


def _place(answer: Answer) -> str:
    lines = _lines(answer(three_turns(), 2, SUMMARY))
    found = [place for place, line in enumerate(lines, 1) if SUMMARY in line]
    return f"in message {found[0]}" if found else "nowhere"


def _after(answer: Answer) -> str:
    messages = three_turns()
    answer(messages, 2, SUMMARY)
    return "as it was" if messages == three_turns() else "changed"


NEWEST_TURNS = Exercise(
    id="02-a",
    covers=("B2",),
    title="Keep the newest turns",
    task="Give back the messages of the newest turns, from the question that opens the first of them to the end.",
    stub='''
def newest_turns(messages, turns):
    """The messages of the newest turns, tool calls and results with them; messages is a list of dicts."""
    return ...  # replace the three dots
''',
    reference=newest_turns,
    probes=(
        Probe(
            "of four turns the newest two are kept, word for word",
            lambda answer: _lines(answer(three_turns(), 2)),
            "The question that waits for its reply is the newest turn.",
        ),
        Probe(
            "one turn of a talk with a tool is the question at hand",
            lambda answer: _lines(answer(with_a_tool(), 1)),
            "The newest turn opens with the last thing that the user asked in words.",
        ),
        Probe(
            "two turns of it hold the tool's call and its result",
            lambda answer: _lines(answer(with_a_tool(), 2)),
            "A message with a tool_result opens no turn: it goes with the call before it.",
        ),
        Probe(
            "a talk with fewer turns is kept whole",
            lambda answer: _lines(answer(three_turns(), 9)),
            "When there are not so many turns, there is nothing to leave out.",
        ),
    ),
    mistakes=(
        two_messages_a_turn,
        messages_are_counted_instead_of_turns,
        the_messages_come_in_reverse,
        the_tool_result_opens_a_turn,
        the_question_at_hand_is_not_counted,
        the_oldest_turns_are_kept,
        tool_messages_are_thrown_away,
    ),
    hints=(
        "Make a list of the places where a turn opens. Which of the messages open one?",
        "A user message opens a turn when its content is text: isinstance(message['content'], str).",
        "If starts is that list, the newest turns begin at starts[-turns], unless there are fewer than that.",
    ),
)

WITH_SUMMARY = Exercise(
    id="02-b",
    covers=("B3",),
    title="A summary in the place of the old turns",
    task="Give back a new list: the summary as a user message, a short reply to it, and the newest turns as they were.",
    stub='''
def with_summary(messages, keep, summary):
    """The summary and a reply to it, then the newest `keep` turns; messages is a list of dicts, all of plain text."""
    return ...  # replace the three dots
''',
    reference=with_summary,
    probes=(
        Probe(
            "the summary comes first",
            _place,
            "It tells what happened before the newest turns.",
        ),
        Probe(
            "user and assistant take turns, each with words",
            lambda answer: _roles(answer(three_turns(), 2, SUMMARY)),
            "The summary is a user message; somebody has to answer it before the next one.",
        ),
        Probe(
            "after the pair come the newest two turns, word for word, and nothing else",
            lambda answer: _unchanged(answer(three_turns(), 2, SUMMARY)),
            "The summary replaces everything older.",
        ),
        Probe(
            "a talk with no more turns than that is left alone",
            lambda answer: _lines(answer(three_turns()[-3:], 2, SUMMARY)),
            "If nothing is old, there is nothing to summarize.",
        ),
        Probe("the list you were given is as it was", _after, "Build a new list and give that back."),
    ),
    mistakes=(
        keep_is_counted_in_messages,
        the_originals_travel_too,
        nobody_answers_the_summary,
        the_reply_has_no_words,
        the_summary_comes_last,
        a_short_talk_is_summarized_too,
        the_summary_is_a_system_message,
    ),
    hints=(
        "First find the place where the newest turns open, as in exercise 02-a.",
        "Two new dicts stand for everything before that place: one of the user with the summary, one of the assistant.",
        "[first, second, *messages[cut:]] puts the pair in front of the newest turns.",
    ),
)

EXERCISES = (NEWEST_TURNS, WITH_SUMMARY)
