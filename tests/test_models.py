"""The table of models is dated, sourced, complete, and honest about what was not found."""

import re
import warnings
from datetime import date, datetime, timedelta

import pytest
from anthropic._data.deprecated_models import DEPRECATED_MODELS

from labkit import models


@pytest.mark.parametrize("row", models.known().values(), ids=lambda row: row.id)
def test_every_row_has_a_source_a_date_and_sensible_figures(row: models.Model) -> None:
    """A figure without a source must not be in the table."""
    assert row.source.strip()
    assert date(2026, 1, 1) <= row.as_of <= date.today()
    assert 0 < row.max_output < row.window
    assert row.prices.input < row.prices.output
    assert row.prices.input < row.prices.cache_write_5m < row.prices.cache_write_1h
    assert row.prices.cache_read is None or row.prices.cache_read < row.prices.input
    assert row.tokenizer in models.tokenizers()


@pytest.mark.parametrize("row", models.known().values(), ids=lambda row: row.id)
def test_every_row_says_how_its_model_thinks(row: models.Model) -> None:
    """The default for a request that says nothing is among the types that the model accepts; other models that it reads
    exist.
    """
    thinking, effort = row.thinking, row.effort
    assert thinking is not None
    assert thinking.default in thinking.types
    assert thinking.default == "adaptive" or not thinking.always_on
    assert set(thinking.reads) <= models.known().keys() - {row.id}
    assert (thinking.prefix_check is None) == (not row.binds_thinking)
    assert set(thinking.unverified) <= set(models.Thinking.__dataclass_fields__)
    if effort is not None:
        assert effort.default in effort.levels
        assert effort.most_without_thinking in (None, *effort.levels)
        assert set(effort.unverified) <= set(models.Effort.__dataclass_fields__)


class StaleFacts(UserWarning):
    """The table of models should be read again."""


@pytest.mark.filterwarnings("default:labkit/facts.toml")
def test_the_table_was_read_of_late() -> None:
    """A row older than 90 days, or of a model past its retirement date, is named in a warning after the run.

    A warning and no failure: the code is as right as it was, and the figures may be too.
    """
    for complaint in models.stale():
        warnings.warn(f"labkit/facts.toml: {complaint}; read its source again", StaleFacts, stacklevel=1)


def test_a_stale_row_is_seen() -> None:
    """On the day after the 90th a row is named, and a model on its retirement date; not before."""
    oldest = min(row.as_of for row in models.known().values())
    old = [row.id for row in models.known().values() if row.as_of == oldest]
    assert [said for said in models.stale(oldest + models.FRESH) if "were read" in said] == []
    told = models.stale(oldest + models.FRESH + timedelta(days=1))
    assert [said.partition(":")[0] for said in told if "91 days ago" in said] == old
    leaving = models.find("claude-opus-4-5")
    assert leaving.retires == date(2027, 1, 22)
    before, after = (models.overdue(leaving, leaving.retires + timedelta(days=days)) for days in (-1, 0))
    assert not any("retirement" in said for said in before)
    assert any(said.startswith("claude-opus-4-5: its retirement was set for 2027-01-22") for said in after)


def test_a_stored_output_has_its_own_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """SOURCE_DATE_EPOCH says what day it is, so that an output can be made again; without it the clock does."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1764547200")
    assert models.today() == date(2025, 12, 1)
    assert models.stale() == []
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert models.today() == date.today()


def test_a_dated_id_finds_its_row() -> None:
    """The id that the API answers with is found like the one that was sent."""
    dated = {row.id: row.dated_id for row in models.known().values() if row.dated_id}
    assert dated == {
        "claude-opus-4-5": "claude-opus-4-5-20251101",
        "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
        "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    }
    assert all(models.find(full).id == name for name, full in dated.items())


def test_the_table_calls_deprecated_what_the_sdk_does() -> None:
    """Each model that the SDK warns of is deprecated here, with the same day of retirement, and no other but one whose
    day has passed: SDK 2.15.0 (1 December 2026) no longer lists Claude Sonnet 4.5, which retired the day before.
    """
    warned = {models.find(name).id: day for name, day in DEPRECATED_MODELS.items()}
    leaving = {id: row for id, row in models.known().items() if row.lifecycle != "active"}
    assert warned.keys() <= leaving.keys()
    assert all(row.retires and row.retires < date.today() for id, row in leaving.items() if id not in warned)
    for id, day in warned.items():
        assert models.find(id).retires == datetime.strptime(re.sub(r"(?<=\d)[a-z]{2}", "", day), "%B %d, %Y").date()


def test_the_models_of_autumn_are_as_their_pages_say() -> None:
    """No forced tool on the Fable, Opus and Sonnet lines from 5.1 and 5.5 on; 512 tokens are enough for the cache of
    5.5; a million tokens are 2.5 million characters.
    """
    forced = {id for id, row in models.known().items() if row.forced_tool_choice}
    assert not forced & {"claude-fable-5-2", "claude-fable-5-1", "claude-opus-5-5", "claude-sonnet-5-5"}
    assert {"claude-haiku-5-5", "claude-opus-5", "claude-sonnet-5"} <= forced
    assert {models.find(f"claude-{line}-5-5").cache_minimum for line in ("opus", "sonnet", "haiku")} == {512}
    assert models.find("claude-haiku-5-5").generation.chars_per_token == 2.5


def test_a_row_without_a_source_is_refused() -> None:
    """Not even a test's model gets by with a figure without a source."""
    known = models.find(models.DEFAULT_MODEL)
    row = {name: getattr(known, name) for name in models.Model.__dataclass_fields__}
    with pytest.raises(ValueError, match="claude-sonnet-4-6: has no source"):
        models.Model(**row | {"source": " "})


def test_unverified_names_are_fields() -> None:
    """A row that calls a field unverified means one that exists."""
    names = set(models.Model.__dataclass_fields__) | set(models.Prices.__dataclass_fields__)
    assert all(set(row.unverified) <= names for row in models.known().values())


def test_the_default_model_and_its_window() -> None:
    """The workbook's model has a window of a million tokens; the 4.5 models have 200,000."""
    assert models.find(models.DEFAULT_MODEL).window == 1_000_000
    assert models.find("claude-haiku-4-5-20251001").window == 200_000


def test_an_unknown_model_names_the_nearest_ones() -> None:
    """The error says what was given, what there is, and how to go on."""
    with pytest.raises(
        ValueError, match=r"'claude-sonet-4-6' is not in labkit's table.*claude-sonnet-4-6.*Model of your own"
    ):
        models.find("claude-sonet-4-6")


def test_a_model_newer_than_the_table_can_be_given_whole() -> None:
    """A caller's own row passes through, and one that nothing fits is refused."""
    known = models.find(models.DEFAULT_MODEL)
    newer = {name: getattr(known, name) for name in models.Model.__dataclass_fields__} | {"id": "claude-next"}
    assert models.find(models.Model(**newer)).id == "claude-next"
    with pytest.raises(ValueError, match="window 0"):
        models.Model(**newer | {"window": 0})
