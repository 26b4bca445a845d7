"""Labelled conversations: questions, each with the words of earlier messages that it cannot be answered without.

The project's own set is described in `labkit/evidence/conversations/README.md`; `published_sets` reads those of others.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from labkit.messages import History


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words that an answer needs, and the places of the messages that say them: any one of these will do."""

    words: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A message asked after the first `at` messages of a conversation, and the evidence that it needs, all of it."""

    ask: str
    at: int
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A conversation with questions: its name, kind (chat, long, tools), part (dev, unseen), and what it is about."""

    name: str
    kind: str
    part: str
    about: str
    history: History
    questions: tuple[LabelledQuestion, ...]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Labelled":
        """Read one from its JSON form."""
        questions = tuple(
            LabelledQuestion(q["ask"], q["at"], tuple(Evidence(e["words"], tuple(e["places"])) for e in q["evidence"]))
            for q in data["questions"]
        )
        said_so_far = History(data["messages"])
        return cls(data["name"], data["kind"], data["part"], data["about"], said_so_far, questions)


def labelled_set(part: str = "") -> list[Labelled]:
    """The conversations that are shipped with labkit, by name: all of them, or those of one part (dev, unseen)."""
    folder = files("labkit.evidence").joinpath("conversations")
    texts = [file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".json")]
    found = sorted((Labelled.of(json.loads(text)) for text in texts), key=lambda labelled: labelled.name)
    return [labelled for labelled in found if part in ("", labelled.part)]
