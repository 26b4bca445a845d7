"""A learner of a hub as its server sees one: the requests of signing in, of a kernel and of running a cell.

The same requests that JupyterLab sends, without a browser: cookies, the token against forgery, and the kernel's
WebSocket in the protocol of kernel messages.
"""

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import websocket

from labkit.lab import ROOT

CONFIG = ROOT / "deploy" / "hub" / "jupyterhub_config.py"
PROXY = CONFIG.parent / "node_modules" / ".bin" / "configurable-http-proxy"
PASSWORD = "for-a-test-only"


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@contextmanager
def hub(folder: Path, seconds: float = 120) -> Iterator[str]:
    """A separate hub on free ports, its learners' folders below `folder`; its address, and its end with the block."""
    ports = {name: str(free_port()) for name in ("PORT", "API_PORT", "PROXY_PORT")}
    settings = {f"LABKIT_HUB_{name}": value for name, value in ports.items()}
    settings |= {"LABKIT_HUB_FOLDER": str(folder), "LABKIT_HUB_PASSWORD": PASSWORD}
    command = [sys.executable, "-m", "jupyterhub", "--config", str(CONFIG)]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "hub.log").open("w") as log:
        process = subprocess.Popen(command, env={**os.environ, **settings}, cwd=folder, stdout=log, stderr=log)
        address = f"http://127.0.0.1:{ports['PORT']}"
        try:
            wait_for(lambda: answers(f"{address}/hub/login"), seconds, lambda: (folder / "hub.log").read_text())
            yield address
        finally:
            process.terminate()
            process.wait(60)


def answers(address: str) -> bool:
    """Say if something answers there."""
    try:
        return requests.get(address, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def wait_for(done: Any, seconds: float, said: Any = str) -> None:
    """Ask again until it is so. Raises TimeoutError with what was said meanwhile."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} seconds: {said()}")
        time.sleep(0.2)


class Learner:
    """One learner with a separate session."""

    def __init__(self, hub: str, name: str) -> None:
        """Take the hub's address and the name to sign in with."""
        self.hub, self.name, self.session = hub, name, requests.Session()
        self.base = f"{hub}/user/{name}"
        self.kernels: list[Kernel] = []

    def __enter__(self) -> "Learner":
        """Give this learner."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close what is connected; the server goes on."""
        for kernel in self.kernels:
            kernel.socket.close()
        self.session.close()

    def sign_in(self, seconds: float = 180) -> None:
        """Sign in, have the server started, and wait until it answers this learner."""
        login = f"{self.hub}/hub/login"
        self.session.get(login, timeout=60)
        form = {"username": self.name, "password": PASSWORD, "_xsrf": self.session.cookies.get("_xsrf", path="/hub/")}
        self.session.post(login, data=form, timeout=60).raise_for_status()
        self.session.get(f"{self.hub}/hub/spawn", timeout=120)
        wait_for(self._in, seconds)

    def _in(self) -> bool:
        """Ask for the page that a browser would ask for: on the way there the server takes this session for its own."""
        page = self.get("/lab")
        return page.status_code == 200 and page.url.startswith(self.base)

    def get(self, path: str, base: str = "") -> requests.Response:
        """Ask a learner's server (this one's, unless another's address is given)."""
        return self.session.get(f"{base or self.base}{path}", timeout=120)

    def kernel(self) -> "Kernel":
        """A new kernel, connected."""
        self.get("/lab")
        token = self.session.cookies.get("_xsrf", path=f"/user/{self.name}/")
        made = self.session.post(f"{self.base}/api/kernels", headers={"X-XSRFToken": token}, json={}, timeout=120)
        made.raise_for_status()
        self.kernels.append(Kernel(self, made.json()["id"]))
        return self.kernels[-1]


class Kernel:
    """A kernel of a learner, over its WebSocket."""

    def __init__(self, learner: Learner, id: str) -> None:
        """Connect to the kernel with this id."""
        address = f"{learner.base.replace('http', 'ws', 1)}/api/kernels/{id}/channels"
        held = learner.session.cookies
        sent = requests.Request("GET", f"{learner.base}/api/kernels", cookies=held)
        cookies = learner.session.prepare_request(sent).headers.get("Cookie", "")
        self.socket = websocket.create_connection(address, cookie=cookies, timeout=120, origin=learner.hub)
        self.session = uuid.uuid4().hex
        self.widgets: dict[str, dict[str, Any]] = {}

    def run(self, code: str) -> str:
        """Execute a cell and give what it printed, or its error; when this returns, the kernel is idle again."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        return self._asked("execute_request", content)

    def move(self, comm: str, settings: dict[str, Any]) -> None:
        """Ask a widget for the picture of other settings, as a hand on a control does, and wait until it is drawn."""
        wanted = {"method": "custom", "content": {"want": [settings]}}
        self._asked("comm_msg", {"comm_id": comm, "data": wanted})

    def _asked(self, kind: str, content: dict[str, Any]) -> str:
        """Send a message, keep the widgets that are made meanwhile, and give what was printed until it is done."""
        id, said = uuid.uuid4().hex, []
        header = {"msg_id": id, "msg_type": kind, "session": self.session, "username": "", "version": "5.3"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self.socket.send(json.dumps(message))
        while True:
            got = self._received()
            if got.get("parent_header", {}).get("msg_id") != id:
                continue
            kind, content = got["msg_type"], got["content"]
            if kind == "stream":
                said.append(content["text"])
            elif kind == "error":
                said.append(f"{content['ename']}: {content['evalue']}")
            elif kind == "comm_open":
                self.widgets[content["comm_id"]] = content["data"].get("state", {})
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(said)

    def _received(self) -> dict[str, Any]:
        """The next message; one with buffers comes as bytes, its JSON after a table of places."""
        data = self.socket.recv()
        if isinstance(data, bytes):
            parts = int.from_bytes(data[:4], "big")
            places = [int.from_bytes(data[4 * n : 4 * n + 4], "big") for n in range(1, parts + 1)]
            data = data[places[0] : places[1] if parts > 1 else None].decode()
        found: dict[str, Any] = json.loads(data)
        return found
