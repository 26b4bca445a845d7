"""ELSEWHERE.md names commands, files and packages that exist, and the container is set up by `make install`."""

import json
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from labkit import lab

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "ELSEWHERE.md").read_text("utf-8")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]


def test_its_commands_and_files_exist():
    """Every make target, every extra and every file that the page names."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"make (\w+)", PAGE)) <= targets | {"sure"}
    assert set(re.findall(r"'\.\[(\w+)\]'", PAGE)) <= EXTRAS.keys()
    assert f"urlpath=lab/tree/{lab.FIRST_NOTEBOOK}" in PAGE
    assert [
        name for name in ("environment.yml", ".devcontainer/devcontainer.json") if not (ROOT / name).is_file()
    ] == []


def test_colab_gets_what_the_lab_gets_but_for_jupyter():
    """The packages of the Colab line are the lab's, without those that bring a separate Jupyter."""
    (line,) = re.findall(r"^%pip install -q -e \. (.+)$", PAGE, re.MULTILINE)
    names = {Requirement(one).name for one in EXTRAS["lab"]} - {"conversation-workbook"}
    assert set(line.split()) <= names
    jupyters = {"ipykernel", "ipywidgets", "jinja2", "jupyter-server", "jupyterlab", "nbclient", "nbformat"}
    assert names - set(line.split()) <= jupyters


def test_the_container_is_set_up_by_make_install():
    """It has the Python of environment.yml, runs make install, and forwards the lab's port."""
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    python = re.search(r"python=(\S+)", (ROOT / "environment.yml").read_text("utf-8"))[1]
    assert container["image"].endswith(f"python:{python}")
    assert (container["postCreateCommand"], container["forwardPorts"]) == ("make install", [lab.DEFAULT_PORT])
