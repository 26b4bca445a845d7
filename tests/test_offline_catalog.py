"""The models as the far side knows them, and classroom windows."""

import tomllib
from datetime import date
from pathlib import Path

import anthropic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from offline_doors import STRICT, ask, everywhere, user

import labkit
from labkit.offline import OfflineClaude
from labkit.offline.catalog import Catalog

FACTS = tomllib.loads((Path(labkit.__file__).parent / "facts.toml").read_text(encoding="utf-8"))


COMPACTING = "compact-2026-09-04"
OLD, NEW = "claude-sonnet-4-5", "claude-sonnet-4-6"


def test_every_model_of_the_facts_is_served():
    """Ids, dates and limits are those of the dated table; the list has dated ids where there are any."""
    client = OfflineClaude(reply="Fine.").client(**STRICT)
    listed = {model.id: model for model in client.models.list(lifecycle=["active", "deprecated"])}
    assert set(listed) == {row.get("dated_id", name) for name, row in FACTS["models"].items()}
    for name, row in FACTS["models"].items():
        shown = listed[row.get("dated_id", name)]
        assert (shown.max_input_tokens, shown.max_tokens) == (
            row.get("max_input_tokens", row["window"]),
            row["max_output"],
        )
        assert shown.lifecycle == row["lifecycle"]
        assert shown.created_at.date() == row.get("released", date(1970, 1, 1))
        assert client.models.retrieve(name).id == shown.id


@pytest.mark.filterwarnings("ignore:The model .* is deprecated")
@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929"),
        ("claude-opus-4-5-20251101", "claude-opus-4-5-20251101"),
        ("claude-sonnet-4-6", "claude-sonnet-4-6"),
    ],
)
def test_the_answer_names_the_dated_id(sent, answered):
    """An alias goes in and the dated id comes out, synchronously, asynchronously and streamed."""
    assert everywhere(OfflineClaude(reply="Fine."), ask(user("Hello."), model=sent))["model"] == answered


def test_the_models_are_listed_page_by_page():
    """limit, after_id and before_id cut the list, has_more says that there is more, and the SDK walks through it."""
    client = OfflineClaude().client(**STRICT)
    everything = [model.id for model in client.models.list(limit=1000)]
    first = client.models.list(limit=3)
    assert ([model.id for model in first.data], first.has_more) == (everything[:3], True)
    assert [model.id for model in client.models.list(limit=3, after_id=everything[2]).data] == everything[3:6]
    assert [model.id for model in client.models.list(limit=2, before_id=everything[4]).data] == everything[2:4]
    assert not client.models.list(limit=3, after_id=everything[-2]).has_more
    assert [model.id for model in client.models.list(limit=4)] == everything
    for limit in (0, 1001):
        with pytest.raises(anthropic.BadRequestError, match="limit: Input should be"):
            client.models.list(limit=limit)


def test_only_a_beta_request_hears_of_compaction():
    """`capabilities.compaction` comes to the beta client that names its beta; the stable answer has no such key."""
    client = OfflineClaude().client(**STRICT)
    assert "compaction" not in client.models.retrieve(NEW).capabilities.to_dict()
    assert client.beta.models.retrieve(NEW, betas=[COMPACTING]).capabilities.compaction.supported
    assert not client.beta.models.retrieve(OLD, betas=[COMPACTING]).capabilities.compaction.supported


def test_capabilities_are_those_of_the_model():
    """Every model reads images and PDFs, as the Models API said of each that was recorded; Haiku 4.5 runs no code."""
    client = OfflineClaude().client(**STRICT)
    for model in client.models.list():
        assert model.capabilities.image_input.supported
        assert model.capabilities.pdf_input.supported
    assert not client.models.retrieve("claude-haiku-4-5").capabilities.code_execution.supported
    assert client.models.retrieve("claude-opus-4-7").capabilities.code_execution.supported


def test_a_retired_model_is_described_and_not_served():
    """A retired model keeps its entry, with the day it went; a request for it is a 404 with its id."""
    client = OfflineClaude().client(**STRICT)
    gone = client.models.retrieve("claude-sonnet-4-20250514")
    assert (gone.lifecycle, gone.retires_at.date()) == ("retired", date(2026, 6, 15))
    assert gone.id in [model.id for model in client.models.list(lifecycle=["retired"])]
    with pytest.raises(anthropic.NotFoundError, match="model: claude-sonnet-4-20250514"):
        client.messages.create(**ask(user("Hello."), model=gone.id))


def test_every_model_answers():
    """A request to each model is answered, and counted by its own tokenizer."""
    client = OfflineClaude(reply="Fine.").client(**STRICT)
    words = "You pay for every token of the conversation again and again."
    for name, row in FACTS["models"].items():
        count = client.beta.messages.count_tokens(model=name, messages=[user(words)]).input_tokens
        assert (count > 20) == (row["tokenizer"] == "4.7"), name


def test_a_deprecated_model_tells_when_it_retires():
    """The lifecycle comes with its dates, and what the model can do."""
    client = OfflineClaude().client(**STRICT)
    old = client.models.retrieve("claude-sonnet-4-5")
    assert (old.lifecycle, old.retires_at.isoformat()[:10]) == ("deprecated", "2026-11-30")
    assert old.deprecated_at is not None
    assert client.models.retrieve("claude-sonnet-4-6").deprecated_at is None
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
