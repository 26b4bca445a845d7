"""The exercises of notebook 05: split old from recent, and go on when the summary fails."""

from collections.abc import Callable
from typing import Any

from labkit.teach.checks.check import WrongShape
from labkit.teach.checks.exercise import Answer, Exercise, Probe

type Wire = dict[str, Any]
type Parts = tuple[list[Wire], list[Wire]]
type Ask = Callable[[list[Wire]], str]

SUMMARY = "The customer has order 4471 and wants a refund."


def chat(turns: int) -> list[Wire]:
    """A conversation of simple turns, fresh each time."""
    said = [(f"question {turn}", f"answer {turn}") for turn in range(1, turns + 1)]
    pairs = [({"role": "user", "content": asked}, {"role": "assistant", "content": told}) for asked, told in said]
    return [message for pair in pairs for message in pair]


def with_tool() -> list[Wire]:
    """Three turns, the second of which calls a tool: eight messages in all."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "42"}
    first, second = chat(1), chat(3)[2:]
    round_of_it = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    return [*first, second[0], *round_of_it, *second[1:]]


def split_turns(messages: list[Wire], keep: int) -> Parts:
    """A turn begins where the user says something in words; cut where the newest `keep` of them begin."""
    starts = [i for i, m in enumerate(messages) if m["role"] == "user" and isinstance(m["content"], str)]
    cut = starts[-keep] if len(starts) > keep else 0
    return messages[:cut], messages[cut:]


def messages_are_counted_instead_of_turns(messages: list[Wire], keep: int) -> Parts:
    """You kept the newest messages, and a turn has at least two of them: with keep = 2, one question and its reply
    are left. Count where the user begins to speak.
    """
    return messages[:-keep], messages[-keep:]


def a_turn_with_a_tool_call_is_cut_in_two(messages: list[Wire], keep: int) -> Parts:
    """Simple turns are split rightly. But a turn with a tool call has four messages or more, and one of them is a
    tool_result in the role of the user. Cut before that, the result has lost its call, and the API refuses it.
    """
    starts = [i for i, m in enumerate(messages) if m["role"] == "user"]
    cut = starts[-keep] if len(starts) > keep else 0
    return messages[:cut], messages[cut:]


def a_short_conversation_is_an_error(messages: list[Wire], keep: int) -> Parts:
    """With fewer turns than `keep` there is nothing old yet; give back an empty first part instead of reaching for a
    turn that does not exist.
    """
    starts = [i for i, m in enumerate(messages) if m["role"] == "user" and isinstance(m["content"], str)]
    return messages[: starts[-keep]], messages[starts[-keep] :]


def the_parts_are_the_wrong_way_round(messages: list[Wire], keep: int) -> Parts:
    """The cut is right, and the parts are swapped: first what is old, then what is recent."""
    old, recent = split_turns(messages, keep)
    return recent, old


def all_of_a_short_talk_is_old(messages: list[Wire], keep: int) -> Parts:
    """With no more turns than `keep`, you call everything old, and nothing is left to send. All of it is recent then,
    and the first part is empty.
    """
    old, recent = split_turns(messages, keep)
    return (old, recent) if old else (messages, [])


def the_given_list_is_cut_short(messages: list[Wire], keep: int) -> Parts:
    """The parts are right, but you took the old messages out of the list you were given. Should the summary fail now,
    they are gone. Use slices, which copy.
    """
    old, recent = split_turns(messages, keep)
    del messages[: len(old)]
    return old, recent


def next_messages(old: list[Wire], recent: list[Wire], ask: Ask) -> list[Wire]:
    """The summary as a pair when there is one; the recent turns alone when the call fails or says nothing."""
    try:
        summary = ask(old)
    except Exception:
        summary = ""
    if not summary.strip():
        return list(recent)
    told = {"role": "user", "content": f"[Conversation summary: {summary}]"}
    heard = {"role": "assistant", "content": "Understood."}
    return [told, heard, *recent]


def the_error_ends_the_conversation(old: list[Wire], recent: list[Wire], ask: Ask) -> list[Wire]:
    """A failing summary stops the program, although the user's question could still be answered from the recent turns.
    Catch the error.
    """
    told = {"role": "user", "content": f"[Conversation summary: {ask(old)}]"}
    return [told, {"role": "assistant", "content": "Understood."}, *recent] if ask(old).strip() else list(recent)


def the_error_becomes_the_summary(old: list[Wire], recent: list[Wire], ask: Ask) -> list[Wire]:
    """The words of the error message are sent as if they were the summary; from now on Claude believes that the
    conversation was about an overloaded server.
    """
    try:
        summary = ask(old)
    except Exception as error:
        summary = f"Summary failed: {error}"
    return _with_pair(summary, recent) if summary.strip() else list(recent)


def other_words_take_the_place_of_the_summary(old: list[Wire], recent: list[Wire], ask: Ask) -> list[Wire]:
    """When the call fails you send words of your own as the summary, and Claude takes them for what happened. Without
    a summary the recent turns go alone.
    """
    try:
        summary = ask(old)
    except Exception:
        summary = "no summary"
    return _with_pair(summary, recent) if summary.strip() else list(recent)


def the_reply_has_no_words(old: list[Wire], recent: list[Wire], ask: Ask) -> list[Wire]:
    """The reply to the summary is empty, and the API refuses a message without words: 400, "must have non-empty
    content". One word is enough.
    """
    return [m | {"content": ""} if m["content"] == "Understood." else m for m in next_messages(old, recent, ask)]


def an_empty_summary_is_sent(old: list[Wire], recent: list[Wire], ask: Ask) -> list[Wire]:
    """A call can succeed and bring nothing. Your pair then tells Claude that nothing was ever said; send the recent
    turns alone.
    """
    try:
        return _with_pair(ask(old), recent)
    except Exception:
        return list(recent)


def everything_is_sent_after_all(old: list[Wire], recent: list[Wire], ask: Ask) -> list[Wire]:
    """When the summary fails, everything is sent. But it was wanted because everything was too long; fall back to the
    recent turns, and keep the old ones at home.
    """
    try:
        summary = ask(old)
    except Exception:
        summary = ""
    return _with_pair(summary, recent) if summary.strip() else [*old, *recent]


def the_old_part_is_thrown_away_first(old: list[Wire], recent: list[Wire], ask: Ask) -> list[Wire]:
    """The request is right, but the old messages are gone from your list before you know that you have a summary of
    them. A failed call must not lose anything that was said.
    """
    copy = list(old)
    old.clear()
    return next_messages(copy, recent, ask)


def only_half_a_pair_is_sent(old: list[Wire], recent: list[Wire], ask: Ask) -> list[Wire]:
    """The summary comes directly before the user's next message, so two user messages follow one another. The Claude
    API merges them; a short reply between them keeps the tidy form that every platform takes.
    """
    made = next_messages(old, recent, ask)
    return made if len(made) == len(recent) else [made[0], *recent]


def the_summary_comes_last(old: list[Wire], recent: list[Wire], ask: Ask) -> list[Wire]:
    """The summary comes first. At the end it would be read as the question to answer."""
    made = next_messages(old, recent, ask)
    return made if len(made) == len(recent) else [*recent, *made[:2]]


def _with_pair(summary: str, recent: list[Wire]) -> list[Wire]:
    told = {"role": "user", "content": f"[Conversation summary: {summary}]"}
    return [told, {"role": "assistant", "content": "Understood."}, *recent]


def _lengths(answer: Answer, messages: list[Wire], keep: int) -> str:
    parts = answer(messages, keep)
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        raise WrongShape(f"gave back {type(parts).__name__}; give back two lists: old, recent")
    return f"{len(parts[0])} old, {len(parts[1])} recent"


def _opening(answer: Answer) -> str:
    _, recent = answer(with_tool(), 2)
    return str(recent[0]["content"]) if recent else "nothing"


def _list_after(answer: Answer) -> str:
    messages = chat(4)
    answer(messages, 2)
    return f"{len(messages)} messages" if messages == chat(4) else "changed"


def _recent() -> list[Wire]:
    return [*chat(2)[2:], {"role": "user", "content": "And now?"}]


def _fails(old: list[Wire]) -> str:
    raise RuntimeError("529 Overloaded")


def _sent(answer: Answer, ask: Ask) -> list[str]:
    return [_line(message) for message in _list_of(answer(chat(3), _recent(), ask))]


def _line(message: Wire) -> str:
    content = str(message["content"])
    known = {str(said["content"]) for said in [*chat(3), *_recent()]}
    other = "the words of the error" if "529" in content else "words of your own" if content.strip() else "no words"
    shown = content if content in known else "the summary" if SUMMARY in content else other
    return f"{message['role']}: {shown}"


def _list_of(messages: object) -> list[Wire]:
    if not isinstance(messages, list):
        raise WrongShape(f"gave back {type(messages).__name__}; give back a list of messages")
    return messages


def _old_after(answer: Answer, ask: Ask) -> str:
    old = chat(3)
    answer(old, _recent(), ask)
    return f"{len(old)} old messages"


SPLIT_TURNS = Exercise(
    id="05-a",
    covers=("B3",),
    title="Split old from recent",
    task="Give back two lists, old and recent, so that recent holds the newest `keep` turns whole.",
    stub='''
def split_turns(messages, keep):
    """Two lists, old and recent: recent holds the newest `keep` turns; messages is a list of dicts."""
    return ...  # replace the three dots
''',
    reference=split_turns,
    probes=(
        Probe(
            "of 5 simple turns the newest 2 are recent",
            lambda answer: _lengths(answer, chat(5), 2),
            "A simple turn has two messages: what the user says, and the reply.",
        ),
        Probe(
            "a turn with a tool call stays whole",
            lambda answer: _lengths(answer, with_tool(), 2),
            "Three turns, eight messages: the second turn alone has four.",
        ),
        Probe(
            "the recent part opens with words of the user",
            _opening,
            "A turn begins with a user message whose content is text, not a tool_result.",
        ),
        Probe(
            "while there are no more than `keep` turns, nothing is old",
            lambda answer: _lengths(answer, chat(3), 4),
            "The old part may be an empty list.",
        ),
        Probe("the list you were given is as it was", _list_after, "A slice copies; del and pop take away."),
    ),
    mistakes=(
        messages_are_counted_instead_of_turns,
        a_turn_with_a_tool_call_is_cut_in_two,
        a_short_conversation_is_an_error,
        the_parts_are_the_wrong_way_round,
        all_of_a_short_talk_is_old,
        the_given_list_is_cut_short,
    ),
    hints=(
        "First find the places at which a turn begins; then cut at one of them.",
        "A turn begins at a message of role user whose content is a str. A tool_result's content is a list.",
        "With `starts` as the list of these places, the newest `keep` turns begin at starts[-keep], if there are "
        "more than `keep` of them.",
    ),
)

NEXT_MESSAGES = Exercise(
    id="05-b",
    covers=("B3", "E5"),
    title="Go on when the summary fails",
    task="Give back the messages to send: a summary pair before the recent turns, or the recent turns alone.",
    stub='''
def next_messages(old, recent, ask):
    """The messages to send; ask(old) gives the text of a summary, or raises an error."""
    return ...  # replace the three dots
''',
    reference=next_messages,
    probes=(
        Probe(
            "a summary comes first, as a pair of user and assistant, before the recent turns",
            lambda answer: _sent(answer, lambda old: SUMMARY),
            "Two new dicts: a user message that holds the summary, and a short reply to it.",
        ),
        Probe(
            "when the call fails, the recent turns are sent alone",
            lambda answer: _sent(answer, _fails),
            "try: summary = ask(old) / except Exception: there is none.",
        ),
        Probe(
            "a summary without words counts as a failure",
            lambda answer: _sent(answer, lambda old: "  "),
            "Look at summary.strip() before you build the pair.",
        ),
        Probe(
            "the old messages are still there afterwards",
            lambda answer: _old_after(answer, _fails),
            "What is sent is a view; your list keeps everything.",
        ),
    ),
    mistakes=(
        the_error_ends_the_conversation,
        the_error_becomes_the_summary,
        other_words_take_the_place_of_the_summary,
        the_reply_has_no_words,
        an_empty_summary_is_sent,
        everything_is_sent_after_all,
        the_old_part_is_thrown_away_first,
        only_half_a_pair_is_sent,
        the_summary_comes_last,
    ),
    hints=(
        "There are three cases: a summary, an error, and a summary without words. Two of them end alike.",
        "Let `summary` be an empty string where ask(old) raises, and then ask whether there are words in it.",
        "[told, heard, *recent] is the list with a pair before the recent turns; list(recent) is the other one.",
    ),
)

EXERCISES = (SPLIT_TURNS, NEXT_MESSAGES)
