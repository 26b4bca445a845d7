"""The bug hunt of notebook 06, what a summary spoils: it grows with each one, or fails and takes the history along."""

from collections.abc import Callable
from typing import Any

from labkit.teach.checks.exercise import Answer, Exercise, Probe
from labkit.teach.exercises.manager.full_history import Wire
from labkit.teach.exercises.manager.smart import SMALL, TWO
from labkit.teach.exercises.manager.smart_manager import SmartConversationManager
from labkit.teach.trials import laws as law
from labkit.teach.trials import laws_summary as summary_law
from labkit.teach.trials.courses import course, talks

type Ask = Callable[[Any], str]


def folded(summary: str | None, old: str, ask: Ask) -> str:
    """The earlier summary is part of what is summarized, and the new one takes its place."""
    return ask(f"Summary so far: {summary}\n\n{old}" if summary else old)


def the_earlier_summary_is_dropped(summary: str | None, old: str, ask: Ask) -> str:
    """The summary does not grow any more, and it has forgotten everything before the last few turns: Claude never saw
    the earlier one. Show it together with the old turns.
    """
    return ask(old)


def it_is_shown_and_kept_as_well(summary: str | None, old: str, ask: Ask) -> str:
    """Claude has folded the earlier summary into the new one, and you put it in front once more: it still grows. Give
    back the new one alone.
    """
    newest = folded(summary, old, ask)
    return f"{summary}\n\n{newest}" if summary else newest


def it_is_cut_at_a_length(summary: str | None, old: str, ask: Ask) -> str:
    """You cut the text to a length. Everything after the cut is lost, however important; let Claude shorten it."""
    newest = ask(old)
    return f"{summary}\n\n{newest}"[-60:] if summary else newest


def each_part_is_summarized_alone(summary: str | None, old: str, ask: Ask) -> str:
    """Two calls where one would do, and two summaries side by side. Put both texts into one request."""
    return f"{ask(summary)} {ask(old)}" if summary else ask(old)


def folding(answer: Answer) -> type:
    """A manager whose summaries are folded by the learner's function."""

    class Folding(SmartConversationManager):
        """The manager of exercise 06-c with another way to fold."""

        def condensed(self, old: list[Wire]) -> str:
            """Let the learner's function fold the earlier summary with the turns after it."""
            turns = old[2:] if self.summary else old
            talk = "\n".join(f"{message['role']}: {message['content']}" for message in turns)
            self.trouble: Exception | None = None
            try:
                found: str = answer(self.summary, talk, self.in_short)
            except Exception as error:
                self.trouble = error
                raise
            return found

        def summarize(self) -> None:
            """As ever, and tell what went wrong in the learner's function."""
            super().summarize()
            if trouble := vars(self).pop("trouble", None):
                raise trouble

    return Folding


def _after_many(answer: Answer) -> str:
    """The length of the summary after twenty folds, compared with the first one."""
    calls: list[str] = []

    def ask(text: str) -> str:
        """A summary of a hundred characters, whatever the text is."""
        calls.append(text)
        return f"{len(calls):02}".ljust(100, ".")

    summary = None
    for turn in range(20):
        summary = answer(summary, f"user: question {turn}", ask)
    return f"{len(calls)} calls, a summary of {len(str(summary))} characters"


FOLD_COURSE = course(
    {
        summary_law.SUMMARY_TRAVELS: talks("say, say, say, say", **SMALL),
        summary_law.SUMMARY_FOLDED: talks("say, say, say, say, say", **SMALL),
        summary_law.SUMMARY_BOUNDED: talks("say, say, say, say, say", **SMALL),
    },
    "say, say, say, long, cached",
    (SMALL, TWO),
    folding,
    conversations=30,
)

GROWING = Exercise(
    id="06-e",
    covers=("E4", "E12"),
    title="A summary of a summary that grows",
    task="Mend it: the new summary is made of the earlier one and the old turns, in one call, and stands alone.",
    stub='''
def folded(summary, old, ask):
    """The summary from now on. `summary` is the one so far, or None; `old` is the text of the turns after it;
    ask(text) gives Claude's summary of a text.
    """
    newest = ask(old)
    if summary:
        return f"Earlier: {summary}\\n\\nAfter that: {newest}"
    return newest
''',
    reference=folded,
    probes=(
        *FOLD_COURSE.probes(),
        Probe(
            "after twenty summaries it is no longer than after one",
            _after_many,
            "What ask gives back is the new summary, and nothing is put in front of it.",
        ),
    ),
    mistakes=(
        the_earlier_summary_is_dropped,
        it_is_shown_and_kept_as_well,
        it_is_cut_at_a_length,
        each_part_is_summarized_alone,
    ),
    hints=(
        "How long is the text after the second summary, the third, the twentieth? And does Claude see the first one?",
        "Put the earlier summary in front of the old turns, in what ask is given.",
        "Give back what ask gives back.",
    ),
    course=FOLD_COURSE,
    defect=True,
    file="conversation_manager.py",
)


def pair(summary: str) -> list[Wire]:
    """A summary as two messages."""
    told = {"role": "user", "content": f"What happened before: {summary}"}
    return [told, {"role": "assistant", "content": "Thank you."}]


def summarize_old(manager: Any, keep: int, ask: Ask) -> bool:
    """Ask first; the messages change when the summary is there, and only then."""
    try:
        summary = ask(manager.messages[:-keep])
    except Exception:
        summary = ""
    if not summary.strip():
        return False
    told = {"role": "user", "content": f"What happened before: {summary}"}
    manager.messages = [told, {"role": "assistant", "content": "Thank you."}, *manager.messages[-keep:]]
    return True


def the_error_goes_up(manager: Any, keep: int, ask: Ask) -> bool:
    """The history is safe, and the error of the summary reaches whoever asked a question and had a reply coming. Catch
    it and give back False.
    """
    summary = ask(manager.messages[:-keep])
    if summary.strip():
        manager.messages = [*pair(summary), *manager.messages[-keep:]]
    return bool(summary.strip())


def a_summary_without_words_is_taken(manager: Any, keep: int, ask: Ask) -> bool:
    """The error is handled. But a call can also succeed and bring no text, and then an empty pair replaces all that was
    said. Look at summary.strip().
    """
    try:
        summary = ask(manager.messages[:-keep])
    except Exception:
        return False
    manager.messages = [*pair(summary), *manager.messages[-keep:]]
    return True


def the_error_is_taken_for_the_summary(manager: Any, keep: int, ask: Ask) -> bool:
    """The words of the error stand where the summary should: Claude reads that the talk was about an overloaded server,
    and the older turns are gone.
    """
    try:
        summary = ask(manager.messages[:-keep])
    except Exception as error:
        summary = f"No summary: {error}"
    if summary.strip():
        manager.messages = [*pair(summary), *manager.messages[-keep:]]
    return bool(summary.strip())


def the_old_turns_stay_after_a_summary(manager: Any, keep: int, ask: Ask) -> bool:
    """Nothing is lost, and nothing is saved: after a summary that went well the old turns are still sent, with the pair
    in front of them.
    """
    before = list(manager.messages)
    made = summarize_old(manager, keep, ask)
    manager.messages = [*manager.messages[:2], *before] if made else before
    return made


def summarizing(answer: Answer) -> type:
    """A manager whose summaries are put in place by the learner's function."""

    class Summarizing(SmartConversationManager):
        """The manager of exercise 06-c with another way to put a summary in place."""

        def summarize(self) -> None:
            """Let the learner's function do it, as soon as there is something old."""
            keep = 2 * self.recent_turns_to_keep
            if len(self.messages) > keep:
                answer(self, keep, self.condensed)

    return Summarizing


class _Plain:
    def __init__(self) -> None:
        said = [
            ("user", "Question 1."),
            ("assistant", "Answer 1."),
            ("user", "Question 2."),
            ("assistant", "Answer 2."),
        ]
        self.messages = [{"role": role, "content": text} for role, text in said]


def _fails(_: object) -> str:
    raise RuntimeError("529 Overloaded")


def _with_and_without(answer: Answer) -> list[object]:
    return [answer(_Plain(), 2, ask) for ask in (lambda old: "Summary.", _fails)]


def _kept(answer: Answer) -> str:
    manager = _Plain()
    answer(manager, 2, lambda old: "Summary.")
    return f"{len(manager.messages)} messages"


DESTROY_COURSE = course(
    {
        law.REPLY_GIVEN: talks("say, say, say, say", **SMALL),
        summary_law.SUMMARY_TRAVELS: talks("say, say, say, say", **SMALL),
        summary_law.HISTORY_SAFE: talks("say, say, summary 529, say", **SMALL),
        summary_law.EMPTY_SUMMARY: talks("say, say, summary empty, say", **SMALL),
        summary_law.SUMMARY_FAILS_SOFTLY: talks("say, say, summary 529, say", **SMALL),
    },
    "say, say, long, summary 529, summary empty",
    (SMALL, TWO),
    summarizing,
    conversations=30,
)

DESTROYED = Exercise(
    id="06-f",
    covers=("E5", "E12"),
    title="History destroyed by a failed summary",
    task="Mend it: without a summary the messages stay as they are, and False comes back; with one, True.",
    stub='''
def summarize_old(manager, keep, ask):
    """Put a summary in the place of all but the newest `keep` messages, and say whether that was done.
    ask(messages) gives a summary, or raises.
    """
    old, recent = manager.messages[:-keep], manager.messages[-keep:]
    manager.messages = recent
    try:
        told = {"role": "user", "content": f"What happened before: {ask(old)}"}
        manager.messages = [told, {"role": "assistant", "content": "Thank you."}, *recent]
    except Exception:
        return False
    return True
''',
    reference=summarize_old,
    probes=(
        *DESTROY_COURSE.probes(),
        Probe(
            "it says whether a summary was put in place",
            _with_and_without,
            "True after the summary, False when there is none.",
        ),
        Probe(
            "after a summary the pair and the newest messages are left",
            _kept,
            "Two messages for the summary, and the newest `keep`.",
        ),
    ),
    mistakes=(
        the_error_goes_up,
        a_summary_without_words_is_taken,
        the_error_is_taken_for_the_summary,
        the_old_turns_stay_after_a_summary,
    ),
    hints=(
        "At which line are the old messages gone? And at which line is it known that a summary stands for them?",
        "First the call, in a try; then a look at summary.strip(); then manager.messages = ...",
    ),
    course=DESTROY_COURSE,
    defect=True,
    file="conversation_manager.py",
)

EXERCISES = (GROWING, DESTROYED)
