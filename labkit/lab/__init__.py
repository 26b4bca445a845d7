"""Start JupyterLab on the workbook: `python -m labkit.lab [FLAGS]`, where FLAGS are JupyterLab's own.

The project's settings rank between a user's Jupyter files and the command line: first notebook open, loopback only, no
news, no update check. Importing this module prepares the start-up of the lab, and of test runs, which name it first
(`-p labkit.lab`); the library never imports it.

Four habits of other packages are changed here: `spare_slow_import`, `send_without_delay`, `name_this_python` and
`prefer_this_kernel`; JupyterLab's own in `settings/extensions`. For each, `tests/test_lab.py` or
`tests/browser/test_opening.py` has a test that fails on the day it is no longer needed.
"""

import argparse
import errno
import os
import socket
import sys
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = Path(__file__).resolve().parent / "settings"
FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"
DEFAULT_PORT = 8888
NO_SERVER = ("-h", "--help", "--help-all", "--version", "--generate-config")


def spare_slow_import() -> None:
    """Save about a second of start-up in this process and in every kernel that it starts.

    jsonschema imports `rfc3987_syntax`, which compiles grammars, for a format that no Jupyter schema uses
    (jupyter_server issue 1559); a blocked name reads as "not installed". Kernels run the file that
    PYTHONSTARTUP names; where the user has set that variable, theirs stays.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    os.environ.setdefault("PYTHONSTARTUP", str(SETTINGS / "kernel_startup.py"))


def send_without_delay() -> None:
    """Spare widgets the 40 ms or so for which Nagle's algorithm holds their answers back on a websocket."""
    from jupyter_server.services.kernels.websocket import KernelWebsocketHandler

    original = KernelWebsocketHandler.open

    async def open_without_delay(self: Any, *args: Any, **kwargs: Any) -> Any:
        """Open the socket as Jupyter does, its packets sent at once."""
        self.set_nodelay(True)
        return await original(self, *args, **kwargs)

    KernelWebsocketHandler.open = open_without_delay


def name_this_python() -> None:
    """Spare a notebook that was only opened the mark of unsaved changes, and its reader the question at closing.

    Notebooks are stored without Python's version, so that they are the same for everybody; JupyterLab adds what
    the kernel says of its language and takes that for a change. Here the notebook has it when it is opened.
    """
    from ipykernel.ipkernel import IPythonKernel
    from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

    original = AsyncLargeFileManager.get

    async def get_named(self: Any, *args: Any, **kwargs: Any) -> Any:
        """Read a file as Jupyter does, and name in a Python notebook the Python that will run it."""
        model = await original(self, *args, **kwargs)
        metadata = model["content"]["metadata"] if model["type"] == "notebook" and model["content"] else {}
        if metadata.get("language_info", {}).get("name") == "python":
            metadata["language_info"] = dict(IPythonKernel.language_info)
        return model

    AsyncLargeFileManager.get = get_named


def prefer_this_kernel() -> None:
    """Let this Python's kernel run the notebooks, not one of the same name that JUPYTER_PATH leads to."""
    own = [str(Path(sys.prefix, "share", "jupyter")), os.environ.get("JUPYTER_PATH", "")]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, own))


def settings() -> dict[str, dict[str, Any]]:
    """The lab's settings, by Jupyter class; a flag of the same name on the command line wins."""
    return {
        "ServerApp": {
            "root_dir": str(ROOT),
            "ip": "127.0.0.1",
            "port": DEFAULT_PORT,
            "port_retries": 0,
            "allow_root": os.name == "posix" and os.geteuid() == 0,
        },
        "LabApp": {
            "default_url": f"/lab/tree/{FIRST_NOTEBOOK}",
            "app_settings_dir": str(SETTINGS),
            "extra_labextensions_path": [str(SETTINGS / "extensions")],
            "news_url": None,
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "extension_manager": "readonly",
            "custom_css": True,
        },
    }


def refuse_taken_port(flags: Sequence[str]) -> None:
    """End with one sentence (SystemExit) when the port that the flags ask for cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m labkit.lab", add_help=False, allow_abbrev=False)
    parser.add_argument("--port", "--ServerApp.port", dest="port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--ip", "--ServerApp.ip", dest="ip", default="127.0.0.1")
    asked = parser.parse_known_args(flags)[0]
    if not 0 <= asked.port <= 65_535:
        raise SystemExit(f"Port {asked.port:,} was asked for; a port is a number from 0 to 65,535.")
    address = "" if asked.ip == "*" else asked.ip
    try:
        socket.create_server(
            (address, asked.port), family=socket.AF_INET6 if ":" in address else socket.AF_INET
        ).close()
    except OSError as error:
        raise SystemExit(port_refusal(asked.port, asked.ip, error)) from None


def port_refusal(port: int, ip: str, error: OSError) -> str:
    """One sentence for a port that could not be opened: the cause, the need and the way out."""
    found = {
        errno.EADDRINUSE: "is taken (perhaps by a lab that is still running)",
        errno.EACCES: "may not be opened by this account",
    }.get(error.errno or 0, f"cannot be opened ({error.strerror})")
    return (
        f"Port {port} on {ip} {found}, and the lab needs a free one: stop what holds it, "
        f'or name another, for example make lab LAB_FLAGS="--port={free_port()}".'
    )


def free_port() -> int:
    """A port on loopback that nothing holds at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def main(flags: Sequence[str]) -> None:
    """Start JupyterLab with the project's settings and the given flags; returns when the server has ended.

    Raises SystemExit with one sentence when a package, the notebooks or the port is missing.
    """
    if not (ROOT / "notebooks").is_dir():
        raise SystemExit(
            f"labkit is installed in {ROOT} without its notebooks; the lab needs a clone of the workbook: "
            "run make lab there, or pip install -e '.[lab]' and python -m labkit.lab."
        )
    try:
        distribution("conversation-workbook")
        import ipykernel  # noqa: F401
        from jupyter_server.serverapp import ServerApp
        from jupyterlab.labapp import LabApp
        from traitlets.config import Config
    except ImportError as error:
        raise SystemExit(
            f"The workbook is not wholly installed for {sys.executable} ({error}): in its folder, "
            "delete .venv and run make lab, or with a Python of your own, pip install -e '.[lab]'."
        ) from None
    if not {*NO_SERVER, *LabApp.subcommands} & set(flags):
        refuse_taken_port(flags)
        print("JupyterLab is starting. Ctrl-C in this window ends it.", flush=True)
    send_without_delay()
    name_this_python()
    prefer_this_kernel()
    # The one server of this process, made before JupyterLab asks for it: settings given here rank between
    # the user's configuration files and the command line.
    server = ServerApp.instance(config=Config(settings()), jpserver_extensions={"jupyterlab": True})
    # Not a setting: where custom.css is looked for. A user's own comes first, in place of the project's.
    server.static_custom_path = [server.static_custom_path[0], str(SETTINGS)]
    LabApp.launch_instance(list(flags))


spare_slow_import()
