"""JupyterLab as a learner uses it, driven in headless Chromium: start it, open a notebook, run it, look at it."""

import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from labkit import lab

IDLE = "Python 3 (ipykernel) | Idle"
NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden)"
START_SECONDS, RUN_SECONDS = 60, 120
HARMLESS = re.compile(r"Failed to load resource: .*404")


@contextmanager
def lab_server(root: Path) -> Iterator[str]:
    """A lab on loopback on a free port over a copy of the notebooks in `root`; yields its address."""
    shutil.copytree(lab.ROOT / "notebooks", root / "notebooks", dirs_exist_ok=True)
    port = lab.free_port()
    flags = [f"--port={port}", "--no-browser", f"--ServerApp.root_dir={root}", "--IdentityProvider.token="]
    command = [sys.executable, "-m", "labkit.lab", *flags, "--log-level=ERROR"]
    with (root / "lab.log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(f"{address}/api", server, root / "lab.log")
            yield address
        finally:
            server.terminate()


def _wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address).close()
            return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise RuntimeError(f"the lab did not start within {START_SECONDS} seconds:\n{log.read_text()}")


@contextmanager
def chromium_browser(path: str) -> Iterator[Browser]:
    """The Chromium at `path`, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class LabPage:
    """One tab with one notebook; `errors` and `strangers` (addresses elsewhere) gather what should not happen."""

    def __init__(self, page: Page, address: str) -> None:
        """Watch a fresh tab from its first request on."""
        self.page, self.address = page, address
        self.errors: list[str] = []
        self.strangers: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)
        page.on("request", lambda request: self._look_at(request.url))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not HARMLESS.search(message.text):
            self.errors.append(message.text)

    def _look_at(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:", "about:")):
            self.strangers.append(url)

    @property
    def notebook(self) -> Locator:
        """The notebook that is shown."""
        return self.page.locator(NOTEBOOK)

    def open(self, name: str) -> None:
        """Open a notebook and wait until its kernel is connected and idle."""
        self.page.goto(f"{self.address}/lab/tree/notebooks/{name}.ipynb?reset")
        self.notebook.wait_for(timeout=START_SECONDS * 1_000)
        self.wait_until_idle()

    def wait_until_idle(self, seconds: float = START_SECONDS) -> None:
        """Wait for the status bar to say that the kernel is idle (set once connected, unlike the icon's state)."""
        self.page.get_by_text(IDLE).wait_for(timeout=seconds * 1_000)

    def run_all(self, seconds: float = RUN_SECONDS) -> None:
        """Clear what is stored, run all cells from the menu, and wait for the last one to be done."""
        cells = self.notebook.locator(".jp-CodeCell")
        self._choose("Edit", "Clear Outputs of All Cells")
        expect(cells.last.locator(".jp-InputPrompt")).to_have_text("[ ]:")
        self._choose("Run", "Run All Cells")
        expect(cells.last.locator(".jp-InputPrompt")).to_have_text(f"[{cells.count()}]:", timeout=seconds * 1_000)
        self.wait_until_idle(seconds)

    def _choose(self, menu: str, entry: str) -> None:
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=entry, exact=True).click()

    @property
    def explorer(self) -> Locator:
        """The first of the notebook's widgets with controls and a picture."""
        return self.notebook.locator(".labkit-explore").first

    def failures(self) -> list[str]:
        """What cells wrote to stderr or raised."""
        return self.notebook.locator(
            '[data-mime-type$="jupyter.error"], [data-mime-type$="jupyter.stderr"]'
        ).all_inner_texts()
