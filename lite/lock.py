"""The lock file of the site's Python: every package with its file, its checksum, its modules and what it depends on.

Pyodide loads a package, and all that it depends on, once a cell imports one of its modules.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Sequence
from email.parser import Parser
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

WORKBOOK = "conversation-workbook"


def environment(python: str) -> dict[str, str]:
    """The values of a requirement's markers in a browser's Python."""
    return {
        "extra": "",
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": "wasm32",
        "platform_python_implementation": "CPython",
        "platform_system": "Emscripten",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "emscripten",
    }


def entry(wheel: Path, markers: dict[str, str]) -> dict[str, Any]:
    """One package of the lock file."""
    name, version, _, _ = parse_wheel_filename(wheel.name)
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        metadata = next(one for one in names if one.endswith(".dist-info/METADATA"))
        given = Parser().parsestr(packed.read(metadata).decode()).get_all("Requires-Dist") or []
    required = [one for one in map(Requirement, given) if not one.marker or one.marker.evaluate(markers)]
    return {
        "name": name,
        "version": str(version),
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": sorted(modules(names)),
        "depends": sorted({canonicalize_name(one.name) for one in required}),
        "unvendored_tests": False,
    }


def modules(names: Iterable[str]) -> set[str]:
    """The top-level modules and packages among the files of a wheel."""
    code = [Path(name) for name in names if name.endswith((".py", ".pyc", ".so"))]
    tops = {path.parts[0] if len(path.parts) > 1 else path.name.split(".")[0] for path in code}
    return {top for top in tops if top != "__pycache__" and not top.endswith((".dist-info", ".data"))}


def packages(
    wheels: Iterable[Path], python: str, besides: Sequence[str], left_out: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """All packages of the lock file by name. SystemExit names what is required and neither there nor left out."""
    markers = environment(python)
    found = {one["name"]: one for one in (entry(wheel, markers) for wheel in sorted(wheels))}
    found[WORKBOOK]["depends"] = sorted({*found[WORKBOOK]["depends"], *besides})
    missing = sorted({name for one in found.values() for name in one["depends"]} - {*found, *left_out})
    if missing:
        raise SystemExit(f"{', '.join(missing)}: required and not in lite/versions.toml: add to wheels, or to left_out")
    for one in found.values():
        one["depends"] = [name for name in one["depends"] if name in found]
    return found


def write(folder: Path, core: Path, found: dict[str, dict[str, Any]]) -> None:
    """Write the lock file, with pyodide's own facts about its interpreter."""
    lock = json.loads((core / "pyodide-lock.json").read_text("utf-8")) | {"packages": found}
    (folder / "pyodide-lock.json").write_text(json.dumps(lock, indent=1) + "\n", "utf-8")
