"""Execute one notebook within limits: `python -m labkit.teach.report.bounded_run NOTEBOOK SECONDS MEGABYTES`.

A process of its own for `report --rerun`; it bounds itself first, and the kernel that it starts inherits the bounds:
memory and processor time (where the system has such limits), the size of files, and the network. On Linux, where the
system allows it, the network is taken away by a namespace that holds loopback alone; everywhere, connections to another
machine are refused inside the kernel (`closed_network`). The last line that it prints is JSON: `words`.
"""

import json
import os
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

CELL_SHARE = 0.25
"""One cell may take this share of the notebook's time; then it is interrupted, and the next one runs."""

FILE_BYTES = 50_000_000
LOOPBACK_UP = (0x8914, b"lo".ljust(16, b"\0") + (1).to_bytes(2, sys.byteorder) + bytes(22))
"""The call and the request by which Linux switches a network device on (SIOCSIFFLAGS with IFF_UP)."""


def main(name: str, seconds: float, megabytes: int) -> None:
    """Bound this process, execute the notebook in the current folder, and print how it went."""
    os.environ["PYTHONSTARTUP"] = str(Path(__file__).with_name("closed_network.py"))
    take_network_away()
    limit(seconds, megabytes)
    print(json.dumps({"words": executed(name, seconds)}), flush=True)


def limit(seconds: float, megabytes: int) -> None:
    """Bound memory, processor time and the size of files for this process and all that it starts, where that exists."""
    try:
        import resource
    except ImportError:  # Windows has none of these
        return
    memory, time = megabytes * 1_000_000, int(seconds) + 1
    wanted = {"RLIMIT_AS": memory, "RLIMIT_CPU": time, "RLIMIT_FSIZE": FILE_BYTES, "RLIMIT_CORE": 0}
    for name, most in wanted.items():
        with suppress(ValueError, OSError, AttributeError):
            resource.setrlimit(getattr(resource, name), (most, most))


def take_network_away() -> bool:
    """Leave this process a network with loopback alone, and say whether the system allowed it."""
    if not hasattr(os, "unshare"):
        return False
    user, group = os.geteuid(), os.getegid()
    try:
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        _switch_loopback_on()
    except OSError:
        return False
    return True


def _switch_loopback_on() -> None:
    import fcntl
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, *LOOPBACK_UP)


def executed(name: str, seconds: float) -> str:
    """Execute every cell in a fresh kernel and say how many ended in an error, and in which ones."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    try:
        notebook = nbformat.read(name, as_version=4)  # type: ignore[no-untyped-call]
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for cell in code:
            cell.outputs = []
        NotebookClient(
            notebook, timeout=max(int(seconds * CELL_SHARE), 1), interrupt_on_timeout=True, allow_errors=True,
            kernel_name="python3", store_widget_state=False,
        ).execute()  # fmt: skip
    except (CellTimeoutError, DeadKernelError) as error:
        return f"stopped: {type(error).__name__}"
    except Exception as error:
        return f"cannot be executed ({type(error).__name__})"
    return _told(code)


def _told(code: list[Any]) -> str:
    errors = Counter(
        str(output.get("ename"))[:40] for cell in code for output in cell.outputs if output.output_type == "error"
    )
    named = ", ".join(f"{many} with {name}" for name, many in sorted(errors.items()))
    return f"{len(code)} cells, {named or 'none'}{' ended in an error' if not named else ''}"


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
