"""Opening a notebook changes nothing, an early cell is not lost, and the lab's repairs for both are still needed."""

import json

import pytest
from lab_page import NOTEBOOK, NOTEBOOK_URL

pytestmark = pytest.mark.browser

AT_THE_TOP = """
heading => {
  const panel = heading.closest(".jp-WindowedPanel-outer").getBoundingClientRect();
  return Math.abs(heading.getBoundingClientRect().top - panel.top) < 40;
}
"""
HELD = """
() => {
  const fetched = window.fetch;
  window.fetch = async (asked, ...rest) => {
    const starts = asked.method === "POST" && asked.url.includes("/api/sessions");
    if (starts) await new Promise((done) => setTimeout(done, 1000));
    return fetched(asked, ...rest);
  };
}
"""
PATIENCE = "**/labkit-patience/**"
UNSAVED = ".lm-TabBar-tab.jp-mod-current.jp-mod-dirty"


def test_a_notebook_that_was_only_opened_is_not_marked_as_changed(lab_page):
    """The tab of a notebook that was opened and has its kernel shows no mark of unsaved changes."""
    lab_page.open("00_start_here")
    lab_page.page.wait_for_timeout(500)
    assert lab_page.page.locator(UNSAVED).count() == 0


def test_without_the_repair_it_would_be(lab_page, lab_folder):
    """A notebook that names no language, which the repair leaves alone, is marked at once; else drop the repair."""
    bare = {"cells": [], "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    (lab_folder / "notebooks" / "bare.ipynb").write_text(json.dumps(bare))
    lab_page.open("bare")
    lab_page.page.locator(UNSAVED).wait_for(timeout=10_000)
    assert lab_page.page.locator(NOTEBOOK).count() == 1


def run_at_once(lab_page):
    """Open the notebook with one stored output, its kernel a second late, and run the cell before the kernel is there.

    Gives back what stands below the cell when the kernel is idle.
    """
    lab_page.page.goto(f"{lab_page.address}{NOTEBOOK_URL}early.ipynb?reset")
    lab_page.page.evaluate(HELD)
    cell = lab_page.notebook.locator(".jp-CodeCell").first
    cell.locator(".cm-content").click()
    lab_page.page.keyboard.press("Shift+Enter")
    lab_page.wait_until_idle()
    lab_page.page.wait_for_timeout(500)
    return cell.locator(".jp-OutputArea-output").all_inner_texts()


def test_a_cell_that_is_run_before_its_kernel_is_there_waits_for_it(lab_page, lab_folder):
    """JupyterLab alone drops the cell and empties its output, and the lab's extension is still needed; else drop it."""
    stored = {"name": "stdout", "output_type": "stream", "text": ["stored\n"]}
    cell = {"cell_type": "code", "execution_count": 1, "id": "early", "metadata": {}, "outputs": [stored]}
    cell["source"] = ["print('new')"]
    bare = {"cells": [cell], "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    (lab_folder / "notebooks" / "early.ipynb").write_text(json.dumps(bare))
    lab_page.page.route(PATIENCE, lambda route: route.abort())
    assert run_at_once(lab_page) == []
    lab_page.errors.clear()
    lab_page.page.unroute(PATIENCE)
    lab_page.page.request.delete(f"{lab_page.address}/api/sessions/{session_id(lab_page)}")
    assert run_at_once(lab_page) == ["new\n"]


def session_id(lab_page):
    """The id of the one session of the notebook that is run early."""
    sessions = lab_page.page.request.get(f"{lab_page.address}/api/sessions").json()
    (found,) = [session["id"] for session in sessions if session["path"].endswith("early.ipynb")]
    return found


def follows_to_the_glossary(lab_page):
    """Whether a link to the glossary, in a notebook that was closed, ends there within two seconds."""
    lab_page.open("00_start_here")
    lab_page.notebook.get_by_role("link", name="Tokens").click()
    heading = lab_page.notebook.get_by_role("heading", name="Glossary")
    heading.wait_for(state="attached")
    lab_page.page.wait_for_timeout(2000)
    return heading.evaluate(AT_THE_TOP)


def test_a_link_to_a_heading_of_a_closed_notebook_ends_there(lab_page):
    """JupyterLab alone opens such a notebook at its top; the lab's extension is still needed; else drop it."""
    lab_page.page.route("**/labkit-links/**", lambda route: route.abort())
    assert not follows_to_the_glossary(lab_page)
    lab_page.errors.clear()
    lab_page.page.unroute("**/labkit-links/**")
    assert follows_to_the_glossary(lab_page)


def test_printed_lines_break_between_words(lab_page):
    """The lab's style sheet keeps words whole, in what is printed and in what is shown of labkit's source."""
    lab_page.open("05_summarization")
    broken = "places => places.filter(one => getComputedStyle(one).wordBreak !== 'normal').length"
    shown = lab_page.notebook.locator(".jp-OutputArea-output pre")
    assert shown.count() > 5
    assert shown.evaluate_all(broken) == 0
