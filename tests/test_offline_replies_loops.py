"""Loops of the offline Claude: one goal, many tool rounds, the same calls every time, and an end."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_doors import STRICT

from labkit.offline import OfflineClaude

OBJECT: dict[str, Any] = {"type": "object", "properties": {}}
PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
ORDER = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
TOOLS: list[dict[str, Any]] = [
    {"name": "list_files", "description": "List the files of the project.", "input_schema": OBJECT},
    {"name": "read_file", "description": "Read one file of the project.", "input_schema": PATH},
    {"name": "get_order", "description": "Look up an order by its number.", "input_schema": ORDER},
]
WALK = "List the files of the project and read every file. What is the retry timeout?"
CLEARING = {
    "betas": ["context-management-2025-06-27"],
    "context_management": {
        "edits": [
            {
                "type": "clear_tool_uses_20250919",
                "trigger": {"type": "tool_uses", "value": 5},
                "keep": {"type": "tool_uses", "value": 3},
            }
        ]
    },
}


def project(count: int) -> dict[str, str]:
    """Files of which one, a third of the way down, holds what the goal asks for."""
    said = {count // 3: "The retry timeout is 45 seconds.\n"}
    return {f"src/m{i:03}.py": f"Part {i} is here.\n{said.get(i, '')}Nothing else of note." for i in range(count)}


def run_loop(
    goal: str, files: dict[str, str], most: int = 2_000, fold: int = 0, **options: Any
) -> tuple[list[str], str]:
    """Run a loop to its end: the calls as `name value`, in order, and the last words.

    With `fold`, all but that many of the newest rounds become a line a call in a note after the goal.
    """
    client = OfflineClaude().client(**STRICT)
    messages: list[dict[str, Any]] = [{"role": "user", "content": goal}]
    made: list[str] = []
    while len(made) < most:
        sent = folded(messages, fold) if fold else messages
        reply = client.beta.messages.create(
            model="claude-sonnet-4-6", max_tokens=400, tools=TOOLS, messages=sent, **options
        )
        messages.append({"role": "assistant", "content": [block.to_dict() for block in reply.content]})
        uses = [block for block in reply.content if block.type == "tool_use"]
        if not uses:
            return made, reply.content[0].text
        made += [" ".join([use.name, *map(str, use.input.values())]) for use in uses]
        results = [answered(use, files) for use in uses]
        messages.append({"role": "user", "content": results})
    return made, ""


def answered(use: Any, files: dict[str, str]) -> dict[str, Any]:
    """The result of one call."""
    outcomes = {"list_files": "\n".join(files), "get_order": "status: shipped"}
    outcome = outcomes.get(use.name) or files.get(use.input.get("path", ""), "no such file")
    return {"type": "tool_result", "tool_use_id": use.id, "content": outcome}


def folded(messages: list[dict[str, Any]], keep: int) -> list[dict[str, Any]]:
    """The messages with older rounds in a note, in the form that labkit gives it."""
    rounds = [messages[at : at + 2] for at in range(1, len(messages), 2)]
    old, new = rounds[:-keep], rounds[-keep:]
    if not old:
        return messages
    lines = [
        f"- {block['name']} {str(block['input']).replace(chr(39), chr(34))} -> 60 characters"
        for calls, _ in old
        for block in calls["content"]
        if block["type"] == "tool_use"
    ]
    note = {"role": "user", "content": "\n".join(["[Note by the program: earlier calls, oldest first.]", *lines])}
    return [messages[0], note, *(message for pair in new for message in pair)]


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_a_goal_walks_through_a_list(count: int) -> None:
    """The list is read once, every file once in its order, and the answer is found in any place."""
    files = project(count)
    made, said = run_loop(WALK, files)
    assert made == ["list_files", *(f"read_file {path}" for path in files)]
    assert "45 seconds" in said


def test_a_goal_follows_a_trail() -> None:
    """Each result names the next file, and the loop ends where none does."""
    names = [f"part_{i}.txt" for i in range(12)]
    files = {name: f"It goes on in {following}." for name, following in pairwise(names)}
    files["part_11.txt"] = "The treasure is under the oak."
    made, said = run_loop("Read part_0.txt and follow the trail from file to file. Where is the treasure?", files)
    assert [call for call in made if call != "list_files"] == [f"read_file {name}" for name in names]
    assert "under the oak" in said


def test_calls_one_at_a_time_come_to_the_end_of_what_was_asked() -> None:
    """With parallel calls switched off each order has its call all the same, one a round."""
    single = {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    made, _ = run_loop("Check orders 889, 898 and 901, please.", {}, **single)
    assert made == ["get_order 889", "get_order 898", "get_order 901"]


def test_what_was_cleared_is_read_again() -> None:
    """Clearing costs calls: the list, and the file with the answer, are asked for once more when they are needed."""
    files = project(10)
    whole, said = run_loop(WALK, files)
    less, same = run_loop(WALK, files, **CLEARING)
    assert same == said
    assert less.count("list_files") > whole.count("list_files") == 1
    assert len(less) > len(whole)
    assert {*less} == {*whole}


def test_what_was_folded_counts_as_done() -> None:
    """A note of folded rounds is no new goal, and its calls are not made again but for the answer."""
    files = project(10)
    whole, said = run_loop(WALK, files)
    less, same = run_loop(WALK, files, fold=4)
    assert same == said
    assert {*less} == {*whole}
    assert len(less) < 3 * len(whole)


@given(st.integers(1, 12), st.integers(1, 6))
@settings(max_examples=15, deadline=None)
def test_every_loop_ends(count: int, keep: int) -> None:
    """However little of the results is kept, a loop comes to an end within a few calls for each file."""
    edits = [{**CLEARING["context_management"]["edits"][0], "trigger": {"type": "tool_uses", "value": keep}}]
    edits[0]["keep"] = {"type": "tool_uses", "value": keep}
    more = {"betas": CLEARING["betas"], "context_management": {"edits": edits}}
    made, _ = run_loop(WALK, project(count), most=4 * count + 20, **more)
    assert len(made) < 4 * count + 20


def test_the_same_loop_makes_the_same_calls() -> None:
    """Two runs of one loop are the same in every call."""
    assert run_loop(WALK, project(6)) == run_loop(WALK, project(6))


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_order"}])
def test_a_forced_tool_is_called_after_results_too(choice: dict[str, str]) -> None:
    """Right after tool results a request that forces a tool has exactly one call for an answer, and no words."""
    client = OfflineClaude().client(**STRICT)
    call = {"type": "tool_use", "id": "toolu_1", "name": "get_order", "input": {"order_id": "889"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "shipped"}
    messages = [
        {"role": "user", "content": "Check orders 889, 898 and 901."},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    for so_far in (messages, messages[:1]):
        reply = client.messages.create(
            model="claude-sonnet-4-6", max_tokens=400, tools=TOOLS, tool_choice=choice, messages=so_far
        )
        assert [block.type for block in reply.content] == ["tool_use"]
        assert (reply.stop_reason, reply.content[0].name) == ("tool_use", "get_order")


def test_a_forced_tool_of_the_platform_is_called() -> None:
    """A tool without a schema is called as well when it is forced."""
    client = OfflineClaude().client(**STRICT)
    reply = client.messages.create(
        model="claude-sonnet-4-6",
        max_tokens=400,
        tools=[{"type": "bash_20250124", "name": "bash"}],
        tool_choice={"type": "tool", "name": "bash"},
        messages=[{"role": "user", "content": "Hello."}],
    )
    assert (reply.content[0].name, reply.content[0].input) == ("bash", {"command": "ls"})
