"""Random conversations for property tests: what a real one may hold, and always valid as it came in.

An exchange is drawn as a shape and one number from which its words follow, because a property over thousands of
conversations has no time for a draw per word.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from labkit.messages import Block, History, Message
from labkit.models import find
from labkit.offline.catalog import Catalog
from labkit.offline.platform.compaction import signed as signed_block
from labkit.offline.platform.thinking import signed as signed_thinking

WORDS = (
    "order",
    "889",
    "refund",
    "Oslo",
    "thanks",
    "hello",
    "4,096",
    "tokens",
    "Tuesday",
    "Ærø",
    "списък",
    "漢字",
    "x\u00a0y",
    "🙂",
)

METADATA: tuple[dict[str, Any], ...] = (
    {},
    {"importance": 0.0},
    {"importance": 0.5},
    {"importance": 1.0},
    {"timestamp": "2026-11-22T09:00:00+00:00"},
    {"flags": ("decision",)},
    {"pinned": True},
    {"pinned": True, "importance": 0.25, "flags": ("preference", "decision")},
)
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
IMAGE: Block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
DOCUMENT: Block = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Order 889."}}
TOOL = {
    "name": "look_up",
    "description": "Look up an order.",
    "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}},
}


def words(number: int) -> str:
    """One to a dozen words that follow from a number."""
    found = [WORDS[(number // 14**place + place * number) % 14] for place in range(1 + number % 12)]
    return " ".join(found)


texts = st.integers(0, 9_999).map(words)


def text_block(text: str) -> Block:
    """A text block."""
    return {"type": "text", "text": text}


@dataclass(frozen=True, slots=True)
class Shape:
    """The shapes of one exchange; every word is one of those that `SHAPES` lists."""

    opening: str = "text"
    rounds: tuple[int, ...] = ()
    result: str = "text"
    thinking: str = ""
    reply: str = "text"
    system: bool = False


SHAPES: dict[str, tuple[Any, ...]] = {
    "opening": ("text", "text", "text", "blocks", "two", "image", "document"),
    "rounds": ((), (), (), (1,), (2,), (3, 1), (1, 2, 1)),
    "result": ("text", "text", "with words", "long", "image", "nothing", "error", "two messages"),
    "thinking": ("", "", "", "thinking", "redacted_thinking"),
    "reply": ("text", "text", "blocks", "short", "two", "thinking only", "search"),
}
UNKNOWN = (*SHAPES["reply"], "unknown")
PLAIN = {
    "opening": SHAPES["opening"][:5],
    "result": SHAPES["result"][:-1],
    "reply": ("text", "text", "blocks", "thinking only"),
}
"""The choices for a conversation in which each message is a separate turn, except where the user spoke twice."""


def shapes(systems: bool = False, **choices: tuple[Any, ...]) -> st.SearchStrategy[Shape]:
    """Shapes of an exchange; `choices` replace those of SHAPES, `systems` allows mid-conversation system messages."""
    drawn = {name: st.sampled_from(values) for name, values in (SHAPES | choices).items()}
    return st.builds(Shape, **drawn, system=st.sampled_from((False, False, True) if systems else (False,)))


def exchange(shape: Shape, serial: int, number: int, closed: bool) -> list[Message]:
    """One exchange of this shape; not `closed`, it ends where the next request would be sent."""
    messages = _opening(shape, number)
    if shape.system:
        messages.append(Message("system", f"From now on: {words(number + 1)}"))
    for turn, calls in enumerate(shape.rounds):
        messages += _round(shape, [f"toolu_{serial}_{turn}_{call}" for call in range(calls)], number + turn)
    if closed:
        messages += _reply(shape, serial, number)
    return messages


def _opening(shape: Shape, number: int) -> list[Message]:
    metadata = METADATA[number % 24] if number % 24 < len(METADATA) else {}
    text = words(number)
    if shape.opening == "two":
        return [Message("user", text, **metadata), Message("user", words(number + 7))]
    blocks = {
        "blocks": (text_block(text), text_block(words(number + 7))),
        "image": (IMAGE, text_block(text)),
        "document": (DOCUMENT, text_block(text)),
    }
    return [Message("user", blocks.get(shape.opening, text), **metadata)]


def _thinking(shape: Shape, number: int) -> list[Block]:
    if shape.thinking == "redacted_thinking":
        return [{"type": "redacted_thinking", "data": f"data-{number}"}]
    return [{"type": "thinking", "thinking": words(number), "signature": f"sig-{number}"}] if shape.thinking else []


def _round(shape: Shape, ids: list[str], number: int) -> list[Message]:
    """One tool round: parallel calls, every call answered first thing in the next turn."""
    before = [*_thinking(shape, number), *([text_block(words(number + 2))] if number % 2 else [])]
    asks: list[Block] = [{"type": "tool_use", "id": i, "name": "look_up", "input": {"q": words(number)}} for i in ids]
    answers = [_result(shape, i, number) for i in ids]
    metadata = METADATA[number % 31] if number % 31 < len(METADATA) else {}
    call = Message("assistant", (*before, *asks))
    if shape.result == "two messages" and len(answers) > 1:
        return [call, Message("user", (answers[0],), **metadata), Message("user", tuple(answers[1:]))]
    after = [text_block(words(number + 3))] if shape.result == "with words" else []
    return [call, Message("user", (*answers, *after), **metadata)]


def _result(shape: Shape, call: str, number: int) -> Block:
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": call, "content": words(number + 4)}
    if shape.result == "nothing":
        del result["content"]
    elif shape.result == "long":
        result["content"] = [text_block(words(11) * 9), text_block(words(number))]
    elif shape.result == "image":
        result["content"] = [IMAGE, text_block("ok")]
    elif shape.result == "error":
        result["is_error"] = True
    return result


def _reply(shape: Shape, serial: int, number: int) -> list[Message]:
    thinking, text = _thinking(shape, number), text_block(words(number + 5))
    metadata = METADATA[number % 37] if number % 37 < len(METADATA) else {}
    if shape.reply == "thinking only" and thinking:
        return [Message("assistant", tuple(thinking), **metadata)]
    if shape.reply == "two":
        return [Message("assistant", (*thinking, text)), Message("assistant", ".", **metadata)]
    blocks: dict[str, tuple[Block, ...]] = {
        "short": (text_block("."),),
        "blocks": (text, text_block(words(number + 6))),
        "search": (*_search(serial), text),
        "unknown": ({"type": "brand_new", "payload": [number]}, text),
    }
    found = (*thinking, *blocks.get(shape.reply, (text,)))
    content: Any = text["text"] if found == (text,) and number % 3 else found
    return [Message("assistant", content, **metadata)]


def _search(serial: int) -> tuple[Block, ...]:
    """A web search that the platform ran: blocks that labkit does not know and the API does."""
    call = f"srvtoolu_{serial}"
    found = {"type": "web_search_tool_result", "tool_use_id": call, "content": []}
    return ({"type": "server_tool_use", "id": call, "name": "web_search", "input": {"query": "889"}}, found)


PLAIN_SHAPES = shapes(**PLAIN)


@st.composite
def conversations(draw: st.DrawFn, max_exchanges: int = 8, of: st.SearchStrategy[Shape] = PLAIN_SHAPES) -> History:
    """A history that ends where a request would be sent: with a question or with tool results."""
    count = draw(st.integers(0, max_exchanges))
    drawn = [(draw(of), draw(st.integers(0, 9_999))) for _ in range(count + 1)]
    return History(
        message
        for serial, (shape, number) in enumerate(drawn)
        for message in exchange(shape, serial, number, closed=serial < count)
    )


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation with what a request for it needs besides: the model and further parameters."""

    history: History
    model: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def request(self, view: History) -> dict[str, Any]:
        """The request that carries `view`."""
        return {"model": self.model, "max_tokens": 64, "tools": [TOOL], "messages": view.wire(), **self.extra}

    def signed(self, past: History, view: History, behind: History) -> History:
        """`past` and behind it `behind`, whose thinking is signed as if written in answer to `view` of the past."""
        return History([*past, *signed(History([*view, *behind]), self.model)[len(view) :]])


MODELS = {"claude-sonnet-4-6": False, "claude-opus-5": True, "claude-opus-5-5": True}
"""Models of a case, and whether they take system messages in mid-conversation; the last one binds thinking."""
MODELS_THAT_BIND = {model: find(model).binds_thinking for model in MODELS}
COMPACTED = {"extra_headers": {"anthropic-beta": "compact-2026-09-04"}}
CATALOG = Catalog(None)


def signed(history: History, model: str) -> History:
    """The history with its thinking signed as if the offline Claude had written each block in its place."""
    if not history.thinking():
        return history
    body = signed_thinking({"messages": history.wire(), "tools": [TOOL]}, CATALOG.find(model))
    thinks = set(history.thinking())
    return History(
        replace(message, content=told["content"]) if place in thinks else message
        for place, (message, told) in enumerate(zip(history, body["messages"], strict=True))
    )


def _compacted(history: History) -> History:
    said = {"messages": [{"role": "user", "content": "Where is order 889?"}], "tools": [TOOL]}
    block = signed_block({"type": "compaction", "content": "Earlier: order 889."}, said)
    return History([Message("assistant", (block,)), *history])


@st.composite
def cases(draw: st.DrawFn, max_exchanges: int = 8) -> Case:
    """A conversation for some model, with all that the API knows: a compaction block first, system messages, images,
    documents, blocks unknown to labkit, and now and then one unknown to the API as well.
    """
    model = draw(st.sampled_from(tuple(MODELS)))
    replies = UNKNOWN if draw(st.sampled_from((False,) * 9 + (True,))) else SHAPES["reply"]
    history = draw(conversations(max_exchanges, shapes(systems=MODELS[model], reply=replies)))
    if draw(st.sampled_from((False,) * 7 + (True,))):
        return Case(signed(_compacted(history), model), model, COMPACTED)
    return Case(signed(history, model), model)


def as_json(history: History) -> str:
    """The history's wire form as text, to see that nothing changed it."""
    return json.dumps(history.wire(), ensure_ascii=False)
