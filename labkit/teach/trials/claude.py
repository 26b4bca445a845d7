"""The far side of a trial: an offline Claude with distinguishable replies, which fails on request.

It distinguishes the request that holds the question at hand from one that asks for a summary, so that a fault can be
planned for either.
"""

import json
from collections.abc import Mapping
from typing import Any

from labkit.clients import claude
from labkit.offline import OfflineClaude, Reply
from labkit.offline.wire import HttpRequest, HttpResponse
from labkit.request_log import Sent

type Wire = dict[str, Any]

MESSAGES_PATH = "/v1/messages"
FAULTS: Mapping[str, int | str] = {"529": 529, "500": 500, "timeout": "read_timeout"}
SHAPES = ("text", "thinking", "two texts", "empty")
"""The shapes of a reply: text alone, text after a thinking block, text in two blocks, nothing at all."""


class TrialClaude:
    """One conversation's Claude and the client that reaches it; `log` keeps every request.

    `question` is the text at hand, `shape` one of SHAPES, `cached` bills most of the input as cache reads and writes.
    `fault` and `summary_fault` are one of FAULTS, "stopped" (the notebook's stop button), "garbled" (half an
    answer), or "empty" for a summary without a word.
    """

    def __init__(self) -> None:
        """Set up a separate offline Claude; nothing goes wrong until it is asked for."""
        self.question, self.shape, self.cached = "", "text", False
        self.fault = self.summary_fault = ""
        self.answers = self.summaries = 0
        self.log: list[Sent] = []
        self._offline = _Offline(self)
        self.client = claude(offline=self._offline, log=self.log, max_retries=0)

    def plan(self, move: str, content: Any) -> None:
        """Set what the next question is and what is to happen to it; a move without a plan goes well."""
        self.question = last_words({"content": content})
        self.shape = move if move in SHAPES else "text"
        self.cached = move == "cached"
        self.fault = move if move in FAULTS or move in ("stopped", "garbled") else ""
        self.summary_fault = move.removeprefix("summary ") if move.startswith("summary ") else ""

    def said_since(self, answers: int) -> str:
        """The newest reply's text, if there was one after so many answers."""
        return f"Answer {self.answers}." if self.answers > answers else ""

    def twin(self) -> "TrialClaude":
        """Return another one that has said as much as this one, with its own client and log."""
        other = TrialClaude()
        other.answers, other.summaries = self.answers, self.summaries
        return other

    def requests(self, since: int = 0) -> list[Sent]:
        """The requests for a message, from the place `since` of the log on; counts of tokens are left out."""
        return [sent for sent in self.log[since:] if sent.path == MESSAGES_PATH]

    def is_main(self, messages: list[Wire]) -> bool:
        """True if a request with these messages asks the question at hand, not for a summary."""
        return bool(messages) and last_words(messages[-1]) == self.question

    def reply(self, body: Mapping[str, Any]) -> Reply:
        """The reply to a request: numbered words, in the shape that is planned."""
        if self.is_main(body["messages"]):
            self.answers += 1
            return Reply(shaped(self.shape, f"Answer {self.answers}."))
        if self.summary_fault == "empty":
            return Reply([])
        self.summaries += 1
        return Reply(shaped("text" if self.shape == "empty" else self.shape, f"Summary {self.summaries}."))

    def planned(self, body: Mapping[str, Any]) -> str:
        """The fault planned for this request, or ""."""
        return self.fault if self.is_main(body.get("messages", [])) else self.summary_fault


class _Offline(OfflineClaude):
    def __init__(self, trial: TrialClaude) -> None:
        super().__init__(reply=trial.reply)
        self._trial = trial

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Let go wrong what is planned, else answer and split the bill as planned."""
        planned = self._trial.planned(json.loads(request.body or b"{}")) if request.path == MESSAGES_PATH else ""
        if planned == "stopped":
            raise KeyboardInterrupt
        if planned in FAULTS:
            self.faults.add(FAULTS[planned])
        response = super().answer(request)
        if planned == "garbled" and isinstance(response.body, bytes):
            response.body = response.body[: len(response.body) // 2]
        if self._trial.cached and isinstance(response.body, bytes):
            response.body = _split(response.body)
        return response


def shaped(shape: str, words: str) -> list[Wire]:
    """Content blocks of this shape that say `words`; none for an empty reply."""
    text: Wire = {"type": "text", "text": words}
    first, _, rest = words.partition(" ")
    blocks = {
        "thinking": [{"type": "thinking", "thinking": "Let me see.", "signature": "signed"}, text],
        "two texts": [{"type": "text", "text": f"{first} "}, {"type": "text", "text": rest}],
        "empty": [],
    }
    return blocks.get(shape, [text])


def last_words(message: Mapping[str, Any]) -> str:
    """Return a message in one line, however its content is written: texts joined, tools by name and id.

    Thinking is left out; blocks may be dicts or the SDK's objects.
    """
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(map(_block_words, content))


def _block_words(block: Any) -> str:
    get = block.get if isinstance(block, Mapping) else lambda name, default="": getattr(block, name, default)
    match get("type"):
        case "tool_use":
            return f"[call {get('id')}]"
        case "tool_result":
            return f"[result of {get('tool_use_id')}: {get('content')}]"
        case "thinking":
            return ""
    return str(get("text", ""))


def _split(body: bytes) -> bytes:
    answer = json.loads(body)
    if usage := answer.get("usage"):
        total = usage["input_tokens"]
        fresh, read = max(total // 10, 1), total * 6 // 10
        usage |= {"input_tokens": fresh, "cache_read_input_tokens": read}
        usage["cache_creation_input_tokens"] = total - fresh - read
    return json.dumps(answer).encode()
