"""Labelled conversations that others published, read from files of yours: LoCoMo, BEAM and tau-bench.

Nothing of them is shipped; each has its licence, which is shown. The formats were read from the public repositories
named in SETS (November 2026). Questions whose evidence cannot be found in their conversation are left out.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from labkit.evidence.labelled import Evidence, Labelled, LabelledQuestion
from labkit.messages import History, Message, assistant, user
from labkit.text.words import searchable_text

SETS = {
    "locomo": "LoCoMo, github.com/snap-research/locomo, CC BY-NC 4.0: not for commercial use",
    "beam": "BEAM, github.com/mohammadtavakoli78/BEAM, whose files name no licence: ask its page before you pass it on",
    "tau": "tau-bench, github.com/sierra-research/tau-bench, MIT (c) 2024 Sierra",
}
ADVERSARIAL = 5
"""LoCoMo's category of questions about what was never said; source: its task_eval."""
SHORTEST_VALUE = 4
"""Characters of a tool argument that is worth looking for in earlier messages."""
PLACES = "give locomo10.json, a folder of BEAM's chats, or a results file of tau-bench"


class ForeignFile(ValueError):
    """A file that has none of the three formats, or is damaged; says what was found and what can be read."""


def published(path: Path) -> tuple[list[Labelled], str]:
    """The conversations at a file or folder, and whose they are under which licence. Raises ForeignFile."""
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    chats = [file for file in files if file.name == "chat.json" or not path.is_dir()]
    if not (chats := chats or files):
        raise ForeignFile(f"{path} holds no JSON file: {PLACES}")
    found, sources = list[Labelled](), set[str]()
    for file in chats:
        source, some = _read(file)
        sources.add(source)
        found += some
    if not found:
        raise ForeignFile(f"{path} has no question whose evidence stands in its conversation")
    return found, "; ".join(SETS[source] for source in sorted(sources))


def _read(file: Path) -> tuple[str, list[Labelled]]:
    data = _json(file)
    first = data[0] if isinstance(data, list) and data else data
    try:
        if isinstance(first, Mapping) and "qa" in first:
            rows = data if isinstance(data, list) else [data]
            made = [_locomo(row, row.get("sample_id", f"{file.stem}-{at}")) for at, row in enumerate(rows)]
            return "locomo", _asked(made)
        if isinstance(first, Mapping) and "turns" in first:
            questions = file.parent / "probing_questions" / "probing_questions.json"
            return "beam", _asked([_beam(data, _json(questions), "/".join(file.parent.parts[-2:]))])
        if isinstance(first, Mapping) and "traj" in first:
            return "tau", _asked([_tau(row) for row in data])
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        if isinstance(error, ForeignFile):
            raise
        raise ForeignFile(f"{file} is damaged, or of another version: {type(error).__name__} {error}") from error
    seen = f"keys {', '.join(map(repr, list(first)[:5]))}" if isinstance(first, Mapping) else type(data).__name__
    raise ForeignFile(f"{file} is of no known format (it has {seen}): {PLACES}")


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ForeignFile(f"{file} cannot be read ({error.strerror}): {PLACES}") from error
    except ValueError as error:
        raise ForeignFile(f"{file} is not JSON ({error}): {PLACES}") from error


def _asked(found: Sequence[Labelled]) -> list[Labelled]:
    return [labelled for labelled in found if labelled.questions]


def _at_the_end(history: History, ask: str, places: Sequence[int]) -> Iterator[LabelledQuestion]:
    evidence = tuple(Evidence(searchable_text(history[place]), (place,)) for place in dict.fromkeys(places))
    if evidence and ask.strip():
        yield LabelledQuestion(ask, len(history), evidence)


def _locomo(row: Mapping[str, Any], name: object) -> Labelled:
    """Two people's talk: who speaks first is the user."""
    talk = row.get("conversation", row)
    messages, places, first = list[Message](), dict[str, int](), ""
    sessions = sorted((key for key in talk if re.fullmatch(r"session_\d+", key)), key=lambda key: int(key[8:]))
    for session in sessions:
        date = f"[{talk[f'{session}_date_time']}] " if f"{session}_date_time" in talk else ""
        for turn in talk[session]:
            picture = f" [picture: {turn['blip_caption']}]" if turn.get("blip_caption") else ""
            first = first or turn["speaker"]
            speak = user if turn["speaker"] == first else assistant
            places[turn["dia_id"]] = len(messages)
            messages.append(speak(f"{date}{turn['speaker']}: {turn['text']}{picture}"))
            date = ""
    history = History(messages)
    questions = [
        question
        for asked in row["qa"]
        if asked.get("category") != ADVERSARIAL
        for named in [re.findall(r"D\d+:\d+", " ".join(asked.get("evidence") or ()))]
        if all(name in places for name in named)
        for question in _at_the_end(history, str(asked["question"]), [places[name] for name in named])
    ]
    return Labelled(str(name), "chat", "", f"{talk['speaker_a']} and {talk['speaker_b']}", history, tuple(questions))


def _beam(batches: Sequence[Mapping[str, Any]], probes: Mapping[str, Any], name: str) -> Labelled:
    turns = [message for batch in batches for turn in batch["turns"] for message in turn]
    spoken = [turn for turn in turns if str(turn["content"]).strip()]
    history = History(Message(turn["role"], turn["content"]) for turn in spoken)
    places = {turn["id"]: place for place, turn in enumerate(spoken)}
    if len(places) < len(spoken):
        raise ForeignFile(f"{name} numbers several messages alike, as BEAM's longest chats do: take a shorter one")
    questions = [
        question
        for probe in (probe for some in probes.values() for probe in some)
        for ids in [list(_numbers(probe.get("source_chat_ids")))]
        if all(one in places for one in ids)
        for question in _at_the_end(history, str(probe["question"]), [places[one] for one in ids])
    ]
    return Labelled(name, "long", "", "a chat of BEAM", history, tuple(questions))


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _numbers(item)


def _tau(row: Mapping[str, Any]) -> Labelled:
    """A trajectory, in which each turn asks for what its tool calls need and only earlier messages say.

    tau-bench has no labels: a value that a call is given, found in an earlier turn and not in the question, is one.
    """
    history = History(_message(entry) for entry in row["traj"] if entry["role"] != "system")
    starts = [*history.starts(), len(history)]
    questions = []
    for at, end in pairwise(starts):
        values = dict.fromkeys(value for message in history[at:end] for value in _given(message))
        evidence = [Evidence(value, _where(history[:at], value)) for value in values if value not in history[at].text]
        if needed := tuple(one for one in evidence if one.places):
            questions.append(LabelledQuestion(history[at].text, at, needed))
    name = f"task {row['task_id']}, trial {row.get('trial', 0)}"
    return Labelled(name, "tools", "", "a run of an agent with tools", history, tuple(questions))


def _message(entry: Mapping[str, Any]) -> Message:
    content = entry.get("content") or ""
    if entry["role"] == "tool":
        return user([{"type": "tool_result", "tool_use_id": entry["tool_call_id"], "content": content}])
    calls = [
        {"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": _arguments(call)}
        for call in entry.get("tool_calls") or ()
    ]
    said_too = [{"type": "text", "text": content}] if content.strip() else []
    return Message(entry["role"], (*said_too, *calls) if calls else content)


def _arguments(call: Mapping[str, Any]) -> dict[str, Any]:
    return dict(json.loads(call["function"]["arguments"] or "{}"))


def _given(message: Message) -> Iterator[str]:
    for block in message.blocks:
        if block["type"] == "tool_use":
            yield from _texts(block["input"])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= SHORTEST_VALUE:
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def _where(history: History, value: str) -> tuple[int, ...]:
    return tuple(place for place, message in enumerate(history) if value in searchable_text(message))
