"""The offline Claude's replies: only from the request, the same bytes every time, labelled, with their grounds."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_words import answer, conversation, dialogue, said, words_of
from recall_report import SETS, STORED, answers, measure

from labkit.offline.words.reply import Ground, reply
from labkit.offline.words.statements import NOT_HERE, SYSTEM, evidence
from labkit.offline.words.stems import stem

ROOT = Path(__file__).resolve().parent.parent
BLOCKS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.one_of(
            st.builds(lambda text: {"type": "text", "text": text}, st.text(max_size=60)),
            st.builds(
                lambda value: {"type": "tool_result", "tool_use_id": "toolu_1", "content": json.dumps(value)},
                st.recursive(
                    st.none() | st.booleans() | st.integers() | st.text(alphabet="abc 12-", max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                    max_leaves=6,
                ),
            ),
            st.just({"type": "tool_result", "tool_use_id": "toolu_1"}),
            st.just({"type": "thinking", "thinking": "My PIN is 1234.", "signature": "x"}),
            st.just({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}),
        ),
        max_size=3,
    ),
)
SAID = st.sampled_from(
    ["My account number is 4471.", "What is my account number?", "How do I add an item to it?", "Thanks!", "Order 9?"]
)
MESSAGES = st.lists(
    st.builds(
        lambda role, content: {"role": role, "content": content},
        st.sampled_from(["user", "assistant", "system"]),
        st.one_of(SAID, BLOCKS),
    ),
    min_size=1,
    max_size=6,
)


@given(messages=MESSAGES, system=st.none() | st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_conversation_gets_a_labelled_reply_of_json(messages, system):
    """The reply is one labelled text block that fits into JSON for any words, and asking again changes nothing."""
    request = {"messages": messages} | ({"system": system} if system is not None else {})
    given = reply(request)
    assert given == reply(json.loads(json.dumps(request)))
    assert [block["type"] for block in given.content] == ["text"]
    assert given.content[0]["text"].startswith("[simulated] ")
    assert given.stop_reason == "end_turn"
    json.dumps(given.content)


@given(messages=MESSAGES)
@settings(max_examples=150, deadline=None)
def test_grounds_are_the_requests_own(messages):
    """Every ground names a message of the request and quotes it."""
    for ground in reply({"messages": messages}).grounds:
        assert ground.message == SYSTEM or 0 <= ground.message < len(messages)
        held = json.dumps(messages[ground.message]["content"], ensure_ascii=False).replace("\\", "")
        assert ground.text.replace("\\", "").split()[-1] in held


FACTS = [
    ("My account number is 55120934.", "What is my account number?", "55120934"),
    ("The deadline is 4 May.", "What is the deadline?", "4 May"),
    ("My name is Imogen.", "What is my name?", "Imogen"),
    ("We chose SQLite for the notes.", "Which database did we choose?", "SQLite"),
    ("My budget is 700 euros.", "What is my budget?", "700 euros"),
    ("I live in Antwerp.", "Where do I live?", "Antwerp"),
    ("I'm allergic to peanuts.", "What am I allergic to?", "peanuts"),
    ("My order number is A-7712.", "What is my order number?", "A-7712"),
    ("My e-mail is im@example.org.", "What is my e-mail?", "im@example.org"),
    ("I am on the Silver plan.", "Which plan am I on?", "Silver"),
    ("I work as a florist.", "What is my job?", "florist"),
    ("My ticket number is T-90.", "What is my ticket number?", "T-90"),
    ("We are flying to Oslo in June.", "Where are we flying?", "Oslo"),
    ("I prefer short answers.", "How do I like my answers?", "short answers"),
]


@pytest.mark.parametrize(("fact", "question", "value"), FACTS)
def test_a_scripted_fact_is_known_while_it_is_sent_and_gone_when_it_is_not(fact, question, value):
    """The same question is answered with the message that holds the fact and refused without it."""
    told = answer(fact, "Noted.", "Let us talk of something else.", "Noted.", question)
    assert value in words_of(told)
    assert Ground(0, fact) in told.grounds
    assert said("Let us talk of something else.", "Noted.", question) == NOT_HERE


@pytest.mark.parametrize("fact", [fact for fact, _, _ in FACTS])
def test_an_acknowledgement_does_not_repeat_the_fact(fact):
    """A fact lives in the user's message alone, so that pruning that message makes it vanish."""
    assert said(fact) == "Noted."


@pytest.mark.parametrize(("fact", "question", "value"), FACTS)
def test_a_fact_is_found_in_the_system_prompt_and_in_a_block_of_facts(fact, question, value):
    """Facts pinned at the start, in the system prompt or as a first message, are answered from there."""
    told = answer("Hello", "Hello.", question, system=f"You are a helpful assistant.\n{fact}")
    assert value in words_of(told)
    assert told.grounds[0].message == SYSTEM
    assert value in said(f"[Conversation summary: Facts:\n- {fact}]", "Understood.", question)


@pytest.mark.parametrize(
    ("turns", "latest", "earlier"),
    [
        (("My budget is 700 euros.", "My budget is 900 euros now.", "What is my budget?"), "900", "700"),
        (("The deadline is 4 May.", "The deadline is now 9 May.", "What is the deadline?"), "9 May", "4 May"),
        (("The desk is oak.", "Actually, the desk is pine.", "What is the desk made of?"), "pine", "oak"),
    ],
)
def test_the_later_statement_wins(turns, latest, earlier):
    """A fact that was changed is answered as it is now; without the change, as it was."""
    before, after, question = turns
    assert latest in said(before, "Noted.", after, "Noted.", question)
    assert earlier not in said(before, "Noted.", after, "Noted.", question)
    assert earlier in said(before, "Noted.", question)


def test_questions_refusals_and_the_label_are_no_evidence():
    """An earlier question or refusal does not turn into an answer."""
    turns = ["Is my cat called Minka?", f"[simulated] {NOT_HERE}", "What is my cat called?"]
    assert said(*turns) == NOT_HERE
    assert said("What is simulated?") == NOT_HERE


def test_an_answer_of_the_assistant_is_evidence_too():
    """A fact that was repeated lives in two messages: pruning the user's alone does not make it vanish."""
    question = "What is my account number?"
    first = said("My account number is 55120934.", "Noted.", question)
    assert "55120934" in said("Something else.", f"[simulated] {first}", question)


def test_nothing_is_known_from_outside():
    """Facts of the world that were not said are refused like any other."""
    for question in ("What is the capital of Peru?", "Who painted the Mona Lisa?", "How many moons does Jupiter have?"):
        assert said(question) == NOT_HERE


def test_several_questions_are_answered_each():
    """Two questions in one message get both answers, and an unknown one its refusal."""
    told = said("My name is Imogen.", "Noted.", "What is my name and what is my budget?")
    assert told == f"Your name is Imogen. {NOT_HERE}"


def test_a_statement_before_a_question_counts():
    """A sentence that states something and then asks is evidence for later questions."""
    told = said("My order number is 48213, where is it?", "Noted.", "What is my order number?")
    assert told == "Your order number is 48213."


def test_small_talk_is_answered_as_small_talk():
    """Greetings and thanks get their like, and no fact is looked for."""
    assert said("Hello!") == "Hello. How can I help?"
    assert said("Thanks a lot!") == "You're welcome."
    assert "simulation" in said("Are you a real person?")


def test_questions_about_the_request_are_answered_from_it():
    """The number of messages, the first question, the topics: all from the request."""
    turns = ["What is a list?", "An ordered container.", "My cat is called Minka.", "Noted."]
    assert "5 messages, 3 of them yours" in said(*turns, "How many messages do you see?")
    assert '"What is a list?"' in said(*turns, "What was my first question?")
    assert '"My cat is called Minka."' in said(*turns[2:], "What was my first message?")
    assert "Minka" in said(*turns, "What did we discuss?")
    assert "Your cat is called Minka" in said(*turns, "What do you know about me?")
    assert "4 earlier messages" in said(*turns, "Do you remember me?")
    assert "nothing before" in said("What did we discuss?")
    assert answer(*turns, "What did we discuss?").grounds == (Ground(0, turns[0]), Ground(2, turns[2]))


ABOUT = {
    "How many messages do you see?": "This request carries 7 messages, 4 of them yours; I see no others.",
    "What was my first question?": 'The first thing you asked in what I was sent is: "What is a list?"',
    "What was my last question?": 'Just before this you wrote: "I have two cats."',
    "What was your last answer?": 'My last answer was: "Noted, two."',
    "Where were we?": 'We were last at "I have two cats.".',
    "What did we discuss?": (
        'In what I was sent we talked about "My name is Ines and I live here."; "What is a list?"; "I have two cats.".'
    ),
    "What do you know about me?": "From what I was sent: Your name is Ines and you live here. You have two cats.",
    "Do you remember me?": (
        "I keep nothing between requests: all I have is what this one carries, and that is 6 earlier messages."
    ),
}


@pytest.mark.parametrize("question", ABOUT)
def test_what_is_said_of_a_request(question):
    """Every question about the request itself has one answer; asked first, it finds nothing before it."""
    turns = ["My name is Ines and I live here.", "Noted.", "What is a list?", "An order.", "I have two cats."]
    assert said(*turns, "Noted, two.", question) == ABOUT[question]
    assert re.search(r"\b(?:nothing|no|1 message)\b", said(question))


def test_long_texts_and_many_topics_are_shortened():
    """A quotation has at most 200 characters, a list its newest eight, and the number of the others."""
    assert f'"{"x" * 200}"' in said("x" * 200, "Noted.", "What was my last question?")
    assert f'"{"x" * 197}..."' in said("x" * 201, "Noted.", "What was my last question?")
    for many, rest in ((8, ""), (11, " and 3 earlier points")):
        turns = [text for at in range(many) for text in (f"I own house number {at} here.", "Noted.")]
        told = said(*turns, "What did we discuss?")
        assert told.count("house number") == 8
        assert told.endswith(f'"I own house number {many - 1} here."{rest}.')
        assert said(*turns, "What do you know about me?").count("house number") == 8


def test_pruning_the_start_changes_what_was_first():
    """A window that has moved on has another first question: nothing but the request counts."""
    questions = ["What is a set?", "What is a tuple?"]
    assert "a set" in conversation(*questions, "What was my first question?")[-1]
    assert "a tuple" in said(questions[1], "A fixed group.", "What was my first question?")


def test_the_same_request_gives_the_same_bytes_in_every_process():
    """Neither the process nor its hash seed shows in a reply."""
    program = (
        "import json, sys\nsys.path[:0] = ['tests', 'tests/measure']\nfrom dataclasses import asdict\n"
        "from labkit.offline.words.reply import reply\nfrom recall_report import read, said\n"
        "facts = read('dev')['fact']\n"
        "messages = [m for i, f in enumerate(facts[:40]) for m in said(f, i)[1]]\n"
        "transcript = chr(10).join(f\"{m['role']}: {m['content']}\" for m in messages)\n"
        "asked = [f['ask'] for f in facts[:40]]\n"
        "asked += ['What did we discuss?', 'Summarize this conversation.\\n' + transcript]\n"
        "tools = [{'name': 'get_weather', 'description': 'Weather in a city', 'input_schema': {'type': 'object',"
        " 'properties': {'city': {'type': 'string'}, 'unit': {'enum': ['c', 'f']}}, 'required': ['city']}}]\n"
        "asked.append('Weather in Rome and Oslo please')\n"
        "print(json.dumps([asdict(reply({'messages': [*messages, {'role': 'user', 'content': q}], 'tools': tools}))"
        " for q in asked]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(outputs) == 1
    assert len(json.loads(outputs.pop())) == 43


@given(st.lists(st.sampled_from(FACTS), min_size=2, max_size=4, unique=True))
@settings(max_examples=40, deadline=None)
def test_no_session_hears_of_another(facts):
    """Sessions that take turns are each answered from their own words, in spite of all that is cached."""
    for told, _, value in facts:
        for other, question, _ in facts:
            text = said(told, "Noted.", question)
            assert (value in text) == (told == other)


def test_a_thousand_messages_are_read_once():
    """Sentences are analysed once, so that a long history costs little of its first processor time on later turns."""
    messages = dialogue(*(f"Note {i}: the weather was dull and nothing much came of it." for i in range(1000)))
    messages.append({"role": "user", "content": "What is my account number?"})

    def seconds():
        start = time.process_time()
        reply({"messages": messages})
        return time.process_time() - start

    first = seconds()
    assert min(seconds() for _ in range(3)) < first / 2


@pytest.mark.parametrize("piece", ["x", "a-", "my is ", "(", "/a", "user: ", "1,", "[{"])
def test_no_text_makes_it_hang(piece):
    """Patterns meet texts of a bounded length only: four times the text takes far less than sixteen times as long."""

    def seconds(characters):
        text = piece * (characters // len(piece)) + "?"
        start = time.process_time()
        reply({"messages": dialogue(text, "Noted.", f"Summarize this conversation. {text}")})
        reply({"messages": dialogue(text, "Noted.", "What is the path?")})
        return time.process_time() - start

    seconds(1_000)
    assert seconds(300_000) < 10 * max(seconds(75_000), 0.05)


def test_evidence_holds_leaves_of_json_results_with_their_record():
    """A tool result in JSON is taken apart into named values that know their record."""
    use = [{"type": "tool_use", "id": "toolu_1", "name": "get_order", "input": {"order_id": "889"}}]
    result = [{"type": "tool_result", "tool_use_id": "toolu_1", "content": '{"status": "shipped", "boxes": 2}'}]
    found = evidence({"messages": dialogue("Check order 889.", use, result)})
    assert [(e.role, e.unit.text) for e in found[1:]] == [("tool", "status: shipped"), ("tool", "boxes: 2")]
    turns = ["Check order 889.", use, result, "Done."]
    assert said(*turns, "What is the status of order 889?") == "The status is shipped."
    assert said(*turns, "What is the status of order 898?") == NOT_HERE


@pytest.mark.parametrize(
    ("name", "goals"),
    [
        ("dev", {"a": 0.95, "b": 0.94, "c": 0.97, "c2": 1.0, "d": 0.97}),
        ("dev_2", {"a": 0.95, "b": 0.95, "c": 0.97, "c2": 1.0, "d": 0.95}),
        ("heldout", {"a": 0.85, "b": 0.85, "c": 0.90, "c2": 1.0, "d": 0.90}),
    ],
)
def test_recall_is_as_good_as_it_was(name, goals):
    """The shares of the table that `python tests/recall_report.py` prints do not fall below what has been reached."""
    reached = {line: count / total for line, (count, total) in measure(name).items()}
    assert {line: share for line, share in reached.items() if share < goals[line]} == {}


@pytest.mark.parametrize("name", SETS)
def test_no_answer_changes_unnoticed(name):
    """Every answer is the stored one, word for word: `python tests/recall_report.py --store` stores others."""
    stored = [line for line in STORED.read_text("utf-8").splitlines() if line.startswith(f"{name} ")]
    assert answers(name) == stored


@pytest.mark.parametrize(
    ("words", "root"),
    [
        (["ships", "shipped", "shipping"], "ship"), (["boxes"], "box"), (["parties"], "party"), (["hoped"], "hope"),
        (["quickly"], "quick"), (["gas"], "gas"), (["ab12s"], "ab12s"), (["bring"], "bring"), (["glass"], "glass"),
    ],
)  # fmt: skip
def test_inflections_share_a_stem(words, root):
    """Endings go; short words and what is no word stay as they are."""
    stem.cache_clear()
    assert [stem(word) for word in words] == [root] * len(words)
