"""Build the whole workbook as a static site that runs in a browser: `make lite`.

Usage: python lite/build_lite.py [FOLDER], by default lite-site/. It gets pyodide from npm and the packages from PyPI,
in the versions of `versions.toml`, and keeps what it got in build/lite/. The same sources give the same bytes.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import front
import lock
import nbformat
import stand_in

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = ROOT / "build" / "lite"
CORE = ("package.json", "pyodide.asm.mjs", "pyodide.asm.wasm", "pyodide.mjs", "python_stdlib.zip")
"""The files of pyodide's npm package that a browser loads."""
KERNELSPEC = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
OLDEST = 20
"""The oldest Node.js that pyodide runs on."""
EPOCH = "1767225600"
"""The date that archives get, 1 January 2026, in seconds since 1970."""


def run(*command: str | Path, folder: Path = ROOT) -> None:
    """Run a program quietly; SystemExit with its own last words when it fails."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH, "PYTHONHASHSEED": "0"}
    ran = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", env=environment)
    if ran.returncode:
        words = "\n".join((ran.stdout + ran.stderr).strip().splitlines()[-15:])
        raise SystemExit(f"make lite: {' '.join(map(str, command[:4]))} failed:\n{words}")


def fresh(folder: Path) -> Path:
    """The folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def once(folder: Path, wanted: object) -> bool:
    """True if the folder does not hold what is wanted, which its stamp says; it is then empty."""
    if (folder / ".wanted").is_file() and (folder / ".wanted").read_text("utf-8") == repr(wanted):
        return False
    fresh(folder)
    return True


def done(folder: Path, wanted: object) -> None:
    """Say in the folder that it holds what is wanted, once it does."""
    (folder / ".wanted").write_text(repr(wanted), "utf-8")


def tools(pins: Sequence[str]) -> Path:
    """The folder of an environment with the programs that build the site; in .venv they would change the lab."""
    folder = WORK / "tools"
    if once(folder, pins):
        run(sys.executable, "-m", "venv", folder)
        run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", *pins)
        done(folder, pins)
    return folder


def core(version: str) -> Path:
    """The folder of pyodide's npm package."""
    folder = WORK / "pyodide"
    if once(folder, version):
        run("npm", "pack", "--silent", f"pyodide@{version}", folder=folder)
        shutil.unpack_archive(folder / f"pyodide-{version}.tgz", folder, filter="data")
        done(folder, version)
    return folder / "package"


def wheels(versions: dict[str, Any], programs: Path) -> Path:
    """The folder of all packages as they are published, with the kernel's own and the stand-in for regex."""
    folder, wanted = WORK / "wheels", (versions["wheels"], versions["platform"], versions["tools"])
    if once(folder, wanted):
        tag = f"cp{versions['python'].replace('.', '')}"
        target = ["--platform", versions["platform"], "--platform", "any", "--python-version", versions["python"]]
        target += ["--implementation", "cp", "--abi", tag, "--only-binary", ":all:", "--no-deps"]
        run(programs / "bin" / "python", "-m", "pip", "download", "--quiet", *target, "-d", folder, *versions["wheels"])
        for path in (programs / "share" / "jupyter" / "labextensions").glob("@jupyterlite/*/static/pypi/*.whl"):
            if "widgetsnbextension-3" not in path.name:
                shutil.copy(path, folder)
        stand_in.write_wheel(folder)
        done(folder, wanted)
    return folder


def compiled(given: Path, to: Path, pyodide: Path) -> None:
    """Pack the wheels of a folder for the site."""
    to.mkdir(parents=True, exist_ok=True)
    run("node", HERE / "compile.mjs", pyodide, given, to)


def packages(versions: dict[str, Any], programs: Path, pyodide: Path) -> list[Path]:
    """Every wheel of the site: those that are published once, labkit each time."""
    folder, wanted = WORK / "compiled", (versions["wheels"], versions["pyodide"], (HERE / "bytecode.py").read_text())
    if once(folder, wanted):
        compiled(wheels(versions, programs), folder, pyodide)
        done(folder, wanted)
    source, own = fresh(WORK / "labkit"), fresh(WORK / "labkit-compiled")
    run(programs / "bin" / "python", "-m", "build", "--wheel", "--no-isolation", "--outdir", source, ROOT)
    compiled(source, own, pyodide)
    return [*folder.glob("*.whl"), *own.glob("*.whl")]


def contents(folder: Path) -> None:
    """Copy what the notebooks' folder has into the site, each notebook for the browser's kernel."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata["kernelspec"] = KERNELSPEC
        notebook.metadata[front.MARK] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        # not nbformat.write, which stores texts as lists of lines: JupyterLite gives them to the page as they are
        (folder / path.name).write_text(json.dumps(notebook, ensure_ascii=False), "utf-8")
    shutil.copy(ROOT / "INSTRUCTORS.md", folder.parent)
    shutil.copytree(ROOT / "notebooks" / "node", folder / "node", ignore=shutil.ignore_patterns("node_modules"))


def build(folder: Path) -> None:
    """Build the site into a folder, which is emptied before."""
    versions = tomllib.loads((HERE / "versions.toml").read_text("utf-8"))
    programs, pyodide = tools(versions["tools"]), core(versions["pyodide"])
    lite = fresh(WORK / "lite")
    found = packages(versions, programs, pyodide)
    (static := lite / "static" / "pyodide").mkdir(parents=True)
    for path in (*found, *(pyodide / name for name in CORE)):
        shutil.copy(path, static)
    listed = lock.packages(found, versions["python"], versions["besides"], versions["left_out"])
    lock.write(static, pyodide, listed)
    (lite / "files" / "notebooks").mkdir(parents=True)
    contents(lite / "files" / "notebooks")
    shutil.copy(HERE / "jupyter-lite.json", lite)
    shutil.copy(ROOT / "labkit" / "lab" / "settings" / "overrides.json", lite)
    jupyter_lite(programs, lite, fresh(folder))
    front.write(folder)


def jupyter_lite(programs: Path, lite: Path, folder: Path) -> None:
    """Have JupyterLite build its part of the site, without the apps and source maps that nobody needs here."""
    extensions = ROOT / "labkit" / "lab" / "settings" / "extensions"
    command = [programs / "bin" / "jupyter-lite", "build", "--lite-dir", lite]
    command += ["--output-dir", folder, "--no-sourcemaps", "--no-unused-shared-packages"]
    command += [word for app in ("lab", "notebooks", "tree") for word in ("--apps", app)]
    run(*command, f"--FederatedExtensionAddon.extra_labextensions_path={extensions}", folder=lite)


def main(arguments: Sequence[str]) -> None:
    """Build into the folder that was named, and say how large it is and how to open it."""
    folder = Path(arguments[0]).resolve() if arguments else ROOT / "lite-site"
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise SystemExit(f"make lite needs {program}: install Node.js {OLDEST} or later, which comes with both")
    build(folder)
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    print(f"{len(sizes)} files, {sum(sizes) / 1e6:.0f} MB in {folder}: make lite-serve shows it on this machine")


if __name__ == "__main__":
    main(sys.argv[1:])
