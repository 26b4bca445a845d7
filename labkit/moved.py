"""Modules that have moved: an import by the old name works, with a DeprecationWarning that gives the new one."""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "buying": "steps.relevance.basket",
    "deduplication": "steps.deduplication",
    "embedding": "text.embedding",
    "evidence_recall": "evidence.recall",
    "evidence_rows": "evidence.strategies",
    "guard": "steps.guard",
    "importance": "steps.importance",
    "labelled": "evidence.labelled",
    "mentions": "text.mentions",
    "persistence": "stores",
    "pruning": "steps.pruning",
    "published_sets": "evidence.published_sets",
    "recording": "logging_transport",
    "references": "steps.references",
    "relevance": "steps.relevance.choice",
    "saved_form": "stores.saved_form",
    "sent": "request_log",
    "settling": "repair",
    "words": "text.words",
    "offline.replies": "offline.words.reply",
}
"""Modules of version 0.1 that code outside may import, by their names below the package, and their places now."""


class MovedModules(MetaPathFinder, Loader):
    """Find a module under its old name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec for a name in MOVED; None for every other, which Python's own finders then look for."""
        return ModuleSpec(fullname, self) if fullname.removeprefix("labkit.") in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Import the module from its place, after the warning."""
        place = f"labkit.{MOVED[spec.name.removeprefix('labkit.')]}"
        # The frames between the import statement and this one are importlib's, which the warning passes over.
        warnings.warn(f"{spec.name} is {place} now: import it from there", DeprecationWarning, stacklevel=2)
        return import_module(place)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module ran when it was imported from its place."""


def install() -> None:
    """Let old names be found, after everything else; once in a process."""
    if not any(isinstance(finder, MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(MovedModules())
