"""The tables of notebook 08: measured columns come from the log, and every word of the platform's has a source and a
date.
"""

import re
import tomllib
from importlib.resources import files

import pytest

from labkit import OfflineClaude, claude
from labkit.costs import log_cost
from labkit.teach.lessons.talks import support
from labkit.teach.views.platform import bills, changes, comparison, decisions, holders, measured, platform

MODEL = "claude-opus-5"
TALK = support()
DATED = re.compile(r"\bread (?:[A-Z][a-z]+) 20\d\d|\b20\d\d\b|SDK (?:changelog )?\d+\.\d+\.\d+")
WAYS, CHANGES = platform()["way"], platform()["change"]


@pytest.fixture
def log():
    """Two requests of a talk that was sent whole, through the cache, the second with a question more."""
    log, past = [], TALK.history[:-1]
    client = claude(offline=OfflineClaude(windows={MODEL: 20_000}), log=log)
    for end in (len(past) - 1, len(past) - 3):
        messages = TALK.history[:end].wire()
        client.messages.create(
            model=MODEL,
            max_tokens=100,
            tools=list(TALK.tools),
            tool_choice={"type": "none"},
            messages=messages,
            cache_control={"type": "ephemeral"},
        )
    return log


def test_a_way_is_measured_by_its_log(log):
    """Requests, tokens, bytes and dollars are those of the log, and facts those of what the model read."""
    way = measured("everything, cached", log, log[0].request, TALK)
    assert way.requests == 2
    assert way.tokens == sum(sent.usage.total_input for sent in log)
    assert way.sent == sum(len(sent.sent) for sent in log)
    assert way.dollars == log_cost(log).dollars > 0
    assert way.facts == len(TALK.answerable(TALK.history[: len(log[0].messages)]))
    assert measured("everything, cached", log, {"messages": []}, TALK).facts == 0
    beside = {"messages": [], "system": "Case facts: AC-77120"}
    assert measured("everything, cached", log, beside, TALK).facts == 1
    with pytest.raises(ValueError, match="no way is called 'magic': there are everything, no cache"):
        measured("magic", log, log[0].request, TALK)


def test_the_comparison_is_by_price(log):
    """The cheapest way comes first, and each is there with its facts."""
    whole = measured("everything, cached", log, log[0].request, TALK)
    half = measured("window of 8 messages", log[:1], {"messages": []}, TALK)
    lines = str(comparison([whole, half], 10)).splitlines()
    assert [line.split("  ")[0] for line in lines[2:]] == ["window of 8 messages", "everything, cached"]
    assert lines[2].endswith("0 of 10")
    assert "simulated" in lines[0]
    assert "Anthropic docs, Prompt caching" in str(holders([whole]))


def test_a_bill_says_what_was_new(log):
    """A request that goes on from the one before names the messages more, another beginning all of them."""
    grown, other = [log[1], log[0]], log
    assert [line.split()[2] for line in str(bills(grown)).splitlines()[2:]] == ["37", "2"]
    assert [line.split()[2] for line in str(bills(other)).splitlines()[2:]] == ["39", "37"]
    assert str(bills(log, ["first", "second"])).splitlines()[2].startswith("first")


@pytest.mark.parametrize("name", WAYS)
def test_every_way_has_a_holder_a_risk_and_a_source(name):
    """The platform's ways have a source and the date it was read; your own are shown in the notebook."""
    way = WAYS[name]
    assert way.keys() == {"side", "holder", "risk", "source"}
    assert way["side"] in ("yours", "platform")
    assert DATED.search(way["source"]) if way["side"] == "platform" else way["source"] == "this notebook"


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change["then"])
def test_every_change_has_a_date_a_source_and_a_place(change):
    """Nothing is said to have changed without who says so, and when; the notebooks named are those of the workbook."""
    assert change.keys() == {"then", "now", "since", "source", "see"}
    assert all(change[key].strip() for key in ("then", "now", "since", "source"))
    assert DATED.search(change["source"])
    rows = tomllib.loads(files("labkit.teach").joinpath("curriculum.toml").read_text("utf-8")).values()
    there = {row["notebook"][:2] for row in rows}
    assert set(change["see"]) <= there


def test_the_tables_hold_every_row():
    """The decisions in their order, and every change once."""
    told, shown = str(decisions()).splitlines(), str(changes()).splitlines()
    assert [line.split("  ")[0] for line in told[1:]] == [each["need"] for each in platform()["decision"]]
    assert [line.split("  ")[0] for line in shown[1:]] == [each["then"] for each in CHANGES]
