"""Cache diagnostics: why a request could not read what the one before it had cached.

Evidence: SDK 2.14.0, Diagnostics and the CacheMiss types: another speed counts as another model, and a setting that
ends the cache (effort, format, thinking, a forced tool) is "unavailable". Only requests that send `diagnostics` leave a
fingerprint; it is kept for an hour (how long the API keeps it was not found).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.offline.billing.prefix import SECTIONS, Link, fingerprint, settings_print
from labkit.offline.catalog import Model
from labkit.offline.state import State
from labkit.offline.wire import Json

KIND = "fingerprint"
KEPT = 3600.0


def diagnose(body: Mapping[str, Any], model: Model, links: Sequence[Link], read: int, state: State) -> Json | None:
    """The `diagnostics` of a response, given the input tokens it read; None when nothing diverged or nobody asked."""
    asked = (body.get("diagnostics") or {}).get("previous_message_id")
    if not asked:
        return None
    before = state.get(KIND, asked)
    if before is None:
        return {"cache_miss_reason": {"type": "previous_message_not_found"}}
    reason = _divergence(before, _print(body, model, links))
    if reason is None:
        return None
    if reason == "unavailable":
        return {"cache_miss_reason": {"type": reason}}
    missed = max(0, before["tokens"] - read)
    return {"cache_miss_reason": {"type": reason, "cache_missed_input_tokens": missed}}


def remember(body: Mapping[str, Any], model: Model, links: Sequence[Link], message_id: str, state: State) -> None:
    """Keep the fingerprint of a request that sent `diagnostics`, under the id of its response."""
    if body.get("diagnostics") is not None:
        state.put(KIND, message_id, _print(body, model, links), KEPT)


def _print(body: Mapping[str, Any], model: Model, links: Sequence[Link]) -> Json:
    blocks = {name: [link.own.hex() for link in links if link.section == name] for name in SECTIONS}
    form = (body.get("output_config") or {}).get("format")
    settings = [settings_print(body, model).hex(), fingerprint(form).hex()]
    served = [model.id, body.get("speed") or "standard"]
    return {"model": served, "settings": settings, "tokens": links[-1].tokens if links else 0, **blocks}


def _divergence(before: Json, now: Json) -> str | None:
    """The first thing that differs, in the order of the prompt."""
    if before["model"] != now["model"]:
        return "model_changed"
    for section in ("system", "tools"):
        if before[section] != now[section]:
            return f"{section}_changed"
    if before["messages"] != now["messages"][: len(before["messages"])]:
        return "messages_changed"
    return "unavailable" if before["settings"] != now["settings"] else None
