"""The second exercise of notebook 06: a sliding window on top of the learner's manager."""

from typing import Any

from labkit.teach.checks.exercise import Exercise
from labkit.teach.exercises.manager.full_history import ConversationManager, Wire
from labkit.teach.trials import laws as law
from labkit.teach.trials import laws_window as window_law
from labkit.teach.trials.courses import course, talks


class SlidingWindowManager(ConversationManager):
    """A manager that sends a view of the newest whole turns; everything stays stored."""

    def __init__(self, window_size: int = 10, **settings: Any) -> None:
        """Keep the window beside the settings of any manager."""
        super().__init__(**settings)
        self.window_size = window_size

    def get_messages(self) -> list[Wire]:
        """The newest messages, from the first place in the window where a turn begins."""
        said = self.messages
        starts = [i for i, m in enumerate(said) if m["role"] == "user" and isinstance(m["content"], str)]
        if not starts:
            return list(said)
        inside = [i for i in starts if len(said) - i <= self.window_size]
        return said[inside[0] if inside else starts[-1] :]


class a_slice_may_begin_anywhere(SlidingWindowManager):
    """You send the newest window_size messages as they come. Such a slice may begin with a reply to a question that is
    not there, or with a tool result without its call, which the API refuses. Begin where a turn begins.
    """

    def get_messages(self) -> list[Wire]:
        """The slice."""
        return self.messages[-self.window_size :]


class only_a_leading_reply_is_dropped(SlidingWindowManager):
    """A window that begins with a reply is repaired. But the first message may be a user message that holds a
    tool_result: its call was cut off, and the API refuses the request. Look for a user message whose content is a text.
    """

    def get_messages(self) -> list[Wire]:
        """The slice without a reply at its start."""
        newest = self.messages[-self.window_size :]
        return newest[1:] if newest and newest[0]["role"] == "assistant" else newest


class the_stored_messages_are_cut(SlidingWindowManager):
    """The window is right, and you cut self.messages itself: what is outside of it is gone for good, and no save can
    bring it back. A window is a view; give back a slice and leave the list whole.
    """

    def get_messages(self) -> list[Wire]:
        """Throw away what is not sent."""
        self.messages = super().get_messages()
        return list(self.messages)


class send_does_not_ask_get_messages(SlidingWindowManager):
    """get_messages() shows the window, and send still sends everything. In send, the request's messages are those that
    self.get_messages() gives.
    """

    def ask(self, messages: list[Wire]) -> str:
        """One call with all there is."""
        return super().ask(list(self.messages))


class the_question_is_not_counted(SlidingWindowManager):
    """Your request is one message longer than the window: the window was filled before the question was added. While
    the request is built the question is in self.messages already and takes a place there.
    """

    def get_messages(self) -> list[Wire]:
        """One message more when a question is waiting."""
        asking = bool(self.messages) and self.messages[-1]["role"] == "user"
        self.window_size += asking
        try:
            return super().get_messages()
        finally:
            self.window_size -= asking


class turns_are_counted_instead_of_messages(SlidingWindowManager):
    """You keep window_size turns. The window counts messages, and a turn has two or more of them."""

    def get_messages(self) -> list[Wire]:
        """As many turns as the window has messages."""
        starts = [i for i, m in enumerate(self.messages) if m["role"] == "user" and isinstance(m["content"], str)]
        return self.messages[starts[-self.window_size] :] if len(starts) > self.window_size else list(self.messages)


class the_oldest_messages_are_sent(SlidingWindowManager):
    """Your window lies at the beginning of the talk. The newest messages are the last ones: messages[-n:], not
    messages[:n].
    """

    def get_messages(self) -> list[Wire]:
        """The wrong end."""
        return self.messages[: self.window_size]


class only_the_question_is_left(SlidingWindowManager):
    """You send fewer messages than fit. Among the newest window_size messages take the first place where a turn
    begins, not the last one.
    """

    def get_messages(self) -> list[Wire]:
        """The newest turn, however wide the window is."""
        starts = [i for i, m in enumerate(self.messages) if m["role"] == "user" and isinstance(m["content"], str)]
        return self.messages[starts[-1] :] if starts else []


class nothing_goes_when_the_turn_is_longer(SlidingWindowManager):
    """When the newest turn alone is longer than the window, you send no message at all, or a part of it, and the API
    refuses that. A question with its tool calls and results is one turn: it goes whole, whatever the window is.
    """

    def get_messages(self) -> list[Wire]:
        """Whole turns that fit, and otherwise none."""
        sent = super().get_messages()
        return sent if len(sent) <= self.window_size else []


COURSE = course(
    {
        law.QUESTION_LAST: talks("say, say", window_size=4),
        window_law.WINDOW_SENT: (
            talks("say, say", window_size=1)
            + talks("say, say, say, say", window_size=4)
            + talks("say, say, say", window_size=3)
            + talks("say, say, say, say, say", window_size=6)
        ),
        window_law.WINDOW_SHOWN: talks("say, say, say", window_size=4),
        law.TURN_STORED: talks("say, say, say, say", window_size=4),
        law.ACCEPTED: (
            talks("tools, say, say", window_size=4)
            + talks("tools, say", window_size=3)
            + talks("tools, say, say", window_size=6)
            + talks("say, open tools", window_size=2)
        ),
        law.FAILURE_UNDONE: talks("say, say, 529", "say, say, stopped", window_size=2),
        law.BILL: talks("say, cached, say", window_size=2),
    },
    "say, say, long, tools, tools, 529, stopped, cached",
    tuple({"window_size": size} for size in (1, 2, 3, 4, 6)),
)

SLIDING_WINDOW = Exercise(
    id="06-b",
    covers=("F2", "E10"),
    title="Your own sliding window",
    task="Write get_messages: the newest whole turns, at most window_size messages with the question among them.",
    stub="""
Base = exercise("06-a").usable()


class SlidingWindowManager(Base):
    def __init__(self, window_size=10, **settings):
        super().__init__(**settings)
        self.window_size = window_size

    def get_messages(self):
        return ...  # the newest messages, at most window_size of them, from a place where a turn begins
""",
    reference=SlidingWindowManager,
    probes=COURSE.probes(),
    mistakes=(
        a_slice_may_begin_anywhere,
        only_a_leading_reply_is_dropped,
        the_stored_messages_are_cut,
        send_does_not_ask_get_messages,
        the_question_is_not_counted,
        turns_are_counted_instead_of_messages,
        the_oldest_messages_are_sent,
        only_the_question_is_left,
        nothing_goes_when_the_turn_is_longer,
    ),
    hints=(
        "A turn begins where the user says something in words: role 'user', and a content that is a str.",
        "List the places where a turn begins. Which of them have at most window_size messages from there to the end?",
        "The first of these is where the window begins. If there is none, the newest turn alone is longer than the "
        "window, and it goes whole.",
    ),
    course=COURSE,
    file="conversation_manager.py",
)

EXERCISES = (SLIDING_WINDOW,)
