"""A conversation as bytes and back, exactly, without touching a file: the form that all stores keep.

One JSON document, a message a line. Messages are written once and named by their places, so that after a load the
working history and all replaced messages share the transcript's own Message objects, as they did before.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from labkit.case_facts import CaseFact, PastFact
from labkit.conversation import Conversation, Summary
from labkit.messages import History, Message
from labkit.stores.bounds import Bounds
from labkit.stores.bounds import SavedFormError as SavedFormError
from labkit.stores.checksum import check_checksum, with_checksum
from labkit.stores.textbook_form import in_python_names, is_textbook, upgraded
from labkit.tokens import Meter, Usage

FORMAT, VERSION = "labkit-conversation", 2
LARGEST_BYTES = 500_000_000
"""The largest saved form that is written or read; it fits all three stores.

A Redis string holds 512 MB (Redis docs, Strings), a SQLite blob 1,000,000,000 bytes (SQLite docs, Limits).
"""

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Saved:
    """The content of a store: a manager's class name, its settings, its conversation, and how often it was saved there.

    `settings` holds JSON values only. `revision` counts the saves to one place, 0 before the first.
    """

    kind: str
    settings: dict[str, Any]
    conversation: Conversation
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Seal:
    """A hook for encryption: `wrap` turns the bytes to be stored into others, `unwrap` turns them back.

    `unwrap` must raise an exception for bytes that `wrap` did not make. With the package cryptography:
    `Seal(fernet.encrypt, fernet.decrypt)`.
    """

    wrap: Callable[[bytes], bytes]
    unwrap: Callable[[bytes], bytes]


def to_bytes(saved: Saved) -> bytes:
    """The saved form as UTF-8 text: the same bytes for the same conversation. `revision` must be at least 1.

    Raises SavedFormError for a setting that JSON does not know, metadata of a wrong type, or too many bytes.
    """
    document = document_of(saved)
    _check(document, "this conversation cannot be saved")
    try:
        data = _text(document, ascii_only=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair: only an escape can carry it
        data = _text(document, ascii_only=True).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise SavedFormError(f"this conversation cannot be saved as JSON: {error}") from error
    data = with_checksum(data)
    check_size(len(data), "this conversation")
    return data


def from_bytes(data: bytes, name: str = "this data") -> Saved:
    """Read a saved form: labkit's own or the textbook version's, from Python or Node.js. `name` is what errors call it.

    Raises SavedFormError for anything else, with what is wrong and where.
    """
    check_size(len(data), name)
    try:
        document = json.loads(data, object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_finite)
        document = _recognized(document, name)
        if document.pop("checksum", None) is not None:
            check_checksum(data, name)
        return saved_of(document, name)
    except json.JSONDecodeError as error:
        at = f"character {error.pos:,} of {len(error.doc):,}"
        raise SavedFormError(f"{name} is not JSON, or was cut off: {error.msg} at {at}") from error
    except RecursionError as error:
        raise SavedFormError(f"{name} is nested too deeply to be a conversation") from error
    except SavedFormError:
        raise
    except ValueError as error:  # bytes that are no text, a key twice, a number without bounds
        raise SavedFormError(f"{name} is not a saved conversation: {error}") from error


def document_of(saved: Saved) -> Document:
    """The saved form as JSON values, its keys in the order in which they are written. See `saved_schema.SavedForm`."""
    conversation = saved.conversation
    said = conversation.transcript
    messages, places = _table(conversation)
    rows = [_row(message, places) for message in messages]
    worked = [places[id(message)] for message in conversation.history]
    return {
        "format": FORMAT,
        "version": VERSION,
        "revision": saved.revision,
        "kind": saved.kind,
        "settings": saved.settings,
        "system": conversation.system,
        "facts": [_given(fact) for fact in conversation.facts],
        "past_facts": [_given(past) | {"fact": _given(past.fact)} for past in conversation.past_facts],
        "summaries": [_given(summary) for summary in conversation.summaries],
        "failures": conversation.failures,
        "sent_whole": conversation.sent_whole,
        "usage": asdict(conversation.usage),
        "last": asdict(conversation.last),
        "meter": {"tokens": conversation.meter.tokens, "view": _view(conversation, places, worked)},
        "history": None if worked == list(range(len(said))) else worked,
        "transcript": rows[: len(said)],
        "beside": rows[len(said) :],
    }


def saved_of(document: Document, name: str = "this document") -> Saved:
    """The content of a document in labkit's form. Raises SavedFormError where it does not have the form."""
    _check(document, f"{name} is damaged")
    messages = _messages([*document["transcript"], *document["beside"]], name)
    said = History(messages[: len(document["transcript"])])
    worked = document["history"]
    history = said if worked is None else History(_chosen(messages, worked, name))
    view = document["meter"]["view"]
    if isinstance(view, list):
        view = History(_chosen(messages, view, name))
    elif view is not None:
        view = _beginning(history, view, name)
    try:
        facts = tuple(CaseFact(**fact) for fact in document["facts"])
        past = tuple(PastFact(**row | {"fact": CaseFact(**row["fact"])}) for row in document.get("past_facts", ()))
    except ValueError as error:
        raise SavedFormError(f"{name} is damaged: {error}") from error
    conversation = Conversation(
        system=document["system"],
        transcript=said,
        history=history,
        facts=facts,
        past_facts=past,
        summaries=tuple(map(_summary, document["summaries"])),
        failures=document["failures"],
        sent_whole=document.get("sent_whole", 0),
        usage=Usage(**document["usage"]),
        last=Usage(**document["last"]),
        meter=Meter(document["meter"]["tokens"], view),
    )
    return Saved(document["kind"], document["settings"], conversation, document["revision"])


UNSAID: tuple[tuple[str, Any], ...] = (("origin", ""), ("put_back", []))
"""Fields that are left out when they are empty, so that a form without news is as short as it was."""


def _given(value: Any) -> Document:
    """A dataclass as JSON values, without the fields that are empty."""
    plain = {key: list(inner) if isinstance(inner, tuple) else inner for key, inner in asdict(value).items()}
    return {key: inner for key, inner in plain.items() if inner is not None and (key, inner) not in UNSAID}


def _summary(row: Document) -> Summary:
    return Summary(**row | {"usage": Usage(**row["usage"]), "put_back": tuple(row.get("put_back", ()))})


def sealed(saved: Saved, seal: Seal | None = None) -> bytes:
    """The bytes of the next save: the saved form with the revision that follows, sealed if there is a seal."""
    data = to_bytes(replace(saved, revision=saved.revision + 1))
    return seal.wrap(data) if seal else data


def unsealed(data: object, where: str, seal: Seal | None = None) -> Saved:
    """The content of the bytes stored at `where`, unsealed if there is a seal. Raises SavedFormError."""
    left = "; it was left as it is: restore a copy of it, or choose another place"
    data = data.encode() if isinstance(data, str) else data
    if not isinstance(data, bytes):
        raise SavedFormError(f"{where} holds {type(data).__name__} where a conversation's bytes should be{left}")
    if seal:
        try:
            data = seal.unwrap(data)
        except Exception as error:
            why = f"{type(error).__name__} {error}".strip()
            raise SavedFormError(f"{where} cannot be unsealed ({why}): another key, or never sealed{left}") from error
    try:
        return from_bytes(data, where)
    except SavedFormError as error:
        hint = "" if seal or data.lstrip().startswith(b"{") else " (if it was sealed, give the store its seal)"
        raise SavedFormError(f"{error}{left}{hint}") from error


def check_size(size: int, name: str) -> None:
    """Raise SavedFormError for more bytes than a saved form may have."""
    if size > LARGEST_BYTES:
        raise SavedFormError(f"{name} has {size:,} bytes; a saved form has at most {LARGEST_BYTES:,}")


def _recognized(document: object, name: str) -> Document:
    if isinstance(document, dict) and document.get("format") == FORMAT:
        version = document.get("version")
        if isinstance(version, int) and version > VERSION:
            raise SavedFormError(
                f"{name} was saved by a newer labkit (version {version} of the form, this one reads {VERSION}): "
                "update labkit"
            )
        return document
    if isinstance(document, dict) and is_textbook(document):
        from labkit.stores.saved_schema import TextbookForm

        renamed = in_python_names(document)
        if len(renamed) < len(document):
            raise SavedFormError(f"{name} has a key twice, spelled as in Python and as in Node.js")
        _check(renamed, f"{name} is damaged", TextbookForm)
        return upgraded(renamed)
    seen = f"keys {', '.join(map(repr, list(document)[:5]))}" if isinstance(document, dict) and document else ""
    raise SavedFormError(
        f"{name} is JSON, but not a saved conversation: it has {seen or f'a {type(document).__name__}'}, and no"
        f' "format": "{FORMAT}"'
    )


def _check(document: Document, complaint: str, form: type | None = None) -> None:
    from labkit.stores.saved_schema import SavedForm, problem_in

    if problem := problem_in(document, form or SavedForm):
        raise SavedFormError(f"{complaint}: {problem}")


def _table(conversation: Conversation) -> tuple[list[Message], dict[int, int]]:
    messages = list(conversation.transcript)
    places: dict[int, int] = {}
    for place, message in enumerate(messages):
        places.setdefault(id(message), place)
    found = [*conversation.history, *(conversation.meter.view or ())]
    found += [older for message in messages for older in message.replaces]
    for message in found:  # grows while it is walked: what a message replaces may replace others
        if id(message) not in places:
            places[id(message)] = len(messages)
            messages.append(message)
            found += message.replaces
    return messages, places


def _row(message: Message, places: Mapping[int, int]) -> Document:
    row = message.wire()
    if message.pinned is not False:
        row["pinned"] = message.pinned
    if message.importance is not None:
        row["importance"] = message.importance
    if message.timestamp is not None:
        row["timestamp"] = message.timestamp
    if message.flags:
        row["flags"] = list(message.flags)
    if message.replaces:
        row["replaces"] = [places[id(older)] for older in message.replaces]
    if message.stop_reason is not None:
        row["stop_reason"] = message.stop_reason
    return row


def _view(conversation: Conversation, places: Mapping[int, int], worked: Sequence[int]) -> int | list[int] | None:
    if conversation.meter.view is None:
        return None
    view = [places[id(message)] for message in conversation.meter.view]
    return len(view) if view == worked[: len(view)] else view


def _messages(rows: Sequence[Document], name: str) -> list[Message]:
    made: dict[int, Message] = {}
    bounds = Bounds(rows, name)
    try:
        order = TopologicalSorter({place: row.get("replaces", ()) for place, row in enumerate(rows)})
        for place in order.static_order():
            bounds.check(place)
            made[place] = _message(rows[place], made, f"{name} is damaged: message {place:,}")
    except CycleError as error:
        raise SavedFormError(f"{name} is damaged: messages {error.args[1]} replace one another") from error
    return [made[place] for place in range(len(rows))]


def _message(row: Document, made: Mapping[int, Message], complaint: str) -> Message:
    metadata = {key: value for key, value in row.items() if key not in ("role", "content", "flags", "replaces")}
    replaces = tuple(made[place] for place in row.get("replaces", ()))
    try:
        return Message(
            row["role"],
            row["content"],
            flags=tuple(row.get("flags", ())),
            replaces=replaces,
            **metadata,
        )
    except (TypeError, ValueError) as error:
        raise SavedFormError(f"{complaint}: {error}") from error


def _chosen(messages: Sequence[Message], places: Sequence[int], name: str) -> Iterable[Message]:
    if len(places) > len(messages):
        raise SavedFormError(f"{name} is damaged: it names {len(places):,} messages, but has {len(messages):,}")
    for place in places:
        if place >= len(messages):
            raise SavedFormError(f"{name} is damaged: it names message {place:,}, but has {len(messages):,}")
        yield messages[place]


def _beginning(history: History, length: int, name: str) -> History:
    if length > len(history):
        raise SavedFormError(f"{name} is damaged: the meter saw {length:,} messages of a history of {len(history):,}")
    return history[:length]


def _text(document: Document, ascii_only: bool) -> str:
    encode = json.JSONEncoder(ensure_ascii=ascii_only, allow_nan=False).encode
    lines = []
    for key, value in document.items():
        rows = key in ("transcript", "beside") and value
        shown = "[\n" + ",\n".join(map(encode, value)) + "\n]" if rows else encode(value)
        lines.append(f'"{key}": {shown}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _unique(pairs: list[tuple[str, Any]]) -> Document:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"the key {twice[:60]!r} is there twice in one object")
    return found


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not a number that JSON knows")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits[:60]} is out of bounds")
    return number
