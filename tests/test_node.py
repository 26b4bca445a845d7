"""The Node.js port sends what Python sends, and a conversation saved by either opens in the other."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from saved_conversations import whole_conversations

from labkit import ConversationManager, SlidingWindowManager, SmartConversationManager, manager
from labkit.stores import JSONStore
from labkit.stores.saved_form import Saved, document_of
from labkit.teach.lessons import node_port

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "notebooks" / "node"
NO_NODE = "the Node.js port's tests were left out: there is no node 20 or later with npm here"
KINDS = {kind.__name__: kind for kind in (ConversationManager, SlidingWindowManager, SmartConversationManager)}
LARGEST = 2**53 - 1


@pytest.fixture(scope="module")
def port() -> None:
    """The port with its packages, installed once and again only after a change of package-lock.json."""
    version = node_port.node_version()
    if not version or int(version[1:].split(".")[0]) < node_port.OLDEST or not shutil.which("npm"):
        assert not os.environ.get("CI"), NO_NODE
        pytest.skip(NO_NODE)
    installed, wanted = NODE / "node_modules" / ".package-lock.json", NODE / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        ran = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=NODE, capture_output=True, text=True)
        if ran.returncode:
            assert not os.environ.get("CI"), ran.stderr
            pytest.skip("the Node.js port's tests were left out: npm ci in notebooks/node could not get its packages")


@contextmanager
def served(log: Path) -> Iterator[str]:
    """`python -m labkit.offline` on a free port; gives its address."""
    command = [sys.executable, "-m", "labkit.offline", "--port", "0", "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield next(word for word in process.stdout.readline().split() if word.startswith("http"))
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An offline Claude for all tests of this file: its address, and the file to which it adds each request."""
    log = tmp_path_factory.mktemp("offline") / "log.jsonl"
    with served(log) as url:
        yield url, log


def in_node(url: str, *jobs: dict[str, Any]) -> list[dict[str, Any]]:
    """Have Node.js do these jobs, one after another, and give what it says of each."""
    command = ["node", str(ROOT / "tests" / "node_jobs.mjs")]
    environment = os.environ | {"OFFLINE_CLAUDE": url}
    ran = subprocess.run(command, input=json.dumps(jobs), capture_output=True, encoding="utf-8", env=environment)
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


def in_python(url: str, *jobs: dict[str, Any]) -> list[dict[str, Any]]:
    """Do the same jobs with labkit, through the same offline Claude."""
    done = []
    with anthropic.Anthropic(api_key="any", base_url=url, max_retries=0) as client:
        for job in jobs:
            kind = KINDS[job.get("kind", "ConversationManager")]
            named = {manager_name(name): value for name, value in job.get("settings", {}).items()}
            here = kind.load(job["load"], client=client) if "load" in job else kind(client=client, **named)
            for content in job.get("say", ()):
                here.send(content)
            if "save" in job:
                here.save(job["save"])
            used = {camel(name): value for name, value in here.get_token_usage().items()}
            done.append({"kind": type(here).__name__, "messages": here.get_messages(), "usage": used})
    return done


def manager_name(name: str) -> str:
    """A setting's name in Python, from its name in JavaScript."""
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def camel(name: str) -> str:
    """A name in JavaScript, from its name in Python."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def requests_of(log: Path, start: int = 0) -> list[dict[str, Any]]:
    """The bodies that the offline Claude was sent, from a place of its log on."""
    return [json.loads(line)["request"] for line in log.read_text("utf-8").splitlines()[start:]]


TALK = (
    "My name is Ada.",
    "My order is A-1047, for Oslo, and it should arrive before Tuesday.",
    # Long enough to count by its length: for a text mostly in another script Python's estimate is a finer one.
    "Ærø, 漢字 and 🙂 are in the address, which is on the parcel, on the invoice, on the note and on the form.",
    "What is my order number?",
    "Thanks.",
    "What is my name?",
)
WEATHER = {
    "name": "look_up",
    "description": "Look up an order.",
    "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}},
}
ROUNDS = [
    {"role": "user", "content": "Look up 889 and 890, please, and tell me what is in them and where they go."},
    {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "One moment."},
            {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"q": "Ærø", "n": [1, 2.5, None, True]}},
            {"type": "tool_use", "id": "toolu_2", "name": "look_up", "input": {}},
        ],
    },
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "Two lamps."}]},
            {"type": "tool_result", "tool_use_id": "toolu_2", "content": "Nothing, it was sent back to Oslo."},
        ],
    },
    {"role": "assistant", "content": "889 has two lamps, and 890 was sent back to Oslo."},
]
JOBS: tuple[dict[str, Any], ...] = (
    {"kind": "ConversationManager", "say": TALK, "settings": {"systemPrompt": "  "}},
    {"kind": "ConversationManager", "say": TALK, "settings": {"cache": True, "tools": [WEATHER], "maxTokens": 64}},
    *({"kind": "SlidingWindowManager", "say": TALK, "settings": {"windowSize": size}} for size in (1, 2, 5, 50)),
    *(
        {
            "kind": "SmartConversationManager",
            "say": [f"{sentence} {'Thank you. ' * words}".strip() for sentence in TALK * 2],
            "settings": {"tokenThreshold": 60, "recentTurnsToKeep": keep},
        }
        for keep in (0, 1, 3)
        for words in (0, 9)
    ),
    {
        "kind": "SmartConversationManager",
        "say": TALK,
        "settings": {"tokenThreshold": 60, "recentTurnsToKeep": 2, "tools": [WEATHER], "messages": ROUNDS},
    },
)


@pytest.mark.filterwarnings("ignore::labkit.turn.SummaryWarning")
def test_the_same_conversation_gives_the_same_requests(port: None, server: tuple[str, Path]) -> None:
    """All three managers: windows, summaries that fold, summaries that fail, tools and caching, in every body sent."""
    url, log = server
    start = len(requests_of(log)) if log.exists() else 0
    node = in_node(url, *JOBS)
    sent = requests_of(log, start)
    python = in_python(url, *JOBS)
    assert requests_of(log, start + len(sent)) == sent
    assert [job | {"usage": None} for job in python] == [job | {"usage": None} for job in node]
    assert [job["usage"] for job in python] == [job["usage"] for job in node]
    assert any(body["system"].startswith("You condense") for body in sent if "system" in body)


@pytest.mark.filterwarnings("ignore::labkit.turn.SummaryWarning")
def test_a_conversation_wanders_between_the_two(port: None, server: tuple[str, Path], tmp_path: Path) -> None:
    """Begun in Python with facts, pins and a summary, taken on in Node.js and again in Python: as if in one of them."""
    url, log = server
    with anthropic.Anthropic(api_key="any", base_url=url) as client:
        begun = SmartConversationManager(client=client, token_threshold=60, recent_turns_to_keep=1, max_tokens=200)
        begun.add_fact("The order is A-1047.", "the user, turn 1")
        begun.send("Never call me Bob.")
        begun.mark(0, pinned=True, importance=1.0, flags=("preference",))
        for sentence in TALK:
            begun.send(f"{sentence} {'Thank you. ' * 9}")
        assert begun.summary
        for name in ("node", "python"):
            begun.save(tmp_path / name)
    for step, do in enumerate((in_node, in_python) * 2):
        start = len(requests_of(log))
        for name, one in (("node", do), ("python", in_python)):
            one(url, {"load": str(tmp_path / name), "say": TALK[: step + 2], "save": str(tmp_path / name)})
        sent = requests_of(log, start)
        assert sent[: len(sent) // 2] == sent[len(sent) // 2 :]
    mixed, pure = (ConversationManager.load(tmp_path / name) for name in ("node", "python"))
    assert type(mixed) is SmartConversationManager
    assert mixed.messages == pure.messages
    assert mixed.summary_history == pure.summary_history
    assert (mixed.usage, mixed.facts) == (pure.usage, pure.facts)
    assert mixed.transcript[0].pinned


def exact(value: Any) -> bool:
    """True when JavaScript can hold every number in it: whole ones up to 2**53 - 1."""
    if isinstance(value, dict):
        return all(map(exact, value.values()))
    if isinstance(value, list | tuple):
        return all(map(exact, value))
    return not isinstance(value, int | float) or not float(value).is_integer() or abs(value) <= LARGEST


def test_what_python_saved_is_the_same_after_node(
    port: None, server: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Random conversations with anything in them, opened and saved again by Node.js: nothing is lost or changed."""
    folder, kept = tmp_path_factory.mktemp("roundtrip"), list[Saved]()
    options = {"model": "claude-sonnet-4-6", "max_tokens": 100, "tools": [], "cache": False, "steps": []}
    options |= {"token_threshold": None, "recent_turns_to_keep": 4}

    @seed(20)
    @settings(max_examples=60, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(whole_conversations(), st.integers(1, 1000))
    def draw(conversation: Any, revision: int) -> None:
        saved = Saved("ConversationManager", options, conversation, revision)
        if exact(document_of(saved)):
            kept.append(saved)

    draw()
    assert len(kept) > 30
    paths = [folder / f"{place}.json" for place in range(len(kept))]
    for path, saved in zip(paths, kept, strict=True):
        path.write_bytes(manager_bytes(saved))
    in_node(server[0], *({"load": str(path), "save": str(path)} for path in paths))
    for path, saved in zip(paths, kept, strict=True):
        again = JSONStore(path).read()
        assert again is not None
        assert again.revision == saved.revision + 1
        before, after = document_of(saved), document_of(again)
        assert after | {"revision": 0} == before | {"revision": 0}


def manager_bytes(saved: Saved) -> bytes:
    """The bytes of a saved form at just this revision."""
    from labkit.stores.saved_form import to_bytes

    return to_bytes(saved)


def test_nodes_own_tests_pass(port: None, server: tuple[str, Path]) -> None:
    """`node --test` in notebooks/node, against `python -m labkit.offline`."""
    environment = os.environ | {"OFFLINE_CLAUDE": server[0]}
    ran = subprocess.run(["node", "--test"], cwd=NODE, capture_output=True, encoding="utf-8", env=environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "# fail 0" in ran.stdout


def test_the_stored_run_is_what_runs_today(port: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, and each says which it is."""
    here = node_port.run_node()
    monkeypatch.setenv("PATH", "")
    stored = node_port.run_node()
    assert repr(stored) == repr(here) == here.printed
    assert stored.file.read_text("utf-8") == here.file.read_text("utf-8")
    assert "run here by node v" in here.source
    assert "stored run" in stored.source
    assert "node is not installed here" in stored.source


def test_the_stored_run_goes_on_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without node, too, what Node.js saved opens here, and the output of a cell is the printed text."""
    monkeypatch.setenv("PATH", "")
    run = node_port.run_node()
    back = ConversationManager.load(run.file)
    assert len(back.transcript) == 10
    assert "blue" in back.send("What is my favourite colour?")
    assert run._repr_mimebundle_()["text/plain"] == run.printed


def test_the_packages_are_pinned_and_name_no_registry() -> None:
    """Exact versions in package.json, the same in the lock file with a checksum each, and no address anywhere."""
    package = json.loads((NODE / "package.json").read_text("utf-8"))
    text = (NODE / "package-lock.json").read_text("utf-8")
    locked = json.loads(text)["packages"]
    for name, version in package["dependencies"].items():
        assert locked[f"node_modules/{name}"]["version"] == version
    assert all("integrity" in found for name, found in locked.items() if name)
    assert '"resolved"' not in text
    assert package["engines"]["node"] == f">={node_port.OLDEST}"


def test_defaults_are_pythons(port: None) -> None:
    """Model, limits and window of a manager made without settings are the same in both."""
    code = (
        "import * as all from './src/managers.js';"
        "const client = {}, names = ['ConversationManager', 'SlidingWindowManager', 'SmartConversationManager'];"
        "console.log(JSON.stringify(names.map((name) => ({...all[name].defaults, "
        "systemPrompt: new all[name]({client}).systemPrompt}))))"
    )
    command = ["node", "--input-type=module", "--eval", code]
    ran = subprocess.run(command, cwd=NODE, capture_output=True, text=True, check=True)
    for kind, defaults in zip(KINDS.values(), json.loads(ran.stdout), strict=True):
        expected = {camel(name): value for name, value in kind()._options().items()}
        assert defaults == expected | {"systemPrompt": manager.ConversationManager().system_prompt}
