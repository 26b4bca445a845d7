"""The pictures of notebook 05 show what labkit would send, and every sentence agrees with its chart."""

from itertools import pairwise

import pytest

from labkit import ConversationManager, OfflineClaude, claude
from labkit.costs import total_cost
from labkit.messages import History, assistant, user
from labkit.summarization import SUMMARIZER_SYSTEM, split
from labkit.teach.lessons.talks import bakery
from labkit.teach.views.summarization import cheaper_from, course, fading, kept_and_lost, payback, timeline
from labkit.tokens import estimate_tokens

TALK = bakery(100)


def first_words(old):
    """A summary of the first ten words of what it is given, so that it fades quickly."""
    return " ".join(" ".join(message.text for message in old).split()[:10])


def nothing(old):
    """A summary that cannot be used."""
    return " "


def test_the_conversation_is_what_the_notebook_says():
    """Twelve turns with ten details; a hundred turns are 200 messages with twelve, each given by a user."""
    assert (len(bakery().history), len(bakery().questions)) == (24, 10)
    assert (len(TALK.history), len(TALK.questions)) == (200, 12)
    assert TALK.history[:24] == bakery().history
    with pytest.raises(ValueError, match="0 turns"):
        bakery(0)


@pytest.mark.parametrize(("threshold", "keep"), [(300, 2), (600, 4), (1_000, 8)])
def test_the_course_is_what_would_be_sent(threshold, keep):
    """Requests grow until the threshold, then a summary replaces all but the newest turns; parts add up."""
    moments = course(TALK, first_words, threshold, keep)
    assert len(moments) == 100
    assert any(moment.made for moment in moments)
    for before, after in pairwise(moments):
        assert before.made == (after.replaced > before.replaced)
        assert not before.made or before.tokens > threshold
    first = next(place for place, moment in enumerate(moments) if moment.made)
    assert moments[first].tokens == estimate_tokens(TALK.history[: 2 * first + 1])
    assert moments[first + 1].replaced == 2 * (first + 1 - keep)


def test_summaries_that_fail_change_nothing():
    """With a summarizer that says nothing, every request carries everything."""
    moments = course(TALK, nothing, 300, 4)
    assert not any(moment.made for moment in moments)
    assert not any(moment.made for moment in course(TALK, first_words, 300, 1_000))
    assert moments[-1].tokens == estimate_tokens(TALK.history[:-1])


def test_a_fact_that_is_lost_stays_lost():
    """No strip begins again: what a summary drops, no later one can bring back."""
    chart = timeline(TALK, first_words, 600, 4)
    assert all(len(lane.spans) <= 1 for lane in chart.lanes)


def test_the_words_agree_with_the_picture():
    """Summaries, tokens and facts in the sentence are those of columns and strips; so is its plain form."""
    chart, moments = timeline(TALK, first_words, 600, 4, top=1_700), course(TALK, first_words, 600, 4)
    alive = sum(lane.holds(99) for lane in chart.lanes[1:])
    assert chart.words.startswith(f"{sum(m.made for m in moments[:-1])} summaries are made;")
    assert f"{chart.total(99):,} tokens, all 100 together {sum(chart.totals()):,}" in chart.words
    assert f"{alive} of 12 facts" in chart.words
    assert chart.lanes[0].spans == ((0, moments[-1].replaced // 2),)
    assert f"<li>in a summary: turn 1 to {moments[-1].replaced // 2}</li>" in chart.html()
    assert "No summary is made" in timeline(TALK, first_words, 9_000, 4).words


def test_the_picture_does_not_jump():
    """Height, axis and strips are the same wherever the controls stand."""
    charts = [timeline(TALK, first_words, threshold, 4, top=1_700) for threshold in (600, 1_600)]
    assert len({(chart.height, chart.end, len(chart.lanes)) for chart in charts}) == 1


def test_kept_and_lost_messages_are_listed_one_by_one():
    """A line of the summary is next to the message that it comes from, and a lost detail next to its message."""
    talk = bakery()
    old, _ = split(talk.history, 4)
    rows = str(kept_and_lost(talk, old, "Facts:\n- Their quote number is MV-3381.")).splitlines()[1:]
    assert rows[2].split("  ")[-1].strip() == "Lindqvist"
    assert "Their quote number is MV-3381." in rows[2]
    assert rows[0].endswith("Marta Okafor")
    assert rows[1].endswith("-")


def test_fading_tells_the_growth():
    """The sentence names each line with its first and last value."""
    chart = fading(["1st", "2nd"], folded=[10, 12], nested=[10, 40])
    assert chart.words == "Over 2 rounds folded grows from 10 to 12 tokens; nested grows from 10 to 40 tokens."
    assert [series.values for series in chart.series] == [(10, 12), (10, 40)]


def test_the_bill_holds_every_request():
    """The lines end at the price of all requests, summaries included; the crossing is the first turn for good."""
    logs = []
    for threshold in (None, 250):
        manager = ConversationManager(
            client=claude(log=(log := []), offline=OfflineClaude()), max_tokens=60, token_threshold=threshold
        )
        for message in bakery().history[::2]:
            manager.send(message.content)
        logs.append(log)
    chart = payback(*logs, is_call=lambda sent: sent.request["system"] == SUMMARIZER_SYSTEM)
    assert len(logs[1]) > len(logs[0]) == len(chart.categories) == 12
    for series, log in zip(chart.series, logs, strict=True):
        assert series.values[-1] == pytest.approx(1_000 * total_cost(sent.usage for sent in log).dollars)


@pytest.mark.parametrize(
    ("whole", "summarized", "turn"),
    [([1, 2, 3], [2, 3, 4], None), ([1, 2, 3], [1, 3, 2], 3), ([2, 3], [1, 2], 1), ([1, 5, 6, 9], [2, 4, 7, 8], 4)],
)
def test_cheaper_for_good(whole, summarized, turn):
    """The turn is the first after which the second bill is never again as high as the first."""
    assert cheaper_from(whole, summarized) == turn


def test_answers_are_found_in_tool_results_and_beside_the_messages():
    """A question is answerable from words, tool results and what is sent beside the messages, and from nothing else."""
    talk = bakery()
    assert talk.answerable(History([user("x"), assistant("y")])) == []
    assert [q.answer for q in talk.answerable((), beside="a fact: mv-3381")] == ["MV-3381"]
