"""P6 and P8 in counts: how often a message is measured, how much work a turn is, how much memory a conversation takes.

Nothing here is timed, so these tests say the same on a busy machine; tests/benchmarks has the bars in milliseconds.
"""

import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable

import pytest

from labkit import KeepRecent, TokenBudget, estimate_tokens
from labkit.conversation import Conversation
from labkit.manager import production
from labkit.messages import History, Message, assistant, user
from labkit.settings import Settings
from labkit.steps.pruning import Prune
from labkit.strategies import Step, apply
from labkit.tokens import Usage, estimator
from tests import naive
from tests.peers import calls_made, chat

TEXT = "the delivery to the harbour was late again and nobody called about it " * 4
COST = Usage(100, 50, requests=1)


def talked(
    settings: Settings, turns: int, turn: Callable[[Conversation], object] = lambda asked: None, text: str = TEXT
) -> Conversation:
    """A conversation of so many turns, each with its view, its request's size and its bill, as in a manager."""
    talk = Conversation()
    for place in range(turns):
        talk = talk.said(user(f"{place}: {text}"))
        view = settings.view(talk)
        turn(talk)
        talk = talk.said(assistant(f"{place}: {text}")).billed(COST, view)
    return talk


class Ruler:
    """A ruler that remembers what it measured."""

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self.measured: Counter[str] = Counter()

    def __call__(self, message: Message) -> int:
        """Estimated tokens of a message."""
        self.measured[f"{message.role} {message.text}"] += 1
        return len(message.text) // 4


@pytest.mark.parametrize("step", [KeepRecent, Prune], ids=["window", "fifo"])
def test_each_message_is_measured_once_in_its_life(step: Callable[..., Step]) -> None:
    """300 turns through a window in tokens: no message is measured twice, whatever is cut."""
    ruler = Ruler()
    settings = production(20_000).settings
    talk = talked(replaced(settings, step(5_000, size=ruler)), 300)
    assert set(ruler.measured.values()) == {1}
    assert len(ruler.measured) >= len(talk.transcript) - 1
    naive.that_fit(talk.transcript.wire(), 1_000, lambda message: ruler(Message(**message)))
    assert max(ruler.measured.values()) > 2


def replaced(settings: Settings, *steps: Step) -> Settings:
    """The same settings with other steps."""
    return Settings(settings.row, settings.max_tokens, steps)


def test_the_preset_for_production_estimates_each_message_once() -> None:
    """Its window, a budget that is checked and the estimate that a dashboard shows: one measurement for all three."""
    manager = production(5_000, budget=TokenBudget(window=200_000))
    ruler = estimator(manager.model).__code__  # type: ignore[attr-defined]

    def work() -> None:
        talked(manager.settings, 200, lambda asked: asked.meter.count(manager.settings.view(asked)))

    assert calls_made(work, ruler) <= 400  # two messages a turn


@pytest.mark.parametrize("pinned", [False, True], ids=["plain", "with a pin"])
def test_a_turn_is_the_same_work_at_the_start_and_late(pinned: bool) -> None:
    """Append, view and bill of a turn call as many functions at turn 2,000 as at turn 200."""
    settings = production(5_000).settings
    calls = {}
    for turns in (200, 2_000):
        talk = talked(settings, turns)
        talk = talk.marked(0, pinned=True) if pinned else talk
        settings.view(talk.said(user("measured once")))
        calls[turns] = calls_made(lambda: one_turn(settings, talk))  # noqa: B023 - called at once
    assert calls[2_000] <= 1.3 * calls[200], calls


def one_turn(settings: Settings, talk: Conversation) -> Conversation:
    """One more turn."""
    asked = talk.said(user(f"and now? {TEXT}"))
    return asked.said(assistant(TEXT)).billed(COST, settings.view(asked))


@pytest.mark.parametrize("turns", [100, 2_000])
@pytest.mark.parametrize("text", [TEXT[:70], TEXT], ids=["short", "long"])
def test_a_conversation_takes_little_more_memory_than_its_messages(turns: int, text: str) -> None:
    """Transcript, history, marks, totals and bills: together at most half as much again as the messages alone."""
    settings = production(20_000).settings
    talked(settings, 3)

    def messages() -> list[Message]:
        return [m for i in range(turns) for m in (user(f"{i}: {text}"), assistant(f"{i}: {text}"))]

    assert memory(lambda: talked(settings, turns, text=text)) <= 1.5 * memory(messages)


def memory(make: Callable[[], object]) -> int:
    """The bytes that are held by what `make` makes."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        made = make()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        del made


def test_forks_share_one_past_and_grow_apart_in_any_thread() -> None:
    """Thirty threads append to one history and measure it at once: each has its own future and the right totals."""
    past = chat(50)
    size = len(past)
    wrong: list[str] = []

    def slow(message: Message) -> int:
        return sum(1 for _ in message.text)

    def branch(number: int) -> None:
        mine = past.append(assistant(f"answer {number}")).append(user(f"question {number}"))
        for _ in range(20):
            mine = mine.append(assistant("so"), user(f"and {number}"))
            if mine.total(slow) != sum(map(slow, mine)) or mine.starts() != History(tuple(mine)).starts():
                wrong.append(f"thread {number} disagrees with itself")
        if mine[size + 1].text != f"question {number}" or mine[-1].text != f"and {number}":
            wrong.append(f"thread {number} has another's words")

    threads = [threading.Thread(target=branch, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(past) == size


def test_a_history_of_10_000_pins_is_cut() -> None:
    """Any number of pinned messages stays, without a limit to how deep a cut can look for room."""
    pairs = [m for i in range(5_000) for m in (user(f"q{i}", pinned=True), assistant("a"))]
    history = History([*pairs, user("and now?")])
    assert len(apply([KeepRecent(9_990)], history)) == 10_001
    some = History([Message(m.role, m.content, pinned=i % 20 == 0) for i, m in enumerate(history)])
    view = apply([KeepRecent(2_000, low=1_500)], some)
    assert len(view) <= 2_000
    assert [m for m in view if m.pinned] == [m for m in some if m.pinned]
    assert estimate_tokens(view) < estimate_tokens(some)
