"""The exercises of notebook 01: build the next request, and redact a copy for the log."""

from typing import Any

from labkit.teach.checks.check import WrongShape
from labkit.teach.checks.exercise import Answer, Exercise, Probe

type Wire = dict[str, str]
type Request = dict[str, Any]

SYSTEM = "You answer for a library."
CARD = "LX-4471"


def card_talk() -> list[Wire]:
    """A conversation of four messages, fresh each time."""
    return [
        {"role": "user", "content": f"My card number is {CARD}."},
        {"role": "assistant", "content": f"Thank you, {CARD} is noted."},
        {"role": "user", "content": f"Is {CARD} valid? I ask because {CARD} is old."},
        {"role": "assistant", "content": "It is valid until May."},
    ]


def next_request(system: str, history: list[Wire], question: str) -> Request:
    """Everything said so far, word for word, and the new question behind it, in a new list."""
    return {"system": system, "messages": [*history, {"role": "user", "content": question}]}


def only_the_question_is_sent(system: str, history: list[Wire], question: str) -> Request:
    """The history never leaves your machine. Claude sees this one message and nothing before it, so a
    follow-up such as 'and the second one?' has no first one.
    """
    return {"system": system, "messages": [{"role": "user", "content": question}]}


def the_replies_are_left_out(system: str, history: list[Wire], question: str) -> Request:
    """Only the user's side is sent. Claude does not remember its own replies either: what it said last
    time is news to it unless you send it back.
    """
    asked = [message for message in history if message["role"] == "user"]
    return {"system": system, "messages": [*asked, {"role": "user", "content": question}]}


def the_question_comes_first(system: str, history: list[Wire], question: str) -> Request:
    """The order is the conversation. Claude answers the message at the end, and here an old one is at the end."""
    return {"system": system, "messages": [{"role": "user", "content": question}, *history]}


def the_given_list_grows(system: str, history: list[Wire], question: str) -> Request:
    """The request is right, but `append` changed the list you were given. Should the call fail now, a
    question that was never answered stays in the history and travels with the next one. Make a new list;
    keep the question once the reply is there.
    """
    history.append({"role": "user", "content": question})
    return {"system": system, "messages": history}


def the_system_prompt_is_a_message(system: str, history: list[Wire], question: str) -> Request:
    """The system prompt is among the messages. It has a separate field, and it too has to be sent each time."""
    first = {"role": "system", "content": system}
    return {"messages": [first, *history, {"role": "user", "content": question}]}


def everything_in_one_string(system: str, history: list[Wire], question: str) -> Request:
    """The words all travel, but who said what is lost: to Claude this is one long message from the user.
    Send one dict a message.
    """
    lines = [f"{message['role']}: {message['content']}" for message in history]
    return {"system": system, "messages": [{"role": "user", "content": "\n".join([*lines, question])}]}


def the_messages_come_back_alone(system: str, history: list[Wire], question: str) -> Any:
    """You gave back the list of messages. A request is a dict: the messages under "messages", and "system"
    beside them.
    """
    return [*history, {"role": "user", "content": question}]


def copy_for_log(messages: list[Wire], secret: str) -> list[Wire]:
    """New dicts in a new list, so that nothing of what is sent can change."""
    return [{**message, "content": message["content"].replace(secret, "[redacted]")} for message in messages]


def the_conversation_itself_is_changed(messages: list[Wire], secret: str) -> list[Wire]:
    """The log is safe, but so is the secret from Claude: you changed the messages that will be sent next time."""
    for message in messages:
        message["content"] = message["content"].replace(secret, "[redacted]")
    return messages


def only_the_list_is_copied(messages: list[Wire], secret: str) -> list[Wire]:
    """`list(...)` copies the list, not the dicts in it: both lists hold the same messages, and you changed
    those. Make a new dict for each message.
    """
    copy = list(messages)
    for message in copy:
        message["content"] = message["content"].replace(secret, "[redacted]")
    return copy


def the_reply_gives_it_away(messages: list[Wire], secret: str) -> list[Wire]:
    """Only the user's messages were redacted. A reply often repeats the user's words, so the secret is still in the
    log.
    """
    return [
        {**message, "content": message["content"].replace(secret, "[redacted]")}
        if message["role"] == "user"
        else message
        for message in messages
    ]


def whole_messages_vanish(messages: list[Wire], secret: str) -> list[Wire]:
    """Every message with the secret is gone. Whoever reads the log now sees a conversation that never took
    place: hide the words and keep the message.
    """
    return [message for message in messages if secret not in message["content"]]


def only_the_first_one_in_each_message(messages: list[Wire], secret: str) -> list[Wire]:
    """A message can hold the secret twice, and the second one is still there."""
    return [{**message, "content": message["content"].replace(secret, "[redacted]", 1)} for message in messages]


def _field(request: object, name: str) -> Any:
    if not isinstance(request, dict):
        raise WrongShape(f"gave back a {type(request).__name__}; a request is a dict with 'system' and 'messages'")
    return request.get(name)


def _lines(messages: list[Wire]) -> list[str]:
    return [f"{message['role']}: {message['content']}" for message in messages]


def _asked(answer: Answer) -> list[str]:
    return _lines(_field(answer(SYSTEM, card_talk(), "Until when?"), "messages") or [])


def _system(answer: Answer) -> str:
    request = answer(SYSTEM, card_talk(), "Until when?")
    roles = {message["role"] for message in _field(request, "messages") or []}
    place = "and among the messages" if "system" in roles else "and nowhere else"
    return f"system={_field(request, 'system')!r} {place}"


def _history_after(answer: Answer) -> str:
    history = card_talk()
    answer(SYSTEM, history, "Until when?")
    return f"{len(history)} messages, {'as they were' if history == card_talk()[: len(history)] else 'changed'}"


def _originals_after(answer: Answer) -> list[str]:
    messages = card_talk()
    answer(messages, CARD)
    return _lines(messages)


def _which_list(answer: Answer) -> str:
    messages = card_talk()
    return "the list that was given" if answer(messages, CARD) is messages else "another list"


def _leaks(answer: Answer) -> str:
    return f"{sum(line.count(CARD) for line in _lines(answer(card_talk(), CARD)))} places with the secret"


NEXT_REQUEST = Exercise(
    id="01-a",
    covers=("A1", "A2"),
    title="Build the next request",
    task="Give back a dict with 'system' and 'messages', so that Claude answers knowing all that was said.",
    stub='''
def next_request(system, history, question):
    """The system prompt and the messages of the next request; history is a list of dicts."""
    return ...  # replace the three dots
''',
    reference=next_request,
    probes=(
        Probe(
            "the question is the last message",
            lambda answer: _asked(answer)[-1],
            "Claude answers whatever stands at the end.",
        ),
        Probe(
            "all that was said before travels along, word for word and in order",
            lambda answer: _asked(answer)[:-1],
            "The other side keeps nothing: neither what the user said nor what Claude replied.",
        ),
        Probe(
            "the system prompt travels in a field of its own",
            _system,
            "Look at the request in the wire view: 'system' stands beside 'messages', not in it.",
        ),
        Probe(
            "the list you were given is as it was",
            _history_after,
            "A request is made from the history; making it must not change the history.",
        ),
        Probe(
            "the very first question works too",
            lambda answer: _lines(_field(answer(SYSTEM, [], "Hello?"), "messages") or []),
            "With nothing said yet, the history is an empty list.",
        ),
    ),
    mistakes=(
        only_the_question_is_sent,
        the_replies_are_left_out,
        the_question_comes_first,
        the_given_list_grows,
        the_system_prompt_is_a_message,
        everything_in_one_string,
        the_messages_come_back_alone,
    ),
    hints=(
        "Which messages did the third request of this notebook carry? Yours needs the same kind of list.",
        "A new list can be written as [*old, new]; the old one stays as it is.",
        "The dict has two keys. Under 'messages' stands the new list, whose last dict has the role 'user' "
        "and your question as its content.",
    ),
)

COPY_FOR_LOG = Exercise(
    id="01-b",
    covers=("A4",),
    title="Redact a copy for the log",
    task="Give back a copy of the messages with '[redacted]' wherever the secret stood, "
    "and leave the messages themselves alone.",
    stub='''
def copy_for_log(messages, secret):
    """A copy of the messages that is fit for a log; messages is a list of dicts."""
    return ...  # replace the three dots
''',
    reference=copy_for_log,
    probes=(
        Probe(
            "the secret is nowhere in the copy",
            _leaks,
            "Look for the secret in every message, whoever said it, and more than once in each.",
        ),
        Probe(
            "every message is still there, with the rest of its words",
            lambda answer: _lines(answer(card_talk(), CARD)),
            "Hide the words, not the message.",
        ),
        Probe(
            "the conversation itself still has the secret",
            _originals_after,
            "Claude needs the words that the log must not have.",
        ),
        Probe("the copy is a list of its own", _which_list, "Build a new list and give that back."),
    ),
    mistakes=(
        the_conversation_itself_is_changed,
        only_the_list_is_copied,
        the_reply_gives_it_away,
        whole_messages_vanish,
        only_the_first_one_in_each_message,
    ),
    hints=(
        "Two lists are in play: the one that is sent next time, and the one that is written down.",
        "text.replace(secret, '[redacted]') gives new text and replaces every occurrence.",
        "{**message, 'content': new_text} is a new dict with one value changed.",
    ),
)

EXERCISES = (NEXT_REQUEST, COPY_FOR_LOG)
