"""The views of notebook 03: what is drawn is what is planned, and the words warn in time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.budgets import SHARES, TokenBudget, allocate
from labkit.models import find
from labkit.teach.views.budgets import LABELS, WINDOW, consumers, deck, shares_with

decks = st.fixed_dictionaries(
    {
        "turn": st.integers(1, 60),
        "a_turn": st.integers(1, 6).map(lambda n: n * 500),
        "system": st.integers(1, 16).map(lambda n: n * 500),
        "message": st.integers(1, 80).map(lambda n: n * 500),
        "max_tokens": st.integers(1, 48).map(lambda n: n * 512),
        "history_share": st.integers(6, 14).map(lambda n: n * 5),
    }
)


def used_by(setting):
    """The tokens of each consumer, in the order of the rows."""
    history = setting["a_turn"] * (setting["turn"] - 1)
    return [setting["system"], history, setting["message"], setting["max_tokens"]]


def test_the_drawn_window_is_that_of_a_model():
    """The window of the examples is the one that the table gives for the model that the notebook names."""
    assert find("claude-haiku-4-5").window == WINDOW


@given(decks)
def test_the_deck_draws_what_the_sliders_say(setting):
    """The first bar stacks the four consumers; each has a bar, filled up to its share."""
    chart = deck(**setting)
    used, shares = used_by(setting), list(allocate(WINDOW, shares_with(setting["history_share"])).values())
    assert chart.total(0) == max(sum(used), WINDOW)
    assert chart.totals()[1:] == [max(tokens, share) for tokens, share in zip(used, shares, strict=True)]
    for place, series in enumerate(chart.series[:4]):
        assert (series.values[0] or 0) == (series.values[place + 1] or 0) == used[place]


@given(decks)
def test_the_deck_never_outgrows_its_picture(setting):
    """The axis, the rows and the height are the same for all settings, and every bar ends within them."""
    chart = deck(**setting)
    assert max(chart.totals()) <= chart.end == WINDOW * 1.25
    assert chart.categories == ("the window", *LABELS.values())
    assert chart.height == 226


@given(decks)
def test_the_words_are_those_of_the_numbers(setting):
    """The sum is said; a 400 is announced exactly when the input alone is too long, a cut reply when the plan is."""
    used, words = used_by(setting), deck(**setting).words
    sent = sum(used[:3])
    assert f"sends {sent:,} tokens" in words
    assert f"{sum(used):,} of {WINDOW:,}" in words
    assert ("answers 400" in words) == (sent > WINDOW)
    assert ("cut off at the window" in words) == (sent <= WINDOW < sum(used))


@given(decks)
def test_the_warning_comes_before_the_history_is_over_its_share(setting):
    """As many turns as the words promise still fit; the warning is there when they are fewer than five."""
    words = deck(**setting).words
    if found := re.search(r"room for (\d+) more", words):
        more = int(found[1])
        later = setting | {"turn": setting["turn"] + more}
        assert "Over its share: history" not in deck(**later).words
        assert ("Warning" in words) == (more < 5)
        after = deck(**setting | {"turn": setting["turn"] + more + 1}).words
        assert "history" in after.partition("Over its share")[2] or "Overflow" in after


@given(st.integers(30, 70))
def test_shares_always_come_to_the_whole(history):
    """The others keep their proportions for any share of the history, and all together are the window."""
    shares = shares_with(history)
    assert sum(allocate(WINDOW, shares).values()) == WINDOW
    assert shares["system"] == pytest.approx(shares["message"])
    assert shares["system"] == pytest.approx(2 * shares["reply"])
    assert shares_with(50) == pytest.approx(dict(SHARES))


def test_the_consumers_add_up():
    """The bars are the parts, and the words say what is left, as a TokenBudget does."""
    parts = {"system": 1_500, "tools": 500, "history": 40_000, "message": 800, "reply": 4_096}
    chart = consumers(**parts)
    assert chart.totals() == list(parts.values())
    left = TokenBudget(WINDOW, **{name: size for name, size in parts.items() if name != "history"}).left_after(40_000)
    assert f"{left:,} are left" in chart.words


def test_consumers_that_do_not_fit_or_do_not_exist_are_refused():
    """Too much is named with its amount, a strange part with those there are."""
    with pytest.raises(ValueError, match="200,001 tokens are 1 more than the window"):
        consumers(system=1, history=200_000)
    with pytest.raises(TypeError, match="no part 'images'"):
        consumers(images=1)
