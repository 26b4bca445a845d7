"""JupyterLab as a learner uses it, driven in headless Chromium: start it, open a notebook, run it, look at it."""

import os
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
NOTEBOOK_URL = "/lab/tree/notebooks/"
START_SECONDS, RUN_SECONDS = 60, 120
KINDS = """
cells => cells.map(cell =>
  [...cell.querySelectorAll("[data-mime-type], .labkit-explore, .labkit-quiz, .labkit-order, .widget-html")]
    .map(shown => shown.dataset.mimeType ?? "live"))
"""
SAVE_AND_CLOSE = """
async () => {
  await jupyterapp.commands.execute("docmanager:save-all");
  await jupyterapp.commands.execute("application:close-all");
}
"""
OPEN = "async path => void (await jupyterapp.commands.execute('docmanager:open', { path }))"
HARMLESS = re.compile(r"Failed to load resource: .*404")


@contextmanager
def lab_server(root: Path) -> Iterator[str]:
    """A lab on a free port, over a copy of the notebooks in `root`, with separate settings; yields its address."""
    shutil.copytree(lab.ROOT / "notebooks", root / "notebooks", dirs_exist_ok=True)
    port = lab.free_port()
    flags = [f"--port={port}", "--no-browser", f"--ServerApp.root_dir={root}", "--IdentityProvider.token="]
    flags += ["--LabApp.expose_app_in_browser=True", "--MappingKernelManager.cull_idle_timeout=30"]
    flags += ["--MappingKernelManager.cull_interval=10"]
    command = [sys.executable, "-m", "labkit.lab", *flags, "--log-level=ERROR"]
    own = {"JUPYTER_CONFIG_DIR": str(root / "settings"), "LABKIT_PROGRESS": str(root / "progress")}
    with (
        (root / "lab.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | own) as server,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/api", server, root / "lab.log")
            yield address
        finally:
            server.terminate()


def wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until a server answers; RuntimeError with what it said when it ends or takes too long."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address).close()
            return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise RuntimeError(f"the server did not start within {START_SECONDS} seconds:\n{log.read_text()}")


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

    def show(self, name: str) -> None:
        """Show a notebook: in a fresh tab by its address, else in its lab, with all others saved and closed."""
        if NOTEBOOK_URL not in self.page.url:
            self.page.goto(f"{self.address}{NOTEBOOK_URL}{name}.ipynb?reset")
        else:
            self.page.evaluate(SAVE_AND_CLOSE)
            self.notebook.wait_for(state="detached")
            self.page.evaluate(OPEN, f"notebooks/{name}.ipynb")
        self.notebook.wait_for(timeout=START_SECONDS * 1_000)

    def turn_to(self, name: str) -> None:
        """Show a notebook, and wait until its kernel is connected and idle."""
        self.show(name)
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

    def wear(self, theme: str) -> None:
        """Put a theme on, "JupyterLab Light" or "JupyterLab Dark", and wait until the page wears it."""
        self.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
        self.page.locator(f'body[data-jp-theme-name="{theme}"]').wait_for(state="attached")

    def kinds(self) -> list[list[str]]:
        """For each code cell the media types that its outputs are shown as, or "live" for widget and quiz."""
        kinds: list[list[str]] = self.notebook.locator(".jp-CodeCell").evaluate_all(KINDS)
        return kinds

    def explorers(self) -> list[Locator]:
        """All widgets of the notebook with controls and a picture."""
        return self.notebook.locator(".labkit-explore").all()

    def failures(self) -> list[str]:
        """The texts that cells wrote to stderr or raised."""
        return self.notebook.locator(
            '[data-mime-type$="jupyter.error"], [data-mime-type$="jupyter.stderr"]'
        ).all_inner_texts()
