"""Widgets redraw at once: milliseconds from the key that moves a slider to the picture on the page, in the median."""

import sys
from pathlib import Path

import pytest

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "browser"))

from controls import controls, label
from redraw import MOST_MILLISECONDS, median_redraw

from conftest import browser, lab_folder, lab_tab, server  # noqa: F401 - fixtures
from labkit.lab import ROOT

NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", NAMES)
def test_every_slider_redraws_at_once(lab_tab, name):  # noqa: F811 - the fixture
    """From the key to the redrawn picture at most 50 ms, in the median of a slider's moves."""
    lab_tab.turn_to(name)
    lab_tab.run_all()
    for widget in lab_tab.explorers():
        for kind, control in controls(widget):
            if kind == "slider":
                assert median_redraw(widget, control) <= MOST_MILLISECONDS, label(control)
