"""Every notebook in a real browser, as a learner has it: run, moved by key and by mouse, looked at in both themes."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from controls import by_key, by_mouse, controls, drawn, label
from playwright.sync_api import expect

from labkit.lab import ROOT

OURS = {"include": [[".labkit-explore"], [".labkit-quiz"]]}
TOO_WIDE = """
places => places.filter(one => one.clientWidth)
  .filter(one => one.scrollWidth > one.clientWidth + 1
    || one.getBoundingClientRect().right > one.closest(".jp-Cell").getBoundingClientRect().right + 1)
  .map(one => `${one.className}: ${one.innerText.slice(0, 60)} (${one.scrollWidth} in ${one.clientWidth})`)
"""
pytestmark = pytest.mark.browser

NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


STILL = ("image/png", "text/html", "text/plain")
"""The kinds of output under which a widget is stored."""


@pytest.fixture(scope="module", params=NAMES)
def tab(request, lab_tab):
    """A notebook, opened and run from top to bottom; `stored` is what its outputs were shown as before."""
    lab_tab.turn_to(request.param)
    lab_tab.stored = lab_tab.kinds()
    lab_tab.run_all()
    yield lab_tab
    errors, strangers = lab_tab.errors[:], lab_tab.strangers[:]
    lab_tab.errors.clear()
    lab_tab.strangers.clear()
    assert (errors, strangers) == ([], [])


def test_it_runs_and_shows_what_was_stored(tab):
    """No cell fails or warns, and each output is of the kind that was stored, but that widgets come to life."""
    assert tab.failures() == []
    for place, (before, after) in enumerate(zip(tab.stored, tab.kinds(), strict=True), 1):
        came_to_life = [
            then if now == "live" and then in STILL else now for then, now in zip(before, after, strict=False)
        ]
        assert before in (after, came_to_life), f"code cell {place}"
        assert len(before) == len(after), f"code cell {place}"


def test_every_control_answers_to_keys_and_mouse(tab):
    """Each control changes words and picture, by key and by mouse, and when it is put back everything is as before."""
    for widget in tab.explorers():
        for kind, control in controls(widget):
            for move in (by_key, by_mouse):
                states = move(widget, kind, control)
                assert len(set(states)) > 1, f"{label(control)} changes nothing ({move.__name__})"
                assert states[0] == states[-1], f"{label(control)} does not come back ({move.__name__})"


def test_play_moves_the_slider_by_itself(tab):
    """The play button walks on from the slider's place, and a second click stops it."""
    for widget in tab.explorers():
        for control in widget.locator(".labkit-control:has(button)").all():
            slider, play = control.locator("input"), control.locator("button")
            start = slider.input_value()
            play.click()
            expect(slider).not_to_have_value(start)
            play.click()
            expect(play).to_have_text("Play")
            slider.fill(start)
            drawn(widget)


def test_names_and_contrast(tab):
    """axe-core finds every control named and every text in enough contrast, in the light and in the dark theme."""
    try:
        for theme, rules in (("JupyterLab Dark", {"runOnly": ["color-contrast"]}), ("JupyterLab Light", {})):
            tab.wear(theme)
            found = Axe().run(tab.page, OURS, {"resultTypes": ["violations"], **rules})
            assert found.violations_count == 0, found.generate_report()
    finally:
        tab.wear("JupyterLab Light")


@pytest.mark.parametrize(
    ("width", "whose"), [(800, ".labkit-explore, .labkit-picture, .labkit-quiz"), (1280, ".jp-OutputArea-output")]
)
def test_nothing_is_cut_off(tab, width, whose):
    """No widget or quiz is wider than its place at 800 pixels, where tables may be scrolled, and no output at 1280."""
    tab.page.set_viewport_size({"width": width, "height": 1000})
    assert tab.notebook.locator(whose).evaluate_all(TOO_WIDE) == []


def test_the_controls_stay_while_a_tall_picture_is_scrolled(tab):
    """With the end of a widget at the bottom of the window, its controls are still on the page."""
    for widget in tab.explorers():
        widget.locator("p[role=status]").scroll_into_view_if_needed()
        expect(widget.locator(".labkit-controls")).to_be_in_viewport(ratio=1)
