"""The memory tool of the offline Claude: it reads its files before it answers, notes new facts, and stops."""

import pytest
from anthropic.tools import BetaLocalFilesystemMemoryTool
from hypothesis import given
from hypothesis import strategies as st
from offline_words import dialogue

from labkit.offline import OfflineClaude
from labkit.offline.words.memory import KIND, NOTES, ROOT
from labkit.offline.words.reply import reply

TOOL = {"type": KIND, "name": "memory"}
ASK = {"model": "claude-opus-5", "max_tokens": 300}


class Desk:
    """A Claude with memory files in a folder: each question is a separate conversation, run by the SDK's runner."""

    def __init__(self, folder):
        """Take the folder that holds the files."""
        self.tool, self.offline = BetaLocalFilesystemMemoryTool(str(folder)), OfflineClaude()

    def ask(self, words):
        """The reply to a first message, and the commands that were run on the way."""
        messages = [{"role": "user", "content": words}]
        runner = self.offline.client().beta.messages.tool_runner(**ASK, tools=[self.tool], messages=messages)
        blocks = [block for message in runner for block in message.content]
        run = [(block.input["command"], block.input["path"]) for block in blocks if block.type == "tool_use"]
        return blocks[-1].text, run


@pytest.fixture
def desk(tmp_path):
    """A Claude whose files are empty."""
    return Desk(tmp_path)


def test_a_fact_is_noted_and_found_in_another_conversation(desk):
    """A fact is written to a file, and read before a question is answered; the first request held none of it."""
    assert desk.ask("My account number is AC-77120.") == ("[simulated] Noted.", [("view", ROOT), ("create", NOTES)])
    words, run = desk.ask("What is my account number?")
    assert words == "[simulated] Your account number is AC-77120."
    assert run == [("view", ROOT), ("view", NOTES)]


def test_a_second_fact_is_added_to_the_same_file(desk):
    """Nothing that was noted before is lost."""
    desk.ask("My account number is AC-77120.")
    assert desk.ask("My exam is on 14 June.")[1] == [("view", ROOT), ("view", NOTES), ("insert", NOTES)]
    assert "14 June" in desk.ask("When is my exam?")[0]
    assert "AC-77120" in desk.ask("What is my account number?")[0]


@pytest.mark.parametrize("words", ["Thanks!", "What is my account number?"])
def test_nothing_is_noted_where_no_fact_is_given(desk, words):
    """Small talk and questions leave no file, and an empty folder holds no answer."""
    said, run = desk.ask(words)
    assert run == [("view", ROOT)]
    assert "AC-" not in said


def test_without_the_tool_or_the_choice_it_is_not_called():
    """Memory is asked for by sending the tool."""
    messages = dialogue("My account number is AC-77120.")
    for request in ({}, {"tools": [TOOL], "tool_choice": {"type": "none"}}):
        assert reply({"messages": messages, **request}).stop_reason == "end_turn"
    assert reply({"messages": messages, "tools": [TOOL]}).stop_reason == "tool_use"


@given(st.lists(st.one_of(st.text(max_size=60), st.sampled_from([f"{ROOT}/a\n{ROOT}/b", NOTES, "", f"{ROOT}/"])),
                min_size=1), st.booleans(), st.sampled_from(["It is red.", "What is red?", ""]))  # fmt: skip
def test_a_round_ends_whatever_the_files_say(results, failed, words):
    """Folder and files may hold anything, and every command may fail: a handful of calls, then an answer."""
    messages = dialogue(words)
    for turn in range(9):
        said = reply({"messages": messages, "tools": [TOOL]})
        if said.stop_reason == "end_turn":
            break
        (use,) = [block for block in said.content if block["type"] == "tool_use"]
        outcome = {"type": "tool_result", "tool_use_id": use["id"], "is_error": failed}
        outcome["content"] = results[turn % len(results)]
        messages += [{"role": "assistant", "content": said.content}, {"role": "user", "content": [outcome]}]
    assert said.stop_reason == "end_turn"
