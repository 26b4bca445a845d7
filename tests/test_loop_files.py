"""Recorded runs of agents read from files: small files in each form, written here, in the shape of the real ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from labkit.evidence.loop_files import read_runs
from labkit.messages import rounds
from labkit.repair import unpaired

CALL = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"order": "KR-58"}'}}
CHAT: list[dict[str, Any]] = [
    {"role": "system", "content": "You help."},
    {"role": "user", "content": "Is KR-58 late?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "name": "look_up", "content": "on time"},
    {"role": "assistant", "content": "It is not."},
]
API = [
    {"role": "user", "content": "Is KR-58 late?"},
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "c1", "name": "look_up", "input": {"order": "KR-58"}}],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "on time"}]},
    {"role": "assistant", "content": "It is not."},
]
STEP = {"action": "look_up KR-58", "observation": "on time", "thought": "I look.", "response": "", "state": ""}
PROMPTED = [
    {"role": "system", "content": "You help."},
    {"role": "user", "content": "Here is how it is done.", "is_demo": True},
    {"role": "user", "content": "Is KR-58 late?"},
]
SWE = {"environment": "swe_main", "trajectory": [STEP, {**STEP, "observation": ""}], "history": PROMPTED, "info": {}}
SWE_CALLS = {"history": [{**one, **({"tool_call_ids": ["c1"]} if one["role"] == "tool" else {})} for one in CHAT]}
SWE_CALLS["history"][3].pop("tool_call_id")
PI: list[dict[str, Any]] = [
    {"type": "session", "id": "s", "cwd": "/"},
    {"type": "message", "message": {"role": "user", "content": [{"type": "text", "text": "Is KR-58 late?"}]}},
    {"type": "model_change", "modelId": "m"},
    {
        "type": "message",
        "message": {
            "role": "assistant",
            "content": [{"type": "toolCall", "id": "c1", "name": "look_up", "arguments": {"order": "KR-58"}}],
        },
    },
    {
        "type": "message",
        "message": {"role": "toolResult", "toolCallId": "c1", "content": [{"type": "text", "text": "on time"}]},
    },
]
FORMS: dict[str, Any] = {
    "the API's own": API,
    "a dict of messages": {"messages": API},
    "tau-bench": [{"task_id": 0, "reward": 1.0, "traj": CHAT}, {"task_id": 1, "traj": CHAT}],
    "OpenAI's chat": CHAT,
    "SWE-agent": SWE,
    "SWE-agent with function calls": SWE_CALLS,
}


@pytest.mark.parametrize("form", FORMS, ids=FORMS.keys())
def test_a_run_is_read_in_each_form(form: str, tmp_path: Path) -> None:
    """The goal comes first, the calls have their results, and no system prompt or demonstration is in the run."""
    path = tmp_path / "run.json"
    path.write_text(json.dumps(FORMS[form]), "utf-8")
    runs = read_runs(path)
    assert len(runs) == (2 if form == "tau-bench" else 1)
    for run in runs:
        assert run[0].text == "Is KR-58 late?"
        assert not unpaired(run)
        assert "KR-58" in str(next(rounds(run))[0].blocks)
        assert "on time" in str(next(rounds(run))[1].blocks)


def test_a_session_of_pi_is_read_from_lines(tmp_path: Path) -> None:
    """Lines of JSON, those that are no messages left out; an answer of the user is an exchange of the same run."""
    path = tmp_path / "session.jsonl"
    path.write_text("\n".join(map(json.dumps, PI)), "utf-8")
    (run,) = read_runs(path)
    assert [message.role for message in run] == ["user", "assistant", "user"]


def test_a_recording_that_is_cut_off_is_made_whole(tmp_path: Path) -> None:
    """It begins with a result whose call is missing, and ends with a call whose result is: one goes, one is closed."""
    result = PI[4]
    path = tmp_path / "cut.jsonl"
    path.write_text("\n".join(map(json.dumps, [PI[0], result, *PI[1:4]])), "utf-8")
    (run,) = read_runs(path)
    assert not unpaired(run)
    assert run[-1].blocks[0]["is_error"]


def test_a_run_without_a_call_is_left_out(tmp_path: Path) -> None:
    """A conversation in words is no loop."""
    path = tmp_path / "talk.json"
    path.write_text(json.dumps([{"traj": CHAT[:2] + CHAT[4:]}, {"traj": CHAT}]), "utf-8")
    assert len(read_runs(path)) == 1


@pytest.mark.parametrize("text", ["no json", '"text"', '{"model": "m"}', "[]"])
def test_another_file_is_refused_with_what_it_holds(text: str, tmp_path: Path) -> None:
    """The error names the file, and says what to give."""
    path = tmp_path / "other.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"other\.json.*give"):
        read_runs(path)
