"""The speed bars of the steps that choose what to keep: CPU time, warm, on chat messages of the labelled set."""

import gc
import itertools
import tracemalloc
from collections.abc import Callable, Iterator
from time import process_time
from typing import Any

import pytest

from labkit.evidence.table import labelled_set
from labkit.messages import History, Message, assistant, user
from labkit.steps.deduplication import Deduplicate
from labkit.steps.importance import importance
from labkit.steps.relevance.choice import Relevance
from labkit.text.embedding import MiniLM, WordOverlap, available
from labkit.tokens import ESTIMATED_TOKENS, estimator

ASKED = "Which hotel did we take for the night in Lisbon, and what did it cost?"

pytestmark = pytest.mark.benchmark(timer=process_time)


def talk(count: int) -> list[Message]:
    """So many short chat messages, no two alike: those of the labelled set over and over, each round numbered."""
    said = [message for labelled in labelled_set("dev") if labelled.kind == "chat" for message in labelled.history]
    rounds = itertools.count()
    numbered = (Message(m.role, f"{m.content} ({n})") for n in rounds for m in said)
    return list(itertools.islice(numbered, count))


def essays(count: int) -> list[Message]:
    """So many messages of about 500 tokens, no two alike: words of the labelled set's long replies, from other places
    each time.
    """
    words = [w for one in labelled_set("dev") if one.kind == "long" for m in one.history for w in m.text.split()]
    starts = ((97 * at) % (len(words) - 370) for at in range(count))
    return [
        Message("user" if at % 2 == 0 else "assistant", f"({at}) {' '.join(words[start : start + 370])}")
        for at, start in enumerate(starts)
    ]


def turns(count: int, step: Callable[[History], Any]) -> Callable[[], object]:
    """A function that plays one more turn each time: a question is asked, the step looks, a reply is appended."""
    spare: Iterator[Message] = iter(talk(count + 2_000)[count:])
    now = [History(talk(count))]
    step(now[0].append(next(spare)))

    def turn() -> object:
        asked = now[0].append(next(spare))
        seen = step(asked)
        now[0] = asked.append(next(spare))
        return seen

    now[0] = now[0].append(next(spare), next(spare))
    return turn


def milliseconds(benchmark: Any, play: Callable[[], object], rounds: int = 15) -> float:
    """The median CPU time of some rounds, after two to warm up."""
    benchmark.pedantic(play, rounds=rounds, warmup_rounds=2)
    return float(benchmark.stats["median"]) * 1_000


@pytest.mark.parametrize(("count", "most"), [(1_000, 12), (10_000, 90)])
def test_relevance_of_a_new_message(benchmark: Any, count: int, most: float) -> None:
    """Each turn brings a new question and a new reply; what is known of the older messages is not computed again."""
    limit = History(talk(count)).total(estimator()) // 10
    assert milliseconds(benchmark, turns(count, Relevance(limit))) <= most


@pytest.mark.parametrize("messages", [talk(10_000), essays(300)], ids=["10,000 of 13 tokens", "300 of 500 tokens"])
def test_the_first_choice_reads_every_message(benchmark: Any, messages: list[Message]) -> None:
    """Half a second for a step that has never seen the history."""
    history = History([*messages, *([] if messages[-1].role == "assistant" else [assistant("Yes.")]), user(ASKED)])
    limit = history.total(ESTIMATED_TOKENS) // 10
    assert milliseconds(benchmark, lambda: Relevance(limit)(history), 5) <= 500


def test_a_later_choice_among_essays(benchmark: Any) -> None:
    """30 milliseconds for 300 messages of 500 tokens that are known."""
    history = History([*essays(300), user(ASKED)])
    step = Relevance(history.total(ESTIMATED_TOKENS) // 10)
    step(history)
    asked = (history[:-1].append(user(f"{ASKED} {n}")) for n in itertools.count())
    assert milliseconds(benchmark, lambda: step(next(asked))) <= 30


def test_importance_of_a_message_once(benchmark: Any) -> None:
    """50 microseconds a message, on a thousand of them."""
    messages = talk(1_000)
    assert milliseconds(benchmark, lambda: [importance(message) for message in messages], 5) / 1_000 <= 0.050


def test_deduplication_of_a_new_message_by_words(benchmark: Any) -> None:
    """One new question against a thousand messages."""
    assert milliseconds(benchmark, turns(1_000, Deduplicate(WordOverlap()).merged)) <= 2


@pytest.mark.skipif(not available(), reason="the semantic extra (pip install '.[semantic]') is not installed")
def test_deduplication_of_a_new_message_by_meaning(benchmark: Any) -> None:
    """One new question against a thousand messages that are already embedded."""
    assert milliseconds(benchmark, turns(1_000, Deduplicate(MiniLM()).merged)) <= 20


@pytest.mark.parametrize("make", [lambda: Relevance(1_000), lambda: Deduplicate()], ids=["relevance", "deduplication"])
def test_what_is_remembered_is_at_most_twice_the_messages(make: Callable[[], Any]) -> None:
    """Memory of an index over 4,000 messages against that of the messages themselves, in bytes."""
    make()(History(talk(1_000)))
    gc.collect()
    tracemalloc.start()
    history = History(talk(4_000))
    history.total(estimator())
    own = tracemalloc.get_traced_memory()[0]
    step = make()
    step(history)
    gc.collect()
    remembered = tracemalloc.get_traced_memory()[0] - own
    tracemalloc.stop()
    assert 0 < remembered <= 2 * own
