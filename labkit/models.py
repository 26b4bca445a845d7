"""The dated table of models: windows, outputs, prices and where each figure comes from.

`facts.toml` holds the figures and this module reads it; nothing else in labkit repeats one. The live truth about
windows is `client.models.retrieve(...)`. Taught in notebooks 03 and 08.
"""

import os
import tomllib
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A generation of tokenizers: characters of English prose per token, roughly, and the source of that figure.

    `times_older` is how many tokens it makes of a text for each token of the generation up to 4.6.
    """

    generation: str
    name: str
    chars_per_token: float
    times_older: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars per million tokens; `cache_read` is None where no figure was found."""

    input: float
    output: float
    cache_write_5m: float
    cache_write_1h: float
    cache_read: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """A model's thinking: the values of `thinking.type` that it accepts, and what it does when a request says nothing.

    `keeps` says whose thinking stays in the prompt: of "all" turns, or of the "latest" alone. `reads` are the ids of
    other models whose thinking blocks it reads; `prefix_check` says for whom a changed prefix is an error.
    """

    types: tuple[str, ...]
    default: str
    display: str
    keeps: str
    source: str
    as_of: date
    reads: tuple[str, ...] = ()
    prefix_check: str | None = None
    unverified: tuple[str, ...] = ()

    @property
    def always_on(self) -> bool:
        """True for a model whose thinking cannot be switched off."""
        return not {"disabled", "between_tools"} & set(self.types)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """The values of `output_config.effort` that a model accepts, lowest first, and the one when a request says nothing.

    `most_without_thinking` is the highest level with thinking off, where there is such a limit.
    """

    levels: tuple[str, ...]
    default: str
    source: str
    as_of: date
    most_without_thinking: str | None = None
    unverified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One row of the table: `window` and `max_output` in tokens, `prices` in dollars per million tokens.

    `unverified` names the fields that were derived rather than read: do not print these as facts. `long_prompt` holds
    the prices of a prompt over `long_prompt_over` tokens, where they differ. `dated_id` is the id that the API gives
    the model in its answers, where that is not `id`; `max_input_tokens` what the Models API says, where that is not
    the window without a beta header. `thinking` is None where it is not known, `effort` where the model takes none.
    """

    id: str
    name: str
    line: str
    lifecycle: str
    window: int
    max_output: int
    prices: Prices
    tokenizer: str
    prefill: bool
    system_messages: bool
    binds_thinking: bool
    forced_tool_choice: bool
    source: str
    as_of: date
    unverified: tuple[str, ...] = ()
    dated_id: str | None = None
    released: date | None = None
    deprecated: date | None = None
    retires: date | None = None
    max_input_tokens: int | None = None
    cache_minimum: int | None = None
    tool_preamble: int | None = None
    forced_tool_preamble: int | None = None
    long_prompt_over: int | None = None
    long_prompt: Prices | None = None
    thinking: Thinking | None = None
    effort: Effort | None = None

    def __post_init__(self) -> None:
        """Refuse figures without a source, and a window that no conversation fits."""
        if not self.source.strip():
            raise ValueError(f"{self.id}: has no source: say where its figures were read, and when")
        if self.window < 1 or self.max_output < 1:
            raise ValueError(
                f"{self.id}: window {self.window:,} and max_output {self.max_output:,} must be at least 1 token"
            )

    @property
    def generation(self) -> Tokenizer:
        """The tokenizer generation that this model counts with."""
        return tokenizers()[self.tokenizer]


def find(model: str | Model) -> Model:
    """The row of a model id, dated or not; a Model of your own passes through, for models newer than the table.

    Raises ValueError that names the closest known ids.
    """
    if isinstance(model, Model):
        return model
    table = known()
    row = table.get(model) or next((row for row in table.values() if model == row.dated_id), None)
    if row is None:
        near = get_close_matches(str(model), table, n=3, cutoff=0.5) or list(table)[:3]
        raise ValueError(
            f"model {model!r} is not in labkit's table of {newest_date()}: try {', '.join(near)} "
            f"(all {len(table)}: labkit.models.known()), or pass a labkit.models.Model of your own"
        )
    return row


@cache
def known() -> dict[str, Model]:
    """Every model of the table by id, newest first."""
    return {id: _row(id, dict(row)) for id, row in _facts()["models"].items()}


@cache
def tokenizers() -> dict[str, Tokenizer]:
    """The tokenizer generations by their key in the table."""
    return {key: Tokenizer(key, **row) for key, row in _facts()["tokenizers"].items()}


FRESH = timedelta(days=90)
"""The days that a row may go without being read again: models and prices change several times a year."""


def today() -> date:
    """The date of this day; SOURCE_DATE_EPOCH, in seconds, sets another, so that stored outputs can be made again.

    Source of the variable: reproducible-builds.org, Specification of SOURCE_DATE_EPOCH.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch), UTC).date() if epoch else date.today()


def overdue(model: str | Model, day: date | None = None) -> list[str]:
    """Sentences that say why a row should be read again: it is older than `FRESH`, or its model's retirement date has
    passed. Empty while the row is good.
    """
    row, day = find(model), day or today()
    age = (day - row.as_of).days
    old = f"{row.id}: the figures in labkit/facts.toml were read {age} days ago, on {row.as_of}"
    gone = f"{row.id}: its retirement was set for {row.retires}, and labkit/facts.toml has it as {row.lifecycle}"
    said = [old] if day - row.as_of > FRESH else []
    return said + ([gone] if row.retires and row.retires <= day else [])


def stale(day: date | None = None) -> list[str]:
    """Sentences about every row of the table that should be read again, those of `overdue`."""
    return [sentence for row in known().values() for sentence in overdue(row, day)]


def newest_date() -> date:
    """The date of the table's newest row."""
    return max(row.as_of for row in known().values())


@cache
def _facts() -> dict[str, Any]:
    return tomllib.loads(files("labkit").joinpath("facts.toml").read_text("utf-8"))


def _row(id: str, row: dict[str, Any]) -> Model:
    long_prompt = row.pop("long_prompt", None)
    if long_prompt:
        row |= {"long_prompt_over": long_prompt.pop("over"), "long_prompt": Prices(**long_prompt)}
    prices = Prices(**{f.name: row.pop(f.name) for f in fields(Prices) if f.name in row})
    row["unverified"] = tuple(row.get("unverified", ()))
    row |= {key: kind(**_tuples(row[key])) for key, kind in (("thinking", Thinking), ("effort", Effort)) if key in row}
    return Model(id=id, prices=prices, **row)


def _tuples(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


DEFAULT_MODEL: str = _facts()["default_model"]
