"""`run_node()`: a conversation begun in Python goes on in Node.js, here where node is, else as it was stored.

The port and its README are in `notebooks/node/`, its stored run is `walkthrough.json` here. What is shown is the same
either way, so that notebooks can be compared; `source` says which it is, and so does the live notebook.
"""

import atexit
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from labkit.manager import SmartConversationManager
from labkit.teach.lessons.stored_runs import Run

FOLDER = Path(__file__).resolve().parents[3] / "notebooks" / "node"
STORED = Path(__file__).with_name("walkthrough.json")
"""The stored run: with the package, so that it is there where the workbook is installed without its notebooks."""
OLDEST = 20
"""The oldest node that the port runs on, as `engines` in its package.json says."""
SAID = ("My name is Ada.", "My order is A-1047.", "My favourite colour is blue.")


@dataclass(frozen=True, repr=False)
class NodeRun(Run):
    """A run of Node.js, and the `file` in which it saved the conversation, which is there until Python ends."""

    file: Path


def run_node() -> NodeRun:
    """Save three turns in Python and let `walkthrough.js` go on with them; without node, give its stored run.

    Raises RuntimeError with node's own words when node is there and the run fails.
    """
    folder = tempfile.mkdtemp(prefix="labkit-node-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = Path(folder) / "conversation.json"
    if missing := why_not():
        stored = json.loads(STORED.read_text("utf-8"))
        file.write_text(stored["saved"], "utf-8")
        return NodeRun(stored["printed"], f"The stored run of walkthrough.js, because {missing}.", file)
    with offline_server() as url:
        begun(file)
        command = ["node", str(FOLDER / "walkthrough.js"), str(file), url]
        ran = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    if ran.returncode:
        raise RuntimeError(f"node walkthrough.js failed: {ran.stderr.strip()}")
    return NodeRun(ran.stdout.rstrip(), f"walkthrough.js, run here by node {node_version()}", file)


def begun(file: Path) -> None:
    """Have the conversation that Node.js goes on with, and save it."""
    manager = SmartConversationManager(token_threshold=2_000, clock=lambda: "2026-11-22T09:00:00+00:00")
    for sentence in SAID:
        manager.send(sentence)
    manager.save(file)


def why_not() -> str:
    """The reason why Node.js cannot run here, in words; empty where it can."""
    version = node_version()
    if not version:
        return "node is not installed here"
    if int(version.removeprefix("v").split(".")[0]) < OLDEST:
        return f"node {version} is older than {OLDEST}"
    if not (FOLDER / "node_modules" / "@anthropic-ai" / "sdk").is_dir():
        return "its packages are not installed: run npm ci in notebooks/node"
    return ""


def node_version() -> str:
    """The version of node on this machine, such as v20.20.2; empty where there is none."""
    if not shutil.which("node"):
        return ""
    ran = subprocess.run(["node", "--version"], capture_output=True, encoding="utf-8", timeout=60, check=False)
    return ran.stdout.strip()


@contextmanager
def offline_server() -> Iterator[str]:
    """An offline Claude on a free port of this machine for the length of a with block; gives its address."""
    from labkit.offline import OfflineClaude
    from labkit.offline.server import OfflineServer, listening

    with listening("127.0.0.1", 0) as bound, OfflineServer(OfflineClaude(), bound) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield "http://{}:{}".format(*bound.getsockname()[:2])
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Run it here and store it: `python -m labkit.teach.lessons.node_port`, after a change to the port."""
    if missing := why_not():
        sys.exit(f"nothing was stored, because {missing}")
    run = run_node()
    stored = {"printed": run.printed, "saved": run.file.read_text("utf-8")}
    STORED.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(run.printed)


if __name__ == "__main__":
    main()
