"""Notebook 01 in a real browser: it runs from top to bottom, and its widget answers to the keyboard."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def widget(lab_page):
    """The widget of notebook 01 after a full run in the browser."""
    lab_page.open("01_statelessness")
    lab_page.run_all()
    assert lab_page.failures() == []
    return lab_page.explorer


def words_of(widget):
    """The live sentence below the picture, which a screen reader speaks when it changes."""
    return widget.locator("p[role=status]")


def tokens(sentence):
    """The number of tokens that a sentence gives."""
    return int(re.search(r"([\d,]+) tokens", sentence)[1].replace(",", ""))


def test_the_widget_follows_the_keyboard(widget):
    """Arrow keys move the turn and the space bar leaves a message out; picture and words change together, and back."""
    slider, words, picture = widget.get_by_role("slider", name="Turn"), words_of(widget), widget.locator("svg")
    slider.focus()
    slider.press("Home")
    expect(words).to_contain_text("request of turn 1 ")
    first_words, first_picture = words.inner_text(), picture.inner_html()
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    expect(words).to_contain_text("request of turn 3 ")
    expect(slider).to_have_attribute("aria-valuetext", "3")
    third_words = words.inner_text()
    assert tokens(third_words) > tokens(first_words)
    assert picture.inner_html() != first_picture
    widget.get_by_role("checkbox", name="1", exact=True).press("Space")
    expect(words).not_to_have_text(third_words)
    assert tokens(words.inner_text()) < tokens(third_words)
    widget.get_by_role("checkbox", name="1", exact=True).press("Space")
    expect(words).to_have_text(third_words)
    slider.press("Home")
    expect(words).to_have_text(first_words)
    assert picture.inner_html() == first_picture
