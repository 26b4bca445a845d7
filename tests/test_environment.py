"""environment.yml and .python-version say what pyproject.toml says, and this interpreter has all of it."""

import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
INSTALLED = ("lab", "test")
OPTIONAL = {"semantic", "hub"}
"""Extras that the set-up leaves out: a model of meaning, and a hub for a class."""
REQUIREMENTS = [
    *PROJECT["dependencies"],
    *(line for name, extra in EXTRAS.items() if name not in OPTIONAL for line in extra),
]


def complaints(environment):
    """The differences of a conda environment from the project: its name, its Python, its packages."""
    python, pip, *packages = environment["dependencies"]
    wanted = [{"pip": [f"-e .[{','.join(INSTALLED)}]"]}]
    name, _, minor = python.partition("=")
    if environment["name"] != PROJECT["name"]:
        yield f"the name is {environment['name']}, the project's {PROJECT['name']}"
    if name != "python" or f"{minor}.0" not in SpecifierSet(PROJECT["requires-python"]):
        yield f"{python} is not a Python that the project allows ({PROJECT['requires-python']})"
    if pip != "pip" or packages != wanted:
        yield f"beside python and pip there is {packages}, not {wanted}"


def test_conda_and_pip_install_the_same():
    """The conda environment holds Python, pip and this package with the extras of `make install`."""
    assert list(complaints(yaml.safe_load((ROOT / "environment.yml").read_text("utf-8")))) == []


def test_make_and_conda_leave_no_extra_out():
    """The two extras that are installed bring all others but the optional ones; `make install` names the two."""
    brought = {extra for name in INSTALLED for line in EXTRAS[name] for extra in Requirement(line).extras}
    assert EXTRAS.keys() - OPTIONAL == {*INSTALLED, *brought}
    assert f"-e '.[{','.join(INSTALLED)}]'" in (ROOT / "tools" / "install.sh").read_text("utf-8")


@pytest.mark.parametrize(
    "planted",
    [
        {"name": "base"},
        {"dependencies": ["python=3.11", "pip", {"pip": ["-e .[lab,test]"]}]},
        {"dependencies": ["python=3.12", "pip", {"pip": ["-e .[lab]"]}]},
        {"dependencies": ["python=3.12", "pip", "numpy", {"pip": ["-e .[lab,test]"]}]},
    ],
)
def test_a_planted_difference_is_seen(planted):
    """Another name, an old Python, a missing extra and a second list of packages are each complained about."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    assert len(list(complaints(environment | planted))) == 1


def test_the_named_python_is_allowed():
    """.python-version names a Python that pyproject.toml allows, and this one is allowed too."""
    named = (ROOT / ".python-version").read_text("utf-8").strip()
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert f"{named}.0" in allowed
    assert "{}.{}.{}".format(*sys.version_info) in allowed


@pytest.mark.parametrize("line", REQUIREMENTS)
def test_every_requirement_is_met_here(line):
    """The packages of pyproject.toml are those of this environment."""
    requirement = Requirement(line)
    assert version(requirement.name) in requirement.specifier
