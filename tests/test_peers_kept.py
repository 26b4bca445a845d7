"""Bugs of other conversation managers, and of the textbook's, in what is kept: lost, doubled, torn, bound wrongly."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from labkit import (
    AsyncConversationManager,
    ConversationManager,
    KeepRecent,
    OfflineClaude,
    SlidingWindowManager,
    SmartConversationManager,
)
from labkit.messages import History, assistant, user
from labkit.offline import Reply
from labkit.stores import ConversationConflict, SQLiteStore
from labkit.turn import SummaryWarning
from tests import naive
from tests.conversations import TOOL, signed
from tests.peers import call, chat, refusal, result, summarizing, tool_talk

BINDING = "claude-opus-5-5"
LONG = "the delivery to the harbour was late again and nobody called about it " * 3


def test_llama_index_13308_looking_changes_nothing() -> None:
    """The next request's messages can be asked for again and again; the caller's own list is never touched."""
    said = chat(10)[:-1].wire()
    manager = SlidingWindowManager(window_size=4, messages=said)
    first = manager.get_messages()
    assert first == manager.get_messages() == manager.get_messages()
    assert len(manager.transcript) == len(manager.messages) == len(said) == 20
    memory = naive.Memory(said)
    memory.get(2)
    assert len(said) == 2


def test_openai_agents_4202_a_failed_save_leaves_no_lock_behind(tmp_path: Path) -> None:
    """Two managers save to one place: the second gets a conflict, nothing stays locked, and the first saves again."""
    store = SQLiteStore(tmp_path / "talks.db")
    one, other = (ConversationManager(client=OfflineClaude(reply="ok").client()) for _ in range(2))
    one.send("hello")
    one.save(store)
    other.send("hello from elsewhere")
    with pytest.raises(ConversationConflict, match="nothing was written"):
        other.save(store)
    one.send("again")
    one.save(store)
    assert len(ConversationManager.load(store).transcript) == 4


def test_openai_agents_2843_many_start_at_once_and_no_database_is_locked(tmp_path: Path) -> None:
    """Twelve threads begin a conversation each in one new database: every one of them is there afterwards."""
    place, failed = tmp_path / "talks.db", list[Exception]()

    def begin(number: int) -> None:
        try:
            ConversationManager(messages=[user(f"I am {number}.")]).save(SQLiteStore(place, f"talk {number}"))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    loaded = [ConversationManager.load(SQLiteStore(place, f"talk {number}")) for number in range(12)]
    assert [manager.transcript[0].text for manager in loaded] == [f"I am {number}." for number in range(12)]


def test_adk_3487_a_loaded_conversation_goes_on_whatever_it_holds(tmp_path: Path) -> None:
    """A compaction block, thinking, a tool round and a summary come back as what they were, and the next turn works."""
    beta = {"extra_headers": {"anthropic-beta": "compact-2026-09-04"}}
    block = assistant([{"type": "compaction", "content": "Earlier: order 889."}])
    thought = assistant([{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "So."}])
    offline = summarizing(lambda shown: "in short")
    history = [block, user("think"), thought, *tool_talk(6, said=LONG)[:-1]]
    settings: dict[str, Any] = {"client": offline.client(max_retries=0), "request": beta}
    manager = SmartConversationManager(150, 2, messages=history, tools=[TOOL], **settings)
    manager.send("and now?")
    store = SQLiteStore(tmp_path / "talks.db")
    manager.save(store)
    again = SmartConversationManager.load(store, **settings)
    assert again.next_request() == manager.next_request()
    assert [fate.fate for fate in again.explain()] == [fate.fate for fate in manager.explain()]
    assert again.send("thanks") == "Noted."


def test_mem0_1674_4536_no_fact_is_lost_to_another() -> None:
    """The same fact twice, and one that contradicts it: all three are sent, each with its source."""
    manager = ConversationManager()
    manager.add_fact("Lives in Oslo.", source="message 1")
    manager.add_fact("Lives in Oslo.", source="message 9")
    manager.add_fact("Lives in Bergen.", source="message 12")
    system = manager.next_request()["system"]
    assert [line for line in system.splitlines() if "Lives" in line] == [
        "- Lives in Oslo. (source: message 1)",
        "- Lives in Oslo. (source: message 9)",
        "- Lives in Bergen. (source: message 12)",
    ]


def test_agent_framework_4991_what_was_summarized_is_not_forgotten_by_saving(tmp_path: Path) -> None:
    """The summary is saved with the messages it replaces: the next request after a load carries it, and explains it."""
    manager = SmartConversationManager(150, 2, client=summarizing(lambda shown: "in short").client())
    for place in range(6):
        manager.send(f"Note {place}: {LONG}")
    place = tmp_path / "talk.json"
    manager.save(place)
    again = SmartConversationManager.load(place, client=summarizing(lambda shown: "in short").client())
    assert again.get_messages() == manager.get_messages()
    assert again.get_messages()[0]["content"] == "[Conversation summary: in short]"
    assert [fate.fate for fate in again.explain()].count("summarized") >= 2
    assert again.summary_history == manager.summary_history


def test_claude_code_12973_thinking_does_not_stand_behind_a_changed_history() -> None:
    """On a model that binds thinking, a window, a tool round and an edit by hand: no request is refused."""
    offline = OfflineClaude(reply=thinking_reply)
    manager = ConversationManager(
        model=BINDING,
        client=offline.client(max_retries=0),
        steps=[KeepRecent(6)],
        tools=[TOOL],
        request={"thinking": {"type": "adaptive"}},
    )
    for place in range(8):
        if manager.send(f"Question {place}: where is order {place}?") == "":
            manager.send(result(tool_id(manager.transcript)).content)
    manager.remove(0, 1)
    manager.send("And without the first?")
    assert {exchange.status for exchange in offline.requests} == {200}
    assert manager.transcript.thinking()
    turns = [(user(f"q{i}"), assistant([THOUGHT, {"type": "text", "text": f"a{i}"}])) for i in range(4)]
    past = signed(History(message for turn in turns for message in turn), BINDING)
    cut = [*naive.last(past.wire(), 5), user("and now?").wire()]
    assert "bound to a different conversation" in refusal(cut, model=BINDING)


THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "to be signed"}


def tool_id(history: History) -> str:
    """The id of the call that waits."""
    return next(str(block["id"]) for block in history[-1].blocks if block["type"] == "tool_use")


def thinking_reply(request: Any) -> Reply:
    """A reply that calls the tool on every other question, and then tells what it found."""
    newest = str(request["messages"][-1]["content"])
    asks = "Question" in newest and int(newest.split(":")[0][-1]) % 2
    if asks:
        name = f"toolu_{newest.split(':')[0][-1]}"
        return Reply([{"type": "tool_use", "id": name, "name": "look_up", "input": {"q": "889"}}], "tool_use")
    return Reply([{"type": "text", "text": "It has shipped."}])


def test_thane_1170_two_turns_at_once_are_refused_and_nothing_is_summarized_twice() -> None:
    """The second turn says that one is under way; the first ends, with one summary."""
    offline = summarizing(lambda shown: "in short")
    history = chat(9, LONG)[:-1]
    manager = AsyncConversationManager(
        messages=history, client=offline.async_client(), token_threshold=150, recent_turns_to_keep=2
    )

    async def both() -> list[Any]:
        return await asyncio.gather(manager.send("one"), manager.send("two"), return_exceptions=True)

    first, second = asyncio.run(both())
    assert first == "Noted."
    assert isinstance(second, RuntimeError)
    assert manager.summary_history == ["in short"]
    assert [m.text for m in manager.transcript[-2:]] == ["one", "Noted."]


def test_textbook_settings_survive_a_load(tmp_path: Path) -> None:
    """Threshold, turns to keep, model and the most tokens of a reply come back; the short version forgets them."""
    manager = SmartConversationManager(
        400, 3, system_prompt="You sell tickets.", model="claude-haiku-4-5", max_tokens=77
    )
    manager.save(tmp_path / "talk.json")
    again = SmartConversationManager.load(tmp_path / "talk.json")
    known = (again.token_threshold, again.recent_turns_to_keep, again.model, again.max_tokens, again.system_prompt)
    assert known == (400, 3, "claude-haiku-4-5", 77, "You sell tickets.")
    textbook = naive.Manager(OfflineClaude().client(), threshold=400)
    textbook.save(tmp_path / "messages.json")
    assert naive.Manager.load(tmp_path / "messages.json", OfflineClaude().client()).threshold != 400


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_textbook_no_question_is_left_behind(error: type[BaseException]) -> None:
    """A stopped cell, or anything else that is not the API's error, leaves no question without a reply."""

    def stops(request: Any) -> Any:
        raise error

    client = OfflineClaude(reply=stops).client(max_retries=0)
    manager, textbook = ConversationManager(client=client), naive.Manager(client)
    for chatting in (manager, textbook):
        with pytest.raises(error):
            chatting.send("hello")
    assert len(manager.messages) == 0
    assert len(textbook.messages) == 1


def test_textbook_a_stopped_summary_does_not_destroy_the_history() -> None:
    """Stopped during the summary, the turn was never there and all else is; the short version forgot first."""

    def stopped(shown: str) -> str:
        raise KeyboardInterrupt

    manager = SmartConversationManager(150, 2, messages=chat(9, LONG)[:-1], client=summarizing(stopped).client())
    textbook = naive.Manager(stopping_at_summaries().client(), threshold=150)
    textbook.messages = chat(9, LONG)[:-1].wire()
    for chatting in (manager, textbook):
        with pytest.raises(KeyboardInterrupt):
            chatting.send("and now?")
    assert len(manager.messages) == len(manager.transcript) == 18
    assert manager.usage.requests == 1
    assert len(textbook.messages) == 4


def stopping_at_summaries() -> OfflineClaude:
    """A simulated Claude during whose summary the cell is stopped, for a manager without a separate summarizer."""

    def write(request: Any) -> Reply:
        if str(request["messages"][-1]["content"]).startswith("Summarize"):
            raise KeyboardInterrupt
        return Reply([{"type": "text", "text": "Noted."}])

    return OfflineClaude(reply=write)


def test_textbook_a_save_that_is_stopped_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Stopped in the middle of a save, the file holds what it held; the short version has half of it left."""

    def stopped(text: str) -> str:
        if text == "Question 5: the delivery was late again?":
            raise KeyboardInterrupt
        return text

    place, other = tmp_path / "talk.json", tmp_path / "messages.json"
    manager = ConversationManager(messages=chat(9)[:-1])
    manager.save(place)
    before = place.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        manager.save(place, redact=stopped)
    assert place.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["talk.json"]
    textbook = naive.Manager(OfflineClaude().client())
    textbook.messages = [*chat(9)[:-1].wire(), {"role": "assistant", "content": object()}]
    with pytest.raises(TypeError):
        textbook.save(other)
    with pytest.raises(ValueError, match=r"delimiter|Expecting|Unterminated"):
        naive.Manager.load(other, textbook.client)


def test_textbook_a_reply_that_does_not_begin_with_text_is_kept() -> None:
    """The first block is thinking, or a tool call: its text is found by type, and the whole reply is remembered."""
    offline = OfflineClaude(reply=lambda request: Reply(calls_with_words()))
    manager = ConversationManager(client=offline.client(), tools=[TOOL])
    assert manager.send("Where is 889?") == ""
    assert manager.transcript[-1].block_types() == {"tool_use"}
    with pytest.raises(AttributeError):
        naive.Manager(offline.client()).send("Where is 889?")


def calls_with_words() -> list[dict[str, Any]]:
    """A reply that is a tool call alone."""
    return [dict(call("t1").blocks[0])]


def test_textbook_a_summary_that_failed_warns_and_the_talk_goes_on() -> None:
    """Three failures, the turns between them, and a success afterwards: nothing that was said is missing."""
    worked: list[bool] = []

    def sometimes(shown: str) -> str:
        worked.append(len(worked) >= 2)
        return "in short" if worked[-1] else ""

    manager = SmartConversationManager(150, 2, client=summarizing(sometimes).client(max_retries=0))
    with pytest.warns(SummaryWarning, match="nothing is lost"):
        said = [f"Note {place}: {LONG}" for place in range(8) if manager.send(f"Note {place}: {LONG}")]
    assert worked[:3] == [False, False, True]
    assert [m.text for m in manager.transcript if m.role == "user"] == said
    assert manager.summary == "in short"
