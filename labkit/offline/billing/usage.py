"""The `usage` of an answer, and the headers that say what is left of the limits a minute.

Evidence: 2,693 answers of the API recorded by public projects until 20 August 2026. `inference_geo` is in every one
since 6 February 2026, "not_available" up to Claude 4.5 and "global" from 4.6; `output_tokens_details.thinking_tokens`
since May 2026 where thinking is on, and in any case on Claude Sonnet 5, Opus 4.8, Opus 5 and Fable 5; the rate limit
headers are in 1,692 of the 1,910 answers whose headers were kept. Anthropic docs, Rate limits, read August 2026: tokens
read from the cache do not count towards input tokens a minute, `max_tokens` does not count towards output tokens a
minute, and what remains is rounded to thousands.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from labkit.offline.billing.tokens import Tally
from labkit.offline.catalog import Model
from labkit.offline.signatures import THINKING, thinking_of
from labkit.offline.wire import Json

ORGANIZATION = "00000000-0000-4000-8000-000000000000"
LIMITS = {"requests": 50, "input-tokens": 30_000, "output-tokens": 8_000}
"""Simulated limits a minute. They are never enforced: every request counts as the first one of its minute. Source of
the 30,000: a recorded 429 in the anthropic 2.12.0 sdist, February 2026; the others are of the same size."""
MOMENT = datetime(2026, 11, 30, tzinfo=UTC)
"""The simulated time of day of every answer, so that the same request has the same headers."""
ALWAYS_DETAILED = (4, 8)
"""The generation from which `thinking_tokens` is given whether or not the request thinks."""


def geo(model: Model) -> str:
    """Return where a model's answers are made, as the API says it."""
    return "global" if model.version >= (4, 6) else "not_available"


def thinking_tokens(content: Sequence[Json], tally: Tally) -> int:
    """Return the output tokens of the thinking blocks of a reply."""
    return sum(tally.text(thinking_of(block)) for block in content if block["type"] in THINKING)


def tells_thinking(body: Mapping[str, Any], model: Model) -> bool:
    """Say whether the usage of an answer tells how many of its tokens were thinking."""
    asked = (body.get("thinking") or {}).get("type", model.thinking.default)
    return asked != "disabled" or model.version >= ALWAYS_DETAILED


def headers(usage: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of an answer with this usage: organization, and limit, rest and reset of each limit."""
    counted = usage["input_tokens"] + usage["cache_creation_input_tokens"]
    used = {"requests": 1, "input-tokens": counted, "output-tokens": usage["output_tokens"]}
    limits = {**LIMITS, "tokens": LIMITS["input-tokens"] + LIMITS["output-tokens"]}
    used["tokens"] = counted + usage["output_tokens"]
    found = {"anthropic-organization-id": ORGANIZATION}
    for name, limit in limits.items():
        left = max(0, limit - used[name])
        found[f"anthropic-ratelimit-{name}-limit"] = str(limit)
        found[f"anthropic-ratelimit-{name}-remaining"] = str(left if name == "requests" else round(left, -3))
        found[f"anthropic-ratelimit-{name}-reset"] = _reset(min(1.0, used[name] / limit))
    return found


def _reset(share: float) -> str:
    """Return when a limit of which this share was used is whole again: it refills evenly within a minute."""
    return f"{(MOMENT + timedelta(seconds=round(60 * share))).isoformat().removesuffix('+00:00')}Z"
