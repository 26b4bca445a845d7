"""Summaries: folded and never nested, never longer, never at the price of what was said."""

import warnings
from typing import Any

import pytest

from labkit import OfflineClaude, SmartConversationManager, claude
from labkit.messages import History, assistant, user
from labkit.offline.words.reply import Reply
from labkit.request_log import Log
from labkit.summarization import ClaudeSummarizer, Summarize, SummaryFailed, is_summary, split
from labkit.tokens import estimate_tokens
from labkit.transcript import readable
from labkit.turn import SummaryWarning

LONG = "the delivery to the harbour was late again and nobody called about it " * 3


def talk(turns: int) -> History:
    """A conversation of long turns, without a pending question."""
    return History([m for i in range(turns) for m in (user(f"q{i}: {LONG}"), assistant(f"a{i}: {LONG}"))])


def test_a_summary_takes_the_place_of_all_but_the_newest_turns() -> None:
    """A pair at the start, the newest turns word for word, and the originals inside the pair."""
    short = Summarize(summarizer=lambda old: f"{len(old)} old messages", keep=2)(talk(5))
    assert short[0].text == "[Conversation summary: 6 old messages]"
    assert [m.role for m in short] == ["user", "assistant"] * 3
    assert short[-4:] == talk(5)[-4:]
    assert len(short[0].replaces) == 6


def test_a_second_summary_folds_the_first_one_in() -> None:
    """The pair is replaced, not piled up, and still replaces every message before it."""
    step = Summarize(summarizer=lambda old: "in short: late", keep=1)
    once = step(talk(4))
    twice = step(once.append(*talk(2)))
    assert sum(map(is_summary, twice)) == 2
    assert len(twice[0].replaces) == 6 + 4


@pytest.mark.parametrize("keep", range(6))
def test_a_split_loses_nothing(keep: int) -> None:
    """The older part and the newest turns are the history; with no more turns than are kept, nothing is old."""
    old, recent = split(talk(4), keep)
    assert (*old, *recent) == tuple(talk(4))
    assert len(old) == max(8 - 2 * keep, 0)
    once = Summarize(summarizer=lambda told: "in short: late", keep=1)(talk(4))
    assert split(once, 1) == (once[:0], once)


def test_the_summarizer_reads_an_earlier_summary_once() -> None:
    """The words of the earlier pair are shown, and the reply to them is not."""
    once = Summarize(summarizer=lambda told: "order 889 is late", keep=1)(talk(4)).append(*talk(2))
    shown = str(next(ClaudeSummarizer().calls(once))["messages"])
    assert shown.count("order 889 is late") == 1
    assert once[1].text not in shown


def test_pinned_messages_are_carried_word_for_word() -> None:
    """They stand behind the pair and are not part of the summary."""
    history = History([user("account 55120934", pinned=True), assistant("Noted."), *talk(5)])
    short = Summarize(summarizer=lambda old: "late deliveries", keep=1)(history)
    assert [m.text for m in short[2:4]] == ["account 55120934", "Noted."]


@pytest.mark.parametrize(("text", "said"), [("", "empty"), ("  \n", "empty"), (LONG * 40, "no shorter")])
def test_a_summary_that_is_empty_or_longer_is_refused(text: str, said: str) -> None:
    """It would lose everything, or save nothing."""
    with pytest.raises(SummaryFailed, match=said):
        Summarize(summarizer=lambda old: text, keep=1)(talk(4))


def test_nothing_old_means_nothing_to_do() -> None:
    """No call is made for a conversation that is only its newest turns, or only a summary before them."""
    asked: list[History] = []

    def summarizer(old: History) -> str:
        asked.append(old)
        return "late"

    step = Summarize(summarizer, keep=4)
    assert step(talk(4)) == talk(4)
    once = step(talk(6))
    assert step(once) is once
    assert len(asked) == 1


def test_the_summarizers_own_input_is_split_to_its_window() -> None:
    """A history longer than the summarizer's window is summarized in parts, each with the summary so far."""
    requests: list[dict[str, Any]] = []
    calls = ClaudeSummarizer(input_tokens=2_000, max_tokens=200).calls(talk(40))
    request = next(calls)
    try:
        while True:
            requests.append(request)
            request = calls.send(_reply(f"summary {len(requests)}"))
    except StopIteration as done:
        text, usage = done.value
    assert len(requests) > 3
    assert (text, usage.requests) == (f"summary {len(requests)}", len(requests))
    assert all(estimate_tokens(r["messages"][0]["content"]) <= 2_000 for r in requests)
    assert "summary 1" in requests[1]["messages"][0]["content"]
    shown = "".join(r["messages"][0]["content"] for r in requests)
    assert all(f"q{i}:" in shown and f"a{i}:" in shown for i in range(40))


def _reply(text: str) -> Any:
    return (
        OfflineClaude(reply=text)
        .client()
        .messages.create(model="claude-sonnet-4-6", max_tokens=99, messages=[{"role": "user", "content": "x"}])
    )


def test_a_tool_round_is_readable_for_the_summarizer() -> None:
    """Calls with their arguments and results are shown, thinking is not."""
    call = assistant(
        [
            {"type": "thinking", "thinking": "secret", "signature": "s"},
            {"type": "tool_use", "id": "t", "name": "look_up", "input": {"order": "889"}},
        ]
    )
    assert readable(call) == '(call look_up: {"order":"889"})'
    result = user([{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "shipped"}]}])
    assert readable(result) == "(tool result: shipped)"


def smart(log: Log | None = None, **settings: Any) -> SmartConversationManager:
    """A smart manager whose summaries come early."""
    defaults = {"token_threshold": 150, "recent_turns_to_keep": 2, "client": claude(log=log)}
    return SmartConversationManager(**defaults | settings)


def test_the_smart_manager_summarizes_above_its_threshold() -> None:
    """The pair and the newest turns are the working history; the transcript keeps everything; the call is counted."""
    log: Log = []
    manager = smart(log)
    for place in range(6):
        manager.send(f"Note {place}: the delivery to pier {place} was late again and nobody called.")
    assert manager.summary
    assert manager.messages[0]["content"].startswith("[Conversation summary: ")
    assert len(manager.transcript) == 12 > len(manager.messages)
    assert len(log) > 6
    assert manager.total_input_tokens == sum(sent.usage.total_input for sent in log)
    assert [f.fate for f in manager.explain()].count("summarized") >= 2


def test_case_facts_travel_in_every_request_and_in_no_summary() -> None:
    """Word for word at the start, with their source, however often the rest is summarized."""
    log: Log = []
    manager = smart(log)
    manager.add_fact("Account number: 55120934", source="message 1")
    for place in range(6):
        manager.send(f"Note {place}: the delivery to pier {place} was late again and nobody called.")
    chats = [sent.request for sent in log if "condense" not in sent.request["system"]]
    assert len(chats) == 6
    assert all("- Account number: 55120934 (source: message 1)" in chat["system"] for chat in chats)
    with pytest.raises(ValueError, match="needs its words and their source"):
        manager.add_fact("Account number", source=" ")


def failing(kind: str) -> OfflineClaude:
    """A Claude that answers a chat and fails at summaries."""

    def reply(request: Any) -> Reply:
        if "condense" not in request.get("system", ""):
            return Reply([{"type": "text", "text": "Noted."}], "end_turn")
        if kind == "raises":
            raise RuntimeError("no summary today")
        return Reply([{"type": "text", "text": {"empty": " ", "growth": LONG * 30}.get(kind, "No.")}], kind)

    return OfflineClaude(reply=reply)


@pytest.mark.parametrize("kind", ["raises", "growth", "refusal", "max_tokens"])
def test_a_failed_summary_costs_nothing_that_was_said(kind: str) -> None:
    """P3: the turn succeeds, the history stays whole, the next requests carry the newest turns, and it is said."""
    offline = failing(kind)
    log: Log = []
    manager = smart(log, client=claude(log=log, offline=offline, max_retries=0))
    with pytest.warns(SummaryWarning, match="nothing is lost"):
        replies = [manager.send(f"Note {place}: {LONG}") for place in range(8)]
    assert set(replies) == {"Noted."}
    assert manager.summary is None
    assert len(manager.transcript) == len(manager.messages) == 16
    chats = [sent for sent in log if "condense" not in sent.request.get("system", "")]
    assert len(chats[-1].messages) == 3
    assert manager.conversation.failures >= 3


def test_after_three_failures_in_a_row_none_is_tried_for_a_while() -> None:
    """It says so once, pauses for five turns, and then tries again."""
    log: Log = []
    manager = smart(log, client=claude(log=log, offline=failing("raises"), max_retries=0))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for place in range(16):
            manager.send(f"Note {place}: {LONG}")
    tried = [i for i, sent in enumerate(log) if "condense" in sent.request.get("system", "")]
    chats = len(log) - len(tried)
    assert chats == 16
    assert len(tried) < 9
    assert sum("none is tried for 5 turns" in str(w.message) for w in said) == 1


def test_a_stopped_cell_during_the_summary_keeps_the_reply() -> None:
    """The turn was answered before the summary began, so it is kept."""

    def reply(request: Any) -> Reply:
        if "condense" in request.get("system", ""):
            raise KeyboardInterrupt
        return Reply([{"type": "text", "text": "Noted."}], "end_turn")

    manager = smart(client=OfflineClaude(reply=reply).client())
    for place in range(3):
        try:
            manager.send(f"Note {place}: {LONG}")
        except KeyboardInterrupt:
            break
    assert manager.transcript[-1].text == "Noted."
    assert len(manager.transcript) == len(manager.messages)


@pytest.mark.parametrize("keep", [1, 2, 4, 8])
@pytest.mark.parametrize("threshold", [300, 2_000, 3_000])
def test_no_summary_on_every_turn_when_what_must_stay_is_longer_than_the_threshold(keep: int, threshold: int) -> None:
    """Of the last ten turns at most half make one, a request is at most twice what must stay, and none is lost."""
    log: Log = []
    manager = smart(log, token_threshold=threshold, recent_turns_to_keep=keep)
    made = []
    for place in range(2 * keep + 12):
        before = len(log)
        manager.send(f"Note {place}: " + f"parcel {place} goes to shelf {place * 7} with weight {place}.5 kg. " * 40)
        made.append(len(log) - before - 1)
    assert sum(made) >= 1
    assert sum(made[-10:]) <= 5
    turn = max(estimate_tokens(message) for message in manager.transcript) * 2
    assert max(estimate_tokens(History(sent.messages)) for sent in log[-10:]) < (2 * keep + 3) * turn


def test_a_summary_that_helps_is_made_on_the_next_turn() -> None:
    """While what must stay is below the threshold, each request above it is followed by a summary."""
    log: Log = []
    manager = smart(log, token_threshold=700, recent_turns_to_keep=1)
    for place in range(20):
        before, due = len(log), manager.last_input_tokens
        manager.send(f"Note {place}: {LONG}")
        above = log[before].usage.total_input > 700
        assert len(log) - before == 1 + above, (place, due)
    assert manager.summary


@pytest.mark.parametrize("settings", [{"token_threshold": 0}, {"recent_turns_to_keep": -1}])
def test_settings_that_mean_nothing_are_refused(settings: dict[str, int]) -> None:
    """With what was given and what is allowed."""
    with pytest.raises(ValueError, match="give"):
        smart(**settings)


def test_the_summarizer_says_how_long_the_summary_may_be_and_which_rules_to_keep() -> None:
    """Room in tokens and words, and each rule by name; without a rule no list of them."""
    old = History([user("Never call my sister. The parcel is late."), assistant("Noted."), *talk(2)])
    asked = next(ClaudeSummarizer(max_tokens=500).calls(old))["messages"][0]["content"]
    assert "at most 500 tokens, about 350 words" in asked
    assert "\nRules to keep, word for word:\n- Never call my sister.\n\nConversation:" in asked
    assert "Rules to keep" not in next(ClaudeSummarizer().calls(talk(2)))["messages"][0]["content"]


def test_the_offline_claude_keeps_mostly_the_rules_that_are_named() -> None:
    """With room all of five, in a very short summary fewer, and fewer still where no rule is named."""
    rules = ["Never call my sister.", "No deliveries on Sunday.", "At most 50 euros per order.", "Always in German."]
    rules.append("Do not share my address with the courier.")
    old = History([m for rule in rules for m in (user(f"{rule} {LONG}"), assistant("Noted."))])
    kept = {}
    for words in (10, 80):
        for named in (True, False):
            request = next(ClaudeSummarizer(instruction=f"Summarize the conversation in {words} words.").calls(old))
            asked = request["messages"][0]["content"]
            if not named:
                asked = asked.replace("Rules to keep, word for word:", "").replace("\n- ", "\n")
            reply = claude().messages.create(**request | {"messages": [{"role": "user", "content": asked}]})
            kept[words, named] = sum(rule[:-1] in reply.content[0].text for rule in rules)
    assert kept[80, True] == 5
    assert kept[10, True] < 5
    assert kept[10, False] <= kept[10, True]


@pytest.mark.parametrize(("cut", "made"), [(1, True), (2, False)])
def test_a_summary_that_was_cut_off_is_asked_for_once_more_with_twice_the_room(cut: int, made: bool) -> None:
    """The second try has 2 * max_tokens; both are billed; when it is cut off as well nothing changes."""
    calls = ClaudeSummarizer(max_tokens=200).calls(talk(4))
    first = next(calls)
    offline = OfflineClaude(reply="in short: late, " * 40).client()
    short, whole = (offline.messages.create(**first | {"max_tokens": most}) for most in (10, 900))
    assert (short.stop_reason, whole.stop_reason) == ("max_tokens", "end_turn")
    second = calls.send(short)
    assert (second["max_tokens"], second["messages"]) == (400, first["messages"])
    with pytest.raises(StopIteration if made else SummaryFailed) as ended:
        calls.send(whole if made else short)
    usage = ended.value.value[1] if isinstance(ended.value, StopIteration) else ended.value.usage
    assert usage.requests == 2
    assert usage.output_tokens == short.usage.output_tokens + (whole if made else short).usage.output_tokens


@pytest.mark.parametrize("keep", [1, 2, 4])
def test_no_summary_on_every_turn_when_what_stays_is_above_the_threshold(keep: int) -> None:
    """Long turns, a threshold below the kept ones: a summary waits until it can halve the request."""
    log: Log = []
    manager = smart(log, token_threshold=100, recent_turns_to_keep=keep)
    for place in range(16):
        manager.send(f"Note {place}: {LONG}")
    sent = [one for one in log if "condense" not in str(one.request.get("system"))]
    assert len(sent) == 16
    assert 2 <= len(log) - 16 <= 8
    most = max(one.usage.total_input for one in sent)
    assert most <= 3 * min(one.usage.total_input for one in sent[keep + 1 :])
