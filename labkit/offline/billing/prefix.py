"""A request as a chain of blocks, each with a hash of all before it: what prompt caching and its diagnostics
compare."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from labkit.offline.billing.tokens import Tally, block_sizes, tool_sizes
from labkit.offline.catalog import Model
from labkit.offline.settings import effort, thinking_type
from labkit.offline.wire import Json, blocks_of

SECTIONS = ("tools", "system", "messages")
"""The order in which a prompt is built. Source: Anthropic docs, Prompt caching, read August 2026."""


@dataclass(frozen=True, slots=True)
class Link:
    """One block of a request: its place, its own hash, the hash and the tokens of everything up to it."""

    section: str
    index: int
    place: int
    block: Json
    own: bytes
    digest: bytes
    tokens: int

    @property
    def path(self) -> str:
        """Its place, as the API's errors say it."""
        inner = f".content.{self.place}" if self.section == "messages" else ""
        return f"{self.section}.{self.index}{inner}"


def chain(body: Mapping[str, Any], model: Model, tally: Tally) -> list[Link]:
    """Return every block of a request in the order of the prompt; each setting enters where it ends an earlier cache.

    Evidence: Anthropic docs, Prompt caching (What invalidates the cache), Thinking and Structured outputs, read August
    2026.
    """
    links: list[Link] = []
    digest, tokens = hashed(model.id.encode()), 0
    if (body.get("output_config") or {}).get("format"):
        digest = hashed(digest + fingerprint(body["output_config"]["format"]))
    settings = {"system": fingerprint(body.get("speed") or "standard"), "messages": settings_print(body, model)}
    begun: set[str] = set()
    for section, index, place, block, mark, size in _blocks(body, model, tally):
        for name in SECTIONS[1 : SECTIONS.index(section) + 1]:
            if name not in begun:
                digest = hashed(digest + settings[name])
                begun.add(name)
        own = fingerprint([mark, block])
        digest, tokens = hashed(digest + own), tokens + size
        links.append(Link(section, index, place, block, own, digest, tokens))
    return links


def settings_print(body: Mapping[str, Any], model: Model) -> bytes:
    """Return a hash of the settings that the messages' cache depends on, each as it counts, said or by default.

    `display` is not among them: that a change of it keeps the cache is inferred from what is documented as rendered.
    """
    thinking = [thinking_type(body, model), (body.get("thinking") or {}).get("budget_tokens")]
    images = any(_holds_image(message.get("content")) for message in body["messages"])
    return fingerprint([body.get("tool_choice") or {"type": "auto"}, *thinking, effort(body, model), images])


def _holds_image(content: Any) -> bool:
    """Say whether content holds an image, in a tool's result too."""
    return any(block.get("type") == "image" or _holds_image(block.get("content")) for block in _listed(content))


def _listed(content: Any) -> list[Json]:
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _blocks(body: Mapping[str, Any], model: Model, tally: Tally) -> Iterator[tuple[str, int, int, Json, str, int]]:
    """Section, index, place, block, role and tokens of every block; the first of a frame carries its tokens."""
    for index, (tool, size) in enumerate(zip(body.get("tools") or (), tool_sizes(body, model, tally), strict=True)):
        yield "tools", index, 0, tool, "", size
    for index, block in enumerate(blocks_of(body.get("system"))):
        yield "system", index, 0, block, "", tally.text(block["text"]) + (tally.frame.again if index else 0)
    first = tally.frame.first
    for index, place, block, size in block_sizes(body["messages"], tally):
        yield "messages", index, place, block, body["messages"][index]["role"], size + first
        first = 0


def fingerprint(value: Any) -> bytes:
    """A hash of a JSON value, its cache breakpoint left out, because moving a breakpoint changes nothing that is
    read."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict) and "cache_control" in value[1]:
        value = [value[0], {key: part for key, part in value[1].items() if key != "cache_control"}]
    return hashed(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def hashed(data: bytes) -> bytes:
    """A short hash of bytes."""
    return blake2b(data, digest_size=12).digest()
