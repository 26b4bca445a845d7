"""Short ways to ask the offline Claude's reply function in tests, without a wire."""

from typing import Any

from labkit.offline.words.reply import Reply, reply


def dialogue(*turns: Any) -> list[dict[str, Any]]:
    """Messages in turn: the user's, the assistant's, the user's and so on."""
    return [{"role": ("user", "assistant")[i % 2], "content": turn} for i, turn in enumerate(turns)]


def answer(*turns: Any, **request: Any) -> Reply:
    """The reply to a dialogue that ends with the user's turn."""
    return reply({"messages": dialogue(*turns), **request})


def words_of(given: Reply) -> str:
    """The text of a reply, label included."""
    return "\n".join(block["text"] for block in given.content if block["type"] == "text")


def said(*turns: Any, **request: Any) -> str:
    """The text of the reply to a dialogue, without its label."""
    return words_of(answer(*turns, **request)).removeprefix("[simulated] ")


def conversation(*questions: str, system: str = "") -> list[str]:
    """The answers to questions asked one after the other, the whole history being sent each time."""
    messages: list[dict[str, Any]] = []
    answers = []
    for question in questions:
        messages.append({"role": "user", "content": question})
        text = words_of(reply({"messages": messages, "system": system}))
        messages.append({"role": "assistant", "content": text})
        answers.append(text.removeprefix("[simulated] "))
    return answers
