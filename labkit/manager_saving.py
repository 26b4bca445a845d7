"""A manager that is saved in a store, and loaded from it with its settings.

Imports the stores only when something is saved or loaded, because they load pydantic.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from labkit.conversation import Conversation
from labkit.forgetting import Forgotten
from labkit.manager_state import Shell
from labkit.redaction import Redact, clean
from labkit.strategies import name
from labkit.turn import Settings

if TYPE_CHECKING:
    from labkit.stores import Store


class Saving(Shell):
    """A shell that can be saved and loaded."""

    def __init__(self, settings: Settings, conversation: Conversation, client: Any = None) -> None:
        """Take the settings, what was said so far, and the client; nothing is saved yet."""
        super().__init__(settings, conversation, client)
        self._revisions: dict[str, int] = {}

    def save(self, place: "str | Path | Store", redact: Redact | None = None, overwrite: bool = False) -> None:
        """Save the conversation and the settings: in a JSON file at a path, or in any store; `redact` cleans what is
        saved.

        Raises ConversationConflict when something was saved there that this manager neither loaded nor saved, unless
        `overwrite` says that it may be lost.
        """
        from labkit.stores import store_at
        from labkit.stores.saved_form import Saved

        store = store_at(place)
        found = store.read() if overwrite else None
        revision = found.revision if found else self._revisions.get(repr(store), 0)
        options = self._options() | {"steps": [name(step) for step in self._own_steps()]}
        options = clean(options, redact) if redact else options
        kept = self.conversation.redacted(redact) if redact else self.conversation
        written = store.write(Saved(type(self).__name__, options, kept, revision))
        self._revisions = {**self._revisions, repr(store): written}

    def _saved_again(self, report: Forgotten) -> None:
        for where, before, after in report.saves:
            if self._revisions.get(where) == before:
                self._revisions = {**self._revisions, where: after}

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
        manager = kind(**known | settings)
        manager.conversation, manager._revisions = saved.conversation, {repr(store): saved.revision}
        return manager

    @classmethod
    def _option_names(cls) -> tuple[str, ...]:
        return ("model", "max_tokens", "tools", "cache", "token_threshold", "recent_turns_to_keep")

    def _options(self) -> dict[str, Any]:
        values = {"tools": list(self.settings.tools), "cache": self.settings.cache}
        return {key: values.get(key, getattr(self, key, None)) for key in self._option_names()}

    def _own_steps(self) -> tuple[Any, ...]:
        return self.settings.steps


def _kinds[M: Saving](kind: type[M]) -> list[type[M]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _kinds(child))]
