"""A newcomer's first minutes on the clock: `make lab`, then what notebook 00 asks for, in a real Chromium."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser.lab_page import NOTEBOOK, chromium_browser
from browser_path import NO_BROWSER, chromium
from playwright.sync_api import Locator, Page, expect

from labkit import lab

PATIENCE = 300
"""Seconds that any step may take before the newcomer gives up."""
ANSWER = "def how_many_messages(request):\n    return len(request['messages'])"
FIRST_OPTION = "Run the cells above it, in order"
NOTE_STORED = "panel => panel.querySelectorAll('.jp-OutputArea-child').forEach(shown => (shown.dataset.stored = true))"
IS_ACTIVE = "cell => cell.classList.contains('jp-mod-active')"
CHANGED = "([shown, before]) => shown.innerText !== before"


def fresh_copy(folder: Path) -> Path:
    """The content of a clone of the workbook, with changes that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=lab.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (lab.ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(lab.ROOT / name, folder / name)
    return folder


def first_minutes(clone: Path, own: Path) -> dict[str, float]:
    """Seconds from `make lab` in that clone to each first time; `own` gets the newcomer's settings and progress.

    The lab opens "the browser" as it does for everybody; here that is a script that notes the address.
    """
    start = time.monotonic()
    seconds: dict[str, float] = {}
    with started_lab(clone, own) as address:
        path = chromium()
        assert path, NO_BROWSER
        with chromium_browser(path) as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(PATIENCE * 1_000)
            page.goto(address)
            newcomer = Newcomer(page)
            for name in ("result", "widget", "check", "quiz"):
                getattr(newcomer, name)()
                seconds[name] = time.monotonic() - start
    return seconds


@contextmanager
def started_lab(clone: Path, own: Path) -> Iterator[str]:
    """`make lab` in that clone, on a free port; yields the address that it opens in the browser, ends it by Ctrl-C."""
    own.mkdir(parents=True, exist_ok=True)
    noted, opener = own / "address", own / "browser"
    noted.unlink(missing_ok=True)
    opener.write_text(f"#!/bin/sh\nprintf %s \"$1\" >'{noted}.part' && mv '{noted}.part' '{noted}'\n")
    opener.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONSTARTUP", "VIRTUAL_ENV")}
    kept |= {"BROWSER": f"'{opener}' %s", "LABKIT_PROGRESS": str(own / "progress")}
    kept |= {"JUPYTER_CONFIG_DIR": str(own / "settings"), "JUPYTER_RUNTIME_DIR": str(own / "runtime")}
    command = ["make", "lab", f"LAB_FLAGS=--port={lab.free_port()}"]
    with (
        (own / "lab.log").open("w") as log,
        subprocess.Popen(command, cwd=clone, env=kept, stdout=log, stderr=log, start_new_session=True) as made,
    ):
        try:
            end = time.monotonic() + PATIENCE
            while not noted.exists():
                assert made.poll() is None, (own / "lab.log").read_text()
                assert time.monotonic() < end, (own / "lab.log").read_text()
                time.sleep(0.02)
            yield noted.read_text()
        finally:
            os.killpg(made.pid, signal.SIGTERM)


class Newcomer:
    """Somebody who does what notebook 00 asks for, without reading: by Shift-Enter, one key, one answer."""

    def __init__(self, page: Page) -> None:
        """Take the stored outputs for what they are: stored."""
        self.page = page
        self.notebook = page.locator(NOTEBOOK)
        self.cells = self.notebook.locator(".jp-CodeCell")
        self.cells.first.wait_for()
        self.notebook.evaluate(NOTE_STORED)

    def result(self) -> None:
        """Run the first two cells and see the answer to the first request."""
        self.cells.first.locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        self.page.keyboard.press("Shift+Enter")
        expect(self.outputs(self.cells.nth(1)).first).to_contain_text("[simulated]", timeout=PATIENCE * 1_000)

    def widget(self) -> None:
        """Run on to the first widget, press an arrow key on its slider, and see other words below the picture."""
        self.run_on_to("explore(growth")
        explorer = self.notebook.locator(".labkit-explore").first
        before = explorer.inner_text()
        explorer.get_by_role("slider").first.press("ArrowRight")
        self.page.wait_for_function(CHANGED, arg=[explorer.element_handle(), before])

    def check(self) -> None:
        """Write the first exercise's answer, check it, and read that it is right."""
        stub = self.cells.filter(has_text="def how_many_messages")
        stub.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(ANSWER)
        self.page.keyboard.press("Shift+Enter")
        self.page.keyboard.press("Shift+Enter")
        checked = self.outputs(self.cells.filter(has_text='exercise("00-a").check()'))
        expect(checked.first).to_contain_text("Right", timeout=PATIENCE * 1_000)

    def quiz(self) -> None:
        """Run on to the quiz, choose the right answer to its first question, and read that it is right."""
        self.run_on_to('quiz("00")')
        form = self.notebook.locator(".labkit-quiz form").first
        form.get_by_label(FIRST_OPTION).check()
        form.get_by_role("button", name="Check").click()
        expect(form.locator(".labkit-status")).to_have_text("✓ Right.", timeout=PATIENCE * 1_000)

    def run_on_to(self, words: str) -> None:
        """Press Shift-Enter until the code cell with these words has been run."""
        cell = self.cells.filter(has_text=words)
        while not cell.evaluate(IS_ACTIVE):
            self.page.keyboard.press("Shift+Enter")
        self.page.keyboard.press("Shift+Enter")

    def outputs(self, cell: Locator) -> Locator:
        """The outputs of a cell in this session."""
        return cell.locator(".jp-OutputArea-child:not([data-stored])")
