"""Notebook 03 in a real browser: it runs from top to bottom, and its deck answers to every control, and at once."""

import pytest
from lab_page import LabPage
from playwright.sync_api import expect
from redraw import MOST_MILLISECONDS, median_redraw

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def widget(browser, server):
    """The deck of notebook 03 after a full run in the browser."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    tab = LabPage(context.new_page(), server)
    tab.open("03_budgets")
    tab.run_all()
    assert tab.failures() == []
    tab.explorer.scroll_into_view_if_needed()
    yield tab.explorer
    context.close()
    assert tab.errors == []
    assert tab.strangers == []


@pytest.mark.parametrize("name", ["Turn", "A turn adds", "System prompt", "Message", "max_tokens"])
def test_each_slider_changes_the_picture_and_the_words(widget, name):
    """A step to the right adds tokens, in the words and in the picture; a step back restores both."""
    words, picture = widget.locator("p[role=status]"), widget.locator("svg")
    slider = widget.get_by_role("slider", name=name, exact=True)
    before, drawn = words.inner_text(), picture.inner_html()
    slider.press("ArrowRight")
    expect(words).not_to_have_text(before)
    assert total(words.inner_text()) > total(before)
    assert picture.inner_html() != drawn
    slider.press("ArrowLeft")
    expect(words).to_have_text(before)
    assert picture.inner_html() == drawn


def test_a_smaller_share_leaves_the_history_fewer_turns(widget):
    """The share moves the limit of the history and not the tokens."""
    words, slider = widget.locator("p[role=status]"), widget.get_by_role("slider", name="Share of the history")
    before = words.inner_text()
    expect(words).to_contain_text("room for 16 more turns")
    slider.press("ArrowLeft")
    expect(words).to_contain_text("room for 12 more turns")
    assert total(words.inner_text()) == total(before)
    slider.press("ArrowRight")
    expect(words).to_have_text(before)


def test_play_fills_the_deck_and_warns(widget):
    """The play button moves the turns by itself; before the history is over its share, the words warn."""
    slider, words = widget.get_by_role("slider", name="Turn", exact=True), widget.locator("p[role=status]")
    play = widget.get_by_role("button")
    play.click()
    expect(words).to_contain_text("Warning: the history has room for", timeout=20_000)
    play.click()
    expect(play).to_have_text("Play")
    slider.press("End")
    expect(words).to_contain_text("Over its share: history")
    widget.get_by_role("slider", name="A turn adds").press("End")
    widget.get_by_role("slider", name="Message", exact=True).press("End")
    expect(words).to_contain_text("the API answers 400")
    widget.get_by_role("slider", name="Message", exact=True).press("Home")


def test_it_redraws_at_once(widget):
    """From the key that moves a slider to the redrawn picture it takes 50 ms at most, in the middle of 24 moves."""
    for name in ("Turn", "System prompt"):
        assert median_redraw(widget, name) <= MOST_MILLISECONDS, name


def total(sentence):
    """The tokens of the whole plan that a sentence gives."""
    return int(sentence.partition(" for the reply: ")[2].partition(" of ")[0].replace(",", ""))
