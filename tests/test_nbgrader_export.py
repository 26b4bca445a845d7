"""The exercises leave for nbgrader as nbgrader wants them: its own commands say so."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labkit.lab import ROOT
from labkit.teach import nbgrader_export
from labkit.teach.exercises import all_exercises
from labkit.teach.nbgrader_export import convert

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NBGRADER = "nbgrader==0.9.6"
# What nbgrader needs beside what is here. It is kept in a folder of its own: installed into the environment, it would
# put its own menus and server extension into every learner's lab.
PACKAGES = (NBGRADER, "sqlalchemy>=2,<3", "alembic>=1.13,<2", "mako", "rapidfuzz>=3", "setuptools")

PROOF = """
import json, sys
from nbgrader.apps.api import NbGraderAPI
from nbgrader.validator import Validator
from traitlets.config import PyFileConfigLoader

config = PyFileConfigLoader("nbgrader_config.py").load_config()
name = sys.argv[1]
source = Validator().validate(f"source/{name}/{name}.ipynb")
made = NbGraderAPI(config=config).generate_assignment(name, create=True)
release = Validator().validate(f"release/{name}/{name}.ipynb")
print(json.dumps({"source": source, "made": made["success"], "log": made["log"], "release": release}))
"""


def graded(notebook: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The cells that nbgrader knows, by their grade ids."""
    cells = [cell for cell in notebook["cells"] if "nbgrader" in cell["metadata"]]
    return {cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in cells}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_exercise_of_a_notebook_is_exported(path: Path) -> None:
    """Each exercise that a notebook marks gets a solution cell with its stub on top and one locked test cell."""
    notebook = json.loads(path.read_text("utf-8"))
    ids = [cell["metadata"]["exercise"] for cell in notebook["cells"] if "exercise" in cell["metadata"]]
    if not ids:
        with pytest.raises(ValueError, match="no exercise is checked in it"):
            convert(notebook)
        return
    assert convert(notebook) == ids
    cells = graded(notebook)
    assert cells.keys() == {f"{kind}-{id}" for id in ids for kind in ("answer", "check")}
    for id in ids:
        answer, check = cells[f"answer-{id}"], cells[f"check-{id}"]
        assert answer["source"].startswith(all_exercises()[id].stub.strip())
        assert answer["source"].endswith("### END SOLUTION")
        assert (check["metadata"]["nbgrader"]["locked"], check["metadata"]["nbgrader"]["points"]) == (True, 1)
        assert "assert verdict.ok" in check["source"]
    assert not any(cell.get("outputs") for cell in notebook["cells"])


def test_a_copied_cell_is_graded_once() -> None:
    """Of two copies of an exercise and its check, the first pair is graded, so grade ids stay unique."""
    notebook = json.loads(PATHS[0].read_text("utf-8"))
    notebook["cells"] += json.loads(json.dumps(notebook["cells"]))
    assert convert(notebook) == ["00-a"]


def test_an_exercise_that_cannot_be_exported_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, JSON that is no notebook and a notebook without exercises end with a sentence and no course."""
    for name, text in (("a.ipynb", "[1]"), ("b.ipynb", "{"), ("c.ipynb", '{"cells": []}')):
        (tmp_path / name).write_text(text)
        assert nbgrader_export.main([str(tmp_path / name), "-o", str(tmp_path / "course")]) == 1
        assert "is not a notebook of this workbook" in capsys.readouterr().err
    assert nbgrader_export.main([str(tmp_path / "none.ipynb"), "-o", str(tmp_path / "course")]) == 1
    assert not (tmp_path / "course").exists()


@pytest.fixture(scope="module")
def nbgrader() -> Path:
    """The folder that holds nbgrader, fetched once for an environment; without a network the test is left out."""
    place = Path(sys.prefix) / NBGRADER.replace("==", "-")
    if not (place / "nbgrader").is_dir():
        fetch = [sys.executable, "-m", "uv", "pip", "install", "-q", "--no-deps", "--compile-bytecode", "--target"]
        done = subprocess.run([*fetch, str(place), *PACKAGES], capture_output=True, text=True, check=False)
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["uv said nothing"])[-1].strip()
            pytest.skip(f"the proof by nbgrader was left out, because {NBGRADER} could not be fetched ({why})")
    return place


def test_nbgrader_itself_accepts_the_export(nbgrader: Path, tmp_path: Path) -> None:
    """nbgrader validates the source version, makes the release version from it, and finds that one's stub failing."""
    course, name = tmp_path / "course", PATHS[0].stem
    assert nbgrader_export.main([str(PATHS[0]), "-o", str(course)]) == 0
    home = {"HOME": str(tmp_path), "LABKIT_PROGRESS": str(tmp_path / "progress")}
    path = f"{nbgrader / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | home | {"PYTHONPATH": f"{nbgrader}{os.pathsep}{ROOT}", "PATH": path}
    run = [sys.executable, "-c", PROOF, name]
    done = subprocess.run(run, cwd=course, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["source"] == {}
    assert said["made"], said["log"]
    assert [failed["source"].split("\n")[0] for failed in said["release"]["failed"]] == [
        'verdict = exercise("00-a").check()'
    ]
    release = (course / "release" / name / f"{name}.ipynb").read_text("utf-8")
    assert "return ...  # replace the three dots" in release
    assert "SOLUTION" not in release
    assert 'len(request[\\"messages\\"])' not in release
