"""The models as the far side knows them: read from labkit/facts.toml, with classroom windows scaled down together."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from labkit.offline.wire import ApiError, Json

COMPACTION_TRIGGER = 150_000
"""Input tokens at which threshold compaction starts. Source: Anthropic docs, Compaction, read August 2026."""
COMPACTION_FLOOR = 50_000
"""The lowest trigger that threshold compaction accepts. Source: Anthropic docs, Compaction, read August 2026."""
CLEARING_TRIGGER = 100_000
"""Input tokens at which tool results are cleared. Source: Anthropic docs, Context editing, read August 2026."""
UNSEEN_CACHE_MINIMUM = 1024
"""Cache minimum, in tokens, of a model for which no figure was found (unverified: the commonest of the others)."""
UNSEEN_TOOL_PREAMBLE = 354
"""Tool preamble, in tokens, of a model for which no figure was found (unverified: that of Claude Sonnet 5)."""
EPOCH = "1970-01-01T00:00:00Z"


LEVELS = ("low", "medium", "high", "xhigh", "max")
"""The levels of effort, lowest first. Source: SDK 2.14.0, OutputConfigParam."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """A model's thinking, as labkit/facts.toml explains the columns: accepted types, what counts when none is named."""

    types: tuple[str, ...]
    default: str
    display: str
    keeps: str
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Effort:
    """The levels of effort that a model accepts, lowest first; its default; the highest without thinking, if any."""

    levels: tuple[str, ...]
    default: str
    most_without_thinking: str | None


@dataclass(frozen=True, slots=True)
class Model:
    """One model's limits, in tokens, and what it accepts. `scale` is 1 unless a classroom window is set."""

    id: str
    name: str
    line: str
    lifecycle: str
    window: int
    max_output: int
    cache_minimum: int
    tool_preamble: int
    tokenizer: str
    prefill: bool
    system_messages: bool
    binds_thinking: bool
    forced_tool_choice: bool
    released: date | None
    retires: date | None
    aliases: tuple[str, ...]
    thinking: Thinking
    effort: Effort | None
    scale: float = 1.0

    @property
    def version(self) -> tuple[int, int]:
        """Generation as two numbers, (4, 6) for claude-sonnet-4-6, so that rules can say "from 4.6"."""
        numbers = [int(part) for part in self.id.split("-") if part.isdigit() and len(part) < 3]
        return (numbers[0], numbers[1] if len(numbers) > 1 else 0)

    def scaled(self, tokens: int) -> int:
        """A limit of the platform at the scale of this model's window, at least 1 token."""
        return max(1, round(tokens * self.scale))

    def info(self) -> Json:
        """The model as the Models API describes it, windows scaled if they are."""
        return {
            "type": "model",
            "id": self.id,
            "display_name": self.name,
            "created_at": _moment(self.released) or EPOCH,
            "lifecycle": self.lifecycle,
            "line": self.line or None,
            "max_input_tokens": self.window,
            "max_tokens": self.max_output,
            "deprecated_at": EPOCH if self.lifecycle != "active" else None,
            "retires_at": _moment(self.retires),
            "capabilities": self._capabilities(),
        }

    def _capabilities(self) -> Json:
        modern = self.version >= (4, 6)
        yes, no, since = {"supported": True}, {"supported": False}, {"supported": modern}
        return {
            "batch": no,
            "citations": no,
            "code_execution": no,
            "compaction": {"supported": modern, "summarize": since},
            "image_input": no,
            "pdf_input": no,
            "structured_outputs": no,
            "server_tools": {"supported": False, "code_execution": no, "web_search": no},
            "effort": {
                "supported": modern,
                "low": since,
                "medium": since,
                "high": since,
                "max": since,
                "xhigh": no,
            },
            "thinking": {
                "supported": True,
                "types": {"adaptive": since, "between_tools": no, "disabled": yes, "enabled": yes},
            },
            "context_management": {
                "supported": True,
                "clear_thinking_20251015": yes,
                "clear_tool_uses_20250919": yes,
                "compact_20260112": since,
            },
        }


class Catalog:
    """Every model the API serves, by id and alias. `windows` sets classroom windows in tokens."""

    def __init__(self, windows: Mapping[str, int] | None = None) -> None:
        """Read the facts; raise ValueError for a window of an unknown model or below 1 token."""
        self._models = dict(_facts()[0])
        self._retired = _facts()[1]
        for name, window in (windows or {}).items():
            self._shrink(name, window)
        self._names = {name: model for model in self._models.values() for name in (model.id, *model.aliases)}

    def _shrink(self, name: str, window: int) -> None:
        if name not in self._models:
            raise ValueError(
                f"no model {name!r} to give a window of {window:,}: choose one of {', '.join(self._models)}"
            )
        if window < 1:
            raise ValueError(f"the window of {name} is {window:,} tokens: give at least 1")
        model = self._models[name]
        scale = window / model.window
        self._models[name] = replace(
            model,
            window=window,
            scale=scale,
            cache_minimum=max(1, round(model.cache_minimum * scale)),
        )

    def find(self, name: str) -> Model:
        """The model of that id or alias. Evidence: GitHub vibe#1259, August 2026: 404 `model: <id>`, retired
        ones too."""
        model = self._names.get(name)
        if model is None:
            raise ApiError(404, f"model: {name}")
        return model

    def listing(self, lifecycles: list[str]) -> list[Json]:
        """The models as the Models API lists them, newest first, retired ones last and only when asked for."""
        kept = lifecycles or ["active", "deprecated"]
        rows = [model.info() for model in self._models.values() if model.lifecycle in kept]
        if "retired" in kept:
            rows.extend(_retired_info(name) for name in self._retired)
        return rows

    def describe(self, name: str) -> Json:
        """One model as the Models API describes it; a retired one stays in the catalogue (SDK 2.12.0, ModelInfo)."""
        if name in self._retired:
            return _retired_info(name)
        return self.find(name).info()


@cache
def _facts() -> tuple[dict[str, Model], tuple[str, ...]]:
    """The facts table, read once."""
    with (Path(__file__).parent.parent / "facts.toml").open("rb") as file:
        facts = tomllib.load(file)
    return {name: _model(name, row) for name, row in facts["models"].items()}, tuple(facts["retired"]["ids"])


def _model(name: str, row: Mapping[str, Any]) -> Model:
    return Model(
        id=name,
        name=row["name"],
        line=row["line"],
        lifecycle=row["lifecycle"],
        window=row["window"],
        max_output=row["max_output"],
        cache_minimum=row.get("cache_minimum", UNSEEN_CACHE_MINIMUM),
        tool_preamble=row.get("tool_preamble", UNSEEN_TOOL_PREAMBLE),
        tokenizer=row["tokenizer"],
        prefill=row["prefill"],
        system_messages=row["system_messages"],
        binds_thinking=row["binds_thinking"],
        forced_tool_choice=row["forced_tool_choice"],
        released=row.get("released"),
        retires=row.get("retires"),
        aliases=tuple(row.get("aliases", ())),
        thinking=_thinking(row["thinking"]),
        effort=_effort(row["effort"]) if "effort" in row else None,
    )


def _thinking(row: Mapping[str, Any]) -> Thinking:
    return Thinking(tuple(row["types"]), row["default"], row["display"], row["keeps"], tuple(row["reads"]))


def _effort(row: Mapping[str, Any]) -> Effort:
    return Effort(tuple(row["levels"]), row["default"], row.get("most_without_thinking"))


def _retired_info(name: str) -> Json:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": EPOCH,
        "lifecycle": "retired",
        "deprecated_at": EPOCH,
    }


def _moment(day: date | None) -> str | None:
    return f"{day.isoformat()}T00:00:00Z" if day else None
