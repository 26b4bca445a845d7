"""The first exercise of notebook 06: the learner's own manager with the full history, and its tokens counted."""

from typing import Any

from labkit.clients import claude
from labkit.teach.checks.exercise import Exercise
from labkit.teach.trials import laws as law
from labkit.teach.trials.courses import course, talks

type Wire = dict[str, Any]


class ConversationManager:
    """Everything goes with every request; whatever goes wrong, the history is what it was before."""

    def __init__(
        self,
        system_prompt: str = "Be brief.",
        model: str = "claude-sonnet-4-6",
        max_tokens: int = 4096,
        messages: Any = (),
        client: Any = None,
    ) -> None:
        """Keep the settings; nothing is sent yet."""
        self.system_prompt, self.model, self.max_tokens = system_prompt, model, max_tokens
        self.messages: list[Wire] = list(messages)
        self.client: Any = client or claude()
        self.total_input_tokens = self.total_output_tokens = 0

    def add_user_message(self, content: Any) -> None:
        """Put a user message at the end."""
        self.messages.append({"role": "user", "content": content})

    def add_assistant_message(self, content: Any) -> None:
        """Put an assistant message at the end."""
        self.messages.append({"role": "assistant", "content": content})

    def get_messages(self) -> list[Wire]:
        """The messages of the next request, in a separate list."""
        return list(self.messages)

    def send(self, text: Any) -> str:
        """Ask, keep the question and the reply, and give back the reply's text."""
        before = list(self.messages)
        self.add_user_message(text)
        try:
            reply = self.ask(self.get_messages())
            if not reply:
                raise ValueError("the reply holds no text")
        except BaseException:
            self.messages = before
            raise
        self.add_assistant_message(reply)
        return reply

    def ask(self, messages: list[Wire]) -> str:
        """One call, counted with all its input; the reply's blocks are chosen by type."""
        response = self.client.messages.create(
            system=self.system_prompt, model=self.model, max_tokens=self.max_tokens, messages=messages
        )
        self.count(response.usage)
        return "".join(block.text for block in response.content if block.type == "text")

    def count(self, used: Any) -> None:
        """Add what a response billed to the totals."""
        cached = (used.cache_read_input_tokens or 0) + (used.cache_creation_input_tokens or 0)
        self.total_input_tokens += used.input_tokens + cached
        self.total_output_tokens += used.output_tokens

    def get_token_usage(self) -> dict[str, int]:
        """The totals so far, and how many messages are kept."""
        return {
            "total_input_tokens": self.total_input_tokens,
            "total_output_tokens": self.total_output_tokens,
            "message_count": len(self.messages),
        }


class only_the_question_is_sent(ConversationManager):
    """Your request holds the question alone. Claude remembers nothing between two calls, so everything that was said
    has to travel again: send what get_messages() gives once the question is in it.
    """

    def get_messages(self) -> list[Wire]:
        """Only the last message."""
        return self.messages[-1:]


class the_question_travels_behind_get_messages(ConversationManager):
    """You send what get_messages() gives, and the question behind it. That is right here, and in the next step a window
    cannot count the question, because it never sees it. Put the question into self.messages first, send what
    self.get_messages() gives, and on any error put the list of before back.
    """

    def send(self, text: Any) -> str:
        """Ask with the question in no list of the manager's."""
        question = {"role": "user", "content": text}
        reply = self.ask([*self.get_messages(), question])
        if not reply:
            raise ValueError("the reply holds no text")
        self.messages = [*self.messages, question, {"role": "assistant", "content": reply}]
        return reply


class the_reply_is_not_kept(ConversationManager):
    """The question is kept and the reply is not. On the next turn Claude reads two questions in a row and does not know
    its answer; add it with add_assistant_message before you give it back.
    """

    def add_assistant_message(self, content: Any) -> None:
        """Forget it."""


class the_question_stays_after_a_failure(ConversationManager):
    """A call failed, and the question that was never answered stays in the history: it travels with the next question,
    and Claude answers both. Take it out again, whatever the error is.
    """

    def send(self, text: Any) -> str:
        """Ask, without a way back."""
        self.add_user_message(text)
        reply = self.ask(self.get_messages())
        if not reply:
            raise ValueError("empty")
        self.add_assistant_message(reply)
        return reply


class only_errors_of_the_API_are_undone(ConversationManager):
    """After an error of the API the history is right, but the stop button raises KeyboardInterrupt, which is no
    Exception: the question stays behind. Undo in `except BaseException` and raise again, or add the question only once
    the reply is there.
    """

    def send(self, text: Any) -> str:
        """Ask, and take the question back after most errors."""
        self.add_user_message(text)
        try:
            reply = self.ask(self.get_messages())
            if not reply:
                raise ValueError("empty")
        except Exception:
            self.messages.pop()
            raise
        self.add_assistant_message(reply)
        return reply


class the_error_becomes_the_reply(ConversationManager):
    """When the call fails you give back the error as if Claude had said it. Whoever called send cannot tell the two
    apart; let the error out.
    """

    def send(self, text: Any) -> str:
        """Ask, and give back whatever comes."""
        try:
            return super().send(text)
        except BaseException as error:
            return f"Error: {error}"


class cached_input_is_not_counted(ConversationManager):
    """You add up usage.input_tokens alone. Once a prompt cache is in use most of the input is in two other fields,
    cache_read_input_tokens and cache_creation_input_tokens, and it is billed as well.
    """

    def count(self, used: Any) -> None:
        """Add a part of what was billed."""
        self.total_input_tokens += used.input_tokens
        self.total_output_tokens += used.output_tokens


class the_totals_are_those_of_the_last_call(ConversationManager):
    """Your totals hold what the newest call used; they are to grow with each call. Write += instead of =."""

    def ask(self, messages: list[Wire]) -> str:
        """One call, which wipes out what was counted before."""
        self.total_input_tokens = self.total_output_tokens = 0
        return super().ask(messages)


class the_first_block_is_taken_for_the_reply(ConversationManager):
    """response.content[0] is not always the text: the reply may begin with a thinking block, have its text in several
    blocks, or no block at all. Choose the blocks by their type and put their texts together.
    """

    def ask(self, messages: list[Wire]) -> str:
        """One call; the first block is all that counts."""
        response = self.client.messages.create(
            system=self.system_prompt, model=self.model, max_tokens=self.max_tokens, messages=messages
        )
        self.count(response.usage)
        first: str = response.content[0].text
        return first


class the_system_prompt_stays_at_home(ConversationManager):
    """The system prompt is kept in the manager and never sent. It is no part of the messages and has a field of its
    own in every request: system=self.system_prompt.
    """

    def ask(self, messages: list[Wire]) -> str:
        """One call without the system prompt."""
        told, self.system_prompt = self.system_prompt, ""
        try:
            return super().ask(messages)
        finally:
            self.system_prompt = told


class the_list_itself_is_handed_out(ConversationManager):
    """get_messages() gives away the manager's own list. Whoever sorts it, cuts it or adds to it changes the
    conversation; hand out a copy, list(self.messages).
    """

    def get_messages(self) -> list[Wire]:
        """The very list."""
        return self.messages


_shared: list[Wire] = []


class two_managers_share_one_list(ConversationManager):
    """Two managers hold the same list, so each sends what the other one was given. A list in the class or in a default
    argument is made once for all; make a new one in __init__.
    """

    def __init__(self, *settings: Any, **named: Any) -> None:
        """Every manager begins with what another one left."""
        super().__init__(*settings, **named)
        _shared[:] = self.messages
        self.messages = _shared

    def send(self, text: Any) -> str:
        """Ask, and keep the same list whatever happens."""
        before = list(self.messages)
        try:
            return super().send(text)
        except BaseException:
            _shared[:] = before
            self.messages = _shared
            raise


BEGUN = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello, what is it?"}]
SETTINGS: dict[str, Any] = {"system_prompt": "Answer in one sentence.", "model": "claude-sonnet-4-6", "max_tokens": 300}

COURSE = course(
    {
        law.QUESTION_LAST: talks("say", "say, say"),
        law.REPLY_GIVEN: talks("say"),
        law.TURN_STORED: talks("say, say"),
        law.EVERYTHING_SENT: talks("say, say, say") + talks("say", messages=BEGUN),
        law.VIEW_SENT: talks("say, say"),
        law.SETTINGS_TRAVEL: talks("say, say", **SETTINGS),
        law.BILL: talks("say, say", "cached, say"),
        law.MESSAGES_COUNTED: talks("say, say"),
        law.COPY_GIVEN: talks("say, say"),
        law.OTHER_UNTOUCHED: talks("say, say"),
        law.FAILURE_RAISED: talks("529", "say, stopped"),
        law.FAILURE_UNDONE: talks("say, 529", "say, timeout", "500"),
        law.UNREAD_UNDONE: talks("say, garbled"),
        law.STOPPED_UNDONE: talks("say, stopped"),
        law.ANY_BLOCKS: talks("thinking, say", "two texts, say"),
        law.EMPTY_REPLY: talks("empty, say"),
        law.ACCEPTED: talks("say, tools, say, 529, say", "empty, say, say"),
    },
    "say, say, long, thinking, two texts, empty, cached, 529, 500, timeout, garbled, stopped, tools",
    ({}, SETTINGS, {"messages": BEGUN}),
)

FULL_HISTORY = Exercise(
    id="06-a",
    covers=("F1", "E1", "E2", "E9"),
    title="Your own manager with the full history",
    task="Write get_messages, send and get_token_usage; after an error the history must be unchanged.",
    stub="""
class ConversationManager:
    def __init__(self, system_prompt="Be brief.", model="claude-sonnet-4-6", max_tokens=4096, messages=(), client=None):
        self.system_prompt, self.model, self.max_tokens = system_prompt, model, max_tokens
        self.messages, self.client = list(messages), client or claude()  # the check gives its own client
        self.total_input_tokens = self.total_output_tokens = 0

    def add_user_message(self, content):
        self.messages.append({"role": "user", "content": content})

    def add_assistant_message(self, content):
        self.messages.append({"role": "assistant", "content": content})

    def get_messages(self):
        return ...  # what the next request carries, in a new list

    def send(self, text):
        return ...  # ask, keep the question and the reply, give back the reply's text

    def get_token_usage(self):
        return ...  # a dict: total_input_tokens, total_output_tokens, message_count
""",
    reference=ConversationManager,
    probes=COURSE.probes(),
    mistakes=(
        only_the_question_is_sent,
        the_question_travels_behind_get_messages,
        the_reply_is_not_kept,
        the_question_stays_after_a_failure,
        only_errors_of_the_API_are_undone,
        the_error_becomes_the_reply,
        cached_input_is_not_counted,
        the_totals_are_those_of_the_last_call,
        the_first_block_is_taken_for_the_reply,
        the_system_prompt_stays_at_home,
        the_list_itself_is_handed_out,
        two_managers_share_one_list,
    ),
    hints=(
        "Begin with get_messages and get_token_usage, which are a line each. send has four steps: add the question, "
        "call self.client.messages.create, add the reply, give it back.",
        "The call takes model=, max_tokens=, system= and messages=self.get_messages(). The reply's text is in those "
        "blocks of response.content whose type is 'text'.",
        "Keep before = list(self.messages) at the start of send. Around the call: except BaseException: "
        "self.messages = before, and then raise.",
        "Count from response.usage: output_tokens, and for the input the sum of input_tokens, cache_read_input_tokens "
        "and cache_creation_input_tokens (a field may be None).",
    ),
    course=COURSE,
    file="conversation_manager.py",
)

EXERCISES = (FULL_HISTORY,)
