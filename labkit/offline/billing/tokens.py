"""Token counts: ctok per text, the framing of a request around them. Every figure here is an estimate.

Evidence: ctok 1.3.0 is an unofficial reconstruction of Claude's tokenizers: on 108 recorded texts of the older
generation it was exact on 104 and off by 1 on the rest (November 2026). The framing constants are fits to 99
recorded requests, read November 2026.
"""

import ctypes
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

from labkit.offline.billing.attachments import image_tokens, pdf_tokens
from labkit.offline.catalog import Model
from labkit.offline.signatures import THINKING, thinking_of
from labkit.offline.wire import Json, blocks_of

SEAM = re.compile(r"(?<=[A-Za-z]) (?=[A-Za-z])")
"""A space between two ASCII letters: no piece of ctok's vocabularies spans it, so the parts can be counted apart."""
PIECES_KEPT = 100_000
TEXTS_KEPT = 20_000
SHORT = 1_000
"""Characters up to which a text is its own key in the cache; a longer one is known by its hash."""


@dataclass(frozen=True, slots=True)
class Framing:
    """Tokens around the content, for one tokenizer generation. Source: fits to recorded requests, read
    November 2026."""

    version: str
    first: int
    turn: int
    reply: int
    tool_use: int
    tool_result: int
    again: int = 1
    system_message: int = 3
    image: int = 4


FRAMINGS = {
    "3": Framing("3.0", first=7, turn=3, reply=3, tool_use=30, tool_result=10),
    "4.7": Framing("4.7", first=11, turn=2, reply=2, tool_use=25, tool_result=3),
    "4.8": Framing("4.8", first=6, turn=2, reply=2, tool_use=25, tool_result=3),
}
ARGUMENT = 15
"""Tokens around each argument of a tool_use block. Source: fit to recorded requests, read November 2026."""
ONE_NAMED = {"3": 5, "4.7": 12}
"""Further tokens when the request names the tool that must be called, on top of the preamble for any tool. Source:
requests recorded on Claude Sonnet 4.5 and Sonnet 5, until August 2026."""
ONE_AT_A_TIME = {("auto", "claude-haiku-4-5"): -206}
ONE_AT_A_TIME_NAMED = 10
"""The change by `disable_parallel_tool_use`: with `auto` on Claude Haiku 4.5 (one recording, August 2026), and with a
named tool on the 4.5 models (32 recordings, December 2025 to February 2026); 0 on Claude Sonnet 5, and taken to be 0
elsewhere."""
MEMORY = "memory_20250818"
MEMORY_TOOL = {"3": 1_057, "4.7": 1_409}
"""Tokens of the memory tool. Source: 1,581 and 1,577 recorded on Claude Sonnet 4.5 where 524 and 520 were counted
without it; for the newer tokenizer a third more (unverified)."""
ENABLED, ADAPTIVE_OPUS_4_6 = 29, 17
"""Tokens of thinking `enabled` on models up to 4.6 (37 recordings and one count), and of `adaptive` on Claude Opus 4.6
(2 recordings); `adaptive` adds nothing on Sonnet 4.6 and from 4.7 on. Recorded in 2026."""
INTERLEAVED, INTERLEAVED_HEADER = 150, "interleaved-thinking-2025-05-14"
"""Tokens of interleaved thinking with tools on the 4.5 models (12 recordings, before February 2026)."""
ASSISTANT_FIRST, PREFILLED = 12, -3
"""Tokens when the first message is the assistant's (5 recordings, older tokenizer), and when the last one is, as a
prefill (17 recordings)."""
STRUCTURED = 80
"""Tokens around the schema of `output_config.format`; with it a request has 110 to 400 more (55 recordings, 2026)."""
COMPACTED = 96
"""Tokens of a compaction block besides its text: 239 for 142 and 136 for 40, recorded in 2026."""


def framing(model: Model) -> Framing:
    """The framing of a model's generation; Claude Opus 4.7 alone has a longer first message than its successors."""
    if model.tokenizer == "3":
        return FRAMINGS["3"]
    return FRAMINGS["4.7" if model.version == (4, 7) else "4.8"]


def text_tokens(text: str, version: str) -> int:
    """Tokens of one text without any frame; `version` is ctok's ("3.0", "4.7" or "4.8")."""
    if len(text) <= SHORT:
        return _short_text_tokens(text, version)
    key = (blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), version)
    known = _LONG_TEXTS.get(key)
    if known is None:
        if len(_LONG_TEXTS) >= TEXTS_KEPT:
            _LONG_TEXTS.clear()
        known = _LONG_TEXTS[key] = fresh_text_tokens(text, version)
    return known


_LONG_TEXTS: dict[tuple[bytes, str], int] = {}


@lru_cache(maxsize=TEXTS_KEPT)
def _short_text_tokens(text: str, version: str) -> int:
    return fresh_text_tokens(text, version)


def fresh_text_tokens(text: str, version: str) -> int:
    """Tokens of a text that will not be seen again, such as a start of one that is being cut."""
    return sum(map(_piece_counter(version), SEAM.split(text)))


@cache
def _piece_counter(version: str) -> Callable[[str], int]:
    """A counter of pieces between seams that remembers the short ones: most words have been seen before."""
    from ctok import token_count  # type: ignore[import-untyped]

    read_lean(version)
    frame = next(frame for frame in FRAMINGS.values() if frame.version == version).first

    def fresh(piece: str) -> int:
        """Tokens of one piece, by ctok."""
        return int(token_count(piece, version)) - frame

    remembered = lru_cache(maxsize=PIECES_KEPT)(fresh)
    return lambda piece: remembered(piece) if len(piece) < SHORT else fresh(piece)


def read_lean(version: str) -> None:
    """Have ctok read a vocabulary, and let go of the witnesses beside it: of 65 MB a count needs 37.

    The names are ctok 1.3.0's own, which is why the version is pinned. Memory that was set free goes back to the system
    where the C library has a call for that; a kernel a learner makes it worth it.
    """
    from ctok import main as vocabularies

    vocabularies._model(vocabularies._family(version))
    vocabularies._document.cache_clear()
    with suppress(AttributeError, OSError, TypeError):  # Windows and macOS have no such call
        ctypes.CDLL(None).malloc_trim(0)


@dataclass(frozen=True, slots=True)
class Tally:
    """The counter of a request's tokens: the framing of its model, and a count of a text."""

    frame: Framing
    text: Callable[[str], int]


@cache
def _exact_tally(frame: Framing) -> Tally:
    return Tally(frame, lambda text: text_tokens(text, frame.version))


def tally_for(model: Model) -> Tally:
    """The count, text by text, for a model."""
    return _exact_tally(framing(model))


def request_tokens(
    body: Mapping[str, Any], model: Model, tally: Tally | None = None, betas: Collection[str] = ()
) -> int:
    """Input tokens of a request: system, tools, messages and the frame around them; `betas` are those of its header."""
    tally = tally or tally_for(model)
    prelude = system_tokens(body.get("system"), tally) + sum(tool_sizes(body, model, tally))
    settings = thinking_frame(body, model, betas) + _format_tokens(body, tally) + _turn_frame(body["messages"], model)
    return prelude + settings + messages_tokens(body["messages"], tally)


def thinking_frame(body: Mapping[str, Any], model: Model, betas: Collection[str]) -> int:
    """Tokens that the API adds for the way in which a request thinks."""
    asked = (body.get("thinking") or {}).get("type", model.thinking.default)
    if asked == "adaptive":
        return ADAPTIVE_OPUS_4_6 if model.id == "claude-opus-4-6" else 0
    if asked != "enabled" or model.tokenizer != "3":
        return 0
    between = INTERLEAVED_HEADER in betas and body.get("tools") and model.version == (4, 5)
    return ENABLED + (INTERLEAVED if between else 0)


def _format_tokens(body: Mapping[str, Any], tally: Tally) -> int:
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    return STRUCTURED + tally.text(json.dumps(schema)) if schema else 0


def _turn_frame(messages: Sequence[Json], model: Model) -> int:
    if not messages:
        return 0
    first, last = (messages[place]["role"] == "assistant" for place in (0, -1))
    return (ASSISTANT_FIRST if first else 0) + (PREFILLED if last and model.prefill else 0)


def system_tokens(system: Any, tally: Tally) -> int:
    """Tokens of the system prompt: its content alone, one more for each block after the first."""
    blocks = blocks_of(system)
    return sum(tally.text(block["text"]) for block in blocks) + tally.frame.again * max(0, len(blocks) - 1)


def tool_sizes(body: Mapping[str, Any], model: Model, tally: Tally) -> Iterator[int]:
    """Tokens of each tool definition; the first carries the preamble that the API adds when there are any."""
    preamble = tool_preamble(body.get("tool_choice") or {}, model)
    for tool in body.get("tools") or ():
        platform = MEMORY_TOOL[model.tokenizer] if tool.get("type") == MEMORY else 0
        yield preamble + platform + tally.text(_tool_line(tool))
        preamble = 0


def tool_preamble(choice: Mapping[str, Any], model: Model) -> int:
    """Tokens that the API adds when there are tools, by what the request lets the model choose."""
    kind = choice.get("type", "auto")
    forced = {"any": model.forced_tool_preamble, "tool": model.forced_tool_preamble + ONE_NAMED[model.tokenizer]}
    tokens = forced.get(kind, model.tool_preamble)
    if choice.get("disable_parallel_tool_use"):
        named = ONE_AT_A_TIME_NAMED if kind == "tool" and model.version == (4, 5) else 0
        tokens += ONE_AT_A_TIME.get((kind, model.id), named)
    return tokens


def _tool_line(tool: Json) -> str:
    shown = {
        "description": tool.get("description"),
        "name": tool.get("name"),
        "parameters": tool.get("input_schema"),
    }
    return f"<function>{json.dumps({key: value for key, value in shown.items() if value})}</function>"


def messages_tokens(messages: Sequence[Json], tally: Tally) -> int:
    """Tokens of the messages, with the frame of the first one and of each change of role."""
    return tally.frame.first + sum(size for _, _, _, size in block_sizes(messages, tally))


def block_sizes(messages: Iterable[Json], tally: Tally) -> Iterator[tuple[int, int, Json, int]]:
    """Message, place, block and tokens of every block; the first of a message carries the cost of its role.

    A change of role costs a frame, a repetition one token, and a system message a separate frame.
    """
    frame, before = tally.frame, ""
    for index, message in enumerate(messages):
        role, content = message["role"], message.get("content")
        extra = frame.system_message if role == "system" else _turn_cost(role, before, frame)
        before = role
        if isinstance(content, str):
            yield index, 0, {"type": "text", "text": content}, tally.text(content) + extra
            continue
        for place, block in enumerate(content or ()):
            yield index, place, block, block_tokens(block, tally) + extra
            extra = frame.again


def _turn_cost(role: str, before: str, frame: Framing) -> int:
    if not before:
        return 0
    return frame.again if role == before else frame.turn


def content_tokens(content: Any, tally: Tally) -> int:
    """Tokens of one message's content."""
    blocks = blocks_of(content)
    return sum(block_tokens(block, tally) for block in blocks) + tally.frame.again * max(0, len(blocks) - 1)


def block_tokens(block: Json, tally: Tally) -> int:
    """Tokens of one content block, its own frame included."""
    kind = block.get("type")
    if kind == "text":
        return tally.text(block["text"])
    if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
        return _tool_use_tokens(block, tally)
    if kind in ("tool_result", "mcp_tool_result"):
        return tally.frame.tool_result + content_tokens(block.get("content"), tally)
    if kind in THINKING:
        return tally.text(thinking_of(block))
    if kind == "compaction":
        return tally.text(block["content"]) + COMPACTED if block.get("content") else 0
    if kind == "image":
        return tally.frame.image + image_tokens(block)
    if kind == "document" and (block.get("source") or {}).get("type") not in ("text", "content"):
        about = [str(block.get(key) or "") for key in ("title", "context")]
        return pdf_tokens(block) + sum(tally.text(text) for text in about if text)
    return tally.text(json.dumps(block, sort_keys=True))


def _tool_use_tokens(block: Json, tally: Tally) -> int:
    arguments = block.get("input") or {}
    words = [block["name"], *arguments, *(_as_text(value) for value in arguments.values())]
    return tally.frame.tool_use + ARGUMENT * len(arguments) + sum(map(tally.text, words))


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
