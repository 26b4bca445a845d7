"""A closed room for learners' code: bubblewrap's namespaces, and bounds on time, memory, processes, disk and output.

Inside there are Python, this workbook and the files of one hand-in, read-only; what is written goes into memory of a
bounded size and is gone at the end. There is no network, no other process, no variable of the instructor's
environment, and no file of the class. Ending the room ends all that runs in it, whatever it forked.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import psutil  # type: ignore[import-untyped]

PACKAGE = Path(__file__).resolve().parents[2]
HANDED_IN, HOME = "/handed-in", "/home/learner"
OUTPUT_BYTES = 5_000_000
DISK_BYTES, SHARED_MEMORY_BYTES = 200_000_000, 64_000_000
PROCESSES = 200
"""Processes and threads in one room; a kernel, what executes it and a run of Node.js together need about 50."""

POLL_SECONDS = 0.1
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = (
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/localtime",
    "/etc/ssl/certs",
)
NETWORK = ("/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf")
APART = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
ACCOUNTS = count(2_000_000_000)
"""Numbers of accounts that nobody has: where root runs the report, each room is another account's."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one notebook: seconds on the clock, and megabytes of memory (each process, and all together)."""

    seconds: float = 120.0
    megabytes: int = 4_000


@dataclass(frozen=True, slots=True)
class Ran:
    """The output of a program, and why it was stopped, "" when it ended by itself."""

    output: bytes
    stopped: str = ""


@cache
def why_not() -> str:
    """The clause that says why this system gives no closed room, "" where it gives one; tried with a Python in one."""
    if not sys.platform.startswith("linux"):
        return "closed rooms come from bubblewrap, which only Linux has"
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed (`apt install bubblewrap`, `dnf install bubblewrap`)"
    tried = subprocess.run(
        [*walls(PACKAGE), sys.executable, "-I", "-c", "import threading; threading.Thread(target=int).start()"],
        env=environment(HOME), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = (tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"])[-1]
    return f"bubblewrap cannot make a room here ({said})" if tried.returncode else ""


def environment(home: str) -> dict[str, str]:
    """The variables that learners' code sees: made up, so that none of them can be a key of the instructor's."""
    places = ("HOME", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "TMPDIR", "MPLCONFIGDIR")
    return {
        "PATH": os.pathsep.join((str(Path(sys.prefix, "bin")), os.defpath)),
        "LANG": "C.UTF-8",
        "USER": "learner",
        "PYTHONPATH": str(PACKAGE.parent),
        **({"SYSTEMROOT": os.environ["SYSTEMROOT"]} if "SYSTEMROOT" in os.environ else {}),
        **dict.fromkeys(places, home),
        "LABKIT_PROGRESS": str(Path(home, "progress")),
    }


def walls(
    handed_in: Path | None = None, home: Path | None = None, account: int | None = None, network: bool = False
) -> list[str]:
    """The command that opens a closed room; the program to run there comes after it.

    `handed_in` is a folder that the room shows read-only. `home` is one that it may write to and that stays, without it
    what is written is gone at the end. Where root asks, what runs is of the `account` with this number, without one of
    an account that nobody has. With `network` the room has this machine's.
    """
    root = os.geteuid() == 0
    number = str(next(ACCOUNTS) if account is None else account)
    left = ["setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups", "--no-new-privs", "--inh-caps=-all"]
    kept = ["--bind", str(home), HOME]
    gone = ["--size", str(DISK_BYTES), "--perms", "1777", "--tmpfs", HOME]
    return [
        "bwrap", "--die-with-parent", "--new-session", *APART, *([] if root else ["--unshare-user"]),
        *([] if network else ["--unshare-net"]), *_shown(NETWORK if network else ()),
        *(["--ro-bind", str(handed_in), HANDED_IN] if handed_in else []), "--proc", "/proc",
        "--dev", "/dev", "--size", str(SHARED_MEMORY_BYTES), "--perms", "1777", "--tmpfs", "/dev/shm",
        "--dir", str(Path(HOME).parent), *(gone if home is None else kept),
        "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME,
        *(["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", *left] if root else []),
    ]  # fmt: skip


def _shown(more: Sequence[str]) -> Iterator[str]:
    """Arguments for what a room shows read-only: the system's programs, this Python, and the workbook's own code."""
    yield from ("--ro-bind", "/usr", "/usr")
    for place in map(Path, SYSTEM):
        if place.is_symlink():
            yield from ("--symlink", str(place.readlink()), str(place))
        elif place.is_dir():
            yield from ("--ro-bind", str(place), str(place))
    python = {sys.prefix, sys.base_prefix, str(Path(sys.base_prefix).resolve())}
    for shown in (*SETTINGS, *more, *sorted(python), str(PACKAGE), str(PACKAGE.parent / "notebooks" / "node")):
        for parent in [*Path(shown).parents][
            -2::-1
        ]:  # made by bubblewrap, they would be closed where the real ones are
            yield from ("--dir", str(parent))
        yield from ("--ro-bind-try", shown, shown)


def run(command: Sequence[str], variables: Mapping[str, str], limits: Limits, where: Path | None = None) -> Ran:
    """Run a command within the limits, and end whatever it started; its output beyond 5 MB stops it."""
    said = bytearray()
    with subprocess.Popen(
        command, cwd=where, env=dict(variables), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        reader = Thread(target=_read, args=(process, said), daemon=True)
        reader.start()
        try:
            stopped = _watched(process, said, limits)
        finally:
            end(process.pid)
        reader.join(5)
    return Ran(bytes(said[:OUTPUT_BYTES]), stopped)


def _read(process: subprocess.Popen[bytes], said: bytearray) -> None:
    assert process.stdout
    while len(said) <= OUTPUT_BYTES and (piece := os.read(process.stdout.fileno(), 65_536)):
        said += piece


def _watched(process: subprocess.Popen[bytes], said: bytearray, limits: Limits) -> str:
    """Wait for the end of a process, and give the bound that it broke, "" for none."""
    end_at = monotonic() + limits.seconds
    while process.poll() is None:
        if monotonic() > end_at:
            return f"stopped after {limits.seconds:g} seconds"
        if len(said) > OUTPUT_BYTES:
            return f"stopped: more than {OUTPUT_BYTES:,} bytes of output"
        megabytes, processes = usage(process.pid)
        if megabytes > limits.megabytes:
            return f"stopped: more than {limits.megabytes:,} MB of memory in all"
        if processes > PROCESSES:
            return f"stopped: more than {PROCESSES:,} processes"
        sleep(POLL_SECONDS)
    return ""


def usage(pid: int) -> tuple[float, int]:
    """The memory in megabytes that a process and its family use together, shared pages once, and how many there are."""
    family, used = _family(pid), 0
    for process in family:
        with suppress(Exception):  # it may end at any moment, or be one whose figures the system keeps to itself
            told = process.memory_full_info()
            used += getattr(told, "pss", told.rss)
    return used / 1_000_000, len(family)


def end(pid: int) -> None:
    """End a process and all that it started, kernels included."""
    family = _family(pid)
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=5)


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        return [*first.children(recursive=True), first]
    return []
