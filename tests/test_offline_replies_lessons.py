"""The short lessons: the topics of a tutoring chat, at the length asked for, and follow-ups that need the history."""

import ctok
import pytest
from offline_words import conversation, said

from labkit.offline.words.cards import lessons
from labkit.offline.words.statements import NOT_HERE

CONCISE = "You are a tutor. Answer in one sentence."
TOPICS = [
    ("What is Python?", "programming language"),
    ("What are variables?", "equals sign"),
    ("Explain loops to me.", "for item in items"),
    ("What are functions?", "def area"),
    ("Explain classes.", "class Account"),
    ("What is inheritance?", "class Dog(Animal)"),
    ("What's a list in Python?", "shopping"),
    ("How can I sort a list?", "sorted("),
    ("How do I add something to a list?", "append"),
    ("How do I remove an item from a list?", "remove(x)"),
    ("And what are list comprehensions?", "upper()"),
    ("How does filtering work in a comprehension?", "% 2 == 0"),
    ("What is the difference between a dictionary and a list?", "ages["),
    ("What are dictionaries?", "phone book"),
    ("What are sets for?", "occurs twice"),
    ("When would I use a tuple?", "coordinates"),
    ("What is a token?", "chunk of text"),
    ("What is the context window?", "one request"),
    ("What does stateless mean?", "no session"),
    ("Help me build a REST API with FastAPI.", "@app.get"),
]


@pytest.mark.parametrize(("question", "gist"), TOPICS)
def test_a_topic_is_answered_at_the_length_asked_for(question, gist):
    """One sentence, two sentences or a paragraph: as the system prompt says, each longer than the one before."""
    one = said(question, system="Answer in 1 sentence.")
    two = said(question, system="You are concise. Answer in 1-2 sentences.")
    full = said(question)
    assert gist in one
    assert two.startswith(one)
    assert full.startswith(two)
    assert len(one) < len(two) <= len(full)


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.id)
def test_lessons_keep_their_lengths(lesson):
    """A lesson's first part is one sentence of 40 to 110 tokens, its second one of 15 to 45 (an estimate, by ctok)."""
    assert 40 <= ctok.token_count(lesson.one) <= 110
    assert 15 <= ctok.token_count(lesson.two) <= 45
    for part in (lesson.one, lesson.two):
        assert part.endswith(".")
        assert ". " not in part.replace("e.g. ", "")


def test_every_lesson_can_be_reached():
    """Each lesson is the answer to some question: its title asked for, or a follow-up on its topic."""
    reached = {lesson.id for lesson in lessons() if lesson.one in said(f"Explain {lesson.title}.")}
    follow = {"example.comprehension"}
    assert {lesson.id for lesson in lessons()} - reached <= follow
    assert "prices" in conversation("What is a list comprehension?", "Show me an example.", system=CONCISE)[-1]


def test_six_short_answers_fill_five_hundred_tokens():
    """Six turns of one-sentence answers grow the sixth request to 500 tokens or more (by ctok, an estimate)."""
    questions = ["What is a Python list?", "How do I sort one?", "What about list comprehensions?"]
    questions += ["How do dictionaries differ from lists?", "What are sets?", "When should I use tuples?"]
    answers = conversation(*questions, system="Answer in 1 sentence.")
    sent = [*questions, *(f"[simulated] {answer}" for answer in answers[:-1])]
    assert sum(map(ctok.token_count, sent)) > 500


def test_a_follow_up_needs_the_earlier_message():
    """`it` means the list that was spoken of; without that message nobody can know."""
    told = conversation("What is a list in Python?", "How do I add an item to it?", "What about removing items?")
    assert "append" in told[1]
    assert "items.pop(2)" in told[2]
    assert said("How do I add an item to it?").startswith('I don\'t know what "it" refers to')
    assert said("What about removing items?").startswith("I don't know what")
    assert said("Show me an example with filtering.").startswith("I don't know what")


def test_a_follow_up_follows_the_topic():
    """The same follow-up is answered differently after another topic, and the latest topic counts."""
    adding = "How do I add something to it?"
    assert "items.append" in conversation("What is a list?", adding)[-1]
    assert "seen.add" in conversation("What is a set?", adding)[-1]
    assert 'ages["mira"] = 31' in conversation("What is a list?", "What is a dictionary?", adding)[-1]


def test_a_follow_up_survives_in_a_summary():
    """A summary that names the topic is enough for the follow-up."""
    summary = "[Conversation summary: Topics:\n- lists]"
    assert "items.append" in said(summary, "Understood.", "How do I add an item to it?")


def test_examples_and_more_are_given_on_the_latest_topic():
    """An example is the lesson's code, and more is what the short answer left out."""
    asked = conversation("What is a class?", "Can you show me an example?", system=CONCISE)
    assert asked[1].startswith("```python\nclass Account:")
    more = conversation("What is a class?", "Tell me more about it.", system=CONCISE)[1]
    assert "methods" in more


def test_what_was_taught_is_discussed_and_is_no_fact():
    """Lessons show up as topics; their sentences do not answer questions about the user's own affairs."""
    history = ["What is a list?", "How do I sort a list?", "What did we discuss?"]
    assert conversation(*history)[-1] == "In what I was sent we talked about lists; sorting a list."
    assert conversation("What is a dictionary?", "How old is Mira?")[-1] == NOT_HERE


@pytest.mark.parametrize(
    "question",
    [
        "What is on my list?",
        "Which class am I in?",
        "When does the class start?",
        "What was the function of the button?",
    ],
)
def test_somebodys_own_affairs_are_no_lesson(question):
    """A question about a class that somebody attends gets no lecture on classes."""
    assert said(question) == NOT_HERE


def test_work_beyond_recall_is_declined():
    """A task beyond the simulation gets a reply that says so."""
    for question in ("Write a poem about rain.", "Can you translate this into French?"):
        assert "beyond me" in said(question)
