"""The memory of a kernel at the end of each notebook: `python -m tests.measure.kernel_memory [NUMBERS]`.

Each notebook runs from its first cell to its last in a separate kernel, as the tests run it. Printed are the resident
megabytes of the kernel's process at the end, and the part that is its own (not shared with files that others read too),
and before them those of a kernel that ran nothing.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import psutil
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


class Measured(NotebookClient):
    """A client that looks at its kernel's memory after the last cell."""

    memory: tuple[float, float] = (0.0, 0.0)

    async def async_execute_cell(self, cell, cell_index, *rest, **more):  # type: ignore[no-untyped-def]
        """Execute a cell, then look."""
        done = await super().async_execute_cell(cell, cell_index, *rest, **more)
        if self.km is not None and self.km.provisioner is not None:
            told = psutil.Process(self.km.provisioner.process.pid).memory_full_info()
            self.memory = (told.rss / 1e6, told.uss / 1e6)
        return done


def measured(notebook: nbformat.NotebookNode, where: Path) -> tuple[float, float]:
    """The megabytes of a kernel that ran a notebook: resident, and its own."""
    client = Measured(
        notebook, timeout=300, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(where)}}
    )
    client.execute()
    return client.memory


def main(numbers: list[str]) -> None:
    """Print a line a notebook."""
    with TemporaryDirectory() as place:
        os.environ["LABKIT_PROGRESS"] = place
        told = measured(new_notebook(cells=[new_code_cell("1 + 1")]), NOTEBOOKS)
        print(f"nothing: {told[0]:.0f} MB resident, {told[1]:.0f} MB its own", flush=True)
        for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
            if not numbers or path.name[:2] in numbers:
                told = measured(nbformat.read(path, as_version=4), NOTEBOOKS)
                print(f"{path.name[:2]}: {told[0]:.0f} MB resident, {told[1]:.0f} MB its own", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
