"""Laws that hold for every conversation with a manager: each a claim, a hint and a test of the newest step.

A test gives a clause that goes on after "Your code" when the law is broken, and nothing when it holds. None of them
looks at the words of a reply beyond whether they are the ones that came.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labkit.request_log import Sent
from labkit.teach.cells.words import counted
from labkit.teach.checks.check import brief
from labkit.teach.trials.claude import Wire, last_words
from labkit.teach.trials.reading import result_of
from labkit.teach.trials.run import LOST, Run, Step

type Test = Callable[[Run, Step], str]


@dataclass(frozen=True)
class Need:
    """The condition under which a law applies: the test of a step, and the words for when it never did."""

    missing: str = ""
    met: Callable[[Run, Step], bool] = lambda *_: True


ALWAYS = Need()
QUESTION = Need("no request with the question came", lambda _, step: step.main is not None)
REPLY = Need("no reply came", lambda _, step: bool(step.due))
FAILURE = Need("no request with the question came", lambda _, step: step.main is not None and step.move in LOST)
ERROR = Need("send raised no such error", lambda _, step: bool(FAILURE.met(_, step) and step.raised))
EMPTY = Need("no request with the question came", lambda _, step: step.main is not None and step.move == "empty")


@dataclass(frozen=True)
class Law:
    """A claim about every conversation, a hint at the idea, and the test of the step that was made last.

    `shows` says what a reader wants to see when it is broken: the "request", the one for a "summary", what is
    "kept", or nothing more. `needs` is what has to happen for it to hold of anything.
    """

    claim: str
    hint: str
    test: Test
    shows: str = "request"
    needs: Need = ALWAYS


def lines(messages: list[Wire]) -> list[tuple[str, str]]:
    """Messages as pairs of role and words, so that either way of writing content compares alike."""
    return [(str(message.get("role")), last_words(message)) for message in messages]


def api_words(sent: Sent) -> str:
    """The API's own words against a request."""
    error = sent.reply.get("error", {})
    return str(error.get("message", ""))


def _accepted(_: Run, step: Step) -> str:
    return f"sent a request that the API refuses: {api_words(step.refused).rstrip('.')}" if step.refused else ""


def _question_last(_: Run, step: Step) -> str:
    if step.asked is None or step.main or (step.move == "summary stopped" and step.raised):
        return ""
    if not step.sent:
        return "sent nothing through the client it was given"
    last = step.sent[-1].messages
    end = f"ends in {brief(last_words(last[-1]))}" if last else "carries no message at all"
    return f"sent no request that ends in the new question; the last one {end}"


def _everything_sent(_: Run, step: Step) -> str:
    return _compared(lines(step.main.messages), lines(_due(step)), "sent") if step.main else ""


def _due(step: Step) -> list[Wire]:
    return [*step.said, *([step.asked] if step.asked else [])]


def _compared(got: list[tuple[str, str]], due: list[tuple[str, str]], verb: str) -> str:
    if got == due:
        return ""
    if missing := [words for role, words in due if (role, words) not in got]:
        return f"{verb} {_messages(got)} where {len(due)} were due: {brief(missing[0])} is missing"
    if extra := [words for role, words in got if (role, words) not in due]:
        return f"{verb} {_messages(got)} where {len(due)} were due: {brief(extra[0])} is not one of them"
    return f"{verb} {_messages(got)}, in another order or another number than they were said"


def _messages(messages: list[Any]) -> str:
    return counted(len(messages), "message")


def _view_sent(run: Run, step: Step) -> str:
    """Try it on a separate class, and only once: the messages that get_messages() returns are those that travel."""
    if [one.move for one in run.steps] != ["say", "say"]:
        return ""
    again = Run(type(run.kind.__name__, (run.kind,), {"get_messages": _newest_alone}), run.settings)
    sent = [again.take(move) for move in ("say", "say")][-1].main
    if not sent or len(sent.messages) == 1:
        return ""
    return f"sent {_messages(sent.messages)} where get_messages() of a class built on it gives the newest one alone"


def _newest_alone(manager: Any) -> list[Wire]:
    newest: list[Wire] = list(manager.messages[-1:])
    return newest


def _settings_travel(run: Run, step: Step) -> str:
    if not step.main:
        return ""
    request = step.main.request
    for name, field in (("system_prompt", "system"), ("model", "model"), ("max_tokens", "max_tokens")):
        if name in run.settings and _text(request.get(field)) != _text(run.settings[name]):
            return f"sent {field}={brief(request.get(field))}; it was set up with {brief(run.settings[name])}"
    return ""


def _text(value: Any) -> Any:
    return "".join(block.get("text", "") for block in value) if isinstance(value, list) else value


def _reply_given(_: Run, step: Step) -> str:
    if not step.due or step.raised or step.reply == step.due:
        return ""
    return f"gave back {brief(step.reply)}; the reply was {brief(step.due)}"


def _turn_stored(_: Run, step: Step) -> str:
    if not step.due or step.raised or not step.asked:
        return ""
    return _compared(lines(step.after), lines([*step.before, *_turn(step)]), "keeps")


def _turn(step: Step) -> list[Wire]:
    """The question and its reply, when there was one."""
    return [step.asked, {"role": "assistant", "content": step.due}] if step.asked and step.due else []


def _failure_raised(_: Run, step: Step) -> str:
    if step.answered or step.asked is None or step.raised or step.due:
        return ""
    return f"gave back {brief(step.reply)} although no reply came; let the error out, so that the caller knows"


def _failure_undone(_: Run, step: Step) -> str:
    if not step.raised or lines(step.after) in (lines(step.before), lines([*step.before, *_turn(step)])):
        return ""
    kept = f"keeps {_messages(step.after)} after a call that failed; before it there were {len(step.before)}"
    return kept + (f", {brief(last_words(step.after[-1]))} stayed behind" if len(step.after) > len(step.before) else "")


def _next_after_empty(_: Run, step: Step) -> str:
    if step.move != "empty" or step.raised or not step.after:
        return ""
    last = step.after[-1]
    if last.get("role") == "assistant" and not last_words(last).strip():
        return "keeps an assistant message without content; the API refuses a request with one in the middle"
    return ""


def _bill(run: Run, step: Step) -> str:
    due, without = (_billed(run, every) for every in (True, False))
    if step.usage[:2] in (due, without):
        return ""
    kinds = ("input", "output")
    place = 0 if step.usage[0] != due[0] else 1
    return f"counts {counted(step.usage[place], f'{kinds[place]} token')}; the replies billed {due[place]:,} in all"


def _billed(run: Run, every: bool) -> tuple[int, int]:
    """Input and output tokens of the replies that could be read; not `every`, without empty ones that were refused."""
    steps = [step for step in run.steps if every or not (step.move == "empty" and step.raised)]
    billed = [sent.usage for step in steps if step.move != "garbled" for sent in step.sent]
    return sum(one.total_input for one in billed), sum(one.output_tokens for one in billed)


def _messages_counted(_: Run, step: Step) -> str:
    if step.usage[2] == len(step.after):
        return ""
    return f"counts {counted(step.usage[2], 'message')}; it keeps {len(step.after)}"


def _copy_given(run: Run, step: Step) -> str:
    given = result_of(run.manager.get_messages(), "get_messages")
    if not isinstance(given, list):
        return ""
    given.append({"role": "user", "content": "put in from outside"})
    left = len(run.manager.messages)
    del run.manager.messages[len(step.after) :]
    return "hands out its own list: a message put into it from outside is kept" if left > len(step.after) else ""


def _other_untouched(run: Run, _: Step) -> str:
    begun = len(run.settings.get("messages", ()))
    if len(run.other.messages) == begun:
        return ""
    return "shares one list between two managers: a second one, which nobody talked to, holds messages"


ACCEPTED = Law(
    "the API accepts every request",
    "Look at the request below and at the API's own words about it.",
    _accepted,
    needs=Need("no request came", lambda _, step: bool(step.sent)),
)
QUESTION_LAST = Law(
    "the new question is at the end of its request",
    "Send through self.client.messages.create, with the new question as the last of the messages.",
    _question_last,
)
EVERYTHING_SENT = Law(
    "each request carries everything that was said so far, in order",
    "Claude remembers nothing: messages=self.get_messages(), after the question was added.",
    _everything_sent,
    needs=QUESTION,
)
VIEW_SENT = Law(
    "get_messages decides what travels, with the question in it, also in a class built on this one",
    "Put the question into self.messages, send self.get_messages(), and on any error put the old list back.",
    _view_sent,
    needs=QUESTION,
)
SETTINGS_TRAVEL = Law(
    "the system prompt, the model and max_tokens travel with each request",
    "The three are arguments of messages.create: system=, model=, max_tokens=.",
    _settings_travel,
    needs=QUESTION,
)
REPLY_GIVEN = Law(
    "send gives back the text of the reply",
    "Go through response.content and take the blocks whose type is 'text'.",
    _reply_given,
    "",
    needs=REPLY,
)
ANY_BLOCKS = Law(
    "a reply that begins with thinking, or comes in two blocks, is read as well",
    "response.content[0] may be a thinking block; go by block.type.",
    _reply_given,
    "",
    needs=REPLY,
)
TURN_STORED = Law(
    "after a reply the question and the reply are kept",
    "Both belong to the history: the question as the user's message, the reply as the assistant's.",
    _turn_stored,
    "kept",
    needs=REPLY,
)
FAILURE_RAISED = Law(
    "a call that fails is an error",
    "Catch what you need to put the history right, and then raise again.",
    _failure_raised,
    "",
    needs=FAILURE,
)
FAILURE_UNDONE = Law(
    "after a call that failed the history is as it was",
    "Whatever the error is called: keep the question only once the reply is there.",
    _failure_undone,
    "kept",
    needs=ERROR,
)
UNREAD_UNDONE = Law(
    "after an error that is not the API's own the history is as it was",
    "Half an answer raises an error of the JSON reader, which is no APIError.",
    _failure_undone,
    "kept",
    needs=ERROR,
)
STOPPED_UNDONE = Law(
    "after the stop button the history is as it was",
    "KeyboardInterrupt is a BaseException, and no Exception.",
    _failure_undone,
    "kept",
    needs=ERROR,
)
EMPTY_REPLY = Law(
    "a reply without content leaves no empty message behind",
    "Before the reply is kept, ask whether there are words in it.",
    _next_after_empty,
    "kept",
    needs=EMPTY,
)
BILL = Law(
    "the totals are what the replies billed, all input fields together",
    "The input of a request is input_tokens + cache_read_input_tokens + cache_creation_input_tokens.",
    _bill,
    "",
    needs=REPLY,
)
MESSAGES_COUNTED = Law(
    "message_count is the number of messages kept", "It is len(self.messages).", _messages_counted, "kept", needs=REPLY
)
COPY_GIVEN = Law(
    "get_messages hands out a copy of the list",
    "list(self.messages) is a new list with the same messages.",
    _copy_given,
    "",
)
OTHER_UNTOUCHED = Law(
    "two managers keep two histories",
    "A list in the class or in a default argument is made once; make a new one in __init__.",
    _other_untouched,
    "",
    needs=REPLY,
)
