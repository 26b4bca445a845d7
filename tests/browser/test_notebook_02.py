"""Notebook 02 in a real browser: it runs from top to bottom, and its race answers to every control, and at once."""

import re

import pytest
from lab_page import LabPage
from playwright.sync_api import expect
from redraw import MOST_MILLISECONDS, median_redraw

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def widget(browser, server):
    """The race of notebook 02 after a full run in the browser."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    tab = LabPage(context.new_page(), server)
    tab.open("02_strategies")
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


def test_turns_window_and_threshold_follow_the_keyboard(widget):
    """Each slider changes what it names, in the words and in the picture."""
    words, picture = words_of(widget), widget.locator("svg")
    widget.get_by_role("slider", name="Turns").press("End")
    expect(words).to_contain_text("request 50:")
    expect(words).to_contain_text("window of 10")
    whole = picture.inner_html()
    widget.get_by_role("slider", name="Window").press("ArrowRight")
    expect(words).to_contain_text("window of 11")
    assert picture.inner_html() != whole
    threshold = widget.get_by_role("slider", name="Threshold")
    before = words.inner_text()
    threshold.press("ArrowRight")
    expect(words).to_contain_text("summary above 3,500")
    assert dollars(words.inner_text()) != dollars(before)
    threshold.press("ArrowLeft")
    expect(words).to_contain_text("summary above 3,000")


def test_a_strategy_alone_is_split_into_its_parts(widget):
    """Chosen alone, a strategy is drawn as columns of its parts, and its words are about it alone."""
    choice, words = widget.get_by_role("combobox", name="Strategy"), words_of(widget)
    choice.select_option("summarization")
    expect(widget.locator("svg")).to_contain_text("current message")
    expect(words).not_to_contain_text("full history")
    choice.select_option("all three")
    expect(words).to_contain_text("full history")


def test_it_redraws_at_once(widget):
    """From the key that moves a slider to the redrawn picture it takes 50 ms at most, in the middle of 24 moves."""
    for name in ("Turns", "Window"):
        assert median_redraw(widget, name) <= MOST_MILLISECONDS, name


def dollars(sentence):
    """The amounts of dollars in a sentence."""
    return re.findall(r"\d\.\d\d", sentence.partition("Cost in dollars: ")[2])
