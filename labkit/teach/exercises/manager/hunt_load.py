"""The bug hunt of notebook 06, what a load forgets."""

import json
from pathlib import Path
from typing import Any

from labkit.teach.checks.exercise import Answer, Exercise
from labkit.teach.exercises.manager.smart import NEVER, SMALL, TWO
from labkit.teach.exercises.manager.smart_manager import SmartConversationManager
from labkit.teach.trials import laws as law
from labkit.teach.trials import laws_summary as summary_law
from labkit.teach.trials.courses import course, talks


def load_manager(path: str, kind: Any) -> Any:
    """A manager whose attributes are all that the file holds."""
    manager = kind()
    for name, value in json.loads(Path(path).read_text("utf-8")).items():
        setattr(manager, name, value)
    return manager


def only_the_threshold_is_added(path: str, kind: Any) -> Any:
    """The threshold comes back now, and recent_turns_to_keep and max_tokens do not. Go through all that the file
    holds.
    """
    manager, fresh = load_manager(path, kind), kind()
    manager.recent_turns_to_keep, manager.max_tokens = fresh.recent_turns_to_keep, fresh.max_tokens
    return manager


def everything_goes_into_the_brackets(path: str, kind: Any) -> Any:
    """kind(**saved) hands everything to __init__, which takes the settings only: messages, summary and totals are no
    settings of a new manager. Make the manager first, and set each attribute on it afterwards with setattr.
    """
    return kind(**json.loads(Path(path).read_text("utf-8")))


def the_totals_are_left_out(path: str, kind: Any) -> Any:
    """All settings come back, and the totals begin again at 0: what was spent before the save is forgotten."""
    manager = load_manager(path, kind)
    manager.total_input_tokens = manager.total_output_tokens = 0
    return manager


def the_newest_count_is_left_out(path: str, kind: Any) -> Any:
    """last_input_tokens is not in what you load. A manager that looks at it before it sends takes its history for a
    short one.
    """
    manager = load_manager(path, kind)
    manager.last_input_tokens = 0
    return manager


def the_messages_are_left_out(path: str, kind: Any) -> Any:
    """The settings come back without the conversation. Messages and summary stand in the same file."""
    manager = load_manager(path, kind)
    manager.messages = []
    return manager


def loading(answer: Answer) -> type:
    """A manager that is loaded by the learner's function."""

    class Loading(SmartConversationManager):
        """The manager of exercise 06-c with another load."""

        @classmethod
        def load(cls, path: str, client: Any = None) -> Any:
            """Let the learner's function do it."""
            manager = answer(path, cls)
            manager.client = client
            return manager

    return Loading


FEW: dict[str, Any] = {"token_threshold": 30, "recent_turns_to_keep": 1}

LOAD_COURSE = course(
    {
        law.REPLY_GIVEN: talks("say, reload, say", **NEVER),
        summary_law.GOES_ON_ALIKE: talks("say, say, reload, say, say, say", **FEW),
        summary_law.LOADED_ALIKE: talks("say, say, say, reload", **FEW) + talks("say, reload", **SMALL),
        law.BILL: talks("say, say, reload, say", **SMALL),
    },
    "say, say, say, long, reload",
    (SMALL, TWO, NEVER),
    loading,
    conversations=30,
)

LOST_SETTINGS = Exercise(
    id="06-d",
    covers=("E7", "E12"),
    title="Settings lost on load",
    task="Mend it: the loaded manager has every setting, number and message of the saved one.",
    stub='''
import json
from pathlib import Path


def load_manager(path, kind):
    """The manager that was saved; the file holds a dict of its attributes, and kind is its class."""
    saved = json.loads(Path(path).read_text("utf-8"))
    manager = kind(system_prompt=saved["system_prompt"], model=saved["model"])
    manager.messages, manager.summary = saved["messages"], saved["summary"]
    manager.total_input_tokens = saved["total_input_tokens"]
    manager.total_output_tokens = saved["total_output_tokens"]
    return manager
''',
    reference=load_manager,
    probes=LOAD_COURSE.probes(),
    mistakes=(
        only_the_threshold_is_added,
        everything_goes_into_the_brackets,
        the_totals_are_left_out,
        the_newest_count_is_left_out,
        the_messages_are_left_out,
    ),
    hints=(
        "The file holds max_tokens, token_threshold, recent_turns_to_keep and last_input_tokens as well.",
        "A list of names that one writes by hand is soon too short. saved.items() has them all.",
        "for name, value in saved.items(): setattr(manager, name, value)",
    ),
    course=LOAD_COURSE,
    defect=True,
    file="conversation_manager.py",
)

EXERCISES = (LOST_SETTINGS,)
