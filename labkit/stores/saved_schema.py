"""The shape of a saved conversation, declared once: checked before every write and after every read.

`saved_form.schema.json` is the same shape as JSON Schema, for tools and other languages, printed by
`python -m labkit.stores.saved_schema`. Imported only when something is saved or loaded, because it loads pydantic.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from pydantic import ConfigDict, FailFast, Field, JsonValue, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict as OpenTypedDict

from labkit.messages import Role

EXACT = 2**53 - 1
"""The largest whole number that JSON carries exactly in every language; RFC 8259, section 6."""

Count = Annotated[int, Field(ge=0, le=EXACT)]
Place = Annotated[Count, Field(description="Which message: counted from 0 through transcript, then beside.")]
closed = with_config(ConfigDict(extra="forbid", strict=True, allow_inf_nan=False))


@closed
class SavedMessage(TypedDict):
    """A message as the API takes it, and what labkit knows of it besides that. What is left out has its default."""

    role: Role
    content: str | list[dict[str, Any]]
    pinned: NotRequired[bool]
    importance: NotRequired[float]
    timestamp: NotRequired[str]
    flags: NotRequired[list[str]]
    replaces: NotRequired[list[Place]]
    stop_reason: NotRequired[str]


@closed
class SavedUsage(TypedDict):
    """Tokens billed, by kind, and for how many requests."""

    input_tokens: Count
    output_tokens: Count
    cache_creation_input_tokens: Count
    cache_read_input_tokens: Count
    requests: Count


@closed
class SavedFact(TypedDict):
    """A case fact, word for word, where it comes from, what it is about, since when, and whose words it is."""

    text: str
    source: str
    key: NotRequired[str]
    time: NotRequired[str]
    origin: NotRequired[Literal["tool", "document"]]


@closed
class SavedPastFact(TypedDict):
    """A value that a fact had before, how it ended, and when."""

    fact: SavedFact
    ended: Literal["changed", "retracted"]
    time: NotRequired[str]


@closed
class SavedSummary(TypedDict):
    """A summary that took the place of older messages: how many, what it cost, and which rules were put back."""

    text: str
    messages: Count
    usage: SavedUsage
    put_back: NotRequired[list[str]]


@closed
class SavedMeter(TypedDict):
    """The last bill: the view sent and its reply were so many tokens.

    The view is a number when it was that many messages from the start of the history, otherwise their places; null for
    no view.
    """

    tokens: Count
    view: Count | list[Place] | None


@with_config(ConfigDict(strict=True, allow_inf_nan=False))
class SavedSettings(OpenTypedDict, total=False, extra_items=JsonValue):  # type: ignore[call-arg]
    """The settings of a manager; a caller's class may have others."""

    model: str
    max_tokens: Annotated[int, Field(ge=1, le=EXACT)]
    tools: list[dict[str, JsonValue]]
    cache: bool
    token_threshold: Annotated[int, Field(ge=1, le=EXACT)] | None
    recent_turns_to_keep: Count
    window_size: Annotated[int, Field(ge=1, le=EXACT)]
    steps: list[str]


@closed
class SavedForm(TypedDict):
    """A conversation saved by labkit, version 2; version 1, without `past_facts` and `sent_whole`, is read as well.

    `transcript` is everything ever said. `beside` holds messages that were never said but stand for others, such as
    summaries. `history` is what is worked with, by places; null when it is the whole transcript. `checksum` is the
    SHA-256 of all the bytes before its own line, without the comma and line end before it.
    """

    format: Literal["labkit-conversation"]
    version: Annotated[int, Field(ge=1, le=2)]
    revision: Annotated[int, Field(ge=1, le=EXACT)]
    kind: Annotated[str, Field(min_length=1)]
    settings: SavedSettings
    system: str
    facts: list[SavedFact]
    past_facts: NotRequired[list[SavedPastFact]]
    summaries: list[SavedSummary]
    failures: Count
    sent_whole: NotRequired[Count]
    usage: SavedUsage
    last: SavedUsage
    meter: SavedMeter
    history: list[Place] | None
    transcript: Annotated[list[SavedMessage], FailFast()]
    beside: Annotated[list[SavedMessage], FailFast()]
    checksum: NotRequired[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]


@closed
class TextbookMessage(TypedDict):
    """A message as the textbook version of the manager keeps it: role and content alone."""

    role: Role
    content: str | list[dict[str, Any]]


@closed
class TextbookSummary(TypedDict):
    """A line of the textbook version's summary history."""

    timestamp: float
    messages_summarized: Count
    summary_tokens: Count


@closed
class TextbookForm(TypedDict):
    """The saved form of the textbook version, its Node.js names written as Python's.

    Its code leaves out the settings; they are taken where somebody added them.
    """

    system_prompt: str
    model: str
    messages: Annotated[list[TextbookMessage], FailFast()]
    summary: NotRequired[str | None]
    summary_history: NotRequired[Annotated[list[TextbookSummary], FailFast()]]
    total_input_tokens: NotRequired[Count]
    total_output_tokens: NotRequired[Count]
    saved_at: NotRequired[float]
    last_input_tokens: NotRequired[Count]
    max_tokens: NotRequired[Count]
    window_size: NotRequired[Count]
    token_threshold: NotRequired[Count]
    recent_turns_to_keep: NotRequired[Count]
    recent_turns: NotRequired[Count]


def problem_in(document: object, form: type = SavedForm) -> str | None:
    """The first thing that is wrong with a document, in words that name its place; None when it has the form."""
    try:
        _checker(form).validate_python(document)
    except ValidationError as error:
        problems = error.errors()
    else:
        return None
    steps, kind = problems[0]["loc"], problems[0]["type"]
    where = _path(document, steps)
    if kind == "missing":
        return f"{where} has no {steps[-1]!r}"
    if kind == "extra_forbidden":
        return f"{_path(document, steps[:-1])} has the unknown key {str(steps[-1])[:60]!r}"
    words = " or ".join(p["msg"] for p in problems if _path(document, p["loc"]) == where)
    return f"{where} is {_short(problems[0]['input'])}: {words}"


def schema() -> dict[str, Any]:
    """The form as JSON Schema (draft 2020-12), as `saved_form.schema.json` holds it."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | _checker(SavedForm).json_schema()


@cache
def _checker(form: type) -> TypeAdapter[Any]:
    return TypeAdapter(form)


def _path(document: object, steps: Sequence[int | str]) -> str:
    path, inside = "", document
    for step in steps:
        if isinstance(inside, Mapping) and step in inside:
            path += f".{step}" if path else str(step)
        elif isinstance(inside, list) and isinstance(step, int) and step < len(inside):
            path += f"[{step}]"
        else:
            break
        inside = inside[step]  # type: ignore[index]
        if len(path) > 200:
            return f"{path[:200]}..."
    return path or "the document"


def _short(value: object) -> str:
    shown = repr(value) if isinstance(value, str | int | float | bool | None) else f"a {type(value).__name__}"
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
