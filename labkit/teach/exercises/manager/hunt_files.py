"""The bug hunt of notebook 06, what goes wrong at the edges: an orphaned tool result, and half a file."""

import json
import shutil
from pathlib import Path

from labkit.teach.checks.check import Broken, WrongShape
from labkit.teach.checks.exercise import Answer, Exercise, Probe
from labkit.teach.exercises.manager.full_history import Wire
from labkit.teach.exercises.manager.window import SlidingWindowManager
from labkit.teach.trials import crashes
from labkit.teach.trials import laws as law
from labkit.teach.trials import laws_window as window_law
from labkit.teach.trials.courses import course, talks
from labkit.teach.trials.run import closed_round, open_round


def window(messages: list[Wire], size: int) -> list[Wire]:
    """From the first place in the window where a turn begins; a newest turn that is longer goes whole."""
    starts = [i for i, m in enumerate(messages) if m["role"] == "user" and isinstance(m["content"], str)]
    inside = [i for i in starts if len(messages) - i <= size]
    return messages[inside[0] if inside else starts[-1] :]


def orphans_are_dropped_one_by_one(messages: list[Wire], size: int) -> list[Wire]:
    """You drop from the front until a turn begins. When the newest turn is longer than the window nothing is left, not
    even the question: then that turn goes whole.
    """
    newest = messages[-size:]
    while newest and not isinstance(newest[0]["content"], str):
        newest = newest[1:]
    return newest[1:] if newest and newest[0]["role"] == "assistant" else newest


def tool_messages_are_left_out(messages: list[Wire], size: int) -> list[Wire]:
    """Without calls and results there is nothing to orphan, and Claude never learns what the tool has found. Cut
    between turns, and let the tools be.
    """
    return window([m for m in messages if isinstance(m["content"], str)], size)


def the_call_is_fetched_back(messages: list[Wire], size: int) -> list[Wire]:
    """You make the window longer until the call is in it as well. The request is accepted, begins with the assistant
    and is longer than the window. Go forward to the next turn instead.
    """
    start = max(len(messages) - size, 0)
    while not isinstance(messages[start]["content"], str) and messages[start]["role"] == "user":
        start -= 1
    newest = messages[start:]
    return newest[1:] if isinstance(newest[0]["content"], str) and newest[0]["role"] == "assistant" else newest


def the_given_list_is_cut(messages: list[Wire], size: int) -> list[Wire]:
    """The window is right, and the list you were given has lost what is outside of it. Give back a slice; del and pop
    take away.
    """
    found = window(messages, size)
    del messages[: len(messages) - len(found)]
    return messages


def sliding(answer: Answer) -> type:
    """A manager whose window is the learner's function."""

    class Sliding(SlidingWindowManager):
        """The manager of exercise 06-b with another window."""

        def get_messages(self) -> list[Wire]:
            """Let the learner's function cut a copy."""
            found: list[Wire] = answer(list(self.messages), self.window_size) if self.messages else []
            return found

    return Sliding


def _length_after(answer: Answer) -> str:
    messages = closed_round(1) + closed_round(2)
    answer(messages, 4)
    return f"{len(messages)} messages"


def _roles(answer: Answer) -> list[str]:
    return [message["role"] for message in answer(closed_round(1) + open_round(2), 2)]


WINDOW_COURSE = course(
    {
        law.ACCEPTED: (
            talks("tools, say", window_size=3)
            + talks("say, tools, say, say", window_size=6)
            + talks("say, open tools", window_size=2)
        ),
        window_law.WINDOW_SENT: (
            talks("say, say, say", window_size=4)
            + talks("tools, say", window_size=4)
            + talks("tools, say, say", window_size=8)
        ),
    },
    "say, say, tools, open tools",
    tuple({"window_size": size} for size in (1, 2, 3, 4, 6)),
    sliding,
)

ORPHAN = Exercise(
    id="06-h",
    covers=("E12",),
    title="An orphaned tool result",
    task="Mend it: at most `size` messages, from a place where a turn begins; a newest turn that is longer goes whole.",
    stub='''
def window(messages, size):
    """The newest messages, as many as are sent: `size` at most, beginning with the user."""
    newest = messages[-size:]
    if newest[0]["role"] == "assistant":
        newest = newest[1:]
    return newest
''',
    reference=window,
    probes=(
        *WINDOW_COURSE.probes(),
        Probe(
            "a newest turn that is longer than the window goes whole",
            _roles,
            "The question, the call and the result: without one of them the others mean nothing.",
        ),
        Probe("the list you were given is as it was", _length_after, "A slice is a new list."),
    ),
    mistakes=(
        orphans_are_dropped_one_by_one,
        tool_messages_are_left_out,
        the_call_is_fetched_back,
        the_given_list_is_cut,
    ),
    hints=(
        "A tool_result travels in a user message too. Which user messages begin a turn?",
        "Those whose content is a text: isinstance(message['content'], str). List their places.",
        "The window begins at the first place from which at most `size` messages are left; if there is none, at the "
        "last place.",
    ),
    course=WINDOW_COURSE,
    defect=True,
    file="conversation_manager.py",
)


def save_state(path: str, state: Wire) -> str:
    """The text first, then a new file, then one step that puts it in the old one's place."""
    text = json.dumps(state)
    fresh = Path(f"{path}.new")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)
    return path


def the_old_file_is_deleted_first(path: str, state: Wire) -> str:
    """You delete the old file and then put the new one there. Between the two steps there is no file at all; os.replace
    does both in one.
    """
    text = json.dumps(state)
    fresh = Path(f"{path}.new")
    fresh.write_text(text, "utf-8")
    Path(path).unlink()
    fresh.rename(path)
    return path


def the_old_file_is_copied_aside(path: str, state: Wire) -> str:
    """There is a copy of the old file now, and the file that will be loaded is still written in place: after a crash it
    is empty, and load knows nothing of the copy. Write the new file aside, not the old one.
    """
    shutil.copy(path, f"{path}.old")
    Path(path).write_text(json.dumps(state), "utf-8")
    return path


def the_new_file_stays_aside(path: str, state: Wire) -> str:
    """The new file is written whole, under another name, and never takes the old one's place: load finds the old
    conversation. os.replace(new, path) is what is missing.
    """
    Path(f"{path}.new").write_text(json.dumps(state), "utf-8")
    return path


def a_failed_save_leaves_its_file(path: str, state: Wire) -> str:
    """The old file is safe. But when the state holds something that JSON cannot write, half of the new file is
    left over. Make the text first, json.dumps(state), and open the file then.
    """
    fresh = Path(f"{path}.new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(state, file)
    fresh.replace(path)
    return path


def _read_back(answer: Answer) -> object:
    def use(path: Path) -> object:
        """Save, and look at the file."""
        answer(str(path), crashes.NEW)
        return crashes.held(path)

    return crashes.in_folder(use)


def _left(answer: Answer) -> object:
    def use(path: Path) -> object:
        """Save, and look at the folder."""
        answer(str(path), crashes.NEW)
        return sorted(file.name for file in path.parent.iterdir())

    return crashes.in_folder(use)


def _impossible(answer: Answer) -> object:
    def use(path: Path) -> object:
        """Save what cannot be saved."""
        try:
            answer(str(path), {"messages": ["Question 1."], "client": {1, 2}})
        except WrongShape:
            raise
        except TypeError:
            return [crashes.held(path), *sorted(file.name for file in path.parent.iterdir())]
        raise Broken("raised no error for a state that JSON cannot hold")

    return crashes.in_folder(use)


HALF_A_FILE = Exercise(
    id="06-i",
    covers=("E7", "E12"),
    title="Half a file",
    task="Mend it: a crash at any moment leaves the old conversation in the file, or the new one, and nothing else.",
    stub='''
import json


def save_state(path, state):
    """Write a state, which is a dict, to the file at a path, a str, and give back the path."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(state, file)
    return path
''',
    reference=save_state,
    probes=(
        Probe("what was saved is read again", _read_back, "The file at path is what load will read."),
        Probe(crashes.CLAIM, crashes.whole_throughout, crashes.HINT),
        Probe("nothing else is left in the folder", _left, "Let the new file take the old one's place and name."),
        Probe(
            "a state that JSON cannot hold changes nothing",
            _impossible,
            "json.dumps(state) gives the whole text or an error, before any file is opened.",
        ),
    ),
    mistakes=(
        the_old_file_is_deleted_first,
        the_old_file_is_copied_aside,
        the_new_file_stays_aside,
        a_failed_save_leaves_its_file,
    ),
    hints=(
        "open(path, 'w') empties the file before the first word is written. What if the machine stops there?",
        "Write to another name in the same folder. When that file is whole, one step is left.",
        "os.replace(new, path) puts a file in another one's place; the system does it in one step or not at all.",
    ),
    course=crashes.SaveCourse(),
    defect=True,
    file="conversation_manager.py",
)

EXERCISES = (ORPHAN, HALF_A_FILE)
