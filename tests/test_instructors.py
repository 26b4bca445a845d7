"""The claims of the instructors' guide are so: its links and paths lead somewhere, its commands and flags exist."""

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from labkit.lab import ROOT
from labkit.teach.exercises import exercise
from labkit.teach.questions.files import questions_of
from labkit.teach.record.progress import NAME_VARIABLE, export

GUIDE = (ROOT / "INSTRUCTORS.md").read_text("utf-8")
COMMANDS = sorted(set(re.findall(r"python -m (labkit[\w.]+)((?: +[^\n#`]*)?)", GUIDE)))


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)\)", GUIDE))))
def test_its_links_lead_somewhere(target: str) -> None:
    """Every file that the guide links to exists."""
    assert (ROOT / target).exists()


def test_its_paths_exist() -> None:
    """Every folder and file of the project that it names exists."""
    named = set(re.findall(r"`((?:labkit|tests)/[\w/.]+)`", GUIDE)) | set(re.findall(r"tests/\w+\.py", GUIDE))
    assert len(named) >= 6
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("module", sorted({module for module, _ in COMMANDS}))
def test_its_commands_know_their_flags(module: str) -> None:
    """Each command that it gives exists, and knows every flag that the guide gives it."""
    assert find_spec(module)
    flags = {flag for name, rest in COMMANDS if name == module for flag in re.findall(r"(?<!\S)--?[a-z]+", rest)}
    flags |= {"--rerun", "--seconds"} if module.endswith("report") else set()
    helped = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True).stdout
    assert [flag for flag in sorted(flags) if flag not in helped] == []


def test_its_names_are_those_of_the_code() -> None:
    """The functions, ids and variables of the guide are the ones that there are."""
    assert f"`{NAME_VARIABLE}`" in GUIDE
    assert "progress.export(name=" in GUIDE
    assert "name" in export.__annotations__
    assert exercise("01-a").solution()
    assert questions_of("03")


def test_the_first_notebook_and_the_readme_lead_to_it() -> None:
    """Both a learner's first page and the README link to the guide."""
    assert "](INSTRUCTORS.md)" in (ROOT / "README.md").read_text("utf-8")
    assert "](../INSTRUCTORS.md)" in (ROOT / "notebooks" / "00_start_here.ipynb").read_text("utf-8")
