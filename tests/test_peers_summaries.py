"""Bugs of other conversation managers in their summaries: what is shown, what is kept, what is lost, what is stored."""

import warnings
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings

from labkit import OfflineClaude, SmartConversationManager
from labkit.messages import History, Message, assistant, user
from labkit.offline import Reply
from labkit.steps.importance import importance
from labkit.steps.pruning import Prune
from labkit.strategies import KeepRecent, apply
from labkit.summarization import ClaudeSummarizer, Summarize, SummaryFailed, is_summary
from labkit.tokens import estimate_tokens
from labkit.transcript import readable
from labkit.turn import SummaryWarning
from tests import naive
from tests.conversations import TOOL, conversations
from tests.peers import agent, call, chat, is_summary_request, refusal, result, summarizing, tool_talk

LONG = "the delivery to the harbour was late again and nobody called about it " * 3
SAID = "labkit says nothing of its own"


def smart(offline: OfflineClaude, **more: Any) -> SmartConversationManager:
    """A manager that summarizes early."""
    settings = {"token_threshold": 150, "recent_turns_to_keep": 2, "client": offline.client(max_retries=0)}
    return SmartConversationManager(**settings | more)


def talk(manager: SmartConversationManager, turns: int) -> list[str]:
    """So many turns of a long note each, and their replies."""
    return [manager.send(f"Note {place}: {LONG}") for place in range(turns)]


def summaries_asked(offline: OfflineClaude) -> list[str]:
    """The texts that the summarizer was shown, request by request."""
    asked = [exchange.request for exchange in offline.requests if is_summary_request(exchange.request)]
    return [request["messages"][0]["content"] for request in asked]


def test_langchain_39261_old_tool_rounds_are_summarized_by_the_model() -> None:
    """An older part of tool rounds with hardly a word of the user's is shown to the model, and its words are kept."""
    offline = summarizing(lambda shown: "every order has shipped")
    history = [*agent(6, said=LONG), assistant("All shipped."), user("thanks"), assistant("You are welcome.")]
    manager = smart(offline, messages=history, tools=[TOOL])
    manager.send("and now?")
    assert manager.summary == "every order has shipped"
    assert summaries_asked(offline)[0].count(f"\n> tool result: {LONG}") == 6


def test_langchain_38867_an_error_is_never_taken_for_a_summary() -> None:
    """The summarizer fails: the turn succeeds, and no later request carries the words of the error."""

    def fails(shown: str) -> str:
        raise RuntimeError("boom")

    offline = summarizing(fails)
    manager = smart(offline)
    with pytest.warns(SummaryWarning, match="nothing is lost"):
        replies = talk(manager, 6)
    assert set(replies) == {"Noted."}
    assert manager.summary is None
    assert not any("boom" in str(exchange.request["messages"]) for exchange in offline.requests)
    textbook = naive.Manager(overloaded_summaries().client(max_retries=0), threshold=150)
    textbook.messages = chat(9, LONG)[:-1].wire()
    textbook.send("and now?")
    assert "Overloaded" in textbook.messages[0]["content"]


def overloaded_summaries() -> OfflineClaude:
    """A simulated Claude that is overloaded whenever it has just replied."""
    offline = OfflineClaude()

    def write(request: Any) -> Reply:
        offline.faults.add(529)
        return Reply([{"type": "text", "text": "Noted."}])

    offline.service.reply = write
    return offline


def test_langchain_own_the_summarizer_is_shown_all_of_it() -> None:
    """85,000 tokens in front of the newest turns: every message of them is in what the summarizer is shown."""
    offline = summarizing(lambda shown: "in short")
    history = [m for i in range(320) for m in (user(f"q{i}: {LONG * 3}"), assistant(f"a{i}: {LONG * 2}"))]
    assert estimate_tokens(history) > 85_000
    smart(offline, messages=history).send("and now?")
    shown = "\n".join(summaries_asked(offline))
    assert all(f"user: q{i}: " in shown and f"assistant: a{i}: " in shown for i in range(319))


def test_langmem_126_no_summary_while_one_of_two_calls_waits() -> None:
    """Two parallel calls, of which one has its result: sending it alone is refused before anything is summarized."""
    offline = summarizing(lambda shown: "in short")
    manager = smart(offline, messages=[*chat(9, LONG)[:-1], user("both?"), call("t1", "t2")], tools=[TOOL])
    before = manager.conversation
    with pytest.raises(ValueError, match="waits for the result of t2"):
        manager.send(result("t1").content)
    assert manager.conversation is before
    manager.send(result("t1", "t2").content)
    assert manager.summary == "in short"
    assert refusal([*manager.messages, user("thanks").wire()]) == ""


def test_langmem_77_nothing_is_summarized_below_the_limit() -> None:
    """Sixteen tokens under a limit of two hundred: no call, and the newest question is where it was."""
    offline = summarizing(lambda shown: "in short")
    manager = smart(offline, token_threshold=200)
    manager.send("hello")
    manager.send("what is my name?")
    assert summaries_asked(offline) == []
    assert manager.messages[-2]["content"] == "what is my name?"


@settings(max_examples=200, deadline=None)
@given(conversations())
def test_langmem_69_a_summarizer_is_never_asked_about_nothing(history: History) -> None:
    """The part to be summarized holds something that is not summarized yet, in any conversation."""
    shown: list[History] = []

    def summarizer(old: History) -> str:
        shown.append(old)
        return "."

    for keep in range(4):
        with suppress(SummaryFailed):
            apply([Summarize(summarizer, keep)], history)
    assert all(any(not is_summary(m) and not m.pinned for m in old) for old in shown)
    assert all(len(old) < len(history) for old in shown)


def test_langchain_17888_a_summary_that_grows_is_refused() -> None:
    """A summarizer that adds to what it was given never makes a request longer, and a limit of nothing is refused."""
    offline = summarizing(lambda shown: shown.partition("Conversation:")[2] + " and more")
    manager = smart(offline)
    with pytest.warns(SummaryWarning, match="no shorter"):
        talk(manager, 12)
    assert manager.summary is None
    chats = [exchange.request for exchange in offline.requests if not is_summary_request(exchange.request)]
    assert max(len(request["messages"]) for request in chats[4:]) <= 5
    with pytest.raises(ValueError, match="at least 1 token"):
        smart(offline, token_threshold=0)


def test_llama_index_own_a_529_at_the_summary_loses_nothing() -> None:
    """The summarizer is overloaded: no message goes, not from the manager and not from the list that it was given."""
    given_messages = chat(10, LONG)[:-1].wire()
    manager = smart(overloaded_summaries(), messages=given_messages)
    with pytest.warns(SummaryWarning, match="Overloaded"):
        manager.send("and now?")
    assert len(manager.transcript) == len(manager.messages) == 22
    assert len(given_messages) == 20
    memory = naive.Memory(given_messages)
    memory.get(3)
    assert len(given_messages) == 3


def test_semantic_kernel_13062_tool_messages_stay_while_nothing_is_summarized() -> None:
    """Below the number of turns to keep, a summary step hands on the very history, tool messages included."""
    history = tool_talk(3)
    assert apply([Summarize(lambda old: "in short", keep=4)], history) is history
    summarized = apply([Summarize(lambda old: "in short", keep=2)], history)
    assert [m for m in summarized if "tool_use" in m.block_types()] == [history[9]]
    assert refusal(summarized) == ""


def test_openai_agents_2727_a_reply_of_thinking_alone_is_not_left_empty() -> None:
    """A reply of thinking alone keeps its place with a sentence where thinking must go, and is accepted."""
    thought = assistant([{"type": "thinking", "thinking": "hm", "signature": "s"}])
    history = History([*chat(4)[:-1], user("think"), thought, user("and now?")])
    view = apply([KeepRecent(3)], history)
    assert [m.text for m in view] == ["think", "(thinking without an answer)", "and now?"]
    assert refusal(view) == ""


def test_openai_agents_2317_no_summary_between_a_call_and_its_result() -> None:
    """The reply that goes over the threshold is a tool call: the summary waits until the round is over."""
    offline = OfflineClaude(reply=calling)
    manager = smart(offline, messages=chat(9, LONG)[:-1], tools=[TOOL])
    manager.send("Where is 889?")
    assert summaries_asked(offline) == []
    manager.send(result("t1").content)
    assert len(summaries_asked(offline)) == 1


def calling(request: Any) -> Reply:
    """A reply function that calls the tool first, and then tells what it found."""
    if is_summary_request(request):
        return Reply([{"type": "text", "text": "in short"}])
    if "tool_result" in str(request["messages"][-1]):
        return Reply([{"type": "text", "text": "It has shipped."}])
    return Reply([dict(call("t1").blocks[0])], "tool_use")


def test_openai_agents_js_1668_a_message_before_a_compaction_block_is_not_lost() -> None:
    """A compaction block in the middle: everything before it is in the transcript, and no step drops the block."""
    block = assistant([{"type": "compaction", "content": "Orders 1 to 4 shipped."}, {"type": "text", "text": "Noted."}])
    history = History([*chat(4)[:-1], user("go on"), block, *chat(4)])
    for step in (KeepRecent(3), Prune(3), Summarize(lambda old: "in short", keep=1)):
        view = apply([step], history)
        assert block in tuple(view)
    manager = smart(OfflineClaude(reply="ok"), messages=history[:-1], steps=[KeepRecent(3)])
    assert tuple(manager.transcript) == tuple(history[:-1])
    assert len(manager.explain()) == len(history) - 1


def test_openai_agents_js_1668_a_summary_does_not_stand_where_the_api_does_not_read() -> None:
    """The API reads nothing before its newest compaction block, so our summary of later messages follows it."""
    block = assistant([{"type": "compaction", "content": "Orders 1 to 4 shipped."}])
    offline = summarizing(lambda shown: "late again")
    beta = {"extra_headers": {"anthropic-beta": "compact-2026-09-04"}}
    manager = smart(offline, messages=[block, *chat(9, LONG)[:-1]], request=beta)
    manager.send("and now?")
    assert manager.messages[0]["content"] == [dict(block.blocks[0])]
    assert manager.messages[1]["content"] == "[Conversation summary: late again]"
    assert manager.send("thanks") == "Noted."


def test_adk_4740_a_call_that_waits_for_approval_is_kept() -> None:
    """The newest message is a call that a person has yet to allow: no step and no summary takes it."""
    history = History([*chat(9, LONG)[:-1], user("Delete order 889."), call("t1")])
    for step in (KeepRecent(2), Prune(2), Summarize(lambda old: "in short", keep=1)):
        assert tuple(apply([step], history))[-2:] == tuple(history[-2:])
    manager = smart(summarizing(lambda shown: "in short"), messages=history, tools=[TOOL])
    with pytest.raises(ValueError, match="waits for the result of t1"):
        manager.send("never mind")
    assert manager.send(result("t1", said="allowed").content) == "Noted."


def test_letta_2601_2512_2541_3279_a_summary_keeps_its_turns_and_its_own_limits() -> None:
    """It is triggered, keeps exactly the turns asked for, and is not cut by the limit that replies have."""
    offline = summarizing(lambda shown: "in short: " + "late " * 60)
    history = chat(9, LONG)[:-1]
    manager = smart(offline, messages=history, recent_turns_to_keep=3, max_tokens=20)
    manager.send("and now?")
    assert manager.summary is not None
    assert len(manager.summary) > 300
    assert manager.messages[2:-2] == history[-4:].wire()
    assert len(manager.messages) == 2 + 2 * 3
    assert len(manager.transcript) == 20


def test_claude_code_26317_the_summarizer_never_overflows_its_own_window() -> None:
    """A history far longer than the summarizer's window is shown to it in parts, of which none is refused."""
    offline = OfflineClaude(reply="in short", windows={"claude-haiku-4-5": 4_000})
    summarizer = ClaudeSummarizer("claude-haiku-4-5", max_tokens=300, input_tokens=4_000)
    history = [m for i in range(60) for m in (user(f"q{i}: {LONG * 3}"), assistant(f"a{i}: {LONG * 3}"))]
    manager = smart(offline, messages=history, summarizer=summarizer)
    manager.send("and now?")
    assert manager.summary == "in short"
    assert len(summaries_asked(offline)) > 5
    assert {exchange.status for exchange in offline.requests} == {200}


def test_claude_code_25867_a_summary_that_overflows_is_not_tried_for_ever() -> None:
    """The summarizer takes its window for larger than it is: three tries, a pause, and every turn is answered."""
    offline = OfflineClaude(reply="Noted.", windows={"claude-haiku-4-5": 4_000})
    history = [m for i in range(60) for m in (user(f"q{i}: {LONG * 3}"), assistant(f"a{i}: {LONG * 3}"))]
    manager = smart(offline, messages=history, summarizer=ClaudeSummarizer("claude-haiku-4-5"))
    with pytest.warns(SummaryWarning, match="prompt is too long"):
        assert set(talk(manager, 8)) == {"Noted."}
    assert [exchange.status for exchange in offline.requests].count(400) == 3
    assert len(manager.transcript) == 120 + 16


def test_deepseek_reasonix_4048_a_fact_outlives_every_fold() -> None:
    """A case fact is in every request, and each summarizer is shown the summary before it."""
    offline = summarizing(lambda shown: f"summary {shown.count('Note')}")
    manager = smart(offline)
    manager.add_fact("Account number: 55120934", source="message 1")
    talk(manager, 14)
    assert len(manager.summary_history) >= 3
    earlier = manager.summary_history[:-1]
    assert all(summary in shown for summary, shown in zip(earlier, summaries_asked(offline)[1:], strict=True))
    chats = [exchange.request for exchange in offline.requests if not is_summary_request(exchange.request)]
    assert all("Account number: 55120934" in request["system"] for request in chats)


def test_thane_1170_summaries_are_folded_and_never_pile_up() -> None:
    """After many summaries there is one pair, and a summary of nothing new is not made."""
    offline = summarizing(lambda shown: "in short: late")
    manager = smart(offline)
    for place in range(14):
        manager.send(f"Note {place}: {LONG}")
        assert sum("[Conversation summary:" in str(m["content"]) for m in manager.messages) <= 1
    assert len(manager.summary_history) == len(summaries_asked(offline)) >= 3
    echo = OfflineClaude(reply=lambda request: Reply([{"type": "text", "text": request["messages"][-1]["content"]}]))
    textbook = naive.Manager(echo.client(), threshold=150)
    for place in range(6):
        textbook.send(f"Note {place}: {LONG}")
    assert textbook.messages[0]["content"].count("Earlier: ") > 1


def test_thane_1170_what_is_only_a_summary_and_pins_is_not_summarized_again() -> None:
    """A pinned exchange and nothing older follows the summary: no call is made on any further turn."""
    offline = summarizing(lambda shown: "in short: late")
    pinned = [user("account 55120934", pinned=True), assistant("Noted."), *chat(4, LONG)[:-1]]
    manager = smart(offline, messages=pinned, recent_turns_to_keep=4, token_threshold=30)
    for place in range(4):
        manager.send(f"{place}?")
    assert summaries_asked(offline)
    assert len(summaries_asked(offline)) == len(manager.summary_history) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error", SummaryWarning)
        again = smart(offline, messages=pinned[:2], recent_turns_to_keep=1, token_threshold=1)
        again.send("hello")
    assert again.summary is None


def test_continuum_301_a_constraint_is_not_softened() -> None:
    """However often the rest is folded, a pinned constraint and a case fact are sent word for word."""
    constraint = "Never ship to a harbour without a signed form."
    offline = summarizing(lambda shown: "they talked about shipping")
    manager = smart(offline, messages=[Message("user", constraint, pinned=True), assistant("Understood.")])
    manager.add_fact("At most 3 parcels a day.", source="contract, page 2")
    talk(manager, 12)
    assert len(manager.summary_history) >= 2
    request = manager.next_request()
    assert [m["content"] for m in request["messages"]].count(constraint) == 1
    assert "- At most 3 parcels a day. (source: contract, page 2)" in request["system"]


FACT = "The contract K-4471 ends on 3 June and costs 9,600 EUR."
TEXT = [{"type": "text", "text": FACT}]
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": FACT}}
RAN = {"type": "bash_code_execution_result", "stdout": FACT, "stderr": "", "return_code": 0, "content": []}
FETCHED = {"type": "web_fetch_result", "url": "https://example.com", "content": DOCUMENT}
READABLE: dict[str, dict[str, Any]] = {
    "document": DOCUMENT,
    "document of blocks": {"type": "document", "source": {"type": "content", "content": TEXT}},
    "search result": {"type": "search_result", "source": "s", "title": "t", "content": TEXT},
    "mcp tool result": {"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": False, "content": TEXT},
    "bash code execution tool result": {
        "type": "bash_code_execution_tool_result",
        "tool_use_id": "s1",
        "content": RAN,
    },
    "web fetch tool result": {"type": "web_fetch_tool_result", "tool_use_id": "s2", "content": FETCHED},
    "tool result": {"type": "tool_result", "tool_use_id": "t1", "content": [DOCUMENT]},
}


@pytest.mark.parametrize("kind", READABLE)
def test_what_documents_and_results_say_is_read_whatever_their_kind(kind):
    """The summarizer reads it with its kind, importance weighs it as text, and the data of a file stay out."""
    message = user([READABLE[kind]])
    assert FACT in readable(message)
    assert readable(message).startswith(f"({kind.removesuffix(' of blocks')}: ")
    assert importance(message) >= importance(user(FACT)) - 0.2
    encoded = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}}
    assert "JVBERi0x" not in readable(user([encoded]))


def test_a_result_that_is_an_error_is_read_as_one():
    """The summarizer sees which results were failures, of any kind."""
    failed = {"type": "tool_result", "tool_use_id": "t1", "content": "no such order", "is_error": True}
    assert readable(user([failed])) == "(tool error: no such order)"
    assert readable(user([{**failed, "is_error": False}])) == "(tool result: no such order)"
    foreign = {"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": True, "content": "no such order"}
    assert readable(assistant([foreign])) == "(mcp tool error: no such order)"
