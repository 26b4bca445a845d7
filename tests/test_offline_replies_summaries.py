"""Summaries of the offline Claude: what they keep, what they drop, how long they are, how they fold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_words import answer, said, words_of
from summary_report import measure

from labkit.offline.words.statements import NOT_HERE
from labkit.offline.words.summary import SHORTEST, summarize
from labkit.offline.words.transcript import Turn, of_messages, of_prompt
from labkit.offline.words.worth import SECTIONS

INSTRUCTION = "Summarize this conversation. Keep decisions, preferences, facts and tool results. Skip greetings.\n\n"
TALK = """user: Good morning!
assistant: Hello, how can I help?
user: My account number is 55120934. I prefer e-mail.
assistant: Noted.
user: Could you check order 889?
assistant: (called get_order with {'order_id': '889'})
user: (tool result: {"order_id": "889", "status": "shipped"})
assistant: Order 889 has shipped.
user: We decided to keep the blue lamp.
assistant: Noted.
user: What about the warranty?
user: Thanks!
assistant: You're welcome. Have a nice day!"""
LINES = st.lists(
    st.tuples(
        st.sampled_from(["user", "assistant", "tool", "earlier summary"]),
        st.text(alphabet="abcdefgh .,?!ABC012\n", max_size=80),
    ),
    max_size=12,
)


def summary(talk: str, instruction: str = INSTRUCTION) -> str:
    """The summary of a transcript, without its label."""
    return said(instruction + talk)


def test_a_summary_keeps_what_matters_under_headings():
    """Decisions, facts, preferences, tool results and open questions each stand under their own heading."""
    assert summary(TALK, "Summarize this conversation in at most 60 words.\n\n") == (
        "Decisions:\n- We decided to keep the blue lamp.\n"
        "Facts:\n- My account number is 55120934.\n- [assistant] Order 889 has shipped.\n"
        "Preferences:\n- I prefer e-mail.\n"
        "Tool results:\n- order id: 889; status: shipped\n"
        "Open questions:\n- What about the warranty?"
    )


def test_greetings_and_thanks_are_dropped():
    """No greeting, thanks or acknowledgement is in a summary, however much room there is."""
    kept = summary(TALK, "Summarize this conversation in at most 500 words.\n\n")
    for idle in ("morning", "Hello", "Thanks", "welcome", "nice day", "Noted"):
        assert idle not in kept


def test_the_label_and_the_grounds():
    """A summary is labelled as simulated, and its grounds are the lines it kept."""
    given = answer(INSTRUCTION + TALK)
    assert words_of(given).startswith("[simulated] Decisions:")
    assert "My account number is 55120934." in [ground.text for ground in given.grounds]


@pytest.mark.parametrize("name", ["dev", "heldout"])
def test_four_fifths_of_the_planted_facts_survive_ten_to_one(name):
    """At a tenth of the words at least 80% of the planted facts are kept and no greeting; at a twentieth fewer are."""
    kept, total, greeted = measure(name, 10)
    assert kept / total >= 0.8
    assert greeted == 0
    assert measure(name, 20)[0] < kept


@given(lines=LINES, limit=st.integers(SHORTEST, 60))
@settings(max_examples=200, deadline=None)
def test_a_length_that_is_set_is_kept(lines, limit):
    """A summary `in at most N words` has no more than N words besides its list marks, for any text."""
    text = summarize([Turn(who, said) for who, said in lines], f"Summarize in at most {limit} words.")
    assert len([word for word in text.split() if word != "-"]) <= limit


@pytest.mark.parametrize(("facts", "most"), [(3, 12), (8, 28), (16, 56), (60, 60), (100, 100), (1_000, 450)])
def test_a_length_that_is_not_set_follows_from_what_is_new(facts, most):
    """A fifth of the new words, of little 70% up to 60, and nine tenths of an earlier summary; 12 to 450 in all."""
    turns = [Turn("user", f"My locker {i} is {i * 37}.") for i in range(facts)]
    earlier = Turn("earlier summary", " ".join(f"My shelf {i} is {i * 41}." for i in range(10)))
    for told, limit in ((turns, most), ([earlier, *turns], min(most + 45, 450))):
        words = len([word for word in summarize(told).split() if word != "-"])
        assert limit - 8 < words <= limit


@given(lines=LINES)
@settings(max_examples=100, deadline=None)
def test_a_summary_invents_nothing(lines):
    """Every word of a summary is a heading's or was said."""
    heard = " ".join(said for _, said in lines).lower().replace("_", " ")
    headings = " ".join((*SECTIONS, "result assistant nothing was said that needs to be kept")).lower()
    text = summarize([Turn(who, said) for who, said in lines])
    for word in text.lower().replace("\n- ", " ").split():
        plain = word.strip("-[]:;.,!?\"'()")
        assert plain in heard or plain in headings


def test_a_tighter_summary_loses_more():
    """The ratio is a parameter of the function: fewer words keep fewer lines."""
    turns = [Turn("user", f"My locker number {i} is {i * 37} and my shelf {i} is painted teal.") for i in range(1, 90)]
    lengths = [len(summarize(turns, ratio=ratio).splitlines()) for ratio in (2, 5, 10, 20)]
    assert lengths == sorted(lengths, reverse=True)
    assert len(set(lengths)) == 4


def test_the_instruction_can_say_what_to_look_for():
    """The focus that the instruction asks for goes first."""
    talk = "\n".join(f"user: My shelf {i} holds {i} boxes of tea." for i in range(1, 30))
    talk += "\nuser: The garden gate squeaks.\nassistant: Noted."
    plain = "Summarize the conversation in at most 30 words."
    assert "squeaks" not in summary(talk, f"{plain}\n\n")
    assert "squeaks" in summary(talk, f"{plain} Focus on the garden gate.\n\n")


def test_an_earlier_summary_is_folded_in():
    """A summary of a summary is one summary: its lines stay, no heading is doubled, later values replace earlier."""
    first = summary(TALK)
    for shape in ("earlier summary: {}", "user: [Conversation summary: {}]", "user: [Context summary: Previous: {}]"):
        second = summary(f"{shape.format(first)}\nuser: My account number is 777888.\nassistant: Noted.")
        assert "777888" in second
        assert "55120934" not in second
        assert "blue lamp" in second
        assert second.count("Facts:") == second.count("Decisions:") == 1


def test_ten_folds_do_not_make_it_grow_without_end():
    """A summary that is folded again and again keeps early facts and stays below the words it replaces."""
    text = summary(TALK)
    for number in range(10):
        text = summary(
            f"earlier summary: {text}\nuser: The parcel number {number} weighs {number + 2} kg.\nassistant: Noted."
        )
    assert "My account number is 55120934" in text
    assert len(text.split()) < 200


def test_questions_are_answered_from_a_summary():
    """A kept fact of a summary can be recalled, and a dropped one is gone."""
    turns = [f"[Conversation summary: {answer(INSTRUCTION + TALK).content[0]['text']}]", "Understood."]
    assert said(*turns, "What is my account number?") == "Your account number is 55120934."
    assert "shipped" in said(*turns, "What is the status of order 889?")
    assert said(*turns, "What is my name?") == NOT_HERE


def test_the_messages_themselves_can_be_summarized():
    """`Summarize our conversation so far` condenses the request's own messages and names them as grounds."""
    turns = ["My account number is 55120934.", "Noted.", "Hello again!", "Hello.", "Summarize our conversation so far."]
    given = answer(*turns)
    assert words_of(given) == "[simulated] Facts:\n- My account number is 55120934."
    assert [ground.message for ground in given.grounds] == [0]


@pytest.mark.parametrize(
    "text",
    [
        "Summarize Hamlet for me.",
        "What is summarization?",
        "I wrote a summary of the conversation.",
        "Condense milk, then add sugar.",
    ],
)
def test_other_talk_of_summaries_is_no_summary(text):
    """Only a request to condense this conversation is one."""
    assert "Facts:" not in said("My account number is 55120934.", "Noted.", text)


def test_a_long_message_to_a_summarizer_is_no_request_for_a_summary():
    """A system prompt that speaks of summaries does not make one of talk that asks for none and holds no transcript."""
    talk = "My parcel was sent on Monday by the red van, and nobody at the depot has seen it since that day."
    assert "55120934" not in said("My account number is 55120934.", "Noted.", talk, system="You summarize our calls.")


def test_transcripts_are_read_in_every_common_form():
    """Pasted content blocks, other names for the roles, and messages with blocks all give the same turns."""
    pasted = "Summarize:\nHuman: [{'type': 'tool_result', 'tool_use_id': 'a', 'content': 'It rains.'}]\nClaude: Well."
    assert of_prompt(pasted).turns == (Turn("tool", "It rains."), Turn("assistant", "Well."))
    block = {"type": "tool_result", "tool_use_id": "a", "content": "It rains."}
    assert of_messages([{"role": "user", "content": [block]}]) == (Turn("tool", "It rains.", 0),)


def test_a_lesson_is_kept_as_its_topic():
    """A tutoring chat is condensed to what it was about."""
    from offline_words import conversation

    questions = ["What is a list?", "How do I sort a list?"]
    told = conversation(*questions, system="Answer in one sentence.")
    talk = "\n".join(f"user: {q}\nassistant: {a}" for q, a in zip(questions, told, strict=True))
    assert summary(talk).startswith("Topics:\n- lists\n- sorting a list")


def test_a_sentence_that_begins_with_no_keeps_it():
    """`No deliveries` forbids; `No, ...` only opens a sentence."""
    text = summary("user: No deliveries on Sunday, please.\nassistant: Noted.\nuser: No, my address is 4 Harbour Lane.")
    assert "No deliveries on Sunday" in text
    assert "- My address is 4 Harbour Lane" in text
