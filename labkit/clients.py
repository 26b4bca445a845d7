"""Make an Anthropic client: offline by default, live or replayed on request.

`claude()` gives a real `anthropic.Anthropic` client either way, and a log of what left the machine. Taught in notebook
00.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labkit.models import DEFAULT_MODEL, Model, find, overdue
from labkit.request_log import LIVE, OFFLINE, Log

if TYPE_CHECKING:
    from pathlib import Path

    import anthropic

    from labkit.offline import OfflineClaude

PLAIN_BODIES = {"accept-encoding": "identity"}
"""Asks for uncompressed replies, so that the log holds text that a learner can read."""

NOT_LIVE = {"api_key": "not-needed", "base_url": "https://api.anthropic.com"}
"""The settings of a client for a recording or the offline Claude; nothing is ever sent there."""


def claude(
    live: bool = False,
    *,
    log: Log | None = None,
    offline: "OfflineClaude | None" = None,
    model: str | Model = DEFAULT_MODEL,
    say: Callable[[str], None] = print,
    record: "str | Path | None" = None,
    replay: "str | Path | None" = None,
    **options: Any,
) -> "anthropic.Anthropic":
    """Return a client for the offline Claude, for the live one with `live=True`, or for a recording of the live one
    with `replay=FILE`: a real `anthropic.Anthropic` in each case.

    Each request is added to `log`, a list of yours, with the one who answered it. `offline` is an OfflineClaude with
    separate settings. Live, the environment must hold ANTHROPIC_API_KEY, and `say` gets the price of `model` before
    anything is spent; a key alone never makes it live. `say` also hears when the row of `model` in labkit's table is
    older than 90 days or past its retirement date. `record=FILE` keeps the live replies, without headers and keys; a
    replay needs no key, and a request that was not recorded is a 404 that says what differs. Other options go to the
    client. Raises ValueError for two of these at once, for live without a key, and for a file that is no recording.
    """
    import anthropic
    import httpx2

    given = _answered_by(httpx2.HTTPTransport, live, log, offline, model, say, record, replay)
    http = anthropic.DefaultHttpxClient(transport=given.pop("transport"), headers=PLAIN_BODIES)
    return anthropic.Anthropic(**given | options, http_client=http)


def async_claude(
    live: bool = False,
    *,
    log: Log | None = None,
    offline: "OfflineClaude | None" = None,
    model: str | Model = DEFAULT_MODEL,
    say: Callable[[str], None] = print,
    record: "str | Path | None" = None,
    replay: "str | Path | None" = None,
    **options: Any,
) -> "anthropic.AsyncAnthropic":
    """The same as `claude`, as an `anthropic.AsyncAnthropic`."""
    import anthropic
    import httpx2

    given = _answered_by(httpx2.AsyncHTTPTransport, live, log, offline, model, say, record, replay)
    http = anthropic.DefaultAsyncHttpxClient(transport=given.pop("transport"), headers=PLAIN_BODIES)
    return anthropic.AsyncAnthropic(**given | options, http_client=http)


def _answered_by(
    network: Callable[[], Any],
    live: bool,
    log: Log | None,
    offline: "OfflineClaude | None",
    model: str | Model,
    say: Callable[[str], None],
    record: "str | Path | None",
    replay: "str | Path | None",
) -> dict[str, Any]:
    """The transport that answers, and the options of a client that goes with it."""
    _check_one(live, offline, record, replay)
    for sentence in overdue(model):
        say(f"{sentence}. `python -m labkit.facts_check` says more.")
    if replay is not None:
        from labkit.replay import Replaying

        replaying = Replaying(replay, log)
        say(replaying.in_words)
        return {"transport": replaying, **NOT_LIVE}
    if live:
        key = _announced_key(model, say)
        return {"transport": _kept(network(), log, record, key, say), "api_key": key}
    from labkit.logging_transport import recording
    from labkit.offline import OfflineClaude

    transport = (offline or OfflineClaude()).transport()
    return {"transport": recording(transport, log, OFFLINE), **NOT_LIVE}


def _check_one(live: bool, offline: object, record: object, replay: object) -> None:
    if record is not None and not live:
        raise ValueError("record=... keeps live replies: say live=True as well, which costs money, or leave record out")
    given = {"live=True": live, "offline=...": offline is not None, "replay=...": replay is not None}
    if len(ways := [way for way, is_given in given.items() if is_given]) > 1:
        raise ValueError(f"{' and '.join(ways)} are different Claudes: choose one of them")


def _kept(network: Any, log: Log | None, record: "str | Path | None", key: str, say: Callable[[str], None]) -> Any:
    from labkit.logging_transport import recording

    if record is None:
        return recording(network, log, LIVE)
    from labkit.replay import Recorder

    recorder = Recorder(record, key)
    say(f"Recording: every reply is kept in {record}, without headers and keys.")
    return recording(network, log, LIVE, recorder)


def _announced_key(model: str | Model, say: Callable[[str], None]) -> str:
    key = os.environ.get("ANTHROPIC_API_KEY")
    if not (key or "").strip():
        state = "is not set" if key is None else f"is set but empty ({key!r})"
        raise ValueError(
            f"live=True needs a key, and ANTHROPIC_API_KEY {state}: set it, or leave live out to work offline for "
            "nothing"
        )
    say(price_warning(model))
    return str(key).strip()


def price_warning(model: str | Model) -> str:
    """The sentence that is said before a live client can spend: list prices per million tokens, their date and
    source.
    """
    row = find(model)
    return (
        f"Live: every request now goes to Anthropic and is billed. {row.name} costs ${row.prices.input:g} per million "
        f"input tokens and ${row.prices.output:g} per million output tokens (list prices as of {row.as_of}; "
        f"{row.source})."
    )


def as_tool(function: Callable[..., Any]) -> Any:
    """Return a Python function as a tool of the SDK: its schema from its signature and docstring, its arguments
    checked; a tool of the SDK passes through.

    Source: SDK 2.12.0, `beta_tool` and `beta_async_tool`.
    """
    from inspect import iscoroutinefunction

    from anthropic import beta_async_tool, beta_tool

    if hasattr(function, "to_dict"):
        return function
    make: Any = beta_async_tool if iscoroutinefunction(function) else beta_tool
    return make(function)
