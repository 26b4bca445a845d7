"""The race of notebook 02: worked out from one recording, it agrees with runs that are really sent."""

import re

import pytest

from labkit import ConversationManager, KeepRecent, SlidingWindowManager, SmartConversationManager, claude
from labkit.costs import total_cost
from labkit.strategies import full_history
from labkit.teach.lessons.race import FACTS, TURNS, Race, facts_of, summaries_by
from labkit.teach.views.strategies import STRATEGIES, sends, strategy_race

SYSTEM = "You are a patient Python tutor."


def sent_by(kind, turns=50, talk=TURNS, **settings):
    """Run the talk through a manager of this kind; gives it and the log of what was sent."""
    log = []
    manager = kind(system_prompt=SYSTEM, max_tokens=600, client=claude(log=log), **settings)
    for words in talk[:turns]:
        manager.send(words)
    return manager, log


@pytest.fixture(scope="module")
def race():
    """The race of the notebook, recorded once."""
    return Race(sent_by(ConversationManager)[1], summaries_by(claude()))


def test_the_details_are_given_once_and_found_by_their_question():
    """Each planted detail is in the turn that gives it and in no other, nor in the question that asks for it."""
    for fact in FACTS:
        assert [n for n, words in enumerate(TURNS, 1) if fact.detail in words] == [fact.turn]
        assert fact.detail not in fact.ask
        assert fact.detail in fact.said
        assert not fact.said.endswith("?.")


def test_the_full_history_is_the_recording_to_the_token(race):
    """Nothing is lost in taking the recording apart: each request has the tokens that it was billed."""
    billed = [sent.usage.total_input for sent in sent_by(ConversationManager)[1]]
    assert [leg.total for leg in race.full()] == billed


@pytest.mark.parametrize("size", [2, 4, 5, 10, 20])
def test_a_window_is_worked_out_as_it_is_sent(race, size):
    """Requests of a window have the messages that are really sent, and their tokens to within three."""
    legs, (_, log) = race.window(size), sent_by(SlidingWindowManager, window_size=size)
    assert [leg.messages for leg in legs] == [len(sent.messages) for sent in log]
    assert max(abs(leg.total - sent.usage.total_input) for leg, sent in zip(legs, log, strict=True)) <= 3


@pytest.mark.parametrize("threshold", [2_000, 3_000, 6_000])
def test_summaries_are_worked_out_as_they_are_made(race, threshold):
    """As many summaries as in a real run, and its tokens and dollars to within one percent."""
    legs, (_, log) = race.smart(threshold), sent_by(SmartConversationManager, token_threshold=threshold)
    usages = race.bill(legs, 50)
    assert len(usages) == len(log)
    assert sum(u.total_input for u in usages) == pytest.approx(sum(s.usage.total_input for s in log), rel=0.01)
    assert total_cost(usages).dollars == pytest.approx(total_cost(s.usage for s in log).dollars, rel=0.01)


@pytest.mark.parametrize(
    ("kind", "settings", "step", "threshold"),
    [
        (ConversationManager, {}, full_history, 0),
        (SlidingWindowManager, {"window_size": 10}, KeepRecent(10), 0),
        (SmartConversationManager, {"token_threshold": 3_000}, full_history, 3_000),
        (ConversationManager, {"steps": (KeepRecent(40, low=10),)}, KeepRecent(40, low=10), 0),
    ],
)
def test_the_cache_is_billed_as_it_is_sent(race, kind, settings, step, threshold):
    """Dollars with prompt caching agree with a run whose usage fields come from the cache, to within one percent."""
    _, log = sent_by(kind, cache=True, **settings)
    worked_out = total_cost(race.bill(race.legs(step, threshold), 50, cached=True)).dollars
    assert worked_out == pytest.approx(total_cost(s.usage for s in log).dollars, rel=0.01)


@pytest.mark.parametrize(
    ("kind", "settings", "step", "threshold"),
    [
        (ConversationManager, {}, full_history, 0),
        (SlidingWindowManager, {"window_size": 13}, KeepRecent(13), 0),
        (SmartConversationManager, {"token_threshold": 3_000}, full_history, 3_000),
    ],
)
def test_what_is_said_to_be_known_can_be_asked_for(race, kind, settings, step, threshold):
    """The details that a next request would carry are those that the offline Claude names when asked."""
    manager, _ = sent_by(kind, 30, **settings)
    named = [fact for fact in facts_of(30) if fact.detail in manager.fork().send(fact.ask)]
    assert list(race.known(race.legs(step, threshold), 30, step)) == named


def test_a_log_of_something_else_is_refused():
    """A race needs a recording of the full history; that of a window is recognized."""
    _, log = sent_by(SlidingWindowManager, 6, window_size=4)
    with pytest.raises(ValueError, match="needs the log of a full history, but request 6 has 3 messages"):
        Race(log, summaries_by(claude()))


@pytest.mark.parametrize("turns", [1, 6, 30, 50])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_words_of_the_race_say_what_is_drawn(race, strategy, turns):
    """The words give the last drawn value of each strategy, and the sums of all requests so far."""
    chart = strategy_race(race, strategy, 10, 3_000, turns)
    drawn = [series.values for series in chart.series]
    assert all(value is None for values in drawn for value in values[turns:])
    if strategy == "all three":
        last = [values[turns - 1] for values in drawn]
    else:
        last = [sum(values[turns - 1] for values in drawn)]
    first, _, rest = chart.words.partition(". ")
    given = [int(text.replace(",", "")) for text in re.findall(r"([\d,]+) \(", first)]
    assert given == last
    assert rest.startswith(f"All {turns} turns together" if turns > 1 else "So far, calls")
    if strategy == "full history":
        assert f"{sum(sum(v for v in column if v) for column in zip(*drawn, strict=True)):,}" in rest


def test_pictures_of_the_race_keep_their_axes(race):
    """The categories and the end of the axis are the same for any controls, so nothing jumps."""
    charts = [strategy_race(race, s, w, 3_000, t) for s in STRATEGIES for w, t in ((2, 1), (20, 50))]
    assert len({(chart.end, chart.categories, chart.height) for chart in charts}) == 1


@pytest.mark.parametrize("turn", [1, 21, 50])
def test_one_turn_side_by_side(race, turn):
    """Each bar is a request, the line is all that was said, and the words give each request."""
    chart = sends(race, turn, 10, 3_000)
    totals = [legs[turn - 1].total for legs in (race.full(), race.window(10), race.smart(3_000))]
    assert chart.totals() == totals
    assert [mark.value for mark in chart.thresholds] == totals[:1]
    assert all(f"{total:,} tokens" in chart.words for total in totals)
    assert chart.words.count("message") == 3


@pytest.mark.parametrize("turns", [0, 51])
def test_turns_that_were_not_recorded_are_refused(race, turns):
    """Views say what there is to see."""
    with pytest.raises(ValueError, match="between 1 and 50"):
        strategy_race(race, "all three", 10, 3_000, turns)
    with pytest.raises(ValueError, match="between 1 and 50"):
        sends(race, turns, 10, 3_000)


def test_an_unknown_strategy_is_refused(race):
    """A strategy that there is not is answered with those there are."""
    with pytest.raises(ValueError, match="'magic' is not one of all three, full history"):
        strategy_race(race, "magic", 10, 3_000, 6)
