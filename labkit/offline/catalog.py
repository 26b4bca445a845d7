"""The models as the API knows them: read from labkit/facts.toml, with classroom windows scaled down together.

Evidence: answers of the Models API recorded by public projects on 2 August and 2 October 2026: release dates, dated
ids, windows, and capabilities; anthropic SDK 2.14.0, ModelInfo and ModelCapabilities. They say what a model can do
live, also where the offline Claude does not simulate it and refuses in its own words.
"""

import tomllib
from collections.abc import Mapping, Sequence
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
PREVIEW = (4, 8)
"""Generation of a model without a number, Claude Mythos Preview of April 2026: it counts as 4.7 and later models do."""
UNSEEN_FORCED_TOOL_PREAMBLE = 474
"""The same when a tool must be called (unverified: that of Claude Sonnet 5)."""
EPOCH = "1970-01-01T00:00:00Z"


THINKING_TYPES = ("adaptive", "between_tools", "disabled", "enabled")
"""The values of `thinking.type`. Source: SDK 2.14.0, ThinkingTypes."""
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
    forced_tool_preamble: int
    tokenizer: str
    prefill: bool
    system_messages: bool
    binds_thinking: bool
    forced_tool_choice: bool
    released: date | None
    deprecated: date | None
    retires: date | None
    api_id: str
    max_input_tokens: int
    thinking: Thinking
    effort: Effort | None
    scale: float = 1.0

    @property
    def version(self) -> tuple[int, int]:
        """Generation as two numbers, (4, 6) for claude-sonnet-4-6, so that rules can say "from 4.6"."""
        numbers = [int(part) for part in self.id.split("-") if part.isdigit() and len(part) < 3]
        if not numbers:
            return PREVIEW
        return (numbers[0], numbers[1] if len(numbers) > 1 else 0)

    def scaled(self, tokens: int) -> int:
        """A limit of the platform at the scale of this model's window, at least 1 token."""
        return max(1, round(tokens * self.scale))

    def info(self, beta: bool = False) -> Json:
        """The model as the Models API describes it, windows scaled if they are; `beta` adds what only the beta resource
        has.
        """
        return {
            "type": "model",
            "id": self.api_id,
            "display_name": self.name,
            "created_at": _moment(self.released) or EPOCH,
            "lifecycle": self.lifecycle,
            "line": self.line or None,
            "max_input_tokens": self.scaled(self.max_input_tokens),
            "max_tokens": self.max_output,
            "deprecated_at": (_moment(self.deprecated) or EPOCH) if self.lifecycle != "active" else None,
            "retires_at": _moment(self.retires),
            "capabilities": self._capabilities(beta),
        }

    def _capabilities(self, beta: bool) -> Json:
        modern = self.version >= (4, 6)
        yes, since = {"supported": True}, {"supported": modern}
        found = {
            "batch": yes,
            "citations": yes,
            "code_execution": since,
            "image_input": yes,
            "pdf_input": yes,
            "structured_outputs": yes,
            "server_tools": {"supported": True, "code_execution": yes, "web_search": yes},
            "effort": {"supported": self.effort is not None, **{level: self._takes(level) for level in LEVELS}},
            "thinking": {"supported": True, "types": {kind: self._thinks(kind) for kind in THINKING_TYPES}},
            "context_management": {
                "supported": True,
                "clear_thinking_20251015": yes,
                "clear_tool_uses_20250919": yes,
                "compact_20260112": since,
            },
        }
        return found | ({"compaction": {"supported": modern, "summarize": since}} if beta else {})

    def _takes(self, level: str) -> Json:
        return {"supported": self.effort is not None and level in self.effort.levels}

    def _thinks(self, kind: str) -> Json:
        return {"supported": kind in self.thinking.types}


class Catalog:
    """Every model the API serves, by id and by dated id. `windows` sets classroom windows in tokens."""

    def __init__(self, windows: Mapping[str, int] | None = None) -> None:
        """Read the facts; raise ValueError for a window of an unknown model or below 1 token."""
        self._models = dict(_facts()[0])
        self._retired = _facts()[1]
        for name, window in (windows or {}).items():
            self._shrink(name, window)
        self._names = {name: model for model in self._models.values() for name in (model.id, model.api_id)}

    def _shrink(self, name: str, window: int) -> None:
        name = next((id for id, model in self._models.items() if model.api_id == name), name)
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
        """The model of that id; raise the API's 404 for any other, retired ones too.

        Evidence: GitHub vibe#1259, August 2026: `model: <id>`.
        """
        model = self._names.get(name)
        if model is None:
            raise ApiError(404, f"model: {name}")
        return model

    def page(self, query: Mapping[str, Sequence[str]], beta: bool) -> Json:
        """One page of the models as the Models API lists them, newest first; `query` holds the request's parameters.

        Evidence: Anthropic docs, List Models, read August 2026: `limit` is 1 to 1,000, 20 by default, `after_id` and
        `before_id` are cursors; anthropic SDK 2.14.0, ModelListParams.lifecycle. The words about a wrong limit or
        cursor are not verified.
        """
        rows = self._listing([*query.get("lifecycle[]", ()), *query.get("lifecycle", ())], beta)
        limit = _limit(query)
        if before := _cursor(query, "before_id", rows):
            start = max(0, before - 1 - limit)
            kept, more = rows[start : before - 1], start > 0
        else:
            start = _cursor(query, "after_id", rows)
            kept, more = rows[start : start + limit], start + limit < len(rows)
        ends = {"first_id": kept[0]["id"] if kept else None, "last_id": kept[-1]["id"] if kept else None}
        return {"data": kept, "has_more": more, **ends}

    def _listing(self, lifecycles: Sequence[str], beta: bool) -> list[Json]:
        kept = lifecycles or ("active", "deprecated")
        rows = [model.info(beta) for model in self._models.values() if model.lifecycle in kept]
        if "retired" in kept:
            rows.extend(_retired_info(name, dates) for name, dates in self._retired.items())
        return rows

    def describe(self, name: str, beta: bool) -> Json:
        """One model as the Models API describes it; a retired one stays in the catalogue (SDK 2.14.0, ModelInfo)."""
        if name in self._retired:
            return _retired_info(name, self._retired[name])
        return self.find(name).info(beta)


def _limit(query: Mapping[str, Sequence[str]]) -> int:
    given = query.get("limit", ["20"])[-1]
    if not given.isdecimal():
        raise ApiError(400, "limit: Input should be a valid integer, unable to parse string as an integer")
    if int(given) < 1:
        raise ApiError(400, "limit: Input should be greater than or equal to 1")
    if int(given) > 1_000:
        raise ApiError(400, "limit: Input should be less than or equal to 1000")
    return int(given)


def _cursor(query: Mapping[str, Sequence[str]], name: str, rows: Sequence[Json]) -> int:
    """The place after the row that a cursor names, 0 without a cursor."""
    given = query.get(name, [""])[-1]
    if not given:
        return 0
    ids = [row["id"] for row in rows]
    if given not in ids:
        raise ApiError(400, f"{name}: no model with the id {given}")
    return ids.index(given) + 1


@cache
def _facts() -> tuple[dict[str, Model], dict[str, Mapping[str, date]]]:
    """The facts table, read once: the models that are served, and the dates of those that are not any more."""
    with (Path(__file__).parent.parent / "facts.toml").open("rb") as file:
        facts = tomllib.load(file)
    return {name: _model(name, row) for name, row in facts["models"].items()}, facts["retired"]["models"]


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
        forced_tool_preamble=row.get("forced_tool_preamble", UNSEEN_FORCED_TOOL_PREAMBLE),
        tokenizer=row["tokenizer"],
        prefill=row["prefill"],
        system_messages=row["system_messages"],
        binds_thinking=row["binds_thinking"],
        forced_tool_choice=row["forced_tool_choice"],
        released=row.get("released"),
        deprecated=row.get("deprecated"),
        retires=row.get("retires"),
        api_id=row.get("dated_id", name),
        max_input_tokens=row.get("max_input_tokens", row["window"]),
        thinking=_thinking(row["thinking"]),
        effort=_effort(row["effort"]) if "effort" in row else None,
    )


def _thinking(row: Mapping[str, Any]) -> Thinking:
    return Thinking(tuple(row["types"]), row["default"], row["display"], row["keeps"], tuple(row["reads"]))


def _effort(row: Mapping[str, Any]) -> Effort:
    return Effort(tuple(row["levels"]), row["default"], row.get("most_without_thinking"))


def _retired_info(name: str, dates: Mapping[str, date]) -> Json:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": EPOCH,
        "lifecycle": "retired",
        "line": None,
        "max_input_tokens": None,
        "max_tokens": None,
        "deprecated_at": _moment(dates.get("deprecated")) or EPOCH,
        "retires_at": _moment(dates.get("retires")),
        "capabilities": None,
    }


def _moment(day: date | None) -> str | None:
    return f"{day.isoformat()}T00:00:00Z" if day else None
