"""The site that runs in a browser is built from pinned parts, whole and repeatable; `make lite-test` runs it in one."""

import re
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import bytecode
import front
import lock
import pytest
import regex
import stand_in
from packaging.requirements import Requirement

from labkit.lab import ROOT

VERSIONS = tomllib.loads((ROOT / "lite" / "versions.toml").read_text("utf-8"))
PYTHON = VERSIONS["python"]


def wheel(folder: Path, name: str, requires: str = "", module: str = "") -> Path:
    """A wheel of one module."""
    path = folder / f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(
            f"{name}-1.0.dist-info/METADATA", metadata + (f"Requires-Dist: {requires}\n" if requires else "")
        )
        packed.writestr(f"{module or name}/__init__.py", "x = 1\n")
        packed.writestr(f"{module or name}/tests/test_it.py", "assert True\n")
    return path


def test_every_version_is_exact_and_that_of_the_desktop() -> None:
    """Each package is pinned; of those that the desktop has too, the SDK and the widgets have the desktop's version."""
    pins = {one.name: one for one in map(Requirement, (*VERSIONS["wheels"], *VERSIONS["tools"]))}
    assert all(re.fullmatch(r"==[\w.]+", str(one.specifier)) for one in pins.values())
    for name in ("anywidget", "ctok", "ipywidgets", "httpx2", "pydantic"):
        assert str(pins[name].specifier) == f"=={version(name)}", name


def test_a_requirement_that_is_missing_is_named(tmp_path: Path) -> None:
    """A package that is required and neither there nor left out ends the build, unless it is for another system."""
    own = wheel(tmp_path, lock.WORKBOOK, "idna", "labkit")
    with pytest.raises(SystemExit, match="idna: required and not in"):
        lock.packages([own], PYTHON, (), ())
    assert lock.packages([own], PYTHON, (), ["idna"])[lock.WORKBOOK]["depends"] == []
    found = lock.packages([own, wheel(tmp_path, "idna", 'colorama; sys_platform == "win32"')], PYTHON, (), ())
    assert (found[lock.WORKBOOK]["depends"], found[lock.WORKBOOK]["imports"]) == (["idna"], ["labkit"])
    assert found["idna"]["depends"] == []


def test_a_wheel_is_packed_the_same_every_time(tmp_path: Path) -> None:
    """Bytecode is added, tests fall away, and the same wheel gives the same bytes; the SDK has bytecode alone."""
    given = wheel(tmp_path, "idna").read_bytes()
    assert bytecode.packed(given) == bytecode.packed(given)
    for name, source in (("idna", True), ("anthropic", False)):
        (tmp_path / "packed.whl").write_bytes(bytecode.packed(wheel(tmp_path, name).read_bytes()))
        names = zipfile.ZipFile(tmp_path / "packed.whl").namelist()
        assert any(one.endswith(".pyc") for one in names)
        assert (f"{name}/__init__.py" in names) is source
        assert not [one for one in names if "tests/" in one]


def test_the_stand_in_matches_what_regex_matches() -> None:
    """On every code point both patterns agree with the real package, and any other property is refused."""
    names: dict[str, object] = {}
    exec(stand_in.module(), names)
    compiled = names["compile"]
    assert callable(compiled)
    for pattern in stand_in.PATTERNS:
        assert compiled(pattern).findall(stand_in.EVERYTHING) == regex.findall(pattern, stand_in.EVERYTHING)
        assert compiled(pattern).fullmatch("é" if "A" in pattern else "\u0301")
    with pytest.raises(ValueError, match=r"knows .* and not"):
        compiled(r"\p{Greek}")


def test_ctok_asks_for_no_other_pattern() -> None:
    """The stand-in is enough for ctok: its sources compile the two patterns, and use nothing else of regex."""
    import ctok

    sources = [path.read_text("utf-8") for path in Path(ctok.__file__).parent.rglob("*.py")]
    uses = [line for source in sources for line in re.findall(r"\bregex\.\w+\(.*", source)]
    assert uses
    assert [line for line in uses if not any(pattern in line for pattern in stand_in.PATTERNS)] == []


def test_an_edition_has_another_name_once_a_byte_is_another(tmp_path: Path) -> None:
    """The name, which the worker's cache has, follows from the files and from nothing else."""
    (tmp_path / "a.txt").write_text("one", "utf-8")
    first = front.edition(tmp_path)
    assert first == front.edition(tmp_path)
    assert first["files"] == {"a.txt": 3}
    (tmp_path / "a.txt").write_text("two", "utf-8")
    assert front.edition(tmp_path)["name"] != first["name"]
