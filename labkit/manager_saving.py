"""A manager that is saved in a store, and loaded from it with its settings.

Imports the stores only when something is saved or loaded, because they load pydantic.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from labkit.conversation import Conversation
from labkit.door import admitted
from labkit.forgetting import Forgotten, forgotten
from labkit.manager_state import Shell
from labkit.redaction import Redact, clean
from labkit.settings import Settings
from labkit.strategies import KeepRecent, name

if TYPE_CHECKING:
    from labkit.stores import Store
    from labkit.stores.saved_form import Saved

MOST_KEPT = 20
"""The number of its last saves that a manager recognizes, in as many places."""


class Saving(Shell):
    """A shell that can be saved and loaded; `window_size` is the window in messages, where it has one."""

    window_size: int | None = None

    def __init__(self, settings: Settings, conversation: Conversation, client: Any = None) -> None:
        """Take the settings, what was said so far, and the client; nothing is saved yet."""
        super().__init__(settings, conversation, client)
        self._kept: tuple[Saved, ...] = ()
        self._revision = 0

    def save(self, place: "str | Path | Store", redact: Redact | None = None, overwrite: bool = False) -> None:
        """Save the conversation and the settings: in a JSON file at a path, or in any store; `redact` cleans what is
        saved.

        What is stored there is read first, and compared with what this manager saved or loaded, wherever that was and
        whatever the place is called. Raises ConversationConflict when it is something else, unless `overwrite` says
        that it may be lost.
        """
        from labkit.stores import ConversationConflict, store_at
        from labkit.stores.saved_form import Saved

        store = store_at(place)
        found = store.read()
        options = self._options() | {"steps": [name(step) for step in self._own_steps()]}
        options = clean(options, redact) if redact else options
        kept = self.conversation.redacted(redact) if redact else self.conversation
        if found and not overwrite and not any(_same(found, one) for one in self._kept):
            given = None if self._revision == found.revision else self._revision
            raise ConversationConflict(getattr(store, "where", repr(store)), found.revision, given)
        saved = Saved(type(self).__name__, options, kept, found.revision if found else 0)
        # Noted before it is written: a save that is stopped, or whose answer is lost, is known again at the next one.
        self._kept = (*self._kept[-MOST_KEPT:], saved)
        self._revision = store.write(saved)

    def _saved_again(self, report: Forgotten) -> None:
        # What was forgotten leaves the memory of earlier saves too; what the stores hold now is known again by it.
        clean = (replace(saved, conversation=forgotten(saved.conversation, report.what)[0]) for saved in self._kept)
        self._kept = tuple(clean)

    @classmethod
    def load(cls, place: "str | Path | Store", **settings: Any) -> Self:
        """Go on with a saved conversation, with its settings; those given here come first.

        The manager is of the class that was saved where that is a kind of this one. Steps, clients and summarizers are
        code and are not saved: give them again. Raises FileNotFoundError where nothing was saved, ValueError when steps
        were in use and none are given.
        """
        from labkit.stores import store_at

        store = store_at(place)
        saved = store.read()
        if saved is None:
            raise FileNotFoundError(f"nothing was saved at {place}: check the name, or call save() first")
        kind = next((kind for kind in _kinds(cls) if kind.__name__ == saved.kind), cls)
        options = dict(saved.settings)
        steps = options.pop("steps", [])
        if steps and "steps" not in settings:
            raise ValueError(
                f"this conversation was saved with the steps {', '.join(steps)}: give steps=[...] to load() again"
            )
        known = {key: value for key, value in options.items() if key in kind._option_names()}
        window = None if "window_size" in kind._option_names() else options.get("window_size")
        if window:  # another kind of manager, such as the asynchronous one, goes on with the window as its last step
            settings["steps"] = (*settings.get("steps", ()), KeepRecent(window))
        manager = kind(**known | settings)
        manager.window_size = window or manager.window_size
        manager.conversation, manager._kept = _gone_on_from(saved, str(place)), (saved,)
        manager._revision = saved.revision
        return manager

    @classmethod
    def _option_names(cls) -> tuple[str, ...]:
        return ("model", "max_tokens", "tools", "cache", "token_threshold", "recent_turns_to_keep")

    def _options(self) -> dict[str, Any]:
        values = {"tools": list(self.settings.tools), "cache": self.settings.cache}
        window = {"window_size": self.window_size} if self.window_size else {}
        return {key: values.get(key, getattr(self, key, None)) for key in self._option_names()} | window

    def _own_steps(self) -> tuple[Any, ...]:
        return self.settings.steps[:-1] if self.window_size else self.settings.steps


def _kinds[M: Saving](kind: type[M]) -> list[type[M]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _kinds(child))]


def _gone_on_from(saved: "Saved", where: str) -> Conversation:
    """The saved conversation with its history repaired at the door. Raises SavedFormError where it cannot be."""
    from labkit.stores.saved_form import SavedFormError

    try:
        history = admitted(saved.conversation.history)
    except ValueError as error:
        raise SavedFormError(f"{where} cannot be gone on from: {error}") from error
    return saved.conversation if history is saved.conversation.history else replace(saved.conversation, history=history)


def _same(found: "Saved", known: "Saved") -> bool:
    """True when what is stored is what was saved, whatever its revision: the conversation itself is compared."""
    there, here = found.conversation, replace(known.conversation, meter=found.conversation.meter)
    return (found.kind, there) == (known.kind, here)
