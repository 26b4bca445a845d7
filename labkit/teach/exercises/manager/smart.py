"""The third exercise of notebook 06: the learner's own manager that summarizes, saves and loads."""

from typing import Any

from labkit.teach.checks.exercise import Exercise
from labkit.teach.exercises.manager.smart_manager import SmartConversationManager
from labkit.teach.exercises.manager.smart_mistakes import MISTAKES
from labkit.teach.trials import laws as law
from labkit.teach.trials import laws_summary as summary_law
from labkit.teach.trials.courses import course, talks

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
    mistakes=MISTAKES,
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
