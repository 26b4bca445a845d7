"""Keys that can be computed are computed here, each in another way than the one that made it.

By a manager's requests, by the offline Claude's own answer, or by hand: BY_OTHER_MEANS and PROOFS say which question is
proven how, and whoever adds a question with a computed key adds to them.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

import anthropic
import pytest

from labkit import ConversationManager, History, KeepRecent, OfflineClaude, assistant, claude, user
from labkit.budgets import Overflow, classify
from labkit.costs import total_cost
from labkit.manager import SlidingWindowManager, SmartConversationManager
from labkit.messages import Message
from labkit.models import DEFAULT_MODEL, find
from labkit.steps.pruning import Pin, Prune
from labkit.strategies import apply
from labkit.teach.lessons.race import TURNS
from labkit.teach.questions.entries import question_from
from labkit.teach.questions.files import entries
from labkit.teach.questions.kinds import Marked, Number, Ordered, Question
from labkit.teach.questions.numbers import combinations

REQUEST = {"model": DEFAULT_MODEL, "max_tokens": 100}


def key(question: Question) -> Any:
    """The key as it is: a number, or the texts of the right options."""
    if isinstance(question, Number):
        return question.answer
    return {option.text for option in question.options if option.right}


def answer_to(messages: Sequence[Mapping[str, Any]], **request: Any) -> str:
    """The offline Claude's verdict on messages: a stop_reason, or the status of its refusal."""
    try:
        return str(claude().messages.create(**{**REQUEST, **request}, messages=list(messages)).stop_reason)
    except anthropic.APIStatusError as error:
        return str(error.status_code)


def counts(manager: Callable[..., ConversationManager], turns: int) -> list[int]:
    """The number of messages that each request of a manager carried, over so many turns."""
    talk = manager(client=claude(log=(log := [])), max_tokens=50)
    for turn in range(turns):
        talk.send(f"This is number {turn}.")
    return [len(sent.messages) for sent in log]


# By hand, or by the requests of a manager: what labkit.teach.questions.numbers works out.


def first_missing(size: int) -> int:
    """The first turn whose request does not carry the first message."""
    talk = SlidingWindowManager(size, client=claude(log=(log := [])), max_tokens=50)
    for turn in range(size + 1):
        talk.send(f"This is number {turn}.")
    return next(turn for turn, sent in enumerate(log, 1) if sent.messages[0]["content"] != "This is number 0.")


def summarized(turns: int, keep: int) -> int:
    """The messages of the request behind a summary, by a manager that is made to summarize once."""
    past = [m for n in range(turns) for m in (user(f"{n}: " + "words " * 9), assistant("yes, " * 9))]
    settings = {"token_threshold": 1, "recent_turns_to_keep": keep, "max_tokens": 400}
    talk = SmartConversationManager(client=claude(log=(log := [])), messages=past[:-2], **settings)
    talk.send(past[-2].content)
    assert len(talk.summary_history) == 1
    talk.send("And now?")
    return len(next(sent for sent in log if sent.messages[-1]["content"] == "And now?").messages)


def rewound(done: int, back: int) -> int:
    """The messages of a request after going back, by a conversation taken up again."""
    talk = ConversationManager(client=claude(log=(log := [])), max_tokens=50)
    values = []
    for turn in range(done):
        talk.send(f"This is number {turn}.")
        values.append(talk.conversation)
    talk.conversation = values[back - 1]
    talk.send("Another way?")
    return len(log[-1].messages)


def dollars(tokens: int, model: str) -> float:
    """Cents for a prompt that is read from the cache, at a tenth of the price of input."""
    return tokens * find(model).prices.input / 10 / 1_000_000 * 100


BY_OTHER_MEANS: Mapping[str, Callable[..., float]] = {
    "carried": lambda turns: counts(ConversationManager, turns + 1)[-1],
    "dollars": dollars,
    "every_turn": lambda system, turns: system * turns,
    "gone": first_missing,
    "growth": lambda first, second, third: third - second,
    "paid_back": lambda calls, saves: ceil(calls / saves),
    "rewound": rewound,
    "room": lambda window, system, message, reply, used, tools=0: window - system - message - reply - used - tools,
    "shared": lambda window: window * 50 / 100,
    "summarized": summarized,
    "totals": lambda first, second, third, reply: first + second + third,
    "true_input": lambda fresh, read, written: fresh + read + written,
    "window": lambda size: counts(lambda **more: SlidingWindowManager(size, **more), 2 * size)[-1],
}


@pytest.mark.parametrize("entry", [e for e in entries().values() if "compute" in e], ids=lambda e: e["id"])
def test_a_computed_number_is_the_number(entry: dict[str, Any]) -> None:
    """For every combination that can be drawn, what labkit works out is what another way comes to."""
    known: dict[str, float] = {}
    for values in combinations(entry["draw"]):
        expected = known.setdefault(str(values), BY_OTHER_MEANS[entry["compute"]](**values))
        assert key(question_from(entry, values=values)) == pytest.approx(expected)


@pytest.mark.parametrize("entry", [e for e in entries().values() if "step" in e], ids=lambda e: e["id"])
def test_marked_messages_are_those_that_the_request_does_not_carry(entry: dict[str, Any]) -> None:
    """A manager with these steps takes the conversation up: its request lacks what is marked and nothing else, and the
    API takes it.
    """
    for values in combinations(entry.get("draw", {})):
        question = question_from(entry, values=values)
        assert isinstance(question, Marked)
        talk = ConversationManager(client=claude(), messages=question.history, steps=question.steps, max_tokens=50)
        request = talk.next_request()
        assert answer_to(request["messages"]) == "end_turn"
        missing = [message.wire() not in request["messages"] for message in question.history]
        assert missing == [option.right for option in question.options]


# By the offline Claude's own answer, or by a run: the texts of the right options.


def refused(question: Question) -> set[str]:
    """The options whose arrays are refused."""
    return {option.text for option in question.options if answer_to(option.array).startswith("4")}


def _not_sent(_: Question) -> set[str]:
    alone = claude().messages.create(**REQUEST, messages=[user("What is my account number?").wire()])
    assert "don't have that" in alone.content[0].text
    return {"Claude answers as if nothing had been said before"}


def _carried_after_two(_: Question) -> set[str]:
    assert counts(ConversationManager, 3)[-1] == 5
    return {"All four messages so far, word for word, and the third question"}


def _without_key(_: Question) -> set[str]:
    keyless = claude()
    keyless.api_key = None
    with pytest.raises(TypeError, match="Could not resolve authentication method"):
        keyless.messages.create(**REQUEST, messages=[user("Hello").wire()])
    return {"There is no key"}


def _last_role(_: Question) -> set[str]:
    hello, hi = user("Hello").wire(), assistant("Hi").wire()
    arrays = {
        "Messages that open with the assistant": [hi, hello],
        "Two user messages in a row": [hello, hello],
        "Messages that end with the assistant": [hello, hi],
    }
    return {text for text, array in arrays.items() if answer_to(array) == "400"}


def _described_arrays(_: Question) -> set[str]:
    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"}
    arrays = {
        "user with a tool_result, and nothing before it": [user([result])],
        "assistant, user": [assistant("Hi"), user("Hello")],
        "user, assistant with a tool_use, user with text": [user("Rain?"), assistant([call]), user("Well?")],
        "user, user": [user("Hello"), user("Hello?")],
    }
    return {text for text, array in arrays.items() if answer_to([m.wire() for m in array]) == "400"}


def _extra_key(_: Question) -> set[str]:
    assert answer_to([user("Hello").wire() | {"importance": 0.9}]) == "400"
    assert Message("user", "Hello", importance=0.9).wire() == user("Hello").wire()
    return {"Beside the wire format, on your side"}


def _pins_outrank(_: Question) -> set[str]:
    talk = History([m for n in range(3) for m in (user(f"result {n}"), assistant("noted"))] + [user("now?")])
    steps = (Pin(lambda message: message.text.startswith("result")), Prune(1))
    assert len(apply(steps, talk)) == len(talk)
    return {"All the pinned results, and so far more than 300 tokens"}


def _never_prunes(_: Question) -> set[str]:
    talk = ConversationManager(
        client=claude(log=(log := [])), cache=True, max_tokens=50, system_prompt="Be kind. " * 800
    )
    for turn in range(3):
        talk.send(f"This is number {turn}.")
    assert all(sent.usage.input_tokens < 100 < 1_000 < sent.usage.total_input for sent in log)
    return {"It never prunes again"}


def _a_third_more(_: Question) -> set[str]:
    words = [user("The history of the lighthouse is older than the village. " * 40).wire()]
    older, newer = (claude().messages.count_tokens(model=model, messages=words).input_tokens
                    for model in ("claude-sonnet-4-6", "claude-sonnet-5-5"))  # fmt: skip
    assert 1.15 < newer / older < 1.5
    return {"They grow by something like a third"}


def _thought_without_an_answer(_: Question) -> set[str]:
    ask = {"model": "claude-opus-5", "messages": [user("What is a list?").wire()]}
    short, long = (claude().messages.create(**ask, max_tokens=room) for room in (30, 1_000))
    assert [block.type for block in short.content] == ["thinking"]
    assert short.stop_reason == "max_tokens"
    assert short.usage.output_tokens == 30
    assert [block.type for block in long.content] == ["thinking", "text"]
    return {"It thought until max_tokens was spent", "The same request with more room has a text"}


def _without_the_cache(_: Question) -> set[str]:
    """The changes after which the bill of a cached conversation has no token that was read."""
    long, added = [user("My shelf is teal. " * 400).wire()], [assistant("Noted.").wire(), user("And now?").wire()]
    ask = {"model": "claude-opus-5", "max_tokens": 50, "cache_control": {"type": "ephemeral"}, "system": "Be kind."}
    older = [user("Hello.").wire(), assistant("Hello.").wire()]
    changes: Mapping[str, Mapping[str, Any]] = {
        "Today's date is put into the system prompt": {"system": "Be kind. It is 8 May."},
        "A question is appended at the end": {"messages": [*older, *long, *added]},
        "The oldest turn is dropped": {"messages": long},
        "Ten minutes pass, with an entry that lives five": {},
        "The effort of the request is set to low": {"output_config": {"effort": "low"}},
        "The conversation goes on with another model": {"model": "claude-sonnet-5"},
    }
    missed = set()
    for name, change in changes.items():
        far = OfflineClaude()
        far.client().messages.create(**ask, messages=[*older, *long])
        far.clock.advance(600 if "minutes" in name else 0)
        if (
            not far.client()
            .messages.create(**{**ask, "messages": [*older, *long], **change})
            .usage.cache_read_input_tokens
        ):
            missed.add(name)
    return missed


def _worth_one_more_try(question: Question) -> set[str]:
    """The outcomes after which labkit would prune: provoked, and classified."""
    far = OfflineClaude(windows={DEFAULT_MODEL: 2_000})
    long = [user("Tell me all about lists. " + "word " * 2_500).wire()]
    near = [user("Tell me all about lists. " + "word " * 1_850).wire()]
    outcomes: dict[str, Any] = {}
    try:
        far.client().messages.create(**REQUEST, messages=long)
    except anthropic.BadRequestError as error:
        outcomes["400, prompt is too long"] = error
    ended = far.client().messages.create(model=DEFAULT_MODEL, max_tokens=1_000, messages=near)
    outcomes[f"stop_reason {ended.stop_reason}"] = ended
    try:
        claude(api_key="wrong-key").messages.create(**REQUEST, messages=[user("Hello").wire()])
    except anthropic.AuthenticationError as error:
        outcomes["401, invalid x-api-key"] = error
    cut = claude().messages.create(model=DEFAULT_MODEL, max_tokens=3, messages=[user("What is a list?").wire()])
    outcomes[f"stop_reason {cut.stop_reason}"] = cut
    assert {option.text for option in question.options} == set(outcomes)
    return {text for text, came in outcomes.items() if classify(came) is not Overflow.OTHER}


def _more_than_the_window_together(_: Question) -> set[str]:
    small = OfflineClaude(windows={DEFAULT_MODEL: 2_000}).client()
    near = [user("Tell me all about lists. " + "word " * 1_850).wire()]
    reply = small.messages.create(model=DEFAULT_MODEL, max_tokens=4_096, messages=near)
    assert reply.stop_reason == "model_context_window_exceeded"
    return {"It takes it; the reply may end with model_context_window_exceeded"}


def _sent_on_a_branch(question: Question) -> set[str]:
    talk = ConversationManager(client=claude(log=(log := [])), max_tokens=50)
    for turn in range(12):
        talk.send(f"This is number {turn}.")
    talk.conversation = talk.conversation.rewind(5)
    talk.send("What was the last number?")
    return {option.text for option in question.options if f"{len(log[-1].messages)} messages" in option.text}


def _after_a_failure(_: Question) -> set[str]:
    far = OfflineClaude()
    talk = ConversationManager(client=far.client(max_retries=0), max_tokens=50)
    talk.send("Remember the number 7.")
    before = talk.get_messages()
    far.faults.add(529)
    with pytest.raises(anthropic.APIStatusError):
        talk.send("Which number?")
    assert talk.get_messages() == before
    return {"The question that got no reply is not in its messages", "Everything that was said before is still there"}


def _moving_window_and_cache(_: Question) -> set[str]:
    bills = {}
    for low in (None, 10):
        steps = (KeepRecent(40, low=low),)
        talk = ConversationManager(client=claude(log=(log := [])), cache=True, max_tokens=600, steps=steps)
        for words in TURNS:
            talk.send(words)
        bills[low] = total_cost(sent.usage for sent in log).dollars
    assert bills[10] < bills[None] / 1.5
    return {"Cut rarely and deeply: let it grow to a high mark, then cut to a low one"}


PROOFS: Mapping[str, Callable[[Question], set[str]]] = {
    "01-q1": _carried_after_two,
    "01-q9": _without_key,
    "01-q11": _sent_on_a_branch,
    "02-q7": _moving_window_and_cache,
    "02-q8": _last_role,
    "03-q4": _never_prunes,
    "03-q5": _a_third_more,
    "03-q6": _worth_one_more_try,
    "03-q11": _thought_without_an_answer,
    "04-q1": _extra_key,
    "04-q3": _described_arrays,
    "04-q5": _pins_outrank,
    "07-q1": _not_sent,
    "08-q2": _without_the_cache,
    "07-q5": refused,
    "07-q14": _more_than_the_window_together,
    "07-q18": _after_a_failure,
}
"""Choices whose key is proven by a run, each with what proves it."""


@pytest.mark.parametrize("id", PROOFS)
def test_a_choice_is_right_because_it_is_so(id: str) -> None:
    """The key is what happens when it is run."""
    question = question_from(entries()[id])
    assert PROOFS[id](question) == key(question)


def test_the_order_of_strategies_is_that_of_their_bills() -> None:
    """07-q10: the three strategies, run over 50 turns, most input tokens first."""
    managers = {
        "Full history": ConversationManager,
        "Summaries above 3,000 tokens": lambda **more: SmartConversationManager(3_000, **more),
        "A window of 10 messages": lambda **more: SlidingWindowManager(10, **more),
    }
    totals = {}
    for name, kind in managers.items():
        talk = kind(client=claude(log=(log := [])), max_tokens=600)
        for words in TURNS:
            talk.send(words)
        totals[name] = sum(sent.usage.total_input for sent in log)
    question = question_from(entries()["07-q10"])
    assert [option.text for option in question.options] == sorted(totals, key=totals.__getitem__, reverse=True)


def test_the_order_of_a_tool_round_is_the_only_one_that_is_taken() -> None:
    """07-q17: of the orders in which a question opens the round and a reply closes it, the API takes one."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"place": "Bergen"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "12 degrees"}
    opened, closed, after = user("How warm is it?"), assistant("12 degrees."), user("Thank you.")
    calls, gives = assistant([call]), user([result, {"type": "text", "text": "And is it raining?"}])
    taken = [
        middle
        for middle in ((calls, gives), (gives, calls))
        if answer_to([m.wire() for m in (opened, *middle, closed, after)]) != "400"
    ]
    assert taken == [(calls, gives)]
    question = question_from(entries()["07-q17"])
    assert isinstance(question, Ordered)
    assert [option.text.split(":")[0] for option in question.options] == [m.role for m in (opened, *taken[0], closed)]


def test_the_arrays_of_old_failed_elsewhere() -> None:
    """07-q5: on a platform with the rule of old, the array that opens with the assistant is refused as well."""
    elsewhere = OfflineClaude(platform="bedrock-legacy").client()
    second = question_from(entries()["07-q5"]).options[1]
    assert second.array[0]["role"] == "assistant"
    with pytest.raises(anthropic.BadRequestError, match="first message must use"):
        elsewhere.messages.create(**REQUEST, messages=list(second.array))


def test_most_numbers_and_all_steps_are_proven() -> None:
    """Every question that labkit computes has its proof here, and a third of all questions has one in all."""
    computed = {id for id, entry in entries().items() if "compute" in entry or "step" in entry}
    assert {entry["compute"] for entry in entries().values() if "compute" in entry} <= set(BY_OTHER_MEANS)
    proven = computed | set(PROOFS) | {"07-q10", "07-q17"}
    assert proven <= set(entries())
    assert len(proven) >= len(entries()) / 3
    arrays = {id for id, entry in entries().items() for option in entry.get("option", ()) if "array" in option}
    assert arrays <= set(PROOFS)
