"""The laws of a manager that sends a window of the newest messages, cut where a turn begins."""

from labkit.teach.checks.check import brief
from labkit.teach.trials.claude import Wire
from labkit.teach.trials.laws import QUESTION, REPLY, Law, lines
from labkit.teach.trials.laws_summary import turns
from labkit.teach.trials.run import Run, Step


def fitting(messages: list[Wire], size: int) -> list[Wire]:
    """The newest whole turns of at most `size` messages in all; the newest turn alone when it is longer than that."""
    found: list[Wire] = []
    for turn in reversed(turns(messages)):
        if found and len(found) + len(turn) > size:
            break
        found = [*turn, *found]
    return found


def _window_sent(run: Run, step: Step) -> str:
    if not step.main or not step.asked:
        return ""
    size, due, got = run.settings["window_size"], fitting([*step.said, step.asked], run.settings["window_size"]), ""
    sent = step.main.messages
    if lines(sent) == lines(due):
        return ""
    if len(sent) > max(size, len(due)):
        got = f"sent {len(sent)} messages through a window of {size}"
    elif sent[0]["role"] != "user":
        got = f"sent a request that begins with {brief(lines(sent)[0][1])}, which the assistant said"
    else:
        got = f"sent {len(sent)} of the messages through a window of {size}, and not the newest"
    return f"{got}; the newest {len(due)} were due, which begin with {brief(lines(due)[0][1])}"


def _window_shown(run: Run, step: Step) -> str:
    size = run.settings["window_size"]
    most = max(size, len(turns(step.after)[-1]) if step.after else 0)
    if len(step.view) <= most:
        return ""
    return f"shows {len(step.view)} messages in get_messages() through a window of {size}"


WINDOW_SENT = Law(
    "a request carries the newest whole turns that fit into the window, the question included",
    "Look for the first place in the newest window_size messages where the user says something in words.",
    _window_sent,
    needs=QUESTION,
)
WINDOW_SHOWN = Law(
    "get_messages shows no more than the window",
    "Cut in get_messages, and leave self.messages whole.",
    _window_shown,
    "",
    needs=REPLY,
)
