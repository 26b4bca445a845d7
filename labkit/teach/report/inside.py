"""Execute one notebook and say how it went: the program that runs in a closed room (`sandbox`), before which nothing
of a learner's does.

`python -I inside.py HANDED_IN NOTEBOOK SECONDS MEGABYTES PROCESSES`, run by path: it imports nothing of the workbook,
bounds itself first, and the kernel that it starts inherits the bounds. It prints one line of JSON: `words`, and what
the checks recorded, `progress`. The notebook runs under the same account, so it could print such a line itself.
"""

import json
import os
import shutil
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

CELL_SHARE = 0.25
"""One cell may take this share of the notebook's time; then it is interrupted, and the next one runs."""

FILE_BYTES = 50_000_000
RECORD_BYTES = 2_000_000
COUNTED_APART = (5, 14)
"""The version of Linux from which a user namespace counts its processes separately; before, the bound would count all
that the instructor runs.
"""


def main(handed_in: Path, name: str, seconds: float, megabytes: int, processes: int) -> None:
    """Bound this process, execute the notebook in a separate folder, and print how it went."""
    limit(seconds, megabytes, processes)
    answer = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the kernel prints past the notebook goes nowhere
    kept, work = Path(os.environ["LABKIT_PROGRESS"]), Path(os.environ["HOME"], "work")
    kept.mkdir()
    shutil.copytree(handed_in, work, copy_function=shutil.copyfile)
    words = executed(name, work, seconds)
    with os.fdopen(answer, "w", encoding="utf-8", errors="replace") as out:
        print(json.dumps({"words": words, "progress": _recorded(kept / "progress.jsonl")}), file=out)


def limit(seconds: float, megabytes: int, processes: int) -> None:
    """Bound memory, processor time, the size of files and the number of processes, where the system has such bounds.

    `processes` is 0 outside a closed room, where the system counts all that the account runs.
    """
    try:
        import resource
    except ImportError:  # Windows has none of these
        return
    memory, time = megabytes * 1_000_000, int(seconds) + 1
    wanted = {"RLIMIT_AS": memory, "RLIMIT_CPU": time, "RLIMIT_FSIZE": FILE_BYTES, "RLIMIT_CORE": 0}
    if processes and tuple(map(int, os.uname().release.split(".")[:2])) >= COUNTED_APART:
        wanted["RLIMIT_NPROC"] = processes
    for name, most in wanted.items():
        with suppress(ValueError, OSError, AttributeError):
            resource.setrlimit(getattr(resource, name), (most, most))


def executed(name: str, work: Path, seconds: float) -> str:
    """Execute every cell in a fresh kernel and say how many ended in an error, and in which ones."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    class ErrorsAlone(NotebookClient):
        """A client that keeps errors and drops other outputs, which can be without an end."""

        def output(self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int) -> Any:
            """Keep the output of a cell when it is an error."""
            return super().output(outs, msg, display_id, cell_index) if msg["msg_type"] == "error" else None

    try:
        notebook = nbformat.read(work / name, as_version=4)  # type: ignore[no-untyped-call]
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for cell in code:
            cell.outputs = []
        ErrorsAlone(
            notebook, timeout=max(int(seconds * CELL_SHARE), 1), interrupt_on_timeout=True, allow_errors=True,
            kernel_name="python3", store_widget_state=False, resources={"metadata": {"path": str(work)}},
        ).execute()  # fmt: skip
    except (CellTimeoutError, DeadKernelError) as error:
        return f"stopped: {type(error).__name__}"
    except Exception as error:
        return f"cannot be executed ({type(error).__name__})"
    return _counted(code)


def _counted(code: list[Any]) -> str:
    errors = Counter(
        str(output.get("ename"))[:40] for cell in code for output in cell.outputs if output.output_type == "error"
    )
    named = ", ".join(f"{many} with {name}" for name, many in sorted(errors.items()))
    return f"{len(code)} cells, {named or 'none'}{' ended in an error' if not named else ''}"


def _recorded(path: Path) -> str:
    with suppress(OSError), os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as handle:
        return handle.read(RECORD_BYTES).decode("utf-8", "replace")
    return ""


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
