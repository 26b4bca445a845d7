"""Relevance: what the message at hand needs is kept, within the budget, with reasons, and whatever the input."""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.messages import History, Message, assistant, one_message, user
from labkit.steps.relevance.choice import Relevance
from labkit.steps.relevance.covering import covering
from labkit.steps.relevance.identifiers import is_opaque, named
from labkit.steps.relevance.layout import LEFT_OUT_FLAG, Layout
from labkit.steps.relevance.quotations import NOTE_FLAG, PASSAGE_CHARACTERS, passages
from labkit.steps.relevance.scores import Weights, query
from labkit.strategies import KeepRecent, apply, explain
from labkit.text.embedding import WordOverlap
from labkit.text.words import searchable_text
from tests.conversations import conversations
from tests.keeping import TOKENS, most, problems, small_talk

FACT = (user("My deck oven is a Miwe Condo, serial 77-40192."), assistant("Noted, I will remember the oven."))
ESSAY = "Bread needs time. " * 60 + "The core should reach 96 degrees. " + "Crust tells more than the clock. " * 60


def about_the_oven(turns: int = 20) -> History:
    """A fact, much small talk, and a question about the fact."""
    return History([*FACT, *small_talk(turns), user("What is the serial number of the oven?")])


@given(conversations(), st.integers(1, 500), st.sampled_from((TOKENS, one_message)))
def test_never_over_budget_never_invalid_never_without_the_newest_turn(
    history: History, limit: int, size: object
) -> None:
    """P1 and P2, with the note and without, measured in tokens and in messages."""
    for weights in (Weights(), Weights(note=0)):
        view = apply((Relevance(limit, size, weights),), history)  # type: ignore[arg-type]
        assert problems(view, history) == []
        assert view.total(size) <= most(history, limit, size)  # type: ignore[arg-type]
        assert all(one.role != other.role for one, other in pairwise(view) if NOTE_FLAG in one.flags)


@given(conversations(), conversations(), st.integers(1, 200))
def test_what_was_seen_before_changes_nothing(first: History, second: History, limit: int) -> None:
    """The index remembers, and the choice is the same as that of a step that has never seen anything."""
    used = Relevance(limit)
    used(first)
    used(second[: len(second) // 2] or second)
    assert used(second) == Relevance(limit)(second)


@given(conversations(), st.integers(1, 200))
def test_quotations_are_word_for_word(history: History, limit: int) -> None:
    """Each line of a note is somebody's own words, and the note replaces the messages that it quotes."""
    for message in Relevance(limit)(history):
        if NOTE_FLAG in message.flags and message.role == "user":
            assert all(old in list(history) for old in message.replaces)
            told = message.text
            for old in message.replaces:
                assert any(passage.words in told for passage in passages(old))


@given(st.text(min_size=1, max_size=3_000).filter(str.strip))
def test_passages_leave_no_word_out(text: str) -> None:
    """Cutting a message loses nothing but commas and white space."""
    cut = "".join(passage.words for passage in passages(user(text)))
    assert [c for c in cut if not c.isspace() and c != ","] == [
        c for c in searchable_text(user(text)) if not _between(c)
    ]
    assert all(len(p.words) >= PASSAGE_CHARACTERS / 2 for p in passages(user(text))[:-1])


def _between(character: str) -> bool:
    return character.isspace() or character == ","


def test_an_old_fact_is_kept_when_it_is_asked_about() -> None:
    """The sliding window of the same size has dropped it."""
    history = about_the_oven()
    budget = history.total(TOKENS) // 8
    assert any("77-40192" in m.text for m in apply((Relevance(budget),), history))
    assert not any("77-40192" in m.text for m in apply((KeepRecent(budget, size=TOKENS),), history))


def test_what_the_user_said_last_is_asked() -> None:
    """The rest of the newest turn is asked too, with less weight, where the user's last words are few."""
    asked, last = query(History([user("I see the heath near Wesseling."), user("Where is the parcel?")]))
    assert last.text == "Where is the parcel?"
    assert asked["parcel"] > asked["heath"] > 0
    asked, _ = query(History([user("I see the heath."), user("Where is parcel KR-58213 now?")]))
    assert "heath" not in asked


def test_the_reply_to_a_question_is_found_by_the_question() -> None:
    """The reply shares no word with what is asked; the question that it answers does."""
    answered = (user("Which gasket fits the steam door?"), assistant("Number 5512 from Krantz."))
    history = History([*answered, *small_talk(20), user("The gasket for the door, what was it?")])
    assert any("5512" in m.text for m in apply((Relevance(60),), history))


def test_a_passage_of_an_essay_is_quoted_where_the_essay_does_not_fit() -> None:
    """Verbatim, in a note at the beginning that says so."""
    history = History([user("Tell me about bread."), assistant(ESSAY), *small_talk(20), user("How hot is the core?")])
    view = apply((Relevance(200),), history)
    assert "96 degrees" in view[0].text
    assert NOTE_FLAG in view[0].flags
    assert [m.role for m in view[:2]] == ["user", "assistant"]


def test_every_message_has_a_reason_that_can_be_checked() -> None:
    """Shared words, a reply, small talk: the explanation is the score's own."""
    fates = explain((Relevance(70),), about_the_oven())
    assert fates[0].fate == "summarized"
    assert fates[0].why.startswith("quoted in the note: ")
    assert "shares 'serial', 'oven' with the question" in fates[0].why
    assert "shares 'oven'" in fates[1].why
    assert any("nothing in common with the question" in fate.why for fate in fates)
    assert fates[-1].why == "the newest turn"


OFF = Weights(reply=0, near=0, feedback=0, speaker=0)
OVENS = (user("The oven cost 300 euros."), assistant("An oven for 300 euros, noted."), *small_talk(3))


def relevance(asked: str, weights: Weights, talk: tuple[Message, ...] = OVENS) -> list[float]:
    """The scores of the messages before a question."""
    return Relevance(1, weights=weights).scores(History([*talk, user(asked)])).relevance


def test_a_message_passes_its_words_on_to_the_next_one() -> None:
    """The reply to a message that shares a word gets `reply` of it."""
    plain, more = relevance("Is the oven fine?", OFF), relevance("Is the oven fine?", replace(OFF, reply=0.5))
    assert [one > 0 for one in plain[:3]] == [True, True, False]
    assert more[2] / more[1] == pytest.approx(0.5 * plain[1] / (plain[1] + 0.5 * plain[0]))


def test_four_messages_on_either_side_are_near() -> None:
    """The fifth is not."""
    alone = (*small_talk(4), user("The oven is warm."), *(assistant("Indeed."), *small_talk(4)))
    near = relevance("Is the oven fine?", replace(OFF, near=0.5), alone)
    assert [place for place, one in enumerate(near) if one > 0] == list(range(4, 13))


def test_the_user_counts_more_where_messages_carry_no_names() -> None:
    """By `speaker`."""
    plain = relevance("Is it fine?", OFF)
    favoured = relevance("Is it fine?", replace(OFF, speaker=0.3))
    assert [one - other for one, other in zip(favoured, plain, strict=True)] == [0.3, 0] * 4


def test_the_speaker_whom_the_question_names_counts_more() -> None:
    """The same for each role, where messages begin with names."""
    named = (user("Ann: I like rain."), assistant("[3 May] Bob: I like snow."), *OVENS)
    for asked, favoured in (("What does Bob like?", [0, 0.3]), ("What does Ann like?", [0.3, 0])):
        plain, more = relevance(asked, OFF, named), relevance(asked, replace(OFF, speaker=0.3), named)
        assert [round(one - other, 9) for one, other in zip(more, plain, strict=True)][:2] == favoured


def test_the_messages_found_first_lend_their_words_to_the_question() -> None:
    """A message that shares no word with the question is found by a word of one that does."""
    talk = (
        user("The oven is a Miwe."),
        assistant("Good."),
        *small_talk(3),
        user("Miwe sent a bill."),
        assistant("Oh."),
    )
    assert relevance("What about the oven?", OFF, talk)[8] == 0
    assert relevance("What about the oven?", replace(OFF, feedback=0.2), talk)[8] > 0


ROUNDS = [
    m
    for i in range(12)
    for m in (
        assistant([{"type": "tool_use", "id": f"t{i}", "name": "look", "input": {"parcel": f"KR-{i}0213"}}]),
        user([{"type": "tool_result", "tool_use_id": f"t{i}", "content": f"Parcel in hall {i}, row ZX-{i}. " * 9}]),
    )
]


def test_a_long_loop_is_cut_between_its_rounds() -> None:
    """The goal and the newest round stay; identifiers of rounds that go are in the note, which says whose they are."""
    loop = History([*small_talk(2), user("Find all the parcels."), *ROUNDS])
    view = apply((Relevance(400),), loop)
    assert problems(view, loop) == []
    assert view.total(TOKENS) <= 400
    assert any(m.text == "Find all the parcels." for m in view)
    assert view[-2:] == loop[-2:]
    told = view[0].text
    assert all(f"KR-{i}0213" in told for i in range(11))
    assert "named by assistant: " in told


def test_an_end_of_an_exchange_that_is_left_out_says_how_long_it_was() -> None:
    """A long question stays without its longer reply, and no other answer follows it."""
    asked = user("My deck oven is a Miwe Condo with the serial 77-40192. " + "It bakes well on most mornings. " * 20)
    history = History(
        [asked, assistant("Good ovens need care. " * 200), *small_talk(9), user("Which serial has the oven?")]
    )
    view = apply((Relevance(1_000),), history)
    assert asked in list(view)
    at = list(view).index(asked)
    assert (view[at + 1].role, view[at + 1].text) == ("assistant", "[4,400 characters left out]")
    assert LEFT_OUT_FLAG in view[at + 1].flags


@given(conversations(), st.integers(1, 500))
def test_every_exchange_keeps_its_two_ends(history: History, limit: int) -> None:
    """The parts in place alternate as before, and each placeholder is of the role that it is for."""
    view = Relevance(limit)(history)
    for message in view:
        if LEFT_OUT_FLAG in message.flags:
            assert message.text.endswith(" characters left out]")
    runs = [sum(one.role == other.role for one, other in pairwise(said)) for said in (view, history)]
    assert runs[0] <= runs[1]


@given(conversations(), st.integers(1, 500))
def test_nothing_is_both_quoted_and_in_its_place(history: History, limit: int) -> None:
    """A question shorter than its placeholder stays beside the round that is kept, and is then not quoted too."""
    view = Relevance(limit)(history)
    quoted = {id(old) for message in view if NOTE_FLAG in message.flags for old in message.replaces}
    assert not quoted & set(map(id, view))


def test_a_short_question_in_its_place_is_not_quoted_too() -> None:
    """It was said twice when its round was bought after it."""
    call = assistant([{"type": "tool_use", "id": "t1", "name": "look_up", "input": {"q": "order"}}])
    result = user([{"type": "tool_result", "tool_use_id": "t1", "content": "thanks thanks Tuesday refund"}])
    reply = "hello hello 889 4,096, a reply of some length"
    talk = [m for _ in range(3) for m in (user("order"), assistant(reply))]
    history = History([*talk, user("order"), call, result, assistant(reply), user("order")])
    for limit in range(20, history.total(TOKENS)):
        view = Relevance(limit)(history)
        said_here = [m for message in view for m in (message, *message.replaces) if m is history[6]]
        assert len(said_here) <= 1


def test_without_a_note_messages_stay_as_they_are() -> None:
    """Nothing is quoted; each message of the view was said, or is a placeholder."""
    view = Relevance(200, weights=Weights(note=0))(about_the_oven())
    assert all(message in list(about_the_oven()) or LEFT_OUT_FLAG in message.flags for message in view)
    assert FACT[0] in list(view)


def test_without_a_note_rounds_that_name_most_come_first() -> None:
    """A tool history without a note keeps one old round full of identifiers, and not the other that repeats them."""
    codes = " ".join(f"KR-{n}0213" for n in range(10, 20))
    rich = [
        assistant([{"type": "tool_use", "id": "a1", "name": "list_parcels", "input": {"hall": "north"}}]),
        user([{"type": "tool_result", "tool_use_id": "a1", "content": codes}]),
    ]
    again = [Message(m.role, tuple({**b, **_other_id(b)} for b in m.blocks)) for m in rich]
    talk = [user("List them."), *rich, *again, assistant("Done."), *small_talk(20)]
    history = History([*talk, user("Send all of it.")])
    view = list(Relevance(120, TOKENS, Weights(note=0))(history))
    assert problems(History(view), history) == []
    assert len([m for m in view if codes in searchable_text(m)]) == 1


def _other_id(block: Mapping[str, Any]) -> dict[str, str]:
    key = "id" if block["type"] == "tool_use" else "tool_use_id"
    return {key: "a2"}


@given(conversations(), st.integers(1, 500))
def test_covering_offers_each_part_once_and_never_one_that_adds_nothing(history: History, room: int) -> None:
    """Each part that the caller takes names an identifier that none before it named."""
    layout, values = Layout(history, TOKENS), [named(message) for message in history]
    kept, seen = set(layout.musts), list[int]()
    covered = {key for first in kept for key in opaque_in(history[slice(*layout.part(first))])}
    for first in covering(values, layout, kept, 0.5):
        seen.append(first)
        if layout.price(layout.part(first), kept) <= room:
            kept.add(first)
            new = opaque_in(history[slice(*layout.part(first))])
            assert new - covered
            covered |= new
    assert len(seen) == len(set(seen))


def opaque_in(messages: Iterable[Message]) -> set[str]:
    """The identifiers of messages, in lower case."""
    return {value.words.lower() for m in messages for value in named(m) if is_opaque(value.words)}


@pytest.mark.parametrize(("words", "opaque"), [("KR-58213", True), ("LEITH", True), ("Leith", False), ("B12", False)])
def test_an_identifier_is_no_name_and_not_short(words: str, opaque: bool) -> None:
    """Nobody could say it in other words."""
    assert is_opaque(words) is opaque


def test_an_embedder_adds_what_words_do_not_share() -> None:
    """Any object with `embed` and `similarities`; here one that knows that a car is a vehicle."""

    class Vehicles(WordOverlap):
        """Word overlap after replacing a word."""

        def embed(self, text: str) -> tuple[str, ...]:
            """Stems, the vehicle given as a car."""
            return super().embed(text.replace("vehicle", "car"))

    fact = (user("The car stands in bay F."), assistant("All right."))
    bills = [m for i in range(20) for m in (user(f"Bill {i}00-B came, {i + 3} euros."), assistant("Noted."))]
    history = History([*fact, *bills, user("Where did I leave the vehicle?")])
    assert not any("bay F" in m.text for m in Relevance(45)(history))
    assert any("bay F" in m.text for m in Relevance(45, embedder=Vehicles())(history))


PICTURE = user([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}])


@pytest.mark.parametrize(
    "asked",
    [
        PICTURE,
        user("?"),
        user("和平是什么"),
        user("¿Dónde está la biblioteca?"),
        user("the of and"),
        user("x" * 1_000_000),
    ],
    ids=["no words", "a sign", "Chinese", "Spanish", "stop words", "a megabyte"],
)
def test_a_question_that_shares_nothing_still_gets_a_sensible_choice(asked: Message) -> None:
    """Room is filled with what is recent and important, and never overspent."""
    history = History([*about_the_oven()[:-1], asked])
    limit = TOKENS(asked) + 60
    view = apply((Relevance(limit),), history)
    assert view[-1] is asked
    assert 1 < len(view) < len(history)
    assert view.total(TOKENS) <= limit


def test_a_megabyte_in_the_middle_is_passed_over() -> None:
    """It does not fit, and what is asked about does."""
    history = History([user("Look: " + "blob " * 200_000), assistant("A blob."), *about_the_oven()])
    assert any("77-40192" in m.text for m in apply((Relevance(150),), history))


def test_ten_thousand_identical_messages_fill_the_budget() -> None:
    """Also when they are the same object, over and over."""
    turn = (user("Where is my parcel now?"), assistant("On its way."))
    history = History([*(turn * 5_000), user("Where is my parcel now?")])
    view = apply((Relevance(1_000),), history)
    assert 900 <= view.total(TOKENS) <= 1_000


def test_a_budget_below_the_newest_turn_keeps_the_newest_turn() -> None:
    """Nothing else is added, and nothing is cut out of it."""
    assert apply((Relevance(1),), about_the_oven()) == about_the_oven()[-1:]
    with pytest.raises(ValueError, match="at least 1"):
        Relevance(0)


def test_what_fits_is_passed_on_untouched() -> None:
    """The same history, not a copy."""
    history = about_the_oven()
    assert apply((Relevance(10_000),), history) is history


ON_A_CHAT = "h = about_the_oven(40); step = Relevance(90)"
IN_A_RUN = (
    "from labkit.evidence.loop_runs import audit; h = audit(6); step = Relevance(1_200, weights=Weights(note={note}))"
)


@pytest.mark.parametrize("setting", [ON_A_CHAT, IN_A_RUN.format(note=0.6), IN_A_RUN.format(note=0)])
def test_the_choice_is_the_same_in_every_process(setting: str) -> None:
    """The same for any seed of Python's hashes: in a chat, and in a run of tools with a note and without one."""
    code = (
        f"from tests.test_relevance import *; {setting}; assert 1 < len(step(h)) < len(h);"
        "print(step(h).wire(), step.why(h))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(told) == 1
