"""The command that says what of the table should be read again, offline and against the Models API."""

import pytest
from offline_doors import STRICT

from labkit import facts_check, models
from labkit.clients import claude
from labkit.offline import OfflineClaude


def test_the_command_names_what_is_old_and_what_has_retired(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a key the command says the sentences of `stale`, and ends with status 1; with nothing to say, with 0."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1796083200")  # 1 December 2026
    assert facts_check.main([]) == 1
    said = capsys.readouterr().out
    assert "claude-sonnet-4-5: its retirement was set for 2026-11-30" in said
    assert "claude-opus-4-8: the figures in labkit/facts.toml were read 101 days ago" in said
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1764547200")  # a year before
    assert facts_check.main([]) == 0
    assert "no retirement date has passed" in capsys.readouterr().out


def test_live_needs_a_key(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`--live` without a key says what is missing, and ends as a wrong command does."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(SystemExit):
        facts_check.main(["--live"])
    assert "ANTHROPIC_API_KEY is not set" in capsys.readouterr().err


def test_the_table_agrees_with_the_offline_models_api() -> None:
    """The offline API reads the same table, so in the part of the live one it differs in nothing."""
    assert facts_check.differences(OfflineClaude().client(**STRICT)) == []


def test_what_the_models_api_says_otherwise_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another window there, a model that the table lacks, and one that the API lacks are named one by one."""
    there = OfflineClaude(windows={"claude-opus-5": 4_000}).client(**STRICT)
    rows = dict(models.known())
    del rows["claude-opus-4-8"]
    rows["claude-next"] = models.Model(
        **{name: getattr(rows["claude-opus-5"], name) for name in models.Model.__dataclass_fields__}
        | {"id": "claude-next"}
    )
    monkeypatch.setattr(facts_check, "known", lambda: rows)
    assert facts_check.main(["--live"], lambda: there) == 1
    said = capsys.readouterr().out
    assert "claude-opus-5: max_input_tokens is 1000000 in labkit/facts.toml, and 4000 in the Models API" in said
    assert "claude-opus-4-8: not in labkit/facts.toml, and active in the Models API" in said
    assert "claude-next: in labkit/facts.toml, and not in the Models API" in said


def test_a_client_for_a_row_past_its_date_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence of the command is said when a client is made for such a model, and for no other."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1796083200")  # 1 December 2026
    for model, words in (("claude-sonnet-4-5", ["its retirement was set for 2026-11-30"]), ("claude-sonnet-4-6", [])):
        said: list[str] = []
        claude(model=model, say=said.append)
        assert [word in said[0] for word in words] == [True] * len(said)
