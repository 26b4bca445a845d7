"""nbval runs the notebooks without a network and compares all that is stored; the command that stores them is fair."""

import json
import os
import re
import subprocess
import sys

import execute_notebooks
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = execute_notebooks.FOLDER.parent
NO_NETWORK = ROOT / "tests" / "closed_network.py"
PATHS = sorted(execute_notebooks.FOLDER.glob("*.ipynb"))


def notebook(*sources):
    """A notebook of code cells."""
    return new_notebook(cells=[new_code_cell(source) for source in sources])


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_stored_file_is_as_the_command_writes_it(path):
    """A stored notebook holds nothing that differs from run to run, so that the same code gives the same bytes."""
    stored = path.read_text("utf-8")
    again = execute_notebooks.written(execute_notebooks.settled(nbformat.reads(stored, as_version=4)))
    assert again.splitlines() == stored.splitlines()


SHOWN = "from IPython.display import display\ndisplay({'image/png': 'AAAA', 'text/plain': 'one'}, raw=True)"
CALLS_OUT = (
    "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError as e:\n    print(e)"
)
CLOSED = "the network is closed here: socket.getaddrinfo '192.0.2.1'\n"


def test_nbval_sees_what_runs_otherwise_than_it_is_stored(tmp_path):
    """Another picture, word or stream than the stored one fails its cell; and no cell can reach another machine."""
    planted = execute_notebooks.executed(notebook(SHOWN, SHOWN, SHOWN, "print('out')"))
    _, picture, word, stream = planted.cells
    picture.outputs[0].data["image/png"] = "AAAB"
    word.outputs[0].data["text/plain"] = "two"
    stream.outputs[0].name = "stderr"
    planted.cells.append(
        new_code_cell(CALLS_OUT, execution_count=5, outputs=[new_output("stream", name="stdout", text=CLOSED)])
    )
    nbformat.write(planted, tmp_path / "planted.ipynb")
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "-p", "conftest", "-rA", tmp_path]
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("", "tests", "tools"))
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    verdicts = sorted(
        re.findall(r"^(?:PASSED|FAILED) .*::Cell \d", done.stdout, re.MULTILINE), key=lambda line: line[-1]
    )
    assert [line[:6] for line in verdicts] == ["PASSED", "FAILED", "FAILED", "FAILED", "PASSED"], done.stdout


def test_the_offline_client_needs_no_network():
    """A request through the real SDK is answered in a process that cannot reach the network."""
    code = (
        f"exec(open({str(NO_NETWORK)!r}).read())\n"
        "from labkit import OfflineClaude\n"
        "ask = dict(model='claude-sonnet-4-6', max_tokens=64, messages=[{'role': 'user', 'content': 'Hello!'}])\n"
        "print(OfflineClaude().client().messages.create(**ask).content[0].text)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("[simulated] "), done.stderr


def test_two_runs_store_the_same_bytes():
    """A widget, a chart, a set and printed lines are stored alike by two runs; no state, id or time is kept."""
    sources = (
        "import ipywidgets\nipywidgets.IntSlider(description='Turns')",
        "import plotly.graph_objects as go\ngo.Figure(go.Bar(y=[1, 2]))",
        "for word in ('a', 'b'):\n    print(word, flush=True)",
    )
    first, second = (execute_notebooks.written(execute_notebooks.executed(notebook(*sources))) for _ in range(2))
    assert first == second
    stored = json.loads(first)
    assert stored["metadata"].keys() == {"kernelspec", "language_info"}
    assert execute_notebooks.WIDGET_VIEW not in first
    assert all("execution" not in cell["metadata"] for cell in stored["cells"])
    assert "".join(stored["cells"][2]["outputs"][0]["text"]) == "a\nb\n"


def test_a_failing_cell_leaves_the_file_as_it_was(tmp_path):
    """Nothing is written when a cell fails, and the message names the notebook and the error."""
    path = tmp_path / "01_broken.ipynb"
    broken = new_notebook(cells=[new_markdown_cell("# 1"), new_code_cell("1 / 0")])
    path.write_text(execute_notebooks.written(broken), "utf-8")
    before = path.read_bytes()
    with pytest.raises(SystemExit, match=r"01_broken\.ipynb was left as it was[\s\S]*ZeroDivisionError"):
        execute_notebooks.main(["01"], tmp_path)
    assert path.read_bytes() == before


def test_an_unknown_notebook_is_refused(tmp_path):
    """A name that no notebook begins with is answered with the names there are."""
    (tmp_path / "01_here.ipynb").touch()
    assert [path.stem for path in execute_notebooks.chosen(["01"], tmp_path)] == ["01_here"]
    with pytest.raises(SystemExit, match="No notebook begins with 07: there are 01_here"):
        execute_notebooks.chosen(["07"], tmp_path)
