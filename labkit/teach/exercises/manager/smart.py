"""The third exercise of notebook 06: the learner's own manager that summarizes, saves and loads."""

import json
from pathlib import Path
from typing import Any, Self

from labkit.teach.checks.exercise import Exercise
from labkit.teach.exercises.manager.full_history import ConversationManager, Wire
from labkit.teach.trials import laws as law
from labkit.teach.trials import laws_summary as summary_law
from labkit.teach.trials.courses import course, talks


class SmartConversationManager(ConversationManager):
    """The reply comes first; then, above the threshold, a summary takes the place of the older turns."""

    def __init__(self, token_threshold: int = 100_000, recent_turns_to_keep: int = 4, **settings: Any) -> None:
        """Keep when to summarize and how much to leave as it is."""
        super().__init__(**settings)
        self.token_threshold, self.recent_turns_to_keep = token_threshold, recent_turns_to_keep
        self.summary: str | None = None
        self.summary_history: list[Wire] = []
        self.last_input_tokens = 0

    def send(self, text: Any) -> str:
        """Send as before; then summarize, if this request was above the threshold."""
        before = self.total_input_tokens
        reply = super().send(text)
        self.last_input_tokens = self.total_input_tokens - before
        if self.last_input_tokens > self.token_threshold:
            self.summarize()
        return reply

    def summarize(self) -> None:
        """A pair with the summary stands for all but the newest turns, once there is a summary."""
        starts = [i for i, m in enumerate(self.messages) if m["role"] == "user" and isinstance(m["content"], str)]
        if len(starts) <= self.recent_turns_to_keep:
            return
        cut = starts[-self.recent_turns_to_keep]
        try:
            summary = self.condensed(self.messages[:cut])
        except Exception:
            return
        if summary:
            self.summary = summary
            self.summary_history.append({"messages": cut, "characters": len(summary)})
            told = {"role": "user", "content": f"What happened before: {summary}"}
            heard = {"role": "assistant", "content": "Thank you, I have it."}
            self.messages = [told, heard, *self.messages[cut:]]

    def condensed(self, old: list[Wire]) -> str:
        """Claude's summary of these messages; an earlier summary is one of them, so it is folded in."""
        return self.in_short("\n".join(f"{message['role']}: {message['content']}" for message in old))

    def in_short(self, talk: str) -> str:
        """Claude's summary of a text, counted as any call."""
        task = f"Summarize this talk. Keep decisions, facts, numbers and names.\n\n{talk}"
        response = self.client.messages.create(
            model=self.model, max_tokens=1024, messages=[{"role": "user", "content": task}]
        )
        self.count(response.usage)
        return "".join(block.text for block in response.content if block.type == "text")

    def save(self, path: str) -> None:
        """Everything but the client, in a new file that then takes the old one's place."""
        state = {name: value for name, value in vars(self).items() if name != "client"}
        fresh = Path(f"{path}.new")
        fresh.write_text(json.dumps(state), "utf-8")
        fresh.replace(path)

    @classmethod
    def load(cls, path: str, client: Any = None) -> Self:
        """A manager with everything that was saved."""
        manager = cls(client=client)
        vars(manager).update(json.loads(Path(path).read_text("utf-8")))
        return manager


class nothing_is_ever_summarized(SmartConversationManager):
    """However long the requests become, no summary is asked for. After each reply compare last_input_tokens with
    token_threshold, and above it let Claude condense the older turns.
    """

    def summarize(self) -> None:
        """Do nothing."""


class last_input_tokens_stays_0(SmartConversationManager):
    """You compare self.last_input_tokens with the threshold, and nothing ever sets it: it is still the 0 of __init__.
    After each reply put into it what that request carried, which is what total_input_tokens grew by.
    """

    def send(self, text: Any) -> str:
        """Send, and look at a number that nobody sets."""
        reply = ConversationManager.send(self, text)
        if self.last_input_tokens > self.token_threshold:
            self.summarize()
        return reply


class the_threshold_reads_one_field_of_three(SmartConversationManager):
    """You compare usage.input_tokens with the threshold. With a prompt cache most of the input stands in the two other
    fields, that number stays small, and no summary is ever made. Compare the sum of all three.
    """

    def send(self, text: Any) -> str:
        """Send, and look at the uncached tail alone."""
        reply = ConversationManager.send(self, text)
        self.last_input_tokens = self.uncached
        if self.last_input_tokens > self.token_threshold:
            self.summarize()
        return reply

    def count(self, used: Any) -> None:
        """Add it up, and remember one field of it."""
        super().count(used)
        self.uncached = used.input_tokens


class the_totals_are_compared_with_the_threshold(SmartConversationManager):
    """You compare the total of all calls with the threshold. That sum only grows, so from some turn on you pay for a
    summary after every reply. Compare what the newest request alone carried.
    """

    def send(self, text: Any) -> str:
        """Send, and look at everything ever billed."""
        reply = ConversationManager.send(self, text)
        self.last_input_tokens = self.total_input_tokens
        if self.last_input_tokens > self.token_threshold:
            self.summarize()
        return reply


class two_messages_are_taken_for_a_turn(SmartConversationManager):
    """You keep recent_turns_to_keep * 2 messages. A turn with a tool call has four or more, so the cut falls inside of
    it: a result without its call, which the API refuses. Count the places where the user says something in words.
    """

    def summarize(self) -> None:
        """Cut by the number of messages."""
        cut = len(self.messages) - 2 * self.recent_turns_to_keep
        if cut <= 0:
            return
        try:
            summary = self.condensed(self.messages[:cut])
        except Exception:
            return
        if summary:
            told = {"role": "user", "content": f"What happened before: {summary}"}
            heard = {"role": "assistant", "content": "Thank you."}
            self.summary, self.messages = summary, [told, heard, *self.messages[cut:]]


class the_history_is_cut_before_the_summary_is_there(SmartConversationManager):
    """The summary failed, and the older messages are gone all the same. Ask first; as long as there is no summary
    with words in it, self.messages stays as it is.
    """

    def summarize(self) -> None:
        """Cut first, ask then."""
        before = list(self.messages)
        super().summarize()
        starts = [i for i, m in enumerate(before) if m["role"] == "user" and isinstance(m["content"], str)]
        if self.messages == before and len(starts) > self.recent_turns_to_keep:
            self.messages = before[starts[-self.recent_turns_to_keep] :]


class a_failed_summary_fails_the_turn(SmartConversationManager):
    """The reply had come, and then the call for the summary failed and send raised its error: whoever asked gets
    nothing. Catch the error around that second call; the next turn can try again.
    """

    def condensed(self, old: list[Wire]) -> str:
        """A summary, or an error that nobody catches."""
        try:
            return super().condensed(old)
        except Exception as error:
            raise BaseException(str(error)) from None


class an_empty_summary_is_taken(SmartConversationManager):
    """A summary without a word took the place of the older turns: everything that was said is lost. Ask whether there
    are words in it before you change anything.
    """

    def condensed(self, old: list[Wire]) -> str:
        """The summary, or words that say nothing."""
        return super().condensed(old) or "(nothing)"


class the_summary_is_kept_at_home(SmartConversationManager):
    """The summary is made and stored in self.summary, and no request carries it: Claude never reads it. Put it in
    front of the recent turns, as a pair of a user and an assistant message.
    """

    def summarize(self) -> None:
        """Leave the recent turns alone."""
        made = len(self.summary_history)
        super().summarize()
        if len(self.summary_history) > made:
            self.messages = self.messages[2:]


class the_summaries_pile_up(SmartConversationManager):
    """Each new summary is put behind the one before it, although it was made from that one as well. The pair grows
    with every summary; let the new one take the place of the old one.
    """

    def condensed(self, old: list[Wire]) -> str:
        """All summaries there have been."""
        newest = super().condensed(old)
        return f"{self.summary} After that: {newest}" if self.summary and newest else newest


class the_earlier_summary_is_not_shown(SmartConversationManager):
    """The second summary was made from the turns after the first one, and takes its place: what the first one told is
    lost. Show Claude the earlier summary together with the turns after it.
    """

    def condensed(self, old: list[Wire]) -> str:
        """A summary of the turns alone."""
        return super().condensed(old[2:] if self.summary else old)


class the_summary_is_not_billed(SmartConversationManager):
    """A summary is a call like any other, and its tokens are billed. Add its usage to the totals."""

    def condensed(self, old: list[Wire]) -> str:
        """A summary for nothing."""
        counted = self.total_input_tokens, self.total_output_tokens
        try:
            return super().condensed(old)
        finally:
            self.total_input_tokens, self.total_output_tokens = counted


class the_settings_are_lost_on_load(SmartConversationManager):
    """The messages come back and the settings do not: the loaded manager has the default threshold, keeps another
    number of turns and allows other replies. Save each setting of the class, and give all of them back.
    """

    @classmethod
    def load(cls, path: str, client: Any = None) -> Self:
        """A manager with the messages of the other one."""
        manager = super().load(path, client)
        fresh = cls()
        for name in ("token_threshold", "recent_turns_to_keep", "max_tokens"):
            setattr(manager, name, getattr(fresh, name))
        return manager


class the_bill_begins_again_after_load(SmartConversationManager):
    """After load the totals are 0, as if the calls before had cost nothing. They belong into the file."""

    @classmethod
    def load(cls, path: str, client: Any = None) -> Self:
        """A manager that has paid nothing yet."""
        manager = super().load(path, client)
        manager.total_input_tokens = manager.total_output_tokens = 0
        return manager


class the_summary_is_lost_on_load(SmartConversationManager):
    """self.summary is None after load. The next summary is then made as if there had been none before; save it with
    the rest.
    """

    @classmethod
    def load(cls, path: str, client: Any = None) -> Self:
        """A manager that knows of no summary."""
        manager = super().load(path, client)
        manager.summary = None
        return manager


SMALL: dict[str, Any] = {"token_threshold": 30, "recent_turns_to_keep": 1, "max_tokens": 300}
TWO: dict[str, Any] = {"token_threshold": 60, "recent_turns_to_keep": 2, "system_prompt": "Answer in one sentence."}
NEVER: dict[str, Any] = {"token_threshold": 50_000, "recent_turns_to_keep": 4}

COURSE = course(
    {
        law.QUESTION_LAST: talks("say, say", **SMALL),
        law.REPLY_GIVEN: talks("say, say, say", **SMALL),
        summary_law.NOTHING_VANISHES: talks("say, say, say, say", **SMALL) + talks("say, say, say, say", **NEVER),
        summary_law.SUMMARY_WHEN_DUE: (
            talks("say, say, say, say", **SMALL)
            + talks("say, say, say, say, say, say, say, say", token_threshold=75, recent_turns_to_keep=1)
        ),
        summary_law.CACHED_COUNTS: talks("say, cached, cached, say", **SMALL),
        summary_law.RECENT_WHOLE: talks("say, say, tools, say, say, tools, say", **TWO),
        summary_law.SUMMARY_TRAVELS: talks("say, say, say, say, say", **SMALL),
        summary_law.SUMMARY_FOLDED: talks("say, say, say, say, say", **SMALL),
        summary_law.SUMMARY_BOUNDED: talks("say, say, say, say, say", **SMALL),
        summary_law.SUMMARY_FAILS_SOFTLY: talks("say, say, summary 529, say", "say, say, summary empty, say", **SMALL),
        summary_law.HISTORY_SAFE: talks("say, say, summary 529, say", **SMALL),
        summary_law.EMPTY_SUMMARY: talks("say, say, summary empty, say", **SMALL),
        law.FAILURE_UNDONE: talks("say, say, 529", "say, say, stopped", "say, say, summary stopped", **SMALL),
        law.BILL: talks("say, say, say, cached", **SMALL),
        summary_law.LOADED_ALIKE: talks("say, say, say, reload", **SMALL) + talks("say, reload", **TWO),
        summary_law.GOES_ON_ALIKE: talks("say, say, say, reload, say, say", **SMALL),
        law.ACCEPTED: talks("say, tools, say, tools, say, say", **SMALL) + talks("say, say, tools, say, say", **TWO),
    },
    "say, say, say, long, cached, tools, 529, stopped, thinking, summary 529, summary empty, summary stopped, reload",
    (SMALL, TWO, SMALL | {"recent_turns_to_keep": 2}, NEVER),
    conversations=80,
)

SMART = Exercise(
    id="06-c",
    covers=("F2", "E3", "E7", "E10"),
    title="Your own smart manager, with save and load",
    task="Write send, which summarizes the older turns above the threshold, and save and load.",
    stub="""
Base = exercise("06-a").usable()


class SmartConversationManager(Base):
    def __init__(self, token_threshold=100_000, recent_turns_to_keep=4, **settings):
        super().__init__(**settings)
        self.token_threshold, self.recent_turns_to_keep = token_threshold, recent_turns_to_keep
        self.summary, self.last_input_tokens = None, 0

    def send(self, text):
        return ...  # send as before; above the threshold let Claude summarize all but the newest turns

    def save(self, path):
        return ...  # all that the next turn depends on, as JSON; path is a str

    @classmethod
    def load(cls, path, client=None):
        return ...  # a manager that goes on where the saved one stopped
""",
    reference=SmartConversationManager,
    probes=COURSE.probes(),
    mistakes=(
        nothing_is_ever_summarized,
        last_input_tokens_stays_0,
        the_threshold_reads_one_field_of_three,
        the_totals_are_compared_with_the_threshold,
        two_messages_are_taken_for_a_turn,
        the_history_is_cut_before_the_summary_is_there,
        a_failed_summary_fails_the_turn,
        an_empty_summary_is_taken,
        the_summary_is_kept_at_home,
        the_summaries_pile_up,
        the_earlier_summary_is_not_shown,
        the_summary_is_not_billed,
        the_settings_are_lost_on_load,
        the_bill_begins_again_after_load,
        the_summary_is_lost_on_load,
    ),
    hints=(
        "send has three steps: reply = super().send(text); self.last_input_tokens, which is what total_input_tokens "
        "grew by; and, above the threshold, a method of your own that summarizes.",
        "That method finds the places where a turn begins and cuts before the newest recent_turns_to_keep of them. "
        "What is older becomes one text, role and content a line, and goes to Claude with the task to condense it.",
        "Only when the summary has words, self.messages becomes a pair with the summary and the recent turns. An error "
        "of that call is caught: everything stays as it was.",
        "vars(self) is a dict of all attributes; without the client it goes into the file. In load, "
        "vars(manager).update(...) brings it back.",
    ),
    course=COURSE,
    file="conversation_manager.py",
)

EXERCISES = (SMART,)
