"""The models as the far side knows them, and classroom windows."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from offline_doors import STRICT, ask, user

import labkit
from labkit.offline import OfflineClaude
from labkit.offline.catalog import Catalog

FACTS = tomllib.loads((Path(labkit.__file__).parent / "facts.toml").read_text(encoding="utf-8"))


OLD, NEW = "claude-sonnet-4-5", "claude-sonnet-4-6"


def test_every_model_of_the_facts_is_served():
    """Ids, aliases and limits are those of the dated table."""
    client = OfflineClaude(reply="Fine.").client(**STRICT)
    listed = {model.id: model for model in client.models.list(lifecycle=["active", "deprecated"])}
    assert set(listed) == set(FACTS["models"])
    for name, row in FACTS["models"].items():
        assert (listed[name].max_input_tokens, listed[name].max_tokens) == (row["window"], row["max_output"])
        assert listed[name].lifecycle == row["lifecycle"]
        for alias in row.get("aliases", ()):
            assert client.models.retrieve(alias).id == name


def test_every_model_answers():
    """A request to each model is answered, and counted by its own tokenizer."""
    client = OfflineClaude(reply="Fine.").client(**STRICT)
    words = "You pay for every token of the conversation again and again."
    for name, row in FACTS["models"].items():
        count = client.beta.messages.count_tokens(model=name, messages=[user(words)]).input_tokens
        assert (count > 20) == (row["tokenizer"] == "4.7"), name


def test_a_deprecated_model_tells_when_it_retires():
    """The lifecycle comes with its dates, and capabilities with compaction on the beta resource."""
    client = OfflineClaude().client(**STRICT)
    old = client.models.retrieve("claude-sonnet-4-5")
    assert (old.lifecycle, old.retires_at.isoformat()[:10]) == ("deprecated", "2026-11-30")
    assert old.deprecated_at is not None
    assert client.models.retrieve("claude-sonnet-4-6").deprecated_at is None
    able = {name: client.beta.models.retrieve(name).capabilities.compaction.supported for name in (OLD, NEW)}
    assert able == {OLD: False, NEW: True}
    assert client.models.retrieve(OLD).capabilities.thinking.supported
    assert client.beta.models.retrieve(OLD).capabilities.context_management.supported


@given(st.integers(1, 1_000_000))
def test_a_classroom_window_scales_all_limits_together(window):
    """Window, cache minimum and triggers keep their proportions, and none falls to nothing."""
    plain = Catalog().find("claude-sonnet-4-6")
    small = Catalog({"claude-sonnet-4-6": window}).find("claude-sonnet-4-6")
    assert small.window == window
    assert small.info()["max_input_tokens"] == window
    share = window / plain.window
    assert small.cache_minimum == max(1, round(plain.cache_minimum * share))
    assert small.scaled(150_000) == max(1, round(150_000 * share))
    assert small.scaled(150_000) <= max(1, window)


def test_other_models_keep_their_windows():
    """A classroom window is for the model that was named; the Models API tells."""
    client = OfflineClaude(windows={"claude-sonnet-4-6": 4_000}).client(**STRICT)
    assert client.models.retrieve("claude-sonnet-4-6").max_input_tokens == 4_000
    assert client.models.retrieve("claude-opus-5").max_input_tokens == 1_000_000


def test_an_overflow_fits_in_a_lesson():
    """With a classroom window a conversation outgrows it after a few turns, with the API's own words."""
    client = OfflineClaude(reply="Noted. " * 20, windows={"claude-sonnet-4-6": 400}).client(**STRICT)

    def talk():
        """Twenty turns of remarks."""
        messages = []
        for number in range(20):
            messages.append(user(f"Remark number {number} on the state of the parcel."))
            messages.append(client.messages.create(**ask(*messages)).to_param())

    with pytest.raises(Exception, match=r"prompt is too long: \d+ tokens > 400 maximum"):
        talk()
