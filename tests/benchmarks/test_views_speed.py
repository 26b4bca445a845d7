"""Views are drawn at once: processor seconds for one position of the controls, in the median."""

import time
from statistics import median

from labkit import ConversationManager, claude
from labkit.costs import CACHING
from labkit.teach.lessons.race import TURNS, Race, summaries_by
from labkit.teach.views.costs import ALL, STRATEGIES, what_if
from labkit.teach.views.strategies import strategy_race


def test_it_answers_at_once():
    """Every choice of strategy and caching is planned and drawn in well under 50 ms."""
    times = []
    for strategy in (ALL, *STRATEGIES):
        for caching in CACHING:
            started = time.process_time()
            what_if("claude-opus-5", 60, 2_000, strategy, caching).svg()
            times.append(time.process_time() - started)
    assert median(times) < 0.05


def test_a_race_of_200_messages_is_drawn_at_once():
    """Once its summaries are there, a position of the sliders is drawn in 25 ms at most, in the median of 20."""
    log = []
    manager = ConversationManager(system_prompt="You are a patient Python tutor.", client=claude(log=log))
    for words in (TURNS * 2)[:100]:
        manager.send(words)
    race = Race(log, summaries_by(claude()))
    assert len(race.talk) == 200
    race.smart(3_000)
    times = []
    for size in range(2, 22):
        began = time.process_time()
        strategy_race(race, "all three", size, 3_000, 100).svg()
        times.append(time.process_time() - began)
    assert median(times) <= 0.025
