"""The lab starts as the project wants it, and each repair of another package says when it is no longer needed."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from lab_start import LAB, opened

from labkit import lab


def python(code, **environment):
    """The output of a fresh Python for a piece of code, line by line."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONSTARTUP"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=kept | environment
    )
    return done.stdout.splitlines()


@pytest.fixture
def taken():
    """A port on loopback that something else holds."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


def test_the_slow_import_is_still_slow_and_still_there():
    """Without the block, importing jsonschema pulls in `rfc3987_syntax`, which costs CPU: else drop the block."""
    code = "import sys, time; t = time.process_time(); import jsonschema; a = time.process_time() - t\n"
    plain, blocked = (
        python(start + code + "print(a)\nprint(sys.modules.get('rfc3987_syntax') is not None)")
        for start in ("", "import labkit.lab\n")
    )
    assert (plain[1], blocked[1]) == ("True", "False")
    assert float(blocked[0]) < float(plain[0]) - 0.2


def test_kernels_are_spared_the_slow_import_too():
    """A kernel started by the lab or a test run has the block, unless the user's own start-up file comes first."""
    named = "import labkit.lab, os; print(os.environ['PYTHONSTARTUP'])"
    (startup,) = python(named)
    started = f"exec(open({startup!r}).read())\n"
    assert python(started + "import sys; print(sys.modules['rfc3987_syntax'])") == ["None"]
    assert python(started + "print([name for name in globals() if not name.startswith('__')])") == ["[]"]
    assert python(named, PYTHONSTARTUP="mine.py") == ["mine.py"]


def test_websockets_still_wait_without_the_repair():
    """Jupyter's own kernel websocket delays small packets and the lab's does not; else drop the repair."""
    script = Path(__file__).parent / "measure" / "websocket_delay.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["0", "1"]


def test_the_settings_are_jupyterlabs_own():
    """Every setting is a trait that JupyterLab has, so that none is passed over in silence."""
    from jupyter_server.serverapp import ServerApp
    from jupyterlab.labapp import LabApp

    classes = {"ServerApp": ServerApp, "LabApp": LabApp}
    assert lab.settings().keys() == classes.keys()
    for name, values in lab.settings().items():
        assert values.keys() <= classes[name].class_traits().keys()


def test_the_overrides_are_jupyterlabs_own():
    """Every override names a setting of the installed JupyterLab with a value that its schema allows."""
    from jsonschema import validate
    from jupyterlab.commands import get_app_dir

    schemas = Path(get_app_dir()) / "schemas"
    overrides = json.loads((lab.SETTINGS / "overrides.json").read_text("utf-8"))
    for name, values in overrides.items():
        package, _, plugin = name.partition(":")
        schema = json.loads((schemas / package / f"{plugin}.json").read_text("utf-8"))
        assert values.keys() <= schema["properties"].keys()
        validate(values, schema)


def test_the_first_notebook_is_there():
    """The notebook that opens first exists."""
    assert (lab.ROOT / lab.FIRST_NOTEBOOK).is_file()


def test_every_notebook_names_a_kernel_that_the_lab_has():
    """No reader is asked to choose a kernel: the one that each notebook names is this environment's own."""
    from jupyter_client.kernelspec import KernelSpecManager

    paths = sorted((lab.ROOT / "notebooks").glob("*.ipynb"))
    names = {json.loads(path.read_text("utf-8"))["metadata"]["kernelspec"]["name"] for path in paths}
    assert [KernelSpecManager().get_kernel_spec(name).language for name in names] == ["python"]


def test_no_other_pythons_kernel_comes_first(tmp_path, monkeypatch):
    """A kernel of the same name that JUPYTER_PATH leads to would be taken by Jupyter, and is not by the lab."""
    from jupyter_client.kernelspec import KernelSpecManager

    other = tmp_path / "kernels" / "python3" / "kernel.json"
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps({"argv": ["/another/python"], "display_name": "Another", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert KernelSpecManager().get_kernel_spec("python3").argv[0] == "/another/python"
    lab.prefer_this_kernel()
    assert KernelSpecManager().get_kernel_spec("python3").argv[0] != "/another/python"


def test_the_lab_opens_without_news(tmp_path):
    """Its first page comes without news, flags win over settings, and a notebook names the Python that runs it."""
    lab_start = opened(tmp_path)
    assert lab_start.content["metadata"]["language_info"]["version"] == "{}.{}.{}".format(*sys.version_info)
    assert f"{lab_start.address}/lab/tree/{lab.FIRST_NOTEBOOK}" in lab_start.said
    assert '"news": {"disabled": true}' in lab_start.page


def refusal(*flags):
    """The lab's words and exit code when it cannot start."""
    done = subprocess.run([*LAB, "--no-browser", *flags], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == ""
    return done.stderr.strip(), done.returncode


@pytest.mark.parametrize("flags", ["--port={}", "--port {}", "--ServerApp.port={}", "--no-browser --port={} --debug"])
def test_a_taken_port_is_one_sentence(taken, flags):
    """The port that the user named is taken: one sentence says so and offers a free one."""
    with pytest.raises(SystemExit) as refused:
        lab.refuse_taken_port(flags.format(taken).split())
    expected = rf'Port {taken} on 127\.0\.0\.1 is taken .+ LAB_FLAGS="--port=(\d+)"\.'
    offered = re.fullmatch(expected, str(refused.value))[1]
    lab.refuse_taken_port([f"--port={offered}"])


def test_the_default_port_taken_is_one_sentence():
    """The same, from the command line, for the port that the lab takes when none is named."""
    try:
        holder = socket.create_server(("127.0.0.1", lab.DEFAULT_PORT))
    except OSError:
        holder = socket.socket()
    with holder:
        said, status = refusal()
    assert status == 1
    assert said.startswith(f"Port {lab.DEFAULT_PORT} on 127.0.0.1 is taken")
    assert "\n" not in said


def test_questions_need_no_port():
    """Asked for its version, the lab answers whether or not its port is taken."""
    from importlib.metadata import version

    code = "from labkit import lab; lab.DEFAULT_PORT = {}; lab.main(['--version'])"
    with socket.create_server(("127.0.0.1", 0)) as holder:
        assert python(code.format(holder.getsockname()[1])) == [version("jupyterlab")]


def test_ports_that_cannot_be_are_refused():
    """A number outside the range of ports, and an address of another machine, are refused in a sentence."""
    assert refusal("--port=70000") == ("Port 70,000 was asked for; a port is a number from 0 to 65,535.", 1)
    said, status = refusal("--ip=192.0.2.1", "--port=0")
    assert said.startswith("Port 0 on 192.0.2.1 cannot be opened")
    assert (status, said.count("\n")) == (1, 0)


def test_labkit_without_its_notebooks_says_what_to_do(tmp_path):
    """A copy of the package alone is no workbook: the sentence asks for a clone."""
    shutil.copytree(Path(lab.__file__).parents[1], tmp_path / "labkit")
    run = [sys.executable, "-c", "from labkit.lab import main; main([])"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"labkit is installed in {tmp_path} without its notebooks")


@pytest.mark.parametrize("missing", ["jupyterlab", "ipykernel"])
def test_a_missing_package_says_what_to_do(missing):
    """A missing package of the lab is named, with the two ways to have it."""
    code = f"import sys; sys.modules['{missing}'] = None; from labkit.lab import main; main([])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("The workbook is not wholly installed for ")
    assert missing in done.stderr
    assert "delete .venv and run make lab, or with a Python of your own, pip install -e '.[lab]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_python_without_the_workbook_says_what_to_do():
    """A learner's separate Jupyter, started in the folder of the workbook, lacks the workbook's packages, and a
    sentence says so.
    """
    code = "import labkit.lab as lab, importlib.metadata as m; lab.distribution = lambda name: m.distribution('none'); "
    done = subprocess.run([sys.executable, "-c", code + "lab.main([])"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("The workbook is not wholly installed for ")


READ = """
import asyncio, sys
from labkit.lab import name_this_python
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
name_this_python()
files = AsyncLargeFileManager(root_dir=sys.argv[1])
print(asyncio.run(files.get("notes.txt"))["content"])
book = asyncio.run(files.get("one.ipynb"))["content"]
print(book["metadata"]["language_info"]["name"], "version" in book["metadata"]["language_info"])
print(asyncio.run(files.get("one.ipynb", content=False))["content"])
"""


def test_other_files_open_as_they_are(tmp_path):
    """Only a notebook that is read gets this Python's name; a text file has no metadata, a listing no content."""
    book = {"cells": [], "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "one.ipynb").write_text(json.dumps(book))
    (tmp_path / "notes.txt").write_text("words")
    done = subprocess.run([sys.executable, "-c", READ, tmp_path], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["words", "python True", "None"], done.stderr
