"""Notebook 04 in a real browser: it runs from top to bottom, and its list of fates answers to every control."""

import pytest
from lab_page import LabPage
from playwright.sync_api import expect
from redraw import MOST_MILLISECONDS, median_redraw

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def widget(browser, server):
    """The widget of notebook 04 after a full run in the browser."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    tab = LabPage(context.new_page(), server)
    tab.open("04_pruning")
    tab.run_all()
    assert tab.failures() == []
    tab.explorer.scroll_into_view_if_needed()
    yield tab.explorer
    context.close()
    assert tab.errors == []
    assert tab.strangers == []


def test_the_budget_follows_the_keyboard(widget):
    """The lowest budget drops most messages and answers least; the highest drops none, and the picture says so."""
    slider, words = widget.get_by_role("slider", name="Budget"), widget.locator("p[role=status]")
    widget.get_by_role("combobox", name="Rule").select_option("oldest first")
    slider.press("Home")
    expect(words).to_contain_text("1 kept, 40 dropped")
    expect(widget.locator("svg")).to_contain_text("budget of 200 tokens")
    lowest = widget.locator("svg").inner_html()
    slider.press("End")
    expect(words).to_contain_text("41 kept;")
    expect(words).to_contain_text("10 of 10 questions")
    assert widget.locator("svg").inner_html() != lowest


def test_each_rule_has_its_own_fates(widget):
    """Choosing a rule changes what becomes of the messages: pinned, emptied, summarized, and the words tell which."""
    choice, words = widget.get_by_role("combobox", name="Rule"), widget.locator("p[role=status]")
    slider = widget.get_by_role("slider", name="Budget")
    slider.press("Home")
    choice.select_option("keep by role")
    expect(words).to_contain_text("more than the budget, because of what must stay")
    choice.select_option("summary, then oldest")
    slider.press("End")
    expect(words).to_contain_text("summarized")
    choice.select_option("empty results first")
    expect(words).to_contain_text("4 cleared")


def test_it_redraws_at_once(widget):
    """From the key that moves the budget to the redrawn list it takes 50 ms at most, in the middle of 24 moves."""
    assert median_redraw(widget, "Budget") <= MOST_MILLISECONDS
