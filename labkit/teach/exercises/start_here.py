"""The exercise of notebook 00: small enough to try out how an exercise works."""

from typing import Any

from labkit.teach.checks.exercise import Exercise, Probe

type Request = dict[str, Any]


def request_of(turns: int) -> Request:
    """A request in which `turns` questions were answered and one more is asked."""
    said = [{"role": role, "content": f"{role} {i}"} for i in range(turns) for role in ("user", "assistant")]
    question = {"role": "user", "content": "And now?"}
    return {"model": "any", "max_tokens": 100, "system": "Be brief.", "messages": [*said, question]}


def how_many_messages(request: Request) -> int:
    """The list of messages is what can be counted."""
    return len(request["messages"])


def the_fields_are_counted(request: Request) -> int:
    """`len(request)` counts the fields of the request: model, max_tokens, system and messages. Count what
    is in the field "messages".
    """
    return len(request)


def replies_are_not_counted(request: Request) -> int:
    """Claude's replies are messages too, and they travel with the request."""
    return sum(message["role"] == "user" for message in request["messages"])


def the_question_is_left_out(request: Request) -> int:
    """Those are the messages that came before. The new question is one more."""
    return len(request["messages"]) - 1


HOW_MANY = Exercise(
    id="00-a",
    covers=("A9",),
    title="Count the messages of a request",
    task="Give back how many messages a request carries.",
    stub='''
def how_many_messages(request):
    """How many messages the request carries; request is a dict like the one above."""
    return ...  # replace the three dots
''',
    reference=how_many_messages,
    probes=(
        Probe(
            "a first question is one message",
            lambda answer: answer(request_of(0)),
            "Look at the field 'messages' of the request above.",
        ),
        Probe(
            "a third question travels with the four messages before it",
            lambda answer: answer(request_of(2)),
            "Count everybody's messages, and the new one.",
        ),
    ),
    mistakes=(the_fields_are_counted, replies_are_not_counted, the_question_is_left_out),
    hints=(
        "A request is a dict; request['system'] is the system prompt. Which field holds the messages?",
        "len(...) tells how long a list is.",
    ),
)

EXERCISES = (HOW_MANY,)
