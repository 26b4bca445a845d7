"""The hub for one machine: it starts from its configuration, and two learners side by side do not see each other."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from labkit.teach.report import sandbox

if not find_spec("jupyterhub"):
    pytest.skip("JupyterHub is not installed: pip install -e '.[hub]'", allow_module_level=True)
from hub_learner import PROXY, Learner, hub

pytestmark = [
    pytest.mark.skipif(not PROXY.exists(), reason="the hub's proxy is not installed: npm ci --prefix deploy/hub"),
    pytest.mark.skipif(bool(sandbox.why_not()), reason=f"no closed room here: {sandbox.why_not()}"),
]

OTHERS = """
import os, pathlib
theirs = [place for place in {places!r} if os.path.exists(place)]
seen = b"".join(path.read_bytes() for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"))
print(theirs, b"only-in-adas-kernel" in seen, sorted(os.listdir("/home")))
"""
WORK = """
from labkit.clients import claude
from labkit.teach.exercises import exercise
how_many_messages = exercise("00-a").reference
exercise("00-a").check()
open("/home/learner/adas.txt", "w").write("only Ada's")
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", "only-in-adas-kernel"])
hi = [{"role": "user", "content": "hi"}]
print(claude().messages.count_tokens(model="claude-sonnet-5", messages=hi).input_tokens > 0)
"""


def test_two_learners_side_by_side_do_not_see_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has separate notebooks, kernel, offline Claude and progress; files, processes and the server of the other
    are out of reach, and so is the key of whoever started the hub.
    """
    monkeypatch.setenv("ANTHROPIC_API_KEY", "the-instructors-key")
    folder = tmp_path / "class"
    with hub(folder) as address, Learner(address, "ada") as ada, Learner(address, "ben") as ben:
        for learner in (ada, ben):
            learner.sign_in()
            assert learner.get("/api/contents/notebooks/01_statelessness.ipynb").status_code == 200
        assert ada.kernel().run(WORK).endswith("True\n")
        bens = ben.kernel()
        places = [str(folder), str(folder / "ada"), "/home/learner/adas.txt"]
        assert bens.run(OTHERS.format(places=places)) == "[] False ['learner']\n"
        assert bens.run("import os; print('the-instructors-key' in str(os.environ))") == "False\n"
        assert ben.get("/api/contents", ada.base).status_code in (403, 404)
        assert ada.get("/api/contents/adas.txt").status_code == 200
    assert (folder / "ada" / "progress" / "progress.jsonl").exists()
    assert not (folder / "ben" / "progress" / "progress.jsonl").exists()
