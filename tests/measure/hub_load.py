"""A class on one hub: `python -m tests.measure.hub_load [LEARNERS ...]`, on loopback alone, bounded in time and number.

So many learners sign in within a few seconds, run the code cells of notebook 01 one after another with pauses to think,
and then move a slider; the requests are those of `hub_learner`, without a browser, and without what JupyterLab asks for
by itself (saving, listings, polling). Printed are the median and the 95th of a hundred of the seconds for signing in
(from the form to the page), for a cell and for a move, and a learner's share of memory (server and kernel together,
pages that several share divided among them) and of processor time, which says more than a clock on a busy machine.
"""

import json
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from hub_learner import Kernel, Learner, hub

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "01_statelessness.ipynb"
MOST_LEARNERS, ARRIVAL_SECONDS, THINK_SECONDS, MOVES = 30, 20.0, (0.5, 3.0), 10
OF_LEARNERS = ("jupyterhub.singleuser", "ipykernel_launcher")


def cells() -> list[str]:
    """The code cells of the notebook."""
    stored = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in stored if cell["cell_type"] == "code"]


def timed(does: object, *given: object) -> float:
    """The seconds that a call takes."""
    started = time.perf_counter()
    does(*given)  # type: ignore[operator]
    return time.perf_counter() - started


def used() -> tuple[float, float]:
    """The memory in megabytes and the processor seconds of all learners' servers and kernels below this process."""
    memory = seconds = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            if any(word in " ".join(process.cmdline()) for word in OF_LEARNERS):
                memory += process.memory_full_info().pss / 1e6
                seconds += sum(process.cpu_times()[:2])
        except psutil.Error:
            continue
    return memory, seconds


def lesson(address: str, number: int, all_in: threading.Barrier, seconds: dict[str, list[float]]) -> None:
    """One learner, from signing in to the last move; everybody waits at the end, so that memory is that of all."""
    random.seed(number)
    time.sleep(random.uniform(0, ARRIVAL_SECONDS))
    with Learner(address, f"learner{number}") as learner:
        seconds["sign-in"].append(timed(learner.sign_in, 600))
        kernel = learner.kernel()
        for code in cells():
            time.sleep(random.uniform(*THINK_SECONDS))
            seconds["cell"].append(timed(kernel.run, code))
        for comm, settings in moves(kernel, random.Random(number)):
            time.sleep(random.uniform(*THINK_SECONDS) / 3)
            seconds["move"].append(timed(kernel.move, comm, settings))
        all_in.wait(1_800)
        all_in.wait(120)


def moves(kernel: Kernel, chance: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Settings for a widget of the notebook, each with one slider at another place."""
    widgets = [(comm, state) for comm, state in kernel.widgets.items() if state.get("controls")]
    for _ in range(MOVES if widgets else 0):
        comm, state = chance.choice(widgets)
        sliders = [control for control in state["controls"] if control["kind"] == "slider"]
        moved = chance.choice(sliders) if sliders else None
        steps = int((moved["maximum"] - moved["minimum"]) // moved["step"]) if moved else 0
        value = {moved["name"]: moved["minimum"] + moved["step"] * chance.randint(0, steps)} if moved else {}
        yield comm, {**state["settings"], **value}


def measured(learners: int) -> str:
    """A line of figures for a class of so many."""
    if not 1 <= learners <= MOST_LEARNERS:
        raise ValueError(f"{learners} learners: at most {MOST_LEARNERS}, so that a try ends")
    seconds: dict[str, list[float]] = {"sign-in": [], "cell": [], "move": []}
    all_in = threading.Barrier(learners + 1)
    with TemporaryDirectory() as place, hub(Path(place, "class")) as address, ThreadPoolExecutor(learners) as pool:
        jobs = [pool.submit(lesson, address, number, all_in, seconds) for number in range(learners)]
        all_in.wait(1_800)
        memory, processor = used()
        all_in.wait(120)
        for job in jobs:
            job.result()
    parts = [
        f"{name} {median(these):.2f} and {quantiles(these, n=20)[-1]:.2f} s"
        for name, these in seconds.items()
        if len(these) > 1
    ]
    each = f"a learner {memory / learners:.0f} MB and {processor / learners:.1f} s of processor time"
    return f"{learners} learners: {', '.join(parts)}; {each} (load {os.getloadavg()[1]:.0f})"


if __name__ == "__main__":
    for many in map(int, sys.argv[1:] or ("5", "15", "30")):
        print(measured(many), flush=True)
