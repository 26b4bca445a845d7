"""Take pictures of the workbook as a learner sees it, to look at: python tests/browser/screenshots.py

They go to screenshots/, which git ignores: each notebook before its first run, and notebook 01 with its widget moved.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))

from browser_path import NO_BROWSER, chromium
from lab_page import LabPage, chromium_browser, lab_server

from labkit.lab import ROOT

FOLDER = ROOT / "screenshots"


def main() -> None:
    """Write the pictures and print their paths; SystemExit where there is no Chromium."""
    path = chromium()
    if path is None:
        raise SystemExit(f"No pictures: {NO_BROWSER}.")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as root, lab_server(Path(root)) as address, chromium_browser(path) as browser:
        for name in sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")):
            tab = LabPage(browser.new_page(viewport={"width": 1280, "height": 1000}), address)
            tab.open(name)
            shoot(tab, f"{name}-opened")
        tab = LabPage(browser.new_page(viewport={"width": 1280, "height": 1000}), address)
        tab.open("01_statelessness")
        tab.run_all()
        widget = tab.explorer
        widget.get_by_role("slider", name="Turn").press("ArrowRight")
        widget.scroll_into_view_if_needed()
        shoot(tab, "01_statelessness-widget")


def shoot(tab: LabPage, name: str) -> None:
    """Write one picture of the tab."""
    tab.page.screenshot(path=FOLDER / f"{name}.png")
    print(f"screenshots/{name}.png")


if __name__ == "__main__":
    main()
