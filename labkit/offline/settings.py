"""Settings of a request, with the model's own where the request says nothing: thinking, its display, effort.

Evidence: Anthropic docs, Thinking, Troubleshooting thinking and Effort, read August to October 2026; by model in
labkit/facts.toml.
"""

from collections.abc import Mapping
from typing import Any

from labkit.offline.catalog import Model

OFF = ("disabled", "between_tools")
"""Values of `thinking.type` with which a model does not think before it answers."""


def thinking_type(body: Mapping[str, Any], model: Model) -> str:
    """Return the type of thinking that counts for a request."""
    return str((body.get("thinking") or {}).get("type") or model.thinking.default)


def thinks(body: Mapping[str, Any], model: Model) -> bool:
    """Return whether the model thinks before it answers a request.

    The live model may skip thinking on an easy request in adaptive mode; the offline Claude never does.
    """
    return thinking_type(body, model) not in OFF


def display(body: Mapping[str, Any], model: Model) -> str:
    """Return how thinking is shown: "summarized" or "omitted"."""
    return str((body.get("thinking") or {}).get("display") or model.thinking.display)


def effort(body: Mapping[str, Any], model: Model) -> str | None:
    """Return the level of effort of the whole request; None for a model that takes none."""
    asked = (body.get("output_config") or {}).get("effort")
    if asked:
        return str(asked)
    return model.effort.default if model.effort else None


def latest_effort(body: Mapping[str, Any], model: Model) -> str | None:
    """Return the level of effort in force at the end of the messages, where a system message may have changed it.

    Evidence: SDK 2.14.0, BetaSystemMessageParam.output_config.
    """
    for message in reversed(body["messages"]):
        changed = (message.get("output_config") or {}).get("effort") if message["role"] == "system" else None
        if changed:
            return str(changed)
    return effort(body, model)
