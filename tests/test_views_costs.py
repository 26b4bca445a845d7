"""The what-if on money: what is drawn is what is planned, the words are of the same numbers, and it is quick."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.costs import CACHING, Plan, Strategy, planned, total_cost
from labkit.models import known
from labkit.teach.views.costs import ALL, MANY, STRATEGIES, what_if

MODELS = sorted(known())
settings = st.fixed_dictionaries(
    {
        "model": st.sampled_from(MODELS),
        "turns": st.integers(1, 60),
        "system": st.integers(0, 20).map(lambda n: n * 500),
        "strategy": st.sampled_from((ALL, *STRATEGIES)),
        "caching": st.sampled_from(CACHING),
        "thinking": st.integers(0, 8).map(lambda n: n * 250),
    }
)


def planned_dollars(setting, strategy):
    """The cost of one conversation by the plan itself."""
    plan = Plan(**{name: setting[name] for name in ("turns", "system", "thinking")}).counted_by(setting["model"])
    bills = planned(plan, STRATEGIES[strategy], setting["caching"], setting["model"])
    return total_cost([usage for turn in bills for usage in turn], setting["model"]).dollars


def money(text):
    """Every amount of dollars in a text, in order."""
    return [float(amount.replace(",", "")) for amount in re.findall(r"\$([\d,]+(?:\.\d+)?)", text)]


@given(settings)
def test_the_picture_and_the_words_are_the_plan(setting):
    """The bars add up to 10,000 conversations, and the words say the dollars of one and of as many."""
    chart = what_if(**setting)
    names = list(STRATEGIES) if setting["strategy"] == ALL else [setting["strategy"]]
    expected = [planned_dollars(setting, name) for name in names]
    drawn = chart.totals() if setting["strategy"] == ALL else [sum(chart.totals())]
    assert drawn == pytest.approx([each * MANY for each in expected])
    said = money(chart.words)
    assert said[: len(names)] == pytest.approx(expected, abs=0.006)
    assert said[len(names) : 2 * len(names)] == pytest.approx([each * MANY for each in expected], abs=1)


@given(settings, st.sampled_from(CACHING))
def test_caching_does_not_move_the_scale(setting, caching):
    """So that two ways of caching can be compared by eye; and nothing outgrows the picture."""
    chart, other = what_if(**setting), what_if(**setting | {"caching": caching})
    assert chart.end == other.end
    assert max(chart.totals()) <= chart.end


@given(settings)
def test_the_cheapest_is_the_cheapest(setting):
    """No strategy that could be chosen is cheaper than the one that the words name."""
    if setting["strategy"] == ALL:
        best = re.search(r"The cheapest is the (.+?)\.", what_if(**setting).words)[1]
        assert planned_dollars(setting, best) == min(planned_dollars(setting, name) for name in STRATEGIES)
        return
    words = what_if(**setting).words
    every = [planned_dollars(setting | {"caching": mode}, name) for name in STRATEGIES for mode in CACHING]
    least = money(words)[0] if "It is the cheapest" in words else money(words)[-1]
    assert least == pytest.approx(min(every), abs=0.006)


def test_prices_that_were_not_confirmed_are_named():
    """The words say so where a cache price was derived or came from a third party; without caching none is in use."""
    doubted = {model for model in MODELS if {"cache_write_5m", "cache_read"} & set(known()[model].unverified)}
    assert doubted
    for model in MODELS:
        words = what_if(model, 10, 5_000, ALL, "automatic").words
        assert ("Not confirmed" in words) == (model in doubted)
        assert "Not confirmed" not in what_if(model, 10, 5_000, ALL, "none").words


@given(settings)
def test_thinking_that_a_plan_leaves_out_is_named(setting):
    """The words say so where none is planned and the model thinks unasked, and only there."""
    row, words = known()[setting["model"]], what_if(**setting).words
    unasked = row.thinking is not None and row.thinking.default != "disabled"
    assert ("No thinking is planned" in words) == (unasked and not setting["thinking"])


def test_what_there_is_not_is_refused():
    """The error names what there is."""
    with pytest.raises(ValueError, match="'none' is not one of all four, full history"):
        what_if("claude-opus-5", 10, 500, "none", "none")
    with pytest.raises(ValueError, match="caching 'often'"):
        what_if("claude-opus-5", 10, 500, ALL, "often")
    assert Strategy() == STRATEGIES["full history"]


@given(settings)
def test_one_turn_is_no_turns(setting):
    """Numbers and nouns agree, with one turn as with many."""
    for turns in (1, setting["turns"]):
        chart = what_if(**setting | {"turns": turns})
        assert not re.search(r"\b1 turns\b|\b([2-9]|\d{2,}) turn\b", f"{chart.title} {chart.words}")
