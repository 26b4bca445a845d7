"""Opening a notebook changes nothing, an early cell is not lost, and the lab's repairs for both are still needed."""

import json
import re

import pytest
from lab_page import NOTEBOOK, LabPage

pytestmark = pytest.mark.browser

AT_THE_TOP = """
heading => {
  const panel = heading.closest(".jp-WindowedPanel-outer").getBoundingClientRect();
  return Math.abs(heading.getBoundingClientRect().top - panel.top) < 40;
}
"""
EXTENSIONS = re.compile(r"/labkit-(links|patience)/")
SESSIONS = "**/api/sessions*"
UNSAVED = ".lm-TabBar-tab.jp-mod-current.jp-mod-dirty"


@pytest.fixture(scope="module")
def lab(browser, server):
    """One tab with the lab as learners have it; no error but of what a kernel answers to a notebook just closed."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    tab = LabPage(context.new_page(), server)
    yield tab
    context.close()
    errors = [error for error in tab.errors if not error.startswith("Comm not found")]
    assert (errors, tab.strangers) == ([], [])


@pytest.fixture(scope="module")
def jupyterlab(browser, server):
    """One tab with JupyterLab alone, without the lab's extensions: what they repair is seen to be broken there."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.route(EXTENSIONS, lambda route: route.abort())
    yield LabPage(context.new_page(), server)
    context.close()


def write(folder, name, *cells):
    """A notebook that names no language, in the folder that the lab shows."""
    bare = {"cells": cells, "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "notebooks" / f"{name}.ipynb").write_text(json.dumps(bare))


def test_a_notebook_that_was_only_opened_is_not_marked_as_changed(lab):
    """The tab of a notebook that was opened and has its kernel shows no mark of unsaved changes."""
    lab.turn_to("00_start_here")
    lab.page.wait_for_timeout(500)
    assert lab.page.locator(UNSAVED).count() == 0


def test_without_the_repair_it_would_be(lab, lab_folder):
    """A notebook that names no language, which the repair leaves alone, is marked at once; else drop the repair."""
    write(lab_folder, "bare")
    lab.turn_to("bare")
    lab.page.locator(UNSAVED).wait_for(timeout=10_000)
    assert lab.page.locator(NOTEBOOK).count() == 1


def run_before_the_kernel(tab, folder, name):
    """The output below the one cell of a notebook, with a stored output, that is run before its kernel starts."""
    stored = {"name": "stdout", "output_type": "stream", "text": ["stored\n"]}
    cell = {"cell_type": "code", "execution_count": 1, "id": "early", "metadata": {}, "outputs": [stored]}
    write(folder, name, {**cell, "source": ["print('new')"]})
    held = []  # the request for a kernel
    tab.page.route(SESSIONS, lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    with tab.page.expect_request(lambda asked: asked.method == "POST" and "/api/sessions" in asked.url):
        tab.show(name)
    cell = tab.notebook.locator(".jp-CodeCell")
    cell.locator(".cm-content").click()
    tab.page.keyboard.press("Shift+Enter")
    assert len(held) == 1, "the kernel was there before the key"
    held[0].continue_()
    tab.wait_until_idle()
    tab.page.wait_for_timeout(500)
    tab.page.unroute(SESSIONS)
    return cell.locator(".jp-OutputArea-output").all_inner_texts()


def test_a_cell_that_is_run_before_its_kernel_is_there_waits_for_it(lab, lab_folder):
    """It is run when the kernel has started."""
    assert run_before_the_kernel(lab, lab_folder, "waits") == ["new\n"]


def test_without_the_lab_it_would_be_dropped(jupyterlab, lab_folder):
    """JupyterLab alone drops the cell and empties its output: the lab's extension is still needed; else drop it."""
    assert run_before_the_kernel(jupyterlab, lab_folder, "dropped") == []


def follows_to_the_glossary(tab):
    """True if a link to the glossary, in a notebook that was closed, ends there within two seconds."""
    tab.turn_to("00_start_here")
    tab.notebook.get_by_role("link", name="Tokens").click()
    heading = tab.notebook.get_by_role("heading", name="Glossary")
    heading.wait_for(state="attached")
    tab.page.wait_for_timeout(2000)
    return heading.evaluate(AT_THE_TOP)


def test_a_link_to_a_heading_of_a_closed_notebook_ends_there(lab):
    """The glossary is at the top of the panel."""
    assert follows_to_the_glossary(lab)


def test_without_the_lab_it_would_end_elsewhere(jupyterlab):
    """JupyterLab alone opens such a notebook at its top: the lab's extension is still needed; else drop it."""
    assert not follows_to_the_glossary(jupyterlab)


def test_printed_lines_break_between_words(lab):
    """The lab's style sheet keeps words whole, in what is printed and in what is shown of labkit's source."""
    lab.turn_to("05_summarization")
    broken = "places => places.filter(one => getComputedStyle(one).wordBreak !== 'normal').length"
    shown = lab.notebook.locator(".jp-OutputArea-output pre")
    assert shown.count() > 5
    assert shown.evaluate_all(broken) == 0
