"""The loop of tool calls: run, limited, stopped at every place, gone on with, saved, streamed, and delegated."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import AsyncConversationManager, ConversationManager, OfflineClaude
from labkit.clients import async_claude
from labkit.delegation import as_delegate, delegate
from labkit.manager import production
from labkit.offline import Reply
from labkit.repair import unpaired
from labkit.tokens import estimate_tokens
from labkit.tool_loop import Called, ToolLoop
from tests.measure.loop_stops import stops

FILES = {name: f"{name} says {name * 3}. " * 20 for name in ("alpha", "beta", "gamma", "delta")}


def read(path: str) -> str:
    """Read a file.

    Args:
        path: the name of the file
    """
    if path not in FILES:
        raise FileNotFoundError(f"no file {path}")
    return FILES[path]


async def read_slowly(path: str) -> str:
    """Read a file, and let others do something meanwhile."""
    await asyncio.sleep(0)
    return read(path)


def reading(*rounds: tuple[str, ...], tool: str = "read") -> OfflineClaude:
    """A Claude that reads these files, round by round, and then answers; each reply follows from its request alone."""

    def reply(request: Any) -> Reply:
        done = sum(message["role"] == "assistant" for message in request["messages"])
        if done >= len(rounds):
            return Reply([{"type": "text", "text": "All is read."}])
        calls = [
            {"type": "tool_use", "id": f"toolu_{done}_{at}", "name": tool, "input": {"path": path}}
            for at, path in enumerate(rounds[done])
        ]
        return Reply([{"type": "text", "text": f"Round {done}."}, *calls], "tool_use")

    return OfflineClaude(reply=reply)


def manager_of(offline: OfflineClaude, **settings: Any) -> ConversationManager:
    """A manager whose Claude is this one."""
    return ConversationManager(client=offline.client(max_retries=0), **settings)


def results(manager: Any) -> list[Any]:
    """Every tool result of the transcript, as its content and whether it is an error."""
    found = [b for m in manager.transcript for b in m.blocks if b["type"] == "tool_result"]
    return [(block["content"], block.get("is_error", False)) for block in found]


def test_a_loop_runs_functions_until_claude_answers() -> None:
    """Three rounds, two calls at once in the second: every result is in the conversation, and the end is said."""
    manager = manager_of(reading(("alpha",), ("beta", "gamma"), ("delta",)))
    end = manager.run("Read everything.", tools=[read])
    assert (str(end), end.ended, end.calls) == ("All is read.", "answered", 4)
    assert [content for content, _ in results(manager)] == [FILES[name] for name in ("alpha", "beta", "gamma", "delta")]
    assert end.usage.requests == 4
    assert end.dollars > 0
    assert (
        manager.next_request()["tools"][0]["input_schema"]["properties"]["path"]["description"]
        == "the name of the file"
    )


@pytest.mark.parametrize(
    ("path", "words"), [("nothing", "FileNotFoundError: no file nothing"), (7, "Invalid arguments for function read")]
)
def test_an_error_is_a_result_for_claude(path: Any, words: str) -> None:
    """Any error of a tool, and arguments that do not fit its signature: is_error, and the loop goes on."""
    manager = manager_of(reading(("alpha",), (path,)))
    assert manager.run("Read.", tools=[read]).ended == "answered"
    content, is_error = results(manager)[-1]
    assert is_error
    assert words in content
    assert results(manager)[0][1] is False


def test_a_tool_that_is_not_there_is_named_with_those_that_are() -> None:
    """Claude may call what an earlier run had."""
    manager = manager_of(
        reading(("alpha",), tool="write"), tools=[{"name": "write", "input_schema": {"type": "object"}}]
    )
    manager.run("Write.", tools=[read])
    assert results(manager) == [("LookupError: there is no tool 'write'; there are read", True)]


def test_a_limit_of_calls_closes_what_waits_and_the_loop_can_go_on() -> None:
    """Two calls are run, the third is answered by a sentence; without a goal the loop goes on from there."""
    manager = manager_of(reading(("alpha",), ("beta",), ("gamma",), ("delta",)))
    end = manager.run("Read everything.", tools=[read], most_calls=2)
    assert (end.ended, end.calls, len(results(manager))) == ("most_calls", 2, 3)
    assert results(manager)[-1] == ("not run: the limit of calls is reached", True)
    again = manager.run(tools=[read])
    assert (again.text, again.ended, again.calls) == ("All is read.", "answered", 1)


def test_a_limit_of_dollars_ends_the_loop_once_it_is_spent() -> None:
    """The request that crosses it is the last; a limit that is never reached changes nothing."""
    manager = manager_of(reading(*[("alpha",)] * 8))
    end = manager.run("Read.", tools=[read], most_dollars=0.003)
    assert end.ended == "most_dollars"
    assert 0 < end.calls < 8
    assert end.dollars >= 0.003
    assert manager_of(reading(*[("alpha",)] * 8)).run("Read.", tools=[read], most_dollars=9.0).ended == "answered"


@pytest.mark.parametrize("wrong", [{"most_calls": 0}, {"most_dollars": 0.0}, {"tools": [read, read]}])
def test_limits_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    """Before anything is sent."""
    offline = reading(("alpha",))
    with pytest.raises(ValueError, match=r"at least 1 call|one name"):
        manager_of(offline).run("Read.", **{"tools": [read]} | wrong)
    assert not offline.requests


class Stop(BaseException):
    """The errors of a stopped cell, or a killed process."""


ROUNDS = (("alpha", "beta"), ("gamma",), ("alpha", "delta", "beta"))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5), st.booleans(), st.booleans())
def test_stopped_at_any_call_it_goes_on_and_nothing_that_was_answered_is_lost(
    stop_at: int, by_error: bool, streamed: bool
) -> None:
    """A key in the middle of any call: results before it stay, the open ones say that they were stopped."""
    count = itertools.count()

    def reads(path: str) -> str:
        """Read a file, once stopped."""
        if next(count) == stop_at:
            raise (KeyboardInterrupt if by_error else Stop)
        return read(path)

    manager = manager_of(reading(*ROUNDS, tool="reads"))
    with pytest.raises((KeyboardInterrupt, Stop)):
        list(manager.run_stream("Read.", tools=[reads])) if streamed else manager.run("Read.", tools=[reads])
    assert unpaired(manager.transcript) == set()
    kept = [content for content, is_error in results(manager) if not is_error]
    assert len(kept) == stop_at
    assert any("stopped before it was answered" in content for content, is_error in results(manager) if is_error)
    assert manager.run(tools=[reads]).text == "All is read."


def test_stopped_at_every_round_in_four_ways_it_goes_on(tmp_path: Path) -> None:
    """By a key, by leaving its stream, by cancelling its task, by the end of its process: what was answered is there,
    no call is open, no request is refused, and it comes to its end. The same program measures hundreds of loops.
    """
    counts = []
    for seed in (2, 5):
        count, wrong = stops(seed, tmp_path)
        counts.append(count)
        assert wrong == []
    assert sum(counts) >= 8


def test_a_loop_that_keeps_no_half_round_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A naive loop adds the results of a round once all are there: stopped in between, it loses some."""
    keep = ToolLoop.keep

    def keeps_whole_rounds(loop: ToolLoop, results: dict[str, Any]) -> list[Called]:
        return keep(loop, results) if len(results) == len(loop.waiting()) else []

    monkeypatch.setattr(ToolLoop, "keep", keeps_whole_rounds)
    assert any("lost the result" in words for seed in range(4) for words in stops(seed, tmp_path)[1])


@pytest.mark.parametrize("rounds", range(4))
def test_saved_in_the_middle_of_a_loop_it_goes_on_elsewhere(rounds: int, tmp_path: Path) -> None:
    """A process that dies between a call and its result leaves an open call; what is loaded closes it and goes on."""
    offline = reading(("alpha",), ("beta",), ("gamma",))
    manager = manager_of(offline)
    tool = {"name": "read", "input_schema": {"type": "object"}}
    manager.settings = manager_of(offline, tools=[tool]).settings
    manager.send("Read.")
    for at in range(rounds):
        if at < 2:
            manager.send([{"type": "tool_result", "tool_use_id": f"toolu_{at}_0", "content": "said"}])
    manager.save(tmp_path / "loop.json")
    other = ConversationManager.load(tmp_path / "loop.json", client=offline.client(max_retries=0))
    assert other.run(tools=[read]).text == "All is read."
    assert unpaired(other.transcript) == set()


def test_a_loop_is_read_as_it_comes() -> None:
    """Words and calls in their order, and how it ended."""
    manager = manager_of(reading(("alpha",), ("beta", "gamma")))
    stream = manager.run_stream("Read.", tools=[read])
    pieces = list(stream)
    calls = [piece for piece in pieces if isinstance(piece, Called)]
    assert [(call.name, call.input["path"]) for call in calls] == [
        ("read", name) for name in ("alpha", "beta", "gamma")
    ]
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == "Round 0.Round 1.All is read."
    assert (stream.end.ended, stream.end.calls) == ("answered", 3)


def test_left_early_a_streamed_loop_keeps_what_was_finished() -> None:
    """After the first call: the round is in the conversation, and the loop can go on."""
    manager = manager_of(reading(("alpha",), ("beta",)))
    for piece in manager.run_stream("Read.", tools=[read]):
        if isinstance(piece, Called):
            break
    assert len(results(manager)) == 1
    assert manager.run(tools=[read]).text == "All is read."


def test_async_loops_await_the_calls_of_a_round_together() -> None:
    """The same end as the sync loop, for functions that are awaited and for plain ones, whole and streamed."""
    offline = reading(("alpha", "beta", "nothing"), ("gamma",), tool="read_slowly")

    async def whole() -> Any:
        manager = AsyncConversationManager(client=async_claude(offline=offline, say=lambda words: None))
        end = await manager.run("Read.", tools=[read_slowly])
        again = AsyncConversationManager(client=async_claude(offline=offline, say=lambda words: None))
        pieces = [piece async for piece in again.run_stream("Read.", tools=[read_slowly])]
        return end, results(manager), sum(isinstance(piece, Called) for piece in pieces)

    end, found, streamed = asyncio.run(whole())
    assert (end.text, end.calls, streamed) == ("All is read.", 4, 4)
    assert [is_error for _, is_error in found] == [False, False, True, False]


def test_an_async_loop_that_is_cancelled_keeps_what_was_answered() -> None:
    """One call of two is done when the task is cancelled: its result stays, the other says that it was stopped."""
    offline = reading(("alpha", "beta"), tool="reads")

    async def cancelled() -> Any:
        manager = AsyncConversationManager(client=async_claude(offline=offline, say=lambda words: None))
        waiting = asyncio.Event()

        async def reads(path: str) -> str:
            """Read, but never the second file."""
            if path == "beta":
                waiting.set()
                await asyncio.Event().wait()
            return read(path)

        task = asyncio.ensure_future(manager.run("Read.", tools=[reads]))
        await waiting.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return results(manager)

    (first, no_error), (second, is_error) = asyncio.run(cancelled())
    assert (first, no_error, is_error) == (FILES["alpha"], False, True)
    assert "stopped before it was answered" in second


def test_a_budget_holds_in_a_loop_and_the_goal_stays() -> None:
    """Sixty rounds on the production preset with a small budget: no request is larger, and each has the goal."""
    offline = reading(*[(name,) for name in itertools.islice(itertools.cycle(FILES), 60)])
    manager = production(2_000, client=offline.client(max_retries=0))
    # Its Claude counts the assistant messages of a request, which a cut leaves out: it reads on until the limit.
    end = manager.run("Read everything, and mind ticket 4711.", tools=[read], most_calls=60)
    assert end.calls == 60
    asked = [exchange.request["messages"] for exchange in offline.requests]
    assert all("4711" in str(messages[0]) for messages in asked)
    assert len(asked[-1]) < len(manager.transcript) / 2
    assert {exchange.status for exchange in offline.requests} == {200}


@pytest.mark.parametrize("budget", [100_000, 6_000])
@pytest.mark.parametrize("calls", [1, 9, 12, 30])
def test_rounds_of_any_width_read_what_the_request_before_wrote(calls: int, budget: int) -> None:
    """Twelve parallel calls and their results are more blocks than the API looks back from one breakpoint: a second one
    where the request before ended reads it all. Without that one, the same requests read nothing of a wide round.
    """
    names = tuple(itertools.islice(itertools.cycle(FILES), calls))
    offline = reading(*[names] * 4)
    manager = production(budget, client=offline.client(max_retries=0), model="claude-sonnet-5-5")
    manager.run("Read everything. " * 400, tools=[read], most_calls=999)
    asked = [exchange.request for exchange in offline.requests]
    found = [exchange.response["usage"] for exchange in offline.requests]
    uncut = [len(new["messages"]) == len(old["messages"]) + 2 for old, new in itertools.pairwise(asked)]
    sizes = [sum(use[key] for key in BILLED) for use in found]
    for goes_on, before, use in zip(uncut, sizes, found[1:], strict=False):
        assert not goes_on or use["cache_read_input_tokens"] >= 0.99 * before
    again = OfflineClaude(reply="ok").client(max_retries=0)
    naive = [again.messages.create(**plainly(request)).usage.cache_read_input_tokens for request in asked]
    if all(uncut):
        assert (naive[2] == 0) == (calls >= 12)


BILLED = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def plainly(request: Any) -> Any:
    """The same request with the automatic breakpoint alone."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: bare(one) for key, one in value.items() if key != "cache_control"}
        return [bare(one) for one in value] if isinstance(value, list) else value

    return bare(request) | {"cache_control": request["cache_control"]}


def test_a_sub_conversation_comes_back_as_a_digest() -> None:
    """Its own history and budget, its sources without those that failed, its bill in the main one; the rest stays."""
    manager = manager_of(reading(("alpha",), ("beta", "nothing")), system_prompt="Main.")
    before = manager.conversation
    digest = delegate(manager, "What do alpha and beta say?", [read])
    assert digest.text == "All is read."
    assert digest.sources == ('read {"path": "alpha"}', 'read {"path": "beta"}')
    assert str(digest).endswith("Sources: " + "; ".join(digest.sources))
    assert manager.transcript == before.transcript
    assert manager.usage.total_input == digest.usage.total_input > 0
    assert digest.dollars > 0
    assert digest.saved > 200
    assert "Main." not in str(digest.conversation.system)


def test_a_sub_conversation_that_reaches_its_limit_says_so() -> None:
    """Its words so far are the digest."""
    manager = manager_of(reading(*[("alpha",)] * 9))
    assert "not finished: it ended at most_calls" in str(delegate(manager, "Read.", [read], most_calls=2))


def test_the_main_loop_carries_the_digest_and_not_the_work() -> None:
    """A loop whose only tool delegates: the main conversation has one call and its digest, and pays for both."""

    def reply(request: Any) -> Reply:
        done = sum(message["role"] == "assistant" for message in request["messages"])
        is_sub = "larger piece of work" in str(request.get("system"))
        names = list(FILES) if is_sub else ["one"]
        if done >= len(names):
            return Reply([{"type": "text", "text": "Both agree." if is_sub else "Done."}])
        block = {"type": "tool_use", "id": f"toolu_{done}", "name": "read", "input": {"path": names[done]}}
        if not is_sub:
            block |= {"name": "delegate_task", "input": {"task": "Compare all files."}}
        return Reply([block], "tool_use")

    manager = manager_of(OfflineClaude(reply=reply))
    end = manager.run("Compare.", tools=[as_delegate(manager, [read])])
    assert (end.text, end.calls, len(manager.transcript)) == ("Done.", 1, 4)
    assert "Both agree.\n\nSources: read" in results(manager)[0][0]
    assert end.usage.requests == 2 + 5
    assert estimate_tokens(manager.transcript) < 150
