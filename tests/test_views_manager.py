"""The dashboard of notebook 06 shows what was really sent, and refuses what it cannot show."""

import re

import pytest

from labkit import ConversationManager, SlidingWindowManager, SmartConversationManager, claude
from labkit.costs import total_cost
from labkit.teach.exercises.manager.full_history import ConversationManager as Reference
from labkit.teach.lessons.race import TURNS
from labkit.teach.views.manager import MEASURES, PARTS, TurnBill, by_turn, dashboard, rehearse


def measured(kind, turns=8, **settings):
    """The turns of a run, and its log."""
    log = []
    manager = kind(system_prompt="You are a patient Python tutor.", max_tokens=600, client=claude(log=log), **settings)
    return by_turn(manager.send, TURNS[:turns], log), log


@pytest.fixture(scope="module")
def measurements():
    """Three strategies over eight turns, each with its log."""
    return {
        "full history": measured(ConversationManager),
        "window of 4": measured(SlidingWindowManager, window_size=4),
        "summary above 500": measured(SmartConversationManager, token_threshold=500, recent_turns_to_keep=2),
    }


@pytest.fixture(scope="module")
def runs(measurements):
    """The turns alone."""
    return {name: turns for name, (turns, _) in measurements.items()}


def test_turns_add_up_to_the_log(measurements):
    """Nothing of the log is left out or counted twice: requests, tokens and dollars of the turns are the log's."""
    for turns, log in measurements.values():
        assert sum(turn.requests for turn in turns) == len(log)
        assert sum(turn.tokens for turn in turns) == sum(sent.usage.total_input for sent in log)
        assert sum(turn.price for turn in turns) / 1_000 == pytest.approx(
            total_cost(sent.usage for sent in log).dollars
        )
    assert sum(turn.requests for turn in measurements["summary above 500"][0]) > 8


def test_a_detail_is_known_while_its_request_carries_it(measurements, runs):
    """The full history knows every detail so far; a window only those that are still in it."""
    assert [turn.known for turn in runs["full history"]] == [1, 2, 2, 2, 3, 3, 3, 4]
    assert runs["window of 4"][-1].known == 1
    last = measurements["window of 4"][1][-1]
    assert "Okafor" in str(last.messages)
    assert "PY-2207" not in str(last.messages)


@pytest.mark.parametrize("show", MEASURES)
def test_lines_are_cut_off_at_the_turn_and_the_axes_stay(runs, show):
    """Fewer turns show less of the same lines: values, categories and the end of the axis do not move."""
    whole, some = dashboard(runs, show, 8), dashboard(runs, show, 3)
    assert (whole.top, whole.categories) == (some.top, some.categories)
    for one, other in zip(whole.series, some.series, strict=True):
        assert one.values[:3] == other.values[:3]
        assert set(other.values[3:]) == {None}
    assert max(max(series.values) for series in whole.series) < whole.top


def test_sums_grow_and_end_at_the_totals_in_the_words(runs):
    """Added up, each line climbs from turn to turn, and ends at the sum that the words name."""
    chart = dashboard(runs, "tokens so far", 8)
    for series in chart.series:
        assert list(series.values) == sorted(series.values)
        assert f"{series.values[-1]:,.0f}" in chart.words
    told = re.search(r"for (\S+), (\S+) and (\S+) dollars", chart.words).groups()
    ends = [series.values[-1] / 1_000 for series in dashboard(runs, "dollars so far", 8).series]
    assert [f"{end:.3f}" for end in ends] == list(told)


def test_a_strategy_keeps_its_colour_when_others_are_left_out(runs):
    """Lines left out change neither the colours nor the axis of the others; with none, a sentence says what to do."""
    both = dashboard(runs, MEASURES[0], 8, ("summary above 500", "full history"))
    assert [(series.name, series.part) for series in both.series] == [
        ("full history", PARTS[0]),
        ("summary above 500", PARTS[2]),
    ]
    assert both.top == dashboard(runs, MEASURES[0], 8).top
    assert "window" not in both.words
    assert "tick one" in dashboard(runs, MEASURES[0], 8, ()).words


def textbook_classes():
    """Two classes as a learner's own file may have them: a global client, and other names for settings."""
    space = {"Reference": Reference, "client": None}
    exec(
        "class Plain(Reference):\n"
        "    def __init__(self, system_prompt='', model='claude-sonnet-4-6', max_tokens=300):\n"
        "        super().__init__(system_prompt, model, max_tokens, client=client)\n"
        "    def send(self, text):\n"
        "        self.client = client\n"
        "        return super().send(text)\n"
        "class Smart(Plain):\n"
        "    def __init__(self, recent_turns=4, **settings):\n"
        "        super().__init__(**settings)\n"
        "        self.recent_turns = recent_turns\n",
        space,
    )
    return space["Plain"], space["Smart"]


def test_a_class_of_the_learners_is_rehearsed_however_it_takes_its_client(runs):
    """With the client as a keyword or as a global of its file, and other names of settings, the turns are the same."""
    settings = {"system_prompt": "You are a patient Python tutor.", "max_tokens": 600}
    expected = runs["full history"][:3]
    assert rehearse(ConversationManager, TURNS[:3], **settings) == expected
    assert rehearse(Reference, TURNS[:3], **settings) == expected
    plain, smart = textbook_classes()
    assert rehearse(plain, TURNS[:3], **settings) == expected
    assert rehearse(smart, TURNS[:3], **settings, recent_turns_to_keep=2) == expected


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"show": "minutes"}, "'minutes' is not one of tokens of each turn"),
        ({"turns": 9}, "turns = 9 is not between 1 and 8"),
        ({"turns": 0}, "turns = 0 is not between 1 and 8"),
        ({"strategies": ("full",)}, "no run is called 'full': there are full history"),
        ({"runs": {}}, "1 to 6 runs, but got 0"),
        ({"runs": {str(n): [TurnBill(1, 1, 1.0, 0)] for n in range(7)}}, "1 to 6 runs, but got 7"),
        ({"runs": {"one": [TurnBill(1, 1, 1.0, 0)], "two": []}}, "they have 0, 1"),
    ],
)
def test_what_cannot_be_shown_is_refused(runs, change, complaint):
    """A refusal says what was given and what there is."""
    with pytest.raises(ValueError, match=re.escape(complaint)):
        dashboard(**{"runs": runs, "show": MEASURES[0], "turns": 8} | change)
