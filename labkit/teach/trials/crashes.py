"""A save watched at every step: what a crash would leave in the file after each call that the learner's code makes."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from labkit.teach.cells.shown import Shown, table
from labkit.teach.checks.check import Broken, Finding, caught

OLD: dict[str, Any] = {"messages": ["Question 1.", "Answer 1."]}
NEW: dict[str, Any] = {"messages": ["Question 1.", "Answer 1.", "Question 2.", "Answer 2."]}
NAME = "conversation.json"
START, END = "the start", "the end"
WHOLE = ("the old conversation", "the new conversation")
CLAIM = "a crash at any moment leaves the old conversation in the file or the new one, whole"
HINT = "Write a new file beside it, and let os.replace or Path.replace put it in the old one's place in one step."


@dataclass
class Watched:
    """The content of the file from call to call: pairs of the call and the file after it."""

    seen: list[tuple[str, str]] = field(default_factory=list)

    def bad(self) -> tuple[str, str] | None:
        """The first moment at which the file held neither the old nor the new conversation."""
        return next(((call, held) for call, held in self.seen if held not in WHOLE), None)

    def finding(self) -> Finding:
        """The claim that does not hold."""
        call, found = self.bad() or ("", "")
        return Finding(CLAIM, False, f"✗ Not yet: {CLAIM}. After {call}() a crash leaves {found}.", HINT)

    def shown(self, words: bool = False) -> Shown:
        """The file after each call that changed it."""
        rows = [(call if call in (START, END) else f"{call}()", found) for call, found in self.seen]
        return table(["after", "a crash leaves"], rows, "The same save, stopped at every moment:")


def in_folder(use: Callable[[Path], object]) -> object:
    """Use the path of a file that holds the old conversation, alone in its folder."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_text(json.dumps(OLD), "utf-8")
        return use(path)


def held(path: Path) -> str:
    """The content of the file, in words."""
    try:
        text = path.read_text("utf-8")
    except OSError:
        return "no file at all"
    try:
        state = json.loads(text)
    except ValueError:
        return "half a conversation" if text else "an empty file"
    return WHOLE[0] if state == OLD else WHOLE[1] if state == NEW else "another conversation"


def watched(save: Callable[..., object]) -> Watched:
    """Save the new conversation over the old one and look at the file after each call."""
    found = Watched()

    def run(path: Path) -> None:
        """Save, with a look after each call that ended."""

        def look(_frame: object, event: str, call: Any) -> None:
            """Note what the file holds, when that has changed."""
            if event in ("c_return", "c_exception") and found.seen[-1][1] != (now := held(path)):
                found.seen.append((getattr(call, "__name__", "a call"), now))

        found.seen.append((START, held(path)))
        before = sys.getprofile()
        sys.setprofile(look)
        try:
            save(str(path), NEW)
        finally:
            sys.setprofile(before)
        if found.seen[-1][1] != held(path):
            found.seen.append((END, held(path)))

    in_folder(run)
    return found


def whole_throughout(save: Callable[..., object]) -> str:
    """Check that the file is whole at every moment; raises Broken when it is not."""
    if bad := watched(save).bad():
        raise Broken(f"leaves {bad[1]} if the machine stops right after {bad[0]}()")
    return "whole"


class SaveCourse:
    """The trial of a save: a crash at every moment."""

    passed = ""

    def prepare(self) -> None:
        """Nothing is slow to load."""

    def failing(self, answer: Callable[..., object], claim: str) -> Watched | None:
        """The moments of a save that is not whole throughout."""
        found = caught(lambda: watched(answer)).value
        return found if isinstance(found, Watched) and found.bad() else None
