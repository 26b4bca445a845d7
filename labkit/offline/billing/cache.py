"""The prompt cache: what of a request is read, written or billed in full.

Entries are written at breakpoints only; a lookup goes back 20 blocks from each; an entry lives 5 minutes or 1 hour
from the start of the last request that used it.

Evidence: Anthropic docs, Prompt caching, read August 2026; minimum, reads and lives observed in a live probe of
26 September 2026 (GitHub tdavison784/context-runtime, descriptor probe).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.offline.billing.prefix import Link
from labkit.offline.catalog import Model
from labkit.offline.rule import rule
from labkit.offline.state import State
from labkit.offline.wire import ApiError, Json

LOOKBACK = 20
"""Blocks that a lookup visits from each breakpoint, the breakpoint's own included."""
MOST_BREAKPOINTS = 4
LIVES = {"5m": 300.0, "1h": 3600.0}
"""Seconds that an entry lives."""
KIND = "cache"


@dataclass(frozen=True, slots=True)
class Bill:
    """The input tokens of a request as they are billed; together they are all of them."""

    full: int
    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    def usage(self) -> Json:
        """The fields of `usage` that tell input apart."""
        return {
            "input_tokens": self.full,
            "cache_creation_input_tokens": self.written_5m + self.written_1h,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written_5m,
                "ephemeral_1h_input_tokens": self.written_1h,
            },
        }


def wants_cache(body: Mapping[str, Any]) -> bool:
    """True if a request has any breakpoint; one without can go the short way."""
    if body.get("cache_control"):
        return True
    blocks = [*(body.get("tools") or ()), *_listed(body.get("system"))]
    for message in body["messages"]:
        blocks.extend(_listed(message.get("content")))
    return any("cache_control" in block for block in blocks)


def _listed(content: Any) -> Sequence[Json]:
    return content if isinstance(content, list) else ()


def breakpoints(body: Mapping[str, Any], links: Sequence[Link]) -> dict[int, str]:
    """Place in the chain and life ("5m" or "1h") of every breakpoint, the automatic one among them."""
    found = {place: _life(link.block["cache_control"]) for place, link in enumerate(links) if _marked(link.block)}
    automatic = body.get("cache_control")
    if automatic:
        target = next((place for place in reversed(range(len(links))) if _cacheable(links[place].block)), None)
        if target is not None:
            found.setdefault(target, _life(automatic))
    return dict(sorted(found.items()))


def _marked(block: Json) -> bool:
    return bool(block.get("cache_control"))


def _life(control: Json) -> str:
    return str(control.get("ttl") or "5m")


def _cacheable(block: Json) -> bool:
    return block.get("type") not in ("thinking", "redacted_thinking")


@rule
def at_most_four_breakpoints(body: Mapping[str, Any], links: Sequence[Link]) -> None:
    """A request has at most four cache breakpoints; automatic caching takes one of them.

    Evidence: body quoted in GitHub continue#6937, August 2025, and leviath#12, July 2026; Anthropic docs, Prompt
    caching, read August 2026.
    """
    count = len(breakpoints(body, links))
    if count > MOST_BREAKPOINTS:
        raise ApiError(400, f"A maximum of 4 blocks with cache_control may be provided. Found {count}.")


@rule
def longer_lives_come_first(body: Mapping[str, Any], links: Sequence[Link]) -> None:
    """A breakpoint that lives an hour does not come after one that lives five minutes.

    Evidence: body quoted in GitHub headroom#2939, August 2026.
    """
    short = False
    for place, life in breakpoints(body, links).items():
        if short and life == "1h":
            raise ApiError(
                400,
                f"{links[place].path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
                "cache_control block. Note that blocks are processed in the following order: tools, system, messages.",
            )
        short = short or life == "5m"


@rule
def automatic_life_agrees(body: Mapping[str, Any], links: Sequence[Link]) -> None:
    """Automatic caching does not contradict the life of a breakpoint on the same block.

    Evidence: body quoted in GitHub vellum-assistant#23414, April 2026.
    """
    automatic = body.get("cache_control")
    target = next((link.block for link in reversed(links) if _cacheable(link.block)), None)
    if not automatic or target is None or not _marked(target):
        return
    given, own = _life(automatic), _life(target["cache_control"])
    if given != own:
        words = f"Top-level cache_control has ttl='{given}' but the target block already has cache_control with"
        raise ApiError(400, f"{words} ttl='{own}'")


RULES = (at_most_four_breakpoints, automatic_life_agrees, longer_lives_come_first)


def settle(body: Mapping[str, Any], links: Sequence[Link], total: int, model: Model, state: State) -> Bill:
    """Read and write the cache for a request and say how its `total` input tokens are billed.

    A prefix shorter than the model's minimum is not cached, and nothing says so but the two counters at 0.
    """
    lives = {
        place: life for place, life in breakpoints(body, links).items() if links[place].tokens >= model.cache_minimum
    }
    if not lives:
        return Bill(total)
    hit = _longest_hit(lives, links, state)
    read = links[hit].tokens if hit is not None else 0
    last = links[max(lives)].tokens
    hour = max((links[place].tokens for place, life in lives.items() if life == "1h"), default=0)
    _write(lives, links, hit, state)
    long = max(0, hour - read)
    return Bill(total - max(last, read), read, max(0, last - read) - long, long)


def _longest_hit(lives: Mapping[int, str], links: Sequence[Link], state: State) -> int | None:
    for place in sorted(lives, reverse=True):
        for back in range(place, max(-1, place - LOOKBACK), -1):
            if state.get(KIND, links[back].digest.hex()):
                return back
    return None


def _write(lives: Mapping[int, str], links: Sequence[Link], hit: int | None, state: State) -> None:
    """Write an entry at each breakpoint, and renew the one that was read, each for the longer of its lives."""
    due = dict(lives)
    if hit is not None:
        due.setdefault(hit, "5m")
    for place, life in due.items():
        key = links[place].digest.hex()
        life = max(life, state.get(KIND, key) or life, key=LIVES.__getitem__)
        state.put(KIND, key, life, LIVES[life])
