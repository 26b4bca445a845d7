"""The bug hunt of notebook 06, what goes wrong around a call: the phantom message, and the first block."""

from types import SimpleNamespace
from typing import Any

from labkit.teach.checks.exercise import Answer, Exercise, Probe
from labkit.teach.exercises.manager.full_history import ConversationManager, Wire
from labkit.teach.trials import laws as law
from labkit.teach.trials.courses import course, talks


def send_once(manager: Any, text: str) -> str:
    """The question goes into the request; it is kept once the reply is there."""
    question = {"role": "user", "content": text}
    response = manager.client.messages.create(
        model=manager.model,
        max_tokens=manager.max_tokens,
        system=manager.system_prompt,
        messages=[*manager.messages, question],
    )
    reply = "".join(block.text for block in response.content if block.type == "text")
    manager.messages += [question, {"role": "assistant", "content": reply}]
    return reply


def every_exception_is_undone(manager: Any, text: str) -> str:
    """`except Exception` catches more than APIError, and not the stop button: KeyboardInterrupt is a BaseException.
    Best is code that has nothing to undo: add the question when the reply is there.
    """
    before = list(manager.messages)
    try:
        return send_once(manager, text)
    except Exception:
        raise
    except BaseException:
        manager.messages = [*before, {"role": "user", "content": text}]
        raise


def the_question_is_always_taken_out(manager: Any, text: str) -> str:
    """A `finally` runs after a success too: the question is taken out although it was answered. Undo after an error
    alone.
    """
    reply = send_once(manager, text)
    del manager.messages[-2]
    return reply


def the_error_is_swallowed(manager: Any, text: str) -> str:
    """The history is right, and nobody learns that the call failed: an empty text looks like a reply. Raise the error
    again.
    """
    try:
        return send_once(manager, text)
    except BaseException:
        return ""


def the_whole_history_is_emptied(manager: Any, text: str) -> str:
    """After the error everything is gone, not the question alone. Go back to the messages from before this call."""
    try:
        return send_once(manager, text)
    except BaseException:
        manager.messages = []
        raise


def the_reply_before_is_taken_out_too(manager: Any, text: str) -> str:
    """You take out two messages, and only one was added: the reply before it is lost as well."""
    try:
        return send_once(manager, text)
    except BaseException:
        manager.messages = manager.messages[:-1]
        raise


def sending(answer: Answer) -> type:
    """A manager whose send is the learner's function."""

    class Sending(ConversationManager):
        """The manager of exercise 06-a with another send."""

        def send(self, text: Any) -> str:
            """Let the learner's function do it."""
            given: str = answer(self, text)
            return given

    return Sending


SEND_COURSE = course(
    {
        law.REPLY_GIVEN: talks("say"),
        law.TURN_STORED: talks("say, say"),
        law.EVERYTHING_SENT: talks("say, say, say"),
        law.FAILURE_RAISED: talks("say, 529", "say, stopped"),
        law.FAILURE_UNDONE: talks("say, 529", "say, timeout"),
        law.STOPPED_UNDONE: talks("say, stopped, say"),
        law.UNREAD_UNDONE: talks("say, garbled, say"),
    },
    "say, say, long, thinking, 529, 500, timeout, garbled, stopped",
    ({},),
    sending,
)

PHANTOM = Exercise(
    id="06-g",
    covers=("E9", "E12"),
    title="A phantom message",
    task="Mend it: whatever stops the call, the messages are what they were before, and the error goes on its way.",
    stub='''
import anthropic


def send_once(manager, text):
    """The reply to a text; the text and the reply are kept in manager.messages."""
    manager.messages.append({"role": "user", "content": text})
    settings = {"model": manager.model, "max_tokens": manager.max_tokens, "system": manager.system_prompt}
    try:
        response = manager.client.messages.create(messages=manager.messages, **settings)
    except anthropic.APIError:
        manager.messages.pop()
        raise
    reply = "".join(block.text for block in response.content if block.type == "text")
    manager.messages.append({"role": "assistant", "content": reply})
    return reply
''',
    reference=send_once,
    probes=SEND_COURSE.probes(),
    mistakes=(
        every_exception_is_undone,
        the_question_is_always_taken_out,
        the_error_is_swallowed,
        the_whole_history_is_emptied,
        the_reply_before_is_taken_out_too,
    ),
    hints=(
        "Which errors are no anthropic.APIError? The stop button's KeyboardInterrupt is one; a TypeError in your own "
        "code is another.",
        "`except BaseException:` with `raise` at its end catches them all. Simpler: build the request from "
        "[*manager.messages, question], and keep the question when the reply has come.",
    ),
    course=SEND_COURSE,
    defect=True,
    file="conversation_manager.py",
)


def reply_text(response: Any) -> str:
    """The blocks are chosen by their type; there may be several of them, or none."""
    return "".join(block.text for block in response.content if block.type == "text")


def the_last_block_is_taken(response: Any) -> str:
    """You take the last block. It may be a tool call, or the second half of the text; or there is no block at all.
    Choose by type.
    """
    found: str = response.content[-1].text
    return found


def only_the_first_text_is_taken(response: Any) -> str:
    """The first text block is the right kind, and a reply may have more of them. Put all their texts together."""
    return next((block.text for block in response.content if block.type == "text"), "")


def every_block_is_asked_for_its_text(response: Any) -> str:
    """You read .text from every block, and a thinking block or a tool call has none. Look at block.type first."""
    return "".join(block.text for block in response.content)


def the_thinking_is_read_out(response: Any) -> str:
    """The reply begins with Claude's thinking, which is no part of what it says to the user. Take the blocks whose type
    is 'text', and no others.
    """
    return "".join(block.text if block.type == "text" else getattr(block, "thinking", "") for block in response.content)


def the_text_lies_between_blanks(response: Any) -> str:
    """You put a blank or a line between the blocks. The blocks are pieces of one text and hold their own blanks; join
    them with nothing.
    """
    return "\n".join(block.text for block in response.content if block.type == "text")


THINKS = {"type": "thinking", "thinking": "The order is 889.", "signature": "signed"}
CALLS = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}}


def words(text: str) -> Wire:
    """A text block."""
    return {"type": "text", "text": text}


def response_of(*blocks: Wire) -> Any:
    """A response with these blocks, as the SDK gives it."""
    return SimpleNamespace(content=[SimpleNamespace(**block) for block in blocks])


def reading(answer: Answer) -> type:
    """A manager that reads its replies with the learner's function."""

    class Reading(ConversationManager):
        """The manager of exercise 06-a with another way to read a reply."""

        def ask(self, messages: list[Wire]) -> str:
            """One call, read by the learner's function."""
            response = self.client.messages.create(
                model=self.model, max_tokens=self.max_tokens, system=self.system_prompt, messages=messages
            )
            found: str = answer(response)
            return found

    return Reading


READ_COURSE = course(
    {law.ANY_BLOCKS: talks("thinking", "two texts, say")}, "say, thinking, two texts, empty", ({},), reading
)

FIRST_BLOCK = Exercise(
    id="06-j",
    covers=("J9", "E12"),
    title="The first block is not always the text",
    task="Mend it: give back the text of a reply, whatever blocks it has; an empty text when it has none.",
    stub='''
def reply_text(response):
    """What Claude says in a response of the SDK; response.content is a list of blocks."""
    return response.content[0].text
''',
    reference=reply_text,
    probes=(
        Probe(
            "a reply that is one text is read",
            lambda answer: answer(response_of(words("It comes on Friday."))),
            "block.text is the text of a block whose type is 'text'.",
        ),
        Probe(
            "a thinking block in front is left out",
            lambda answer: answer(response_of(THINKS, words("It comes on Friday."))),
            "Go through response.content and look at block.type.",
        ),
        Probe(
            "a text in two blocks is read whole",
            lambda answer: answer(response_of(words("It comes "), words("on Friday."))),
            "Put the texts of all text blocks together, with nothing between them.",
        ),
        Probe(
            "a tool call behind the text does no harm",
            lambda answer: answer(response_of(words("I will look."), CALLS)),
            "A tool call has no text; its type is 'tool_use'.",
        ),
        Probe(
            "a reply without any block is an empty text",
            lambda answer: answer(response_of()),
            "''.join of nothing is ''.",
        ),
        *READ_COURSE.probes(),
    ),
    mistakes=(
        the_last_block_is_taken,
        only_the_first_text_is_taken,
        every_block_is_asked_for_its_text,
        the_thinking_is_read_out,
        the_text_lies_between_blanks,
    ),
    hints=(
        "Every block has a type: 'text', 'thinking', 'tool_use' and more. Only one of them has what you want.",
        "[block.text for block in response.content if block.type == 'text'] is a list of texts; ''.join makes one.",
    ),
    course=READ_COURSE,
    defect=True,
    file="conversation_manager.py",
)

EXERCISES = (PHANTOM, FIRST_BLOCK)
