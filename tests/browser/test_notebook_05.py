"""Notebook 05 in a real browser: it runs from top to bottom, and its timeline answers to every control, at once."""

import re

import pytest
from lab_page import LabPage
from playwright.sync_api import expect
from redraw import MOST_MILLISECONDS, median_redraw

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def widget(browser, server):
    """The widget of notebook 05 after a full run in the browser."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    tab = LabPage(context.new_page(), server)
    tab.open("05_summarization")
    tab.run_all()
    assert tab.failures() == []
    tab.explorer.scroll_into_view_if_needed()
    yield tab.explorer
    context.close()
    assert tab.errors == []
    assert tab.strangers == []


def words_of(widget):
    """The live sentence below the picture, which a screen reader speaks when it changes."""
    return widget.locator("p[role=status]")


def count(widget, pattern):
    """A number of the sentence below the picture."""
    return int(re.search(pattern, words_of(widget).inner_text())[1].replace(",", ""))


def test_a_higher_threshold_makes_fewer_summaries(widget):
    """The threshold moves with the keys: fewer summaries, more tokens in all, another line across the picture."""
    slider = widget.get_by_role("slider", name="Threshold")
    slider.press("Home")
    expect(widget.locator("svg")).to_contain_text("threshold 600")
    made, tokens = count(widget, r"(\d+) summaries"), count(widget, r"together ([\d,]+)")
    slider.press("End")
    expect(widget.locator("svg")).to_contain_text("threshold 1,600")
    assert count(widget, r"(\d+) summar") < made
    assert count(widget, r"together ([\d,]+)") > tokens
    slider.press("Home")
    expect(words_of(widget)).to_contain_text(f"{made} summaries")


def test_shorter_summaries_hold_fewer_facts(widget):
    """Fewest words, fewest facts; most words, more of them."""
    slider = widget.get_by_role("slider", name="Words in a summary")
    before = words_of(widget).inner_text()
    slider.press("Home")
    expect(words_of(widget)).not_to_have_text(before)
    fewest = count(widget, r"(\d+) of 12 facts")
    slider.press("End")
    expect(words_of(widget)).not_to_contain_text(f" {fewest} of 12 facts")
    assert count(widget, r"(\d+) of 12 facts") > fewest


def test_the_recent_turns_move_the_reach(widget):
    """With more recent turns another number of messages is told in the summary."""
    slider = widget.get_by_role("slider", name="Recent turns")
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "2 turns")
    before = words_of(widget).inner_text()
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "8 turns")
    expect(words_of(widget)).not_to_have_text(before)


def test_it_redraws_at_once(widget):
    """On 200 messages it takes 50 ms at most, in the median, from the key that moves a slider to the new picture."""
    assert median_redraw(widget, "Threshold", moves=10) <= MOST_MILLISECONDS
    assert median_redraw(widget, "Recent turns", moves=6) <= MOST_MILLISECONDS
