"""The sets that others published: read from small files in their form, and everything else refused in words."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.evidence.published_sets import ForeignFile, published
from labkit.evidence.table import Labelled, covers, findings
from labkit.messages import user
from labkit.strategies import full_history
from labkit.text.words import searchable_text
from tests.keeping import problems

LOCOMO: dict[str, Any] = {
    "sample_id": "conv-1",
    "conversation": {
        "speaker_a": "Ines",
        "speaker_b": "Tom",
        "session_1_date_time": "9:00 am on 3 May, 2023",
        "session_1": [
            {"speaker": "Tom", "dia_id": "D1:1", "text": "Hi Ines!"},
            {"speaker": "Ines", "dia_id": "D1:2", "text": "I bought a kayak."},
            {"speaker": "Ines", "dia_id": "D1:3", "text": "Look.", "blip_caption": "a red kayak on a lake"},
        ],
        "session_10_date_time": "1:00 pm on 9 June, 2023",
        "session_10": [{"speaker": "Tom", "dia_id": "D10:1", "text": "How is the kayak?"}],
        "session_2_date_time": "7:30 pm on 4 May, 2023",
        "session_2": [{"speaker": "Tom", "dia_id": "D2:1", "text": "I got a new job in Porto."}],
    },
    "qa": [
        {"question": "What did Ines buy?", "answer": "a kayak", "evidence": ["D1:2"], "category": 4},
        {"question": "Which colour, and who moved?", "answer": "red; Tom", "evidence": ["D1:3; D2:1"], "category": 1},
        {"question": "Who sold the kayak?", "adversarial_answer": "Tom", "evidence": ["D1:2"], "category": 5},
        {"question": "Where does it say so?", "answer": "nowhere", "evidence": ["D99:1"], "category": 1},
        {"question": "Why?", "answer": "because", "evidence": [], "category": 3},
    ],
}
BEAM_CHAT = [
    {
        "batch_number": 1,
        "turns": [
            [
                {"role": "user", "id": 0, "index": "1,1", "content": "My budget is 400. ->-> 1,1"},
                {"role": "assistant", "id": 1, "content": "Noted."},
                {"role": "user", "id": 2, "content": "I never use credit."},
                {"role": "assistant", "id": 3, "content": "Good."},
            ]
        ],
    },
    {
        "batch_number": 2,
        "turns": [
            [{"role": "user", "id": 4, "content": "It is 500 now."}, {"role": "assistant", "id": 5, "content": "Ok."}]
        ],
    },
]
BEAM_PROBES = {
    "abstention": [{"question": "What is my job?", "ideal_response": "not said"}],
    "information_extraction": [{"question": "Do I use credit?", "answer": "no", "source_chat_ids": [2]}],
    "knowledge_update": [
        {"question": "My budget?", "answer": "500", "source_chat_ids": {"original_info": [0], "updated_info": [4]}}
    ],
    "event_ordering": [{"question": "In which order?", "answer": "", "source_chat_ids": [[0, 2], [4]]}],
    "summarization": [{"question": "Sum up.", "ideal_summary": "", "source_chat_ids": [77]}],
}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A call of a tool as tau-bench keeps it."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": f"call_{name}", "type": "function", "function": function}],
    }


def result(name: str, content: str) -> dict[str, Any]:
    """Its result."""
    return {"role": "tool", "tool_call_id": f"call_{name}", "name": name, "content": content}


TAU = [
    {
        "task_id": 3,
        "reward": 1.0,
        "info": {},
        "trial": 0,
        "traj": [
            {"role": "system", "content": "# Policy\nBe exact."},
            {"role": "user", "content": "I am ines_4821. What did I order?"},
            call("get_user", user_id="ines_4821"),
            result("get_user", '{"orders": ["#W7780"]}'),
            {"role": "assistant", "content": "One order, #W7780."},
            {"role": "user", "content": "Cancel it, it was a mistake."},
            call("cancel", order_id="#W7780", by="ines_4821", reason="mistake", n=1),
            result("cancel", "done"),
            {"role": "assistant", "content": "It is cancelled."},
        ],
    },
    {"task_id": 4, "reward": 0.0, "info": {}, "traj": [{"role": "user", "content": "Hello."}]},
]


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str, Any], Path]:
    """Writes a JSON file and gives its path."""

    def write(name: str, data: Any) -> Path:
        """One file."""
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data if isinstance(data, str) else json.dumps(data), "utf-8")
        return path

    return write


def checked(found: list[Labelled]) -> Labelled:
    """The only conversation, after the checks of any: it can be sent, and evidence is where it says."""
    (labelled,) = found
    for question in labelled.questions:
        asked = labelled.history[: question.at].append(user(question.ask))
        assert problems(asked, asked) == []
        assert all(one.words in searchable_text(asked[place]) for one in question.evidence for place in one.places)
    assert all(one.covered and one.whole for one in findings(labelled, lambda limit: full_history, 1.0))
    assert not any(covers(labelled.history[:0], question) for question in labelled.questions)
    return labelled


@pytest.mark.parametrize("data", [[LOCOMO], LOCOMO, LOCOMO["conversation"] | {"qa": LOCOMO["qa"]}])
def test_locomo(folder: Callable[[str, Any], Path], data: Any) -> None:
    """Sessions in the order of their numbers; questions about what was never said, or without evidence, left out."""
    found, told = published(folder("locomo10.json", data))
    labelled = checked(found)
    assert "CC BY-NC 4.0" in told
    assert [question.ask for question in labelled.questions] == ["What did Ines buy?", "Which colour, and who moved?"]
    assert [[one.places for one in question.evidence] for question in labelled.questions] == [[(1,)], [(2,), (3,)]]
    assert [message.role for message in labelled.history] == ["user", "assistant", "assistant", "user", "user"]
    assert labelled.history[0].text == "[9:00 am on 3 May, 2023] Tom: Hi Ines!"
    assert labelled.history[2].text == "Ines: Look. [picture: a red kayak on a lake]"


def test_beam(folder: Callable[[str, Any], Path]) -> None:
    """A chat with its probing questions, alone or in a folder of many; what has no sources is left out."""
    chat = folder("100K/1/chat.json", BEAM_CHAT)
    folder("100K/1/probing_questions/probing_questions.json", BEAM_PROBES)
    folder("100K/1/topic.json", {"title": "budget"})
    for place in (chat, chat.parents[2]):
        found, told = published(place)
        labelled = checked(found)
        assert "BEAM" in told
        assert [[one.places for one in question.evidence] for question in labelled.questions] == [
            [(2,)],
            [(0,), (4,)],
            [(0,), (2,), (4,)],
        ]
    assert labelled.name == "100K/1"


def test_tau_bench(folder: Callable[[str, Any], Path]) -> None:
    """The arguments of a call that only earlier turns say are the evidence; runs without any are left out."""
    found, told = published(folder("results.json", TAU))
    labelled = checked(found)
    assert "MIT" in told
    (question,) = labelled.questions
    assert question.ask == "Cancel it, it was a mistake."
    assert {one.words: one.places for one in question.evidence} == {"#W7780": (2, 3), "ines_4821": (0, 1)}


def test_a_folder_may_hold_several_files(folder: Callable[[str, Any], Path]) -> None:
    """Of one set or of two: all are read, and each licence is shown."""
    folder("a.json", [LOCOMO])
    found, told = published(folder("b.json", TAU).parent)
    assert len(found) == 2
    assert "LoCoMo" in told
    assert "tau-bench" in told


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{", "not JSON"),
        ("[]", "no known format"),
        ({"messages": []}, "keys 'messages'"),
        ([{"traj": [{"role": "tool"}], "task_id": 1}], "damaged, or of another version"),
        ([LOCOMO | {"conversation": {"speaker_a": "Ines"}}], "damaged, or of another version"),
        (BEAM_CHAT, "probing_questions.json cannot be read"),
        ([LOCOMO | {"qa": []}], "no question whose evidence"),
    ],
)
def test_foreign_files_are_refused_in_words(folder: Callable[[str, Any], Path], data: Any, words: str) -> None:
    """The format found, and those that can be read."""
    with pytest.raises(ForeignFile, match=words):
        published(folder("file.json", data))


def test_a_place_without_files_is_refused(tmp_path: Path) -> None:
    """An empty folder, and nothing at all."""
    with pytest.raises(ForeignFile, match=r"holds no JSON file: give locomo10\.json"):
        published(tmp_path)
    with pytest.raises(ForeignFile, match="cannot be read"):
        published(tmp_path / "none.json")


def test_ids_that_stand_twice_are_refused(folder: Callable[[str, Any], Path]) -> None:
    """BEAM's longest chats number each part from 0: nothing is guessed."""
    chat = folder("10M/1/chat.json", BEAM_CHAT + BEAM_CHAT)
    folder("10M/1/probing_questions/probing_questions.json", BEAM_PROBES)
    with pytest.raises(ForeignFile, match="numbers several messages alike"):
        published(chat)
