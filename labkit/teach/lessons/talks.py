"""Conversations that the notebooks work on, kept as data: messages, and questions with the words that answer them.

An answer is found where those very words stand, so that what a strategy loses can be seen without judging a reply.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from labkit.messages import History, Message, assistant, user
from labkit.transcript import readable


@dataclass(frozen=True, slots=True)
class FactQuestion:
    """Something that may be asked later, and the words without which it cannot be answered."""

    ask: str
    answer: str

    def answered_by(self, text: str) -> bool:
        """True if the answer is in a text, in capitals or not."""
        return self.answer.casefold() in text.casefold()


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation with the questions that can be asked about it, and the tools that Claude may call in it."""

    history: History
    questions: tuple[FactQuestion, ...]
    tools: tuple[Mapping[str, Any], ...] = ()

    def answerable(self, messages: Iterable[Message], beside: str = "") -> list[FactQuestion]:
        """The questions whose answers are in these messages, or in what is sent with them."""
        text = "\n".join([beside, *map(readable, messages)])
        return [question for question in self.questions if question.answered_by(text)]


@cache
def support() -> Talk:
    """The customer's conversation of notebook 04: fifteen turns with tool calls, the last one waiting for its reply."""
    data = _data("support_conversation")
    history = History(message for number, turn in enumerate(data["turn"], 1) for message in _said(turn, number))
    tools = [
        {
            "name": tool["name"],
            "description": tool["description"],
            "input_schema": {"type": "object", "properties": {tool["argument"]: {"type": tool["type"]}}},
        }
        for tool in data["tool"]
    ]
    return Talk(history, tuple(FactQuestion(**question) for question in data["question"]), tuple(tools))


def _said(turn: Mapping[str, Any], number: int) -> Iterator[Message]:
    at, call = turn["at"], f"toolu_{number:02}"
    yield user(turn["user"], flags=tuple(turn.get("flags", ())), timestamp=at)
    if "call" in turn:
        block = {"type": "tool_use", "id": call, "name": turn["call"], "input": turn["given"]}
        yield assistant([block], timestamp=at)
        yield user([{"type": "tool_result", "tool_use_id": call, "content": turn["result"]}], timestamp=at)
    if "assistant" in turn:
        yield assistant(turn["assistant"], timestamp=at)


@cache
def bakery(turns: int = 12) -> Talk:
    """The baker's conversation of notebook 05: twelve turns about a move, then one for each day afterwards.

    Raises ValueError for no turns at all.
    """
    if turns < 1:
        raise ValueError(f"a conversation of {turns} turns has nothing in it: give at least 1")
    data = _data("bakery_conversation")
    said = [*data["turn"], *_days(data, turns - len(data["turn"]))][:turns]
    history = History(message for turn in said for message in (user(turn["user"]), assistant(turn["assistant"])))
    text = "\n".join(message.text for message in history)
    asked = [FactQuestion(**question) for question in data["question"]]
    return Talk(history, tuple(question for question in asked if question.answered_by(text)))


def _days(data: Mapping[str, Any], count: int) -> Iterator[Mapping[str, str]]:
    later = {turn["day"]: turn for turn in data["later"]}
    for day in range(1, count + 1):
        turn = later.get(day) or data["daily"][(day - 1) % len(data["daily"])]
        loaves = 90 + day * 7 % 31
        numbers = {"day": day, "loaves": loaves, "sold": loaves - day * 5 % 11}
        yield {role: str(turn[role]).format(**numbers) for role in ("user", "assistant")}


@cache
def _data(name: str) -> Mapping[str, Any]:
    return tomllib.loads(files("labkit.teach.lessons").joinpath(f"{name}.toml").read_text("utf-8"))
