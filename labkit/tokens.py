"""Counting tokens: estimates made here, exact counts asked of the API, and the meter that learns from each bill.

Every count says which model it is for and whether it is an estimate. Taught in notebook 03.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from labkit.attachments import image_tokens, pdf_tokens
from labkit.messages import History, Message, Ruler
from labkit.models import DEFAULT_MODEL, Model, find
from labkit.text.token_weights import text_tokens

if TYPE_CHECKING:
    import anthropic

FRAMING_TOKENS = 3
"""Tokens that wrap each message; measured from recorded requests of Claude 3 to 4.6 (later models: 2), November
2026.
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """The bill of a request, or many: input tokens not cached, written to and read from the cache, and output tokens.

    Usages add up. `requests` counts the requests. Source: anthropic SDK 2.12.0, `Usage` docstring.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    requests: int = 0

    @classmethod
    def of(cls, usage: Any) -> "Usage":
        """Read the usage of one response; proxies leave fields of it out, or all of it, or send null."""
        kinds = [field.name for field in fields(cls) if field.name != "requests"]
        return cls(**{kind: getattr(usage, kind, None) or 0 for kind in kinds}, requests=1)

    @classmethod
    def of_wire(cls, usage: Mapping[str, Any]) -> "Usage":
        """Read the usage in the body of one response, whose fields may be missing or null."""
        kinds = [field.name for field in fields(cls) if field.name != "requests"]
        return cls(**{kind: usage.get(kind) or 0 for kind in kinds}, requests=1)

    @property
    def total_input(self) -> int:
        """All input tokens: the sum of the three input fields (`input_tokens` alone leaves out what was cached)."""
        return self.input_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens

    def __add__(self, other: "Usage") -> "Usage":
        """Both together, field by field."""
        return Usage(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class TokenCount:
    """A count of tokens that says how it was made: `exact` tokens from a bill, `estimated` ones on top, for `model`."""

    exact: int
    estimated: int
    model: str

    @property
    def tokens(self) -> int:
        """The whole count."""
        return self.exact + self.estimated

    def __str__(self) -> str:
        """The count in words, an estimate named as one."""
        how = f"{self.exact:,} billed + {self.estimated:,} estimated" if self.exact else "estimated"
        return f"{self.tokens:,} tokens ({how if self.estimated else 'billed'}, {self.model})"


@dataclass(frozen=True, slots=True)
class Meter:
    """The exact size from the last response: `view` plus the reply, system prompt and tools included."""

    tokens: int = 0
    view: History | None = None

    @classmethod
    def of(cls, usage: Usage, view: History) -> "Meter":
        """The meter after a bill for a request that carried `view`."""
        return cls(usage.total_input + usage.output_tokens, view)

    def count(self, view: History, model: str | Model = DEFAULT_MODEL, beside: int = 0) -> TokenCount:
        """Tokens of the next request: the bill for what was sent before, an estimate for the tail after it.

        `beside` is the estimate of system prompt and tools in tokens; it counts only where no bill fits, because this
        is the first request or the view begins elsewhere now.
        """
        row, ruler = find(model), estimator(model)
        if self.view is None or not self.view.begins(view):
            return TokenCount(0, beside + view.total(ruler), row.id)
        return TokenCount(self.tokens, view[len(self.view) + 1 :].total(ruler), row.id)


def estimate_tokens(thing: str | Message | Sequence[Message], model: str | Model = DEFAULT_MODEL) -> int:
    """Estimate the tokens of a text, a message or a history: its characters by script and kind, for the model's
    generation of tokenizers.

    An estimate, in tokens; `count_tokens` asks the API and `usage` is the truth. Counts text, tool calls with their
    arguments, tool results and thinking, images by their size, PDFs by their pages, and the framing of each message.
    """
    if isinstance(thing, str):
        return math.ceil(text_tokens(thing, find(model).generation.chars_per_token))
    ruler = estimator(model)
    return ruler(thing) if isinstance(thing, Message) else History.of(thing).total(ruler)


def estimator(model: str | Model = DEFAULT_MODEL) -> Ruler:
    """The ruler that estimates a message's tokens for this model; the same object each time, so that totals can be
    kept.
    """
    return _estimator(find(model).generation.chars_per_token)


@cache
def _estimator(chars_per_token: float) -> Ruler:
    def tokens(message: Message) -> int:
        """Estimated tokens of one message with its framing."""
        if isinstance(message.content, str):
            return FRAMING_TOKENS + math.ceil(text_tokens(message.content, chars_per_token))
        return FRAMING_TOKENS + math.ceil(sum(_block_tokens(block, chars_per_token) for block in message.content))

    return tokens


ESTIMATED_TOKENS: Ruler = estimator()
"""The ruler of every step that measures in tokens and is given no other: estimates for the default model."""


def _block_tokens(block: Mapping[str, Any], chars_per_token: float) -> float:
    kind, inner = block["type"], block.get("content")
    if kind == "image":
        return image_tokens(block)
    if kind == "document":
        return _document_tokens(block, chars_per_token)
    if kind == "tool_result" and isinstance(inner, list | tuple):
        return _content_tokens(inner, chars_per_token)
    for key in ("text", "thinking", "content"):
        if isinstance(block.get(key), str):
            return text_tokens(block[key], chars_per_token)
    shown = {key: value for key, value in block.items() if key != "type"}
    return text_tokens(json.dumps(shown, ensure_ascii=False), chars_per_token)


def _content_tokens(content: Any, chars_per_token: float) -> float:
    if isinstance(content, list | tuple):
        return sum(_block_tokens(block, chars_per_token) for block in content)
    return text_tokens(str(content or ""), chars_per_token)


def _document_tokens(block: Mapping[str, Any], chars_per_token: float) -> float:
    source = block.get("source") or {}
    about = sum(text_tokens(str(block.get(key) or ""), chars_per_token) for key in ("title", "context"))
    if source.get("type") in ("text", "content"):
        return about + _content_tokens(source.get("data", source.get("content")), chars_per_token)
    return about + pdf_tokens(block)


def count_tokens(client: "anthropic.Anthropic", messages: Sequence[Message], **request: Any) -> int:
    """Ask the API how many input tokens a request would have, before sending it; free, and itself an estimate.

    `request` takes model, system and tools as `messages.create` does. Source: Anthropic docs, Token counting (read
    August 2026).
    """
    request.setdefault("model", DEFAULT_MODEL)
    return client.messages.count_tokens(messages=History.of(messages).wire(), **request).input_tokens  # type: ignore[arg-type]
