"""The source shown is the source that runs, and the glossary says in one place what each word means."""

import inspect
import re

import pytest

import labkit.strategies
from labkit import KeepRecent
from labkit.teach.cells.source import glossary, link, show, stale_links, term, terms

CURRICULUM_TERMS = {
    "token", "input and output tokens", "system prompt", "context window", "max_tokens", "sliding window",
    "serialization", "JSON", "FIFO", "metadata", "semantic deduplication", "alternation", "prompt cache", "compaction",
    "turn", "exchange", "tool_use", "tool_result", "stop_reason",
}  # fmt: skip


@pytest.mark.parametrize("thing", [KeepRecent, KeepRecent.__call__, labkit.strategies.apply, labkit.strategies])
def test_what_is_shown_is_what_runs(thing):
    """The plain form ends with the very source of the object, and the rich form has it in a block of Python code."""
    source = inspect.getsource(thing).rstrip()
    shown = show(thing)
    assert shown.plain.endswith(source)
    assert f"python\n{source}\n" in shown.rich
    assert shown.mime == "text/markdown"


def test_a_fence_in_the_source_does_not_end_the_block():
    """Source that holds a fence itself is shown whole."""

    def fenced():
        """~~~"""

    assert show(fenced).rich.count("~~~~~~") == 2


@pytest.mark.parametrize(
    ("thing", "complaint"),
    [
        (KeepRecent(2), r"got a KeepRecent: try show\(KeepRecent\)"),
        ("text", "got a str"),
        (len, "not at hand"),
        (int, "not at hand"),
    ],
)
def test_what_has_no_source_is_refused(thing, complaint):
    """A value and a built-in are answered with a sentence."""
    with pytest.raises(TypeError, match=complaint):
        show(thing)


def test_the_glossary_has_every_term():
    """Every term that the workbook promises has an entry, and no entry is empty."""
    assert set(terms()) == CURRICULUM_TERMS
    assert all(entry.more for entry in terms().values())


@pytest.mark.parametrize("name", sorted(CURRICULUM_TERMS))
def test_a_hover_is_one_short_sentence(name):
    """The text under the mouse is a single sentence of at most 120 characters that fits in a link's title."""
    hover = terms()[name].hover
    assert len(hover) <= 120
    assert re.fullmatch(r'[^"\n|\[\]()]+\.', hover)


def test_an_entry_and_the_whole_can_be_read():
    """One term reads as a sentence; the glossary has them all, as text and as a table."""
    assert term("FIFO").plain.startswith("FIFO: First in, first out")
    assert all(name in glossary().plain and name in glossary().rich for name in terms())


def test_an_unknown_term_names_the_known_ones():
    """A learner who asks for another word learns which there are."""
    for ask in (term, link):
        with pytest.raises(KeyError, match="the glossary has no 'tokens': it explains token, input and output tokens"):
            ask("tokens")


def test_links_that_say_something_else_are_found():
    """A link made by `link` is fresh; one with an old or another sentence is stale."""
    fresh = f"A {link('token')}, {link('FIFO', page='', words='queue')} and [a page](02_strategies.ipynb)."
    old = '[token](01_statelessness.ipynb#Glossary "A word."), [FIFO](#Glossary "Old.")'
    assert list(stale_links(fresh)) == []
    assert list(stale_links(old)) == ['01_statelessness.ipynb#Glossary "A word."', '#Glossary "Old."']
    assert link("FIFO", page="", words="queue").startswith('[queue](#Glossary "First in')
