"""Every function that reads a text takes time that grows with the text and no faster, whatever the text is."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from labkit.messages import History, Message, assistant, user
from labkit.offline.words.summary import summarize
from labkit.offline.words.transcript import of_prompt
from labkit.redaction import Redactor
from labkit.steps.deduplication import Deduplicate
from labkit.steps.guard import named
from labkit.steps.importance import score
from labkit.summarization import ClaudeSummarizer
from labkit.text.mentions import mentions
from labkit.text.secrets import FORMS
from labkit.text.words import terms
from labkit.tokens import estimate_tokens

UNITS = (
    "1,", "1.1.1.", "a-a-a-", "a.", "a_", "12,345,", "1 ", "1-", "4 ", "4.", "a@", "@a.", "+1 2", "#a", "$1,", "9:",
    "A1", "Aa ", "A'b", "\n", " ", "\t\n", "\\", "\\u0041", '\\"', "(tool result: ", "(called x with ", ")\n", "[", "{",
    "conversation summary: ", "user: ", "| ", "> tool result: ", "<a>\n", "e\u0301\u0323", "\u200b", "漢", "🙂", "é",
    "sk-", "DE89 3704 ", "Mr. ", "May 3 ", "is my ", "our ", "?", ". ", "- ",
)  # fmt: skip
TAILS = ("", "@ 7")
SHORT, TIMES = 1_000, 6
"""Characters of the shorter text, and by how much the longer one is longer: then the square shows as 36 to 6."""


def summarized(text: str) -> str:
    """A summary of a transcript that ends in this text."""
    return summarize(of_prompt.__wrapped__(f"Summarize.\n\nuser: {text}").turns)


def shown(text: str) -> Any:
    """The first request for a summary of a conversation that holds the text in a tool's mouth."""
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": f"x{text}"}
    return next(ClaudeSummarizer(redact=Redactor()).calls(History([user("go"), assistant([call]), user([result])])))


READERS: dict[str, Callable[[str], Any]] = {
    "mentions": mentions.__wrapped__,
    "terms": terms,
    "guard": named,
    "importance": lambda text: score(user(f"x{text}")),
    "Redactor": Redactor(hide=("Ada Lovelace", "1,1")),
    "offline summary": summarized,
    "summarizer": shown,
    "estimate": lambda text: estimate_tokens(Message("user", f"x{text}")),
} | {f"form: {name}": (lambda text, find=find: list(find(text))) for name, find in FORMS.items()}


def seconds(read: Callable[[str], Any], text: str) -> float:
    """Processor seconds of one reading."""
    began = time.process_time()
    read(text)
    return time.process_time() - began


def grows_too_fast(read: Callable[[str], Any], unit: str, tail: str) -> bool:
    """True when a text of TIMES the length takes far more than TIMES as long, in the same run."""
    short, long = ((unit * size)[:size] + tail for size in (SHORT, SHORT * TIMES))
    # 3 ms more, because a short reading is mostly the time of a call; three tries, because machines are busy.
    return all(seconds(read, long) > 2 * TIMES * (seconds(read, short) + 0.003) for _ in range(3))


@pytest.mark.parametrize("reader", READERS)
def test_time_grows_with_the_text(reader: str) -> None:
    """Numbers in a row, dots, dashes, blanks, brackets, escapes, accents: each unit repeated, with four ends."""
    bad = [(unit, tail) for unit in UNITS for tail in TAILS if grows_too_fast(READERS[reader], unit, tail)]
    assert not bad


def test_the_measure_sees_the_square() -> None:
    """A naive reading that begins again at each place is seen."""
    assert grows_too_fast(lambda text: [re.findall(r"[\w.+-]+@", text) for _ in range(3)], "a", "")


def test_a_list_of_numbers_is_read_like_prose() -> None:
    """A JSON array of 78 KB of whole numbers takes at most 30 times as long as as much prose."""
    numbers = json.dumps(list(range(100_000, 110_000)))
    prose = ("the delivery to the harbour was late again and nobody called about it " * 1_200)[: len(numbers)]
    for name in ("mentions", "importance", "guard", "Redactor", "offline summary", "summarizer"):
        assert seconds(READERS[name], numbers) < 30 * (seconds(READERS[name], prose) + 0.003), name


def test_deduplication_reads_hostile_texts_once() -> None:
    """A history of hostile questions takes its time by their length."""

    def run(text: str) -> Any:
        return Deduplicate()(History([m for i in range(4) for m in (user(f"{i}{text}?"), assistant(text))]))

    assert not [unit for unit in ("1,", "1.1.1.", "a-a-a-", "a.") if grows_too_fast(run, unit, "")]
