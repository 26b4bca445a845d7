"""Bugs that users reported of other conversation managers, as tests of ours: what is selected is a valid request.

Each test is named after the report, `project_number`, as its tracker has it (read November 2026); `own` marks what was
found by running the package named. Where it is cheap, the same test shows that the short version of tests/naive.py has
the bug. The other reports: test_peers_counts.py, test_peers_summaries.py, test_peers_kept.py.

Reports that cannot apply here, and why:

| report | reason | |---|---| | openai-agents-python#2333 | `store=False` is for an API that keeps conversations; ours
are kept here | | openai-agents-python#2727, ids | our replies name no other replies; its other half, an emptied reply,
is tested | | openai-agents-python#4163, #4202, #4987, engines | SQLAlchemy and MongoDB; what they say of SQLite is
tested | | letta-ai/letta#3279, two counters | there is one ruler for each tokenizer generation, and no second to
disagree | | mem0ai/mem0#1674, #4536, the judge | facts are added by code, not judged by a model; the lost fact is
tested | | anthropics/claude-code#61838, #83682, screens | of another program's terminal; the endless retry is tested |
"""

import pytest

from labkit import ConversationManager, KeepRecent, TokenBudget
from labkit.budgets import BudgetExceeded
from labkit.messages import History, Message, assistant, user
from labkit.steps.pruning import Prune
from labkit.strategies import apply
from labkit.summarization import Summarize
from labkit.tokens import estimator
from tests import naive
from tests.peers import CLIENT, LEGACY, agent, call, chat, refusal, result, summarizing, tool_talk

ORPHAN = "unexpected `tool_use_id`"
LONG = "the delivery to the harbour was late again and nobody called about it " * 40


def test_langchain_33245_no_window_begins_with_a_tool_result() -> None:
    """However many messages a window has, it never begins with a tool result whose call is gone."""
    history = History([user("a"), call("t1"), result("t1"), assistant("b"), user("c"), assistant("d"), user("e")])
    for size in range(1, 9):
        view = apply([KeepRecent(size)], history)
        assert refusal(view) == ""
        assert view[0].text in ("a", "c", "e")
    assert ORPHAN in refusal(naive.last(history.wire(), 5))


def test_langchain_33245_a_question_over_the_budget_is_never_dropped_in_silence() -> None:
    """The newest question alone is too large: it stays in the view, and a budget says what is too large by how much."""
    history = chat(3)[:-1].append(user(LONG))
    view = apply([KeepRecent(50, size=estimator())], history)
    assert tuple(view) == (history[-1],)
    manager = ConversationManager(client=CLIENT, budget=TokenBudget(window=500, reply=100), messages=history[:-1])
    before = manager.conversation
    with pytest.raises(BudgetExceeded, match=r"largest: message 6 \(user, [\d,]+\)"):
        manager.send(LONG)
    assert manager.conversation is before
    assert naive.that_fit(history.wire(), 50, naive.words) == []


def test_langchain_33245_one_question_with_twenty_tool_rounds_is_kept_whole() -> None:
    """An agent's loop is one exchange: no window empties it."""
    history = agent(20)
    assert len(history) == 41
    for step in (KeepRecent(5), KeepRecent(10, size=estimator()), Prune(5)):
        assert tuple(apply([step], history)) == tuple(history)
    assert refusal(history) == ""
    assert naive.from_a_question(history.wire(), 5) == []
    assert "at least one message" in refusal([])


def test_langchain_38352_no_result_of_parallel_calls_is_left_alone() -> None:
    """Two calls in two messages that the API merges: their results lose neither of them."""
    past = chat(2)[:-1]
    history = past.append(user("both?"), call("t1"), call("t2"), result("t2", "t1"))
    for size in range(1, 9):
        assert refusal(apply([KeepRecent(size)], history)) == ""
    assert f"{ORPHAN} found in `tool_result` blocks: t1" in refusal(naive.from_the_first_call(history.wire(), 1))


@pytest.mark.parametrize("keep", range(4))
def test_langchain_34282_a_summary_never_takes_the_call_of_a_kept_result(keep: int) -> None:
    """The cut of a summary lies between exchanges, wherever it is asked for."""
    history = tool_talk(4)
    view = apply([Summarize(lambda old: "all orders shipped", keep)], history)
    assert "[Conversation summary: " in view[0].text
    assert refusal(view) == ""
    assert ORPHAN in refusal(naive.summarized(history.wire(), 3, "all orders shipped"))


def test_llama_index_own_the_last_message_as_a_way_out_is_not_a_lone_result() -> None:
    """The budget holds nothing and the newest message is a tool result: its whole exchange is sent."""
    history = chat(2)[:-1].append(user("Where is 889?"), call("t1"), result("t1", said=LONG))
    view = apply([KeepRecent(20, size=estimator())], history)
    assert [message.text for message in view] == ["Where is 889?", "", ""]
    assert refusal(view) == ""
    assert ORPHAN in refusal(naive.that_fit_or_last(history.wire(), 20, lambda message: len(str(message))))


@pytest.mark.parametrize("count", [3, 2, 5, 7])
def test_semantic_kernel_12708_a_target_count_never_cuts_inside_a_tool_group(count: int) -> None:
    """A target of three messages, and others that fall inside a round of two or of four."""
    history = tool_talk(5)[:-1].append(user("all?"), call("x", "y"), result("x", "y"))
    assert refusal(apply([KeepRecent(count)], history)) == ""
    assert refusal(apply([Prune(count)], history)) == ""
    wire = tool_talk(5)[:-2].wire()
    assert ORPHAN in refusal(naive.last_as_they_are(wire, 1))


def test_semantic_kernel_12612_no_system_message_is_lost() -> None:
    """The prompt travels with every request, and a pinned instruction given on the way stays where it was given."""
    said = (user("hello"), Message("system", "Answer in Danish.", pinned=True), assistant("Hej."))
    second = (user("price?"), Message("system", "Prices in euro.", pinned=True), assistant("12 euro."))
    history = History([*said, *second, *chat(9)])
    view = apply([KeepRecent(5)], history)
    assert [m.text for m in view if m.role == "system"] == ["Answer in Danish.", "Prices in euro."]
    assert refusal(view, model="claude-opus-5") == ""
    manager = ConversationManager("You sell tickets.", "claude-opus-5", messages=history[:-1], steps=[KeepRecent(5)])
    assert manager.next_request()["system"] == "You sell tickets."
    kept = naive.first_system_and_last(history.wire(), 4)
    assert [m["content"] for m in kept if m["role"] == "system"] == ["Answer in Danish."]


def test_strands_2173_a_conversation_of_tool_rounds_alone_can_be_trimmed() -> None:
    """Every turn has a tool round: the window is still kept to, and no result inside it is touched."""
    history = tool_talk(10, said="x" * 5_000)
    view = apply([KeepRecent(9)], history)
    assert tuple(view) == tuple(history[-9:])
    assert refusal(view) == ""


def test_strands_own_a_pinned_question_keeps_its_reply() -> None:
    """Pinning questions leaves no row of questions without replies: the old platform refuses that, and it misleads."""
    history = History(Message(m.role, m.content, pinned=i in (0, 2, 4)) for i, m in enumerate(chat(8)))
    view = apply([KeepRecent(3)], history)
    assert [m.role for m in view] == ["user", "assistant"] * 3 + ["user"]
    assert refusal(view, LEGACY) == ""
    assert 'multiple "user" roles' in refusal(naive.pinned_and_last(chat(8).wire(), [0, 2, 4], 3), LEGACY)


def test_openai_agents_own_a_limit_of_two_items_does_not_split_a_pair() -> None:
    """The newest two messages of a finished tool round are a result and a reply; whole exchanges are sent instead."""
    history = tool_talk(3)[:-1]
    view = apply([KeepRecent(2)], history)
    assert tuple(view) == tuple(history[-4:])
    assert refusal(view.append(user("thanks"))) == ""
    split = [*naive.last_as_they_are(history.wire(), 2), user("thanks").wire()]
    assert ORPHAN in refusal(split)


def test_agent_framework_8441_the_only_question_is_not_dropped() -> None:
    """A window never loses the one question there is, and never begins with a reply."""
    history = agent(6).append(assistant("All shipped."))
    for size in range(1, 15):
        view = apply([KeepRecent(size)], history)
        assert view[0].text == "Check every order."
    assert refusal(view.append(user("thanks")), LEGACY) == ""
    assert "first message must use the" in refusal(naive.last_as_they_are(chat(5).wire(), 4), LEGACY)


def test_coder_22819_a_summary_is_never_all_that_is_left_beside_the_messages() -> None:
    """A summary is a pair of messages, so that a request has messages even when no turn is to be kept."""
    offline = summarizing(lambda shown: "late again")
    manager = ConversationManager(
        client=offline.client(), messages=chat(8)[:-1], token_threshold=20, recent_turns_to_keep=0
    )
    manager.send("one")
    assert manager.messages[0]["content"] == "[Conversation summary: late again]"
    manager.send("two")
    sent = [exchange.request["messages"] for exchange in offline.requests]
    assert all(sent)
    assert [m["role"] for m in sent[-2]][-1] == "user"
    assert "at least one message" in refusal([], system="Summary: late again")


@pytest.mark.parametrize("size", [1, 3, 4, 6, 9])
def test_oasis_70_what_one_platform_accepts_the_other_accepts_too(size: int) -> None:
    """User first, alternating, every result after its call: the form that no platform refuses or quietly repairs."""
    for history in (chat(6), tool_talk(6), agent(4)):
        view = apply([KeepRecent(size)], history)
        assert refusal(view) == refusal(view, LEGACY) == ""
    torn = naive.last_as_they_are(tool_talk(6)[:-2].wire(), 1)
    assert ORPHAN in refusal(torn)
    assert ORPHAN in refusal(torn, LEGACY)
