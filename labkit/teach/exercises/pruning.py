"""The exercises of notebook 04: drop the oldest whole turns, and tell repeated questions from similar ones."""

import re
from typing import Any

from labkit.teach.checks.check import WrongShape
from labkit.teach.checks.exercise import Answer, Exercise, Probe

type Wire = dict[str, Any]

ALIKE = 0.8


def support() -> list[Wire]:
    """Three turns and a question: the second turn calls a tool and has four messages. Fresh each time."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"order": 889}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "shipped"}
    return [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "Where is order 889?"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
        {"role": "assistant", "content": "It is shipped."},
        {"role": "user", "content": "Thanks."},
        {"role": "assistant", "content": "You're welcome."},
        {"role": "user", "content": "When will it be here?"},
    ]


def drop_oldest(messages: list[Wire], most: int) -> list[Wire]:
    """Try each turn as the beginning, oldest first, and take the first from which on everything fits."""
    starts = [i for i, m in enumerate(messages) if m["role"] == "user" and isinstance(m["content"], str)]
    for start in starts:
        if len(messages) - start <= most:
            return messages[start:]
    return messages[starts[-1] :]


def a_slice_cuts_through_a_turn(messages: list[Wire], most: int) -> list[Wire]:
    """A slice counts messages and does not look at them, so yours can begin with a reply to nothing, or with a
    tool_result whose call is gone: the API refuses that one. Cut where a turn begins.
    """
    return messages[-most:]


def only_a_leading_reply_is_dropped(messages: list[Wire], most: int) -> list[Wire]:
    """You drop a reply that would stand first. But the message behind a tool call is a user message too, and holds a
    tool_result: first in the list it is an error, whatever its role.
    """
    kept = messages[-most:]
    return kept[1:] if kept[0]["role"] == "assistant" else kept


def the_newest_question_goes_too(messages: list[Wire], most: int) -> list[Wire]:
    """When nothing fits, nothing is sent, and the question that is to be answered is gone. The newest turn stays
    whatever the limit says.
    """
    starts = [i for i, m in enumerate(messages) if m["role"] == "user" and isinstance(m["content"], str)]
    fitting = [start for start in starts if len(messages) - start <= most]
    return messages[fitting[0] :] if fitting else []


def one_turn_too_many_goes(messages: list[Wire], most: int) -> list[Wire]:
    """You stop when fewer than `most` messages are left. A list that fills the limit exactly fits, and need not lose
    another turn.
    """
    return drop_oldest(messages, most - 1)


def the_given_list_gets_shorter(messages: list[Wire], most: int) -> list[Wire]:
    """You send the right messages, but you deleted from the list that you were given. The request is a view; the
    conversation itself keeps everything.
    """
    kept = drop_oldest(messages, most)
    del messages[: len(messages) - len(kept)]
    return kept


def same_question(one: str, other: str, alike: float) -> bool:
    """Alike enough, and naming the same numbers: both have to hold."""
    return alike >= ALIKE and sorted(re.findall(r"\d+", one)) == sorted(re.findall(r"\d+", other))


def likeness_alone_decides(one: str, other: str, alike: float) -> bool:
    """By likeness, order 889 and order 898 are nearly the same words, and one of the two would be left out. What a text
    names has to be compared as well.
    """
    return alike >= ALIKE


def numbers_alone_decide(one: str, other: str, alike: float) -> bool:
    """The same number occurs in many different questions: where order 889 is, and what it cost. The likeness has to be
    high as well.
    """
    return sorted(re.findall(r"\d+", one)) == sorted(re.findall(r"\d+", other))


def a_question_mark_hides_the_number(one: str, other: str, alike: float) -> bool:
    """Cut at the blanks, '889?' is a word that is not a number, so your two sets of numbers are both empty and count as
    equal. Look for runs of digits, with re.findall.
    """
    numbers = [{word for word in text.split() if word.isdigit()} for text in (one, other)]
    return alike >= ALIKE and numbers[0] == numbers[1]


def only_the_first_number_is_compared(one: str, other: str, alike: float) -> bool:
    """A text can name two things. Yours agree in the first number and differ in the second, and that is another
    question.
    """
    found = [re.findall(r"\d+", text)[:1] for text in (one, other)]
    return alike >= ALIKE and found[0] == found[1]


def digits_are_compared(one: str, other: str, alike: float) -> bool:
    """You compare digits. Order 12 in parcel 3 and order 1 in parcel 23 have the same ones and are two questions: take
    whole numbers, with \\d+.
    """
    found = [sorted(re.findall(r"\d", text)) for text in (one, other)]
    return alike >= ALIKE and found[0] == found[1]


def the_words_have_to_be_the_same(one: str, other: str, alike: float) -> bool:
    """You ask for the same text. Nobody asks twice in the very same words: the likeness says how near they are, and
    the numbers have to agree.
    """
    return alike >= ALIKE and one == other


def questions_without_numbers_are_never_the_same(one: str, other: str, alike: float) -> bool:
    """Two questions that name no number agree in that. Where nothing tells them apart, the likeness decides."""
    found = [re.findall(r"\d+", text) for text in (one, other)]
    return alike >= ALIKE and bool(found[0]) and sorted(found[0]) == sorted(found[1])


def _opening(answer: Answer, most: int) -> str:
    kept = answer(support(), most)
    if not isinstance(kept, list):
        raise WrongShape(f"gave back {type(kept).__name__}; give back a list of messages")
    return f"{len(kept)} messages, from {str(kept[0]['content'])[:24]!r} on" if kept else "no message"


def _given_after(answer: Answer) -> str:
    messages = support()
    answer(messages, 4)
    return f"{len(messages)} messages" if messages == support() else "changed"


def _judged(one: str, other: str, alike: float) -> Any:
    return lambda answer: bool(answer(one, other, alike))


DROP_OLDEST = Exercise(
    id="04-a",
    covers=("D2", "D7", "D8"),
    title="Drop the oldest turns",
    task="Give back the newest whole turns, at most `most` messages; the newest turn stays in any case.",
    stub='''
def drop_oldest(messages, most):
    """The newest whole turns, at most `most` messages; messages is a list of dicts."""
    return ...  # replace the three dots
''',
    reference=drop_oldest,
    probes=(
        Probe("a list that fits is sent whole", lambda answer: _opening(answer, 9), "Nine messages, and nine may go."),
        Probe(
            "the list begins where a turn begins",
            lambda answer: _opening(answer, 4),
            "Of the last four messages the first is a reply. Which turn begins after it?",
        ),
        Probe(
            "a tool result does not stand first",
            lambda answer: _opening(answer, 5),
            "A turn begins at a user message whose content is text.",
        ),
        Probe(
            "a limit that is met exactly loses nothing more",
            lambda answer: _opening(answer, 7),
            "Compare with <= rather than with <.",
        ),
        Probe(
            "the newest turn stays when nothing else fits",
            lambda answer: _opening(answer, 0),
            "Without the newest question there is nothing to answer.",
        ),
        Probe("the list you were given is as it was", _given_after, "A slice copies; del and pop take away."),
    ),
    mistakes=(
        a_slice_cuts_through_a_turn,
        only_a_leading_reply_is_dropped,
        the_newest_question_goes_too,
        one_turn_too_many_goes,
        the_given_list_gets_shorter,
    ),
    hints=(
        "First list the places at which a turn begins. A tool_result is no beginning, although its role is user.",
        "Go through these places from the oldest on, and stop at the first from which on at most `most` messages are "
        "left.",
        "If the loop ends without a place that fits, give back the messages from the last place on.",
    ),
)

SAME_QUESTION = Exercise(
    id="04-b",
    covers=("D4",),
    title="Repeated, or only similar?",
    task="Say with True or False whether two questions are the same: at least 0.8 alike, and naming the same numbers.",
    stub='''
def same_question(one, other, alike):
    """Whether two texts ask the same; alike, from 0 to 1, says how similar their words are."""
    return ...  # replace the three dots
''',
    reference=same_question,
    probes=(
        Probe(
            "the same order, asked in other words, is the same question",
            _judged("Where is my order 889?", "Where has my order 889 got to?", 0.81),
            "At least 0.8 alike, and both name 889.",
        ),
        Probe(
            "order 889 is not order 898, however alike the words are",
            _judged("Where is my order 889?", "Where is my order 898?", 0.95),
            "Compare the numbers that the two texts name.",
        ),
        Probe(
            "another question about the same order is another question",
            _judged("Where is my order 889?", "What did order 889 cost?", 0.55),
            "Two questions about one thing share its number.",
        ),
        Probe(
            "with two numbers, both have to agree",
            _judged("Is order 889 in parcel 1?", "Is order 889 in parcel 2?", 0.97),
            "re.findall gives all the numbers of a text.",
        ),
        Probe(
            "order 12 in parcel 3 is not order 1 in parcel 23",
            _judged("Is order 12 in parcel 3?", "Is order 1 in parcel 23?", 0.96),
            "A number is all of its digits together.",
        ),
        Probe(
            "without any number, the likeness decides",
            _judged("When do you open?", "When do you open today?", 0.88),
            "Two empty lists of numbers are equal.",
        ),
    ),
    mistakes=(
        likeness_alone_decides,
        numbers_alone_decide,
        a_question_mark_hides_the_number,
        only_the_first_number_is_compared,
        digits_are_compared,
        the_words_have_to_be_the_same,
        questions_without_numbers_are_never_the_same,
    ),
    hints=(
        "Two conditions, and both have to hold.",
        'import re, then re.findall(r"\\d+", text) gives the numbers of a text as a list.',
        "alike >= 0.8 and sorted(numbers of one) == sorted(numbers of other)",
    ),
)

EXERCISES = (DROP_OLDEST, SAME_QUESTION)
