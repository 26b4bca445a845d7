"""Execute the notebooks that were handed in, each from a clean kernel in a process of its own, and take what its checks
say.

The process gets a copy of the notebook and of the Python files beside it in a temporary folder, an empty progress
folder, no keys, and the limits of `bounded_run`. This is a fence, not a jail: what runs has the rights of whoever
asked for the report, and can read their files.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from labkit.teach.exercises import all_exercises
from labkit.teach.record import ledger
from labkit.teach.record.progress import FOLDER_VARIABLE
from labkit.teach.report.files import LARGEST, Class, shown_path
from labkit.teach.report.notebooks import Claims, claim

PASSED_ON = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "PYTHONPATH")
"""The variables of the environment that a learner's notebook may see; none of them is a key."""

SIBLINGS, SIBLING_BYTES = 20, 1_000_000
"""How many Python files beside a notebook are copied with it, and how large one may be."""

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one notebook may use: seconds on the clock (as many again of processor time for each of its processes),
    and megabytes of memory.
    """

    seconds: float = 120.0
    megabytes: int = 4_000


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came of executing a notebook: what its checks said, and in words how it went."""

    claims: Claims
    words: str


def rerun_class(class_: Class, limits: Limits, say: Say) -> None:
    """Execute every notebook of a class, as many side by side as there are processors, and note what came of it."""
    jobs = [(student, path) for student in class_.students for path in student.notebooks]
    places = {one.path: place for place, one in enumerate(class_.files)}
    started = monotonic()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        runs = pool.map(lambda job: rerun(job[1], limits), jobs)
        for number, ((student, path), run) in enumerate(zip(jobs, runs, strict=True), 1):
            for exercise, said in run.claims.items():
                claim(student.rerun, exercise, said)
            shown = shown_path(class_.folder, path)
            before = class_.files[places[shown]]
            class_.files[places[shown]] = replace(before, why=f"{before.why}; executed: {run.words}")
            say(f"{number:,} of {len(jobs):,} executed, {monotonic() - started:.0f} s: {shown}: {run.words}")
    for student in {id(student): student for student, _ in jobs}.values():
        for exercise in student.stored:  # a check that never spoke is not right, whatever its stored output says
            student.rerun.setdefault(exercise, "not yet")


def rerun(path: Path, limits: Limits = DEFAULT_LIMITS) -> Rerun:
    """Execute one notebook within the limits; whatever it does, this ends and says how it went."""
    with TemporaryDirectory(prefix="labkit-rerun-", ignore_cleanup_errors=True) as place:
        work, kept = Path(place, "work"), Path(place, "progress")
        for folder in (work, kept, Path(place, "home")):
            folder.mkdir()
        _copy(path, work)
        words = _bounded(path.name, work, _environment(Path(place)), limits)
        return Rerun(_claims(kept / "progress.jsonl"), words)


def _copy(path: Path, work: Path) -> None:
    shutil.copyfile(path, work / path.name)
    beside = [file for file in sorted(path.parent.glob("*.py")) if file.is_file() and not file.is_symlink()]
    for file in beside[:SIBLINGS]:
        if file.stat().st_size <= SIBLING_BYTES:
            shutil.copyfile(file, work / file.name)


def _environment(place: Path) -> dict[str, str]:
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    home = str(place / "home")
    folders = {"HOME": home, "IPYTHONDIR": home, "JUPYTER_RUNTIME_DIR": home, "TMPDIR": home, "MPLCONFIGDIR": home}
    return {**passed, **folders, FOLDER_VARIABLE: str(place / "progress")}


def _bounded(name: str, work: Path, environment: dict[str, str], limits: Limits) -> str:
    command = [
        sys.executable,
        "-m",
        "labkit.teach.report.bounded_run",
        name,
        str(limits.seconds),
        str(limits.megabytes),
    ]
    with subprocess.Popen(
        command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            said, _ = process.communicate(timeout=limits.seconds)
        except subprocess.TimeoutExpired:
            _kill(process.pid)
            return f"stopped after {limits.seconds:g} seconds"
        finally:
            _kill(process.pid)
    return _words(said)


def _words(said: bytes) -> str:
    try:
        told = json.loads(said.splitlines()[-1])
        return str(told["words"])[:200]
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        return "its process ended before the notebook did"


def _kill(pid: int) -> None:
    """End a process and all that it started, kernels included."""
    import psutil  # type: ignore[import-untyped]

    try:
        first = psutil.Process(pid)
        family = [*first.children(recursive=True), first]
    except psutil.NoSuchProcess:
        return
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=5)


def _claims(path: Path) -> Claims:
    claims: Claims = {}
    if not path.is_file() or path.is_symlink() or path.stat().st_size > LARGEST:
        return claims
    for entry in ledger.read(path.read_bytes()).entries:
        id = entry["id"]
        if entry["kind"] == "attempt" and isinstance(id, str) and id in all_exercises():
            untouched = entry.get("untouched") is True
            claim(claims, id, "right" if entry.get("ok") is True else "not yet" if untouched else "wrong")
    return claims
