"""Docstrings and guides speak plain English, as far as a rule can hold it, and each rule is seen to complain."""

import pytest
from voice import FIRST, PLAINER, WHOLE, complaints, complaints_about_code, complaints_about_words, files


def test_nothing_begins_with_a_clause_or_says_in_a_roundabout_way_what_has_a_plain_word():
    """No docstring of the package, the tests and the tools, and no guide, has a complaint."""
    found = [complaint for path in files(*WHOLE) for complaint in complaints(path)]
    assert found == [], "\n".join(found)
    assert len(files(*WHOLE)) > 200


@pytest.mark.parametrize("first", FIRST)
def test_a_docstring_that_begins_with_a_clause_is_named(first):
    """A module's, a function's, and the string below an assignment."""
    for text in (f'"""{first} it is."""', f'def f():\n    """{first} it is."""', f'X = 1\n"""{first} it is."""'):
        assert [complaint for _, complaint in complaints_about_code(text) if f"begins with {first}" in complaint]
    assert not list(complaints_about_code(f'"""The size.\n\n{first} is fine later."""'))


@pytest.mark.parametrize("word", PLAINER)
def test_a_word_with_a_plainer_one_is_named(word):
    """In prose, but not in code."""
    assert list(complaints_about_words(f"It is {word} here."))
    assert not list(complaints_about_words(f"It is `{word}` here."))


def test_a_name_with_a_word_that_has_a_plainer_one_is_named():
    """A function, an asynchronous one and a class; a name that only holds the letters is fine."""
    for text in ("def it_is_told(): ...", "async def anew(): ...", "class _stands: ..."):
        assert [complaint for _, complaint in complaints_about_code(text) if complaint.startswith("a name says")]
    assert not list(complaints_about_code("def standstill(): ..."))
