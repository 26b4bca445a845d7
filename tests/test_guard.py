"""The guard: what differs in an identifier, a digit, a name, a date or a negation is never the same."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.steps.guard import difference, named
from labkit.text.embedding import Embedder, MiniLM, WordOverlap, available

DATA = Path(__file__).parent / "data" / "keeping"
FRAMES = ("Where is order {}?", "Please ship parcel {} today.", "Is invoice {} paid?", "My customer number is {}.")
NAMES = ("Anna", "Hanna", "Paul", "Paula", "Ingrid", "Sizwe", "Yusuf", "Petra")
CLAIMS = (("I can eat fish", "I can't eat fish"), ("It works", "It does not work"), ("Send it", "Never send it"))


def apart(one: str, other: str) -> str:
    """The guard's verdict on two texts."""
    return difference(named(one), named(other))


@given(st.sampled_from(FRAMES), st.integers(0, 99_999), st.data())
def test_one_digit_keeps_two_messages_apart(frame: str, number: int, data: st.DataObject) -> None:
    """Exchange any digit of a number for another: the guard sees it, both ways round."""
    digits = str(number)
    place = data.draw(st.integers(0, len(digits) - 1))
    other = digits[:place] + data.draw(st.sampled_from([d for d in "123456789" if d != digits[place]]))
    other += digits[place + 1 :]
    assert apart(frame.format(digits), frame.format(other))
    assert apart(frame.format(other), frame.format(digits))
    assert not apart(frame.format(digits), frame.format(digits))


@given(st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_one_name_keeps_two_messages_apart(one: str, other: str) -> None:
    """Also where one name is part of the other."""
    assert bool(apart(f"Book the room for {one}.", f"Book the room for {other}.")) == (one != other)


@given(st.sampled_from(CLAIMS), st.sampled_from(("", "Hello, ", "By the way: ")))
def test_a_negation_keeps_two_messages_apart(claim: tuple[str, str], before: str) -> None:
    """A statement and its negation are never merged."""
    assert apart(before + claim[0], before + claim[1])


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_guard_is_even_handed(one: str, other: str) -> None:
    """It says as much of two texts whichever comes first, and nothing of a text and itself."""
    assert bool(apart(one, other)) == bool(apart(other, one))
    assert not apart(one, one)


def pairs(file: str) -> list[tuple[bool, str, str]]:
    """The pairs of a file: whether they say the same, and both texts."""
    rows = (line.split("\t") for line in (DATA / file).read_text("utf-8").splitlines())
    return [(same == "same", one, other) for same, one, other in rows]


def f1(embedder: Embedder, file: str) -> float:
    """F1 of merging at the embedder's own threshold behind the guard."""
    right = wrong = 0
    for same, one, other in pairs(file):
        alike = embedder.similarities(embedder.embed(one), [embedder.embed(other)])[0]
        if alike >= embedder.threshold and not apart(one, other):
            right, wrong = right + same, wrong + (not same)
    return 2 * right / (right + wrong + sum(same for same, _, _ in pairs(file)))


def test_there_are_sixty_pairs_of_each_sort() -> None:
    """Forty of them were written after the guard was frozen."""
    everything = [*pairs("pairs_tuned.tsv"), *pairs("pairs_frozen.tsv")]
    assert [sum(same for same, _, _ in everything), len(everything)] == [60, 120]
    assert len(pairs("pairs_frozen.tsv")) == 40


@pytest.mark.parametrize("file", ["pairs_tuned.tsv", "pairs_frozen.tsv"])
def test_words_alone_find_most_paraphrases(file: str) -> None:
    """The fallback of the standard library, behind the guard."""
    assert f1(WordOverlap(), file) >= 0.84


@pytest.mark.skipif(not available(), reason="the semantic extra (pip install '.[semantic]') is not installed")
@pytest.mark.parametrize("file", ["pairs_tuned.tsv", "pairs_frozen.tsv"])
def test_meaning_finds_more(file: str) -> None:
    """MiniLM behind the guard reaches 0.85 on the pairs written after the guard was frozen."""
    assert f1(MiniLM(), file) >= 0.85


def test_no_pair_with_different_numbers_passes_the_guard() -> None:
    """Of all near misses, those that name different things are refused without any embedder."""
    for same, one, other in pairs("pairs_tuned.tsv") + pairs("pairs_frozen.tsv"):
        if not same and named(one).numbers != named(other).numbers:
            assert apart(one, other)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("Where is order 889?", "Where is order 898?", "889 against 898"),
        ("Turn the heating on.", "Turn the heating off.", "on against off"),
        ("We go for Postgres", "We go for MySQL", "names differ"),
        ("It works", "It does not work", "negated"),
        ("The car beats the train", "The train beats the car", "another order"),
        ("Call on Monday", "Call on Tuesday", "dates or times"),
        ("I want a window seat", "I want an aisle seat", "exchanged"),
    ],
)
def test_the_guard_says_what_it_saw(one: str, other: str, words: str) -> None:
    """In words that a learner can check."""
    assert words in apart(one, other)
