"""The named mistakes of the third exercise of notebook 06, each with the message that its author gets."""

from typing import Any, Self

from labkit.teach.exercises.manager.full_history import ConversationManager, Wire
from labkit.teach.exercises.manager.smart_manager import SmartConversationManager


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
    """You compare usage.input_tokens with the threshold. With a prompt cache most of the input is in the two other
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
    """The second summary was made from the turns after the first one, and takes its place: the content of the first one
    is lost. Show Claude the earlier summary together with the turns after it.
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


MISTAKES = (
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
)
