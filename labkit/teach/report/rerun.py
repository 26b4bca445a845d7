"""Execute the notebooks that were handed in, each from a clean kernel in a closed room, and take what its checks say.

The room (`sandbox`) gets a copy of the notebook and of the Python files in its folder. What a notebook says of itself
can be forged, because its checks run in its own kernel: a rerun finds what runs only in a kernel with a past, not who
cheats.
"""

import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm  # type: ignore[import-untyped]

from labkit.teach.exercises import all_exercises
from labkit.teach.record import ledger
from labkit.teach.report import sandbox
from labkit.teach.report.files import Class, printable, shown_path
from labkit.teach.report.notebooks import Claims, claim
from labkit.teach.report.sandbox import Limits, Ran

INSIDE = Path(__file__).resolve().with_name("inside.py")
SIBLINGS, SIBLING_BYTES = 20, 1_000_000
"""So many Python files of a notebook's folder are copied with it, each of at most so many bytes."""

FORGEABLE = (
    "A rerun's verdicts can be forged: the checks run in the notebook's own kernel. It shows what is right only in a "
    "kernel with a past; look at the code of a result that surprises you."
)
DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Rerun:
    """The outcome of executing a notebook: what its checks said, and in words how it went."""

    claims: Claims
    words: str


def rerun_class(class_: Class, limits: Limits = DEFAULT_LIMITS, closed: bool = True) -> None:
    """Execute every notebook of a class, as many side by side as there are processors, and note what came of it.

    A bar on stderr shows how far it is, with a line a notebook.
    """
    jobs = [(student, path) for student in class_.students for path in student.notebooks]
    places = {one.path: place for place, one in enumerate(class_.files)}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool, tqdm(total=len(jobs), unit="notebook", disable=None) as bar:
        runs = pool.map(lambda job: rerun(job[1], limits, closed), jobs)
        for number, ((student, path), run) in enumerate(zip(jobs, runs, strict=True), 1):
            for exercise, said in run.claims.items():
                claim(student.rerun, exercise, said)
            shown = shown_path(class_.folder, path)
            before = class_.files[places[shown]]
            class_.files[places[shown]] = replace(before, why=f"{before.why}; executed: {run.words}")
            bar.write(f"{number:,} of {len(jobs):,} executed: {shown}: {run.words}", file=sys.stderr)
            bar.update()
    for student in {id(student): student for student, _ in jobs}.values():
        for exercise in student.stored:  # a check that never spoke is not right, whatever its stored output says
            student.rerun.setdefault(exercise, "not yet")


def rerun(path: Path, limits: Limits = DEFAULT_LIMITS, closed: bool = True) -> Rerun:
    """Execute one notebook within the limits; whatever it does, this ends and says how it went.

    Without `closed` it runs with the rights of this process, in a separate folder.
    """
    with TemporaryDirectory(prefix="labkit-rerun-", ignore_cleanup_errors=True) as place:
        handed_in, home = Path(place, "handed-in"), Path(place, "home")
        for folder in (handed_in, home):
            folder.mkdir()
        _copy(path, handed_in)
        for copied in (handed_in, *handed_in.iterdir()):  # the account of a closed room is another one
            copied.chmod(0o755)
        seen, at = (sandbox.HANDED_IN, sandbox.HOME) if closed else (str(handed_in), str(home))
        bounds = (str(limits.seconds), str(limits.megabytes), str(sandbox.PROCESSES * closed))
        program = [sys.executable, "-I", "-B", str(INSIDE), seen, path.name, *bounds]
        command = [*sandbox.walls(handed_in), *program] if closed else program
        return _heard(sandbox.run(command, sandbox.environment(at), limits, where=home))


def _copy(path: Path, to: Path) -> None:
    shutil.copyfile(path, to / path.name)
    around = [file for file in sorted(path.parent.glob("*.py")) if file.is_file() and not file.is_symlink()]
    for file in around[:SIBLINGS]:
        if file.stat().st_size <= SIBLING_BYTES:
            shutil.copyfile(file, to / file.name)


def _heard(ran: Ran) -> Rerun:
    try:
        told = json.loads(ran.output.splitlines()[-1])
        words, progress = str(told["words"]), str(told["progress"])
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        words, progress = "its process ended before the notebook did", ""
    return Rerun(_claims(progress), printable(ran.stopped or words)[:200])


def _claims(progress: str) -> Claims:
    claims: Claims = {}
    for entry in ledger.read(progress.encode("utf-8", "replace")).entries:
        id = entry["id"]
        if entry["kind"] == "attempt" and isinstance(id, str) and id in all_exercises():
            untouched = entry.get("untouched") is True
            claim(claims, id, "right" if entry.get("ok") is True else "not yet" if untouched else "wrong")
    return claims
