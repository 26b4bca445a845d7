"""Words, stems and mentions: the same thing written in two ways compares equal, and two things never do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.messages import assistant, user
from labkit.text.mentions import identifiers, mentions
from labkit.text.words import STOP_WORDS, runs, searchable_text, stem, terms


def keys(text: str, kind: str) -> list[str]:
    """The keys of one kind that a text mentions."""
    return [mention.key for mention in mentions(text) if mention.kind == kind]


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    """No text, in whatever script, breaks the reader, and the same text is read the same way."""
    assert terms(text) == terms(text)
    assert mentions(text) == mentions(text)


@given(st.from_regex(r"[a-z]{1,14}", fullmatch=True))
def test_a_stem_is_never_longer_and_never_empty(word: str) -> None:
    """Stems shorten; a short word is left alone."""
    assert 0 < len(stem(word)) <= len(word)


@pytest.mark.parametrize(
    "forms", ["cancel cancelled cancelling cancels", "change changed changing changes", "city cities", "order orders"]
)
def test_forms_of_a_word_meet(forms: str) -> None:
    """A question and its evidence in different forms are one term."""
    assert len({stem(form) for form in forms.split()}) == 1


def test_stop_words_and_signs_are_no_terms() -> None:
    """Identifiers fall into their parts, so that any part of one is found."""
    assert terms("Where is the order_889, please?") == ["order", "889"]
    assert STOP_WORDS.isdisjoint(terms("the and of"))
    assert runs("Łódź, Ærø") == ["łódź", "ærø"]


def test_languages_without_spaces_are_compared_by_pairs() -> None:
    """A question in Chinese shares pairs of characters with its evidence, not whole sentences."""
    assert set(terms("我的护照号码是多少")) & set(terms("护照号码是E889")) >= {"护照", "号码"}


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("at 3 pm", "at 15:00", "time"),
        ("at noon", "at 12:00", "time"),
        ("on 3 June", "on June 3rd", "date"),
        ("on 2026-06-03", "on the 3rd of June", "date"),
        ("it costs $12,500", "it costs 12500 dollars", "amount"),
        ("order #A889-b", "order a889-B", "identifier"),
        ("call +46 70 555 02 77", "call +46 (70) 5550277", "contact"),
        ("fourteen gyms", "14 gyms", "number"),
        ("see you Sunday", "open on Sundays", "day"),
        ("ask Dr. Okafor", "the vet, Okafor", "name"),
    ],
)
def test_spellings_of_one_thing_have_one_key(one: str, other: str, kind: str) -> None:
    """However it is written, it is the same mention."""
    assert keys(one, kind) == keys(other, kind) != []


@given(st.integers(100, 99_999), st.integers(100, 99_999))
def test_numbers_that_differ_have_keys_that_differ(one: int, other: int) -> None:
    """One digit is enough."""
    assert (identifiers(f"order {one}") == identifiers(f"order {other}")) == (one == other)


def test_what_a_message_says_includes_its_tools() -> None:
    """Tool calls and results are said too; pictures are not."""
    call = assistant([{"type": "tool_use", "id": "t", "name": "look_up", "input": {"q": "Ærø"}}])
    result = user(
        [
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "order 889"}]},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        ]
    )
    assert searchable_text(call) == 'look_up {"q": "Ærø"}'
    assert searchable_text(result) == "order 889"


def test_a_message_of_a_megabyte_is_read_in_part() -> None:
    """Its beginning and its end, so that reading it stays quick."""
    whole = "begin " + "x" * 59_990 + " end"
    assert searchable_text(user(whole)) == whole
    assert searchable_text(user("begin " + "x" * 1_000_000 + " end")) == f"begin {'x' * 29_994}\n{'x' * 29_996} end"
