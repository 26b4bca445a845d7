"""Execute the notebooks in place, so that what is stored is what the code shows today: `make notebooks`.

Usage: python tools/execute_notebooks.py [NAME ...], where a NAME is how a notebook's name begins (01).
A file is written only when all its cells ran without an error, and the same code gives the same bytes.
"""

import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import labkit.lab  # noqa: F401  (first: spares this process and its kernels a slow import)

import nbformat  # isort: skip
from nbclient import NotebookClient  # isort: skip
from nbclient.exceptions import CellExecutionError  # isort: skip

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CELL_SECONDS = 120


def executed(stored: nbformat.NotebookNode, folder: Path = FOLDER) -> nbformat.NotebookNode:
    """The notebook after a run in a fresh kernel in `folder`, for a learner of whom nothing is recorded yet.

    Raises CellExecutionError when a cell fails.
    """
    client = NotebookClient(
        stored,
        timeout=CELL_SECONDS,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
    )
    with tempfile.TemporaryDirectory() as progress:
        return settled(client.execute(env=os.environ | {"LABKIT_PROGRESS": progress}))


def settled(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what differs from run to run: times, widgets' state and ids, Python's version, cell ids."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata |= {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for place, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{place:02}"
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(WIDGET_VIEW, None)
    return notebook


def written(notebook: nbformat.NotebookNode) -> str:
    """The notebook as the text of its file."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def chosen(names: Sequence[str], folder: Path = FOLDER) -> Iterable[Path]:
    """The notebooks whose names begin as asked, all of them when nothing is asked; SystemExit when none does."""
    paths = sorted(folder.glob("*.ipynb"))
    found = [path for path in paths if not names or path.name.startswith(tuple(names))]
    if not found:
        raise SystemExit(f"No notebook begins with {' or '.join(names)}: there are {', '.join(p.stem for p in paths)}.")
    return found


def main(names: Sequence[str], folder: Path = FOLDER) -> None:
    """Execute the chosen notebooks one after another; SystemExit names the first that fails, and why."""
    for path in chosen(names, folder):
        print(f"{path.name}: ", end="", flush=True)
        before = path.read_text("utf-8")
        try:
            after = written(executed(nbformat.reads(before, as_version=4), folder))
        except CellExecutionError as error:
            print()
            raise SystemExit(f"{path.name} was left as it was, because a cell failed:\n{error}") from None
        path.write_text(after, "utf-8")
        print("as it was" if after == before else "written")


if __name__ == "__main__":
    main(sys.argv[1:])
