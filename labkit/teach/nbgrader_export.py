"""Export notebooks as an nbgrader course: `python -m labkit.teach.nbgrader_export NOTEBOOK ... -o COURSE`.

nbgrader's "source" version of a notebook holds solutions and tests; `nbgrader generate_assignment` takes the solutions
out of it. Each exercise becomes a solution cell (the stub, and below it the reference solution between nbgrader's two
marks) and a locked test cell (the exercise's own check, which has to be right) worth one point.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labkit.teach.checks.exercise import Exercise
from labkit.teach.checks.solutions import runnable
from labkit.teach.exercises import all_exercises

SCHEMA = 3
"""The version of nbgrader's cell metadata (nbgrader 0.9.6, March 2026)."""

CONFIG = """\
# The notebooks bring their stubs themselves, so where a solution was, a line says so.
c = get_config()
c.CourseDirectory.course_id = "conversation-workbook"
c.ClearSolutions.code_stub = {"python": "# your answer goes above"}
c.ClearSolutions.enforce_metadata = True
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the course that the command line asks for and give the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m labkit.teach.nbgrader_export",
        description="Export the exercises of notebooks to nbgrader: a course folder with their source versions.",
        epilog="Then, in COURSE: nbgrader validate source/NAME/NAME.ipynb, and nbgrader generate_assignment NAME",
    )
    parser.add_argument("notebooks", type=Path, nargs="+", metavar="NOTEBOOK", help="such as notebooks/01_*.ipynb")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="COURSE", help="the course's folder")
    asked = parser.parse_args(arguments)
    try:
        for path in asked.notebooks:
            written, exercises = export(path, asked.output)
            print(f"{written}: {len(exercises)} exercises ({', '.join(exercises)})")
    except (OSError, ValueError) as error:
        print(f"labkit.teach.nbgrader_export: {error}.", file=sys.stderr)
        return 1
    return 0


def export(path: Path, course: Path) -> tuple[Path, list[str]]:
    """Write one notebook's source version into a course folder, and the course's settings where there are none yet.

    Gives its path and the exercises in it. Raises ValueError for a file that is no notebook or checks no exercise.
    """
    try:
        notebook = json.loads(path.read_text("utf-8"))
        exercises = convert(notebook)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a notebook of this workbook ({error})") from None
    place = course / "source" / path.stem / path.name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if not (course / "nbgrader_config.py").exists():
        (course / "nbgrader_config.py").write_text(CONFIG, "utf-8")
    return place, exercises


def convert(notebook: dict[str, Any]) -> list[str]:
    """Turn a notebook (as data, in place) into nbgrader's source version and give the exercises in it.

    Of copied cells the first one is graded. Raises ValueError when it checks no exercise.
    """
    written: set[str] = set()
    graded: list[str] = []
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        cell["outputs"], cell["execution_count"] = [], None
        source = "".join(cell["source"])
        stub = all_exercises().get(cell["metadata"].get("exercise", ""))
        tested = _checked(source)
        if stub and stub.id not in written:
            written.add(stub.id)
            cell["source"] = f"{source}\n### BEGIN SOLUTION\n{runnable(stub.reference, stub.stub)}\n### END SOLUTION"
            cell["metadata"]["nbgrader"] = _metadata(f"answer-{stub.id}", solution=True)
        elif tested and tested.id in written and tested.id not in graded:
            graded.append(tested.id)
            cell["source"] = f"{_CHECK.sub('verdict = \\g<0>', source, count=1)}\nprint(verdict)\nassert verdict.ok"
            cell["metadata"]["nbgrader"] = _metadata(f"check-{tested.id}", grade=True, locked=True, points=1)
    if not graded:
        raise ValueError("no exercise is checked in it")
    return graded


_CHECK = re.compile(r'^exercise\("([\w-]+)"\)\.check\(', re.MULTILINE)


def _checked(source: str) -> Exercise | None:
    found = _CHECK.search(source)
    return all_exercises().get(found[1]) if found else None


def _metadata(grade_id: str, *, solution: bool = False, **graded: Any) -> dict[str, Any]:
    plain = {"grade": False, "locked": False, "task": False, "schema_version": SCHEMA}
    return {**plain, "grade_id": grade_id, "solution": solution, **graded}


if __name__ == "__main__":
    sys.exit(main())
