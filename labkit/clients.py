"""Which Claude answers: the offline one unless you ask for the live one by name.

`claude()` gives a real `anthropic.Anthropic` client either way, and a log of what left the machine. Taught in notebook
00.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labkit.models import DEFAULT_MODEL, Model, find
from labkit.sent import Log

if TYPE_CHECKING:
    import anthropic

    from labkit.offline import OfflineClaude

OFFLINE = "offline (simulated)"
LIVE = "live"

PLAIN_BODIES = {"accept-encoding": "identity"}
"""Asks for uncompressed replies, so that the log holds text that a learner can read."""


def claude(
    live: bool = False,
    *,
    log: Log | None = None,
    offline: "OfflineClaude | None" = None,
    model: str | Model = DEFAULT_MODEL,
    say: Callable[[str], None] = print,
    **options: Any,
) -> "anthropic.Anthropic":
    """A client for the offline Claude, or for the live one with `live=True`: a real `anthropic.Anthropic` in both
    cases.

    Each request is added to `log`, a list of your own. `offline` is an OfflineClaude with settings of its own. Live,
    the environment must hold ANTHROPIC_API_KEY, and `say` tells what `model` costs before anything is spent; a key
    alone never makes it live. Other options go to the client. Raises ValueError when live is asked for without a key.
    """
    import anthropic
    import httpx2

    from labkit.recording import recording

    if live:
        key = _announced_key(model, say)
        http = anthropic.DefaultHttpxClient(
            transport=recording(httpx2.HTTPTransport(), log, LIVE), headers=PLAIN_BODIES
        )
        return anthropic.Anthropic(api_key=key, http_client=http, **options)
    offline = _offline(offline)
    return offline.client(http_client=httpx2.Client(transport=recording(offline.transport(), log, OFFLINE)), **options)


def async_claude(
    live: bool = False,
    *,
    log: Log | None = None,
    offline: "OfflineClaude | None" = None,
    model: str | Model = DEFAULT_MODEL,
    say: Callable[[str], None] = print,
    **options: Any,
) -> "anthropic.AsyncAnthropic":
    """The same as `claude`, as an `anthropic.AsyncAnthropic`."""
    import anthropic
    import httpx2

    from labkit.recording import recording

    if live:
        key = _announced_key(model, say)
        http = anthropic.DefaultAsyncHttpxClient(
            transport=recording(httpx2.AsyncHTTPTransport(), log, LIVE), headers=PLAIN_BODIES
        )
        return anthropic.AsyncAnthropic(api_key=key, http_client=http, **options)
    offline = _offline(offline)
    http = httpx2.AsyncClient(transport=recording(offline.transport(), log, OFFLINE))
    return offline.async_client(http_client=http, **options)


def _offline(offline: "OfflineClaude | None") -> "OfflineClaude":
    from labkit.offline import OfflineClaude

    return offline or OfflineClaude()


def _announced_key(model: str | Model, say: Callable[[str], None]) -> str:
    key = os.environ.get("ANTHROPIC_API_KEY")
    if not (key or "").strip():
        state = "is not set" if key is None else f"is set but empty ({key!r})"
        raise ValueError(
            f"live=True needs a key, and ANTHROPIC_API_KEY {state}: set it, or leave live out to work "
            "offline for nothing"
        )
    say(price_warning(model))
    return str(key).strip()


def price_warning(model: str | Model) -> str:
    """The sentence that is said before a live client can spend: list prices per million tokens, their date and
    source.
    """
    row = find(model)
    return (
        f"Live: every request now goes to Anthropic and is billed. {row.name} costs "
        f"${row.prices.input:g} per million input tokens "
        f"and ${row.prices.output:g} per million output tokens (list prices as of {row.as_of}; {row.source})."
    )
