"""The widget in a real browser, without a notebook around it: keys, names, errors, and how soon it redraws."""

import re

import pytest
from playwright.sync_api import expect

from labkit.teach.charts.chart import Chart, Series
from labkit.teach.widgets.explore import Choice, Several, Slider, Switch, explore

pytestmark = pytest.mark.browser

REDRAW_MS = 50
MODEL = """
async ([source, state]) => {
  const listeners = {};
  const model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; (listeners[`change:${name}`] || []).forEach((heard) => heard()); },
    on: (event, heard) => (listeners[event] = [...(listeners[event] || []), heard]),
    off: (event, heard) => (listeners[event] = (listeners[event] || []).filter((other) => other !== heard)),
    save_changes: () => {},
    send: ({ want }) => want.forEach(async (settings) => {
      window.asked = (window.asked || 0) + 1;
      const frame = await window.answer(settings);
      listeners["msg:custom"].forEach((heard) => heard({ frame }));
    }),
  };
  window.model = model;
  const front = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  for (const place of state.places) {
    const el = document.body.appendChild(Object.assign(document.createElement("div"), { id: place }));
    front.default.render({ model, el });
  }
  document.addEventListener("keydown", () => (window.leaked = true));
}
"""
CLOCK = """
(picture) => {
  window.times = [];
  let pressed = 0;
  picture.ownerDocument.addEventListener("keydown", () => (pressed = performance.now()), true);
  const redrawn = () => requestAnimationFrame(() => window.times.push(performance.now() - pressed));
  new MutationObserver(redrawn).observe(picture, { childList: true });
}
"""


def view(turn, model, cached, drop):
    """A chart whose words say its settings; turn 9 fails."""
    if turn == 9:
        raise ValueError("nine is too many")
    words = f"turn {turn}, {model}, {'cached' if cached else 'not cached'}, without {list(drop)}"
    return Chart(title="Settings", words=words, categories=["1"], series=[Series("history", [turn])], top=12)


@pytest.fixture
def page(browser):
    """A bare page with two views of one widget, whose pictures come from the real view."""
    widget = explore(
        view,
        turn=Slider(1, 9, label="Turn", unit="turns", play=True),
        model=Choice(("small", "large"), label="Model"),
        cached=Switch(False, label="With a cache"),
        drop=Several((1, 2, 3), label="Leave out"),
    )

    def answer(settings):
        """The frame for these settings, as the kernel answers it."""
        try:
            widget.set(**settings)
        except ValueError as error:
            return {"settings": settings, "error": f"It could not be drawn: {error}", "trace": "Traceback"}
        return {
            "settings": settings,
            "svg": widget.picture.svg(),
            "narrow": widget.picture.svg(narrow=True),
            "words": widget.words,
        }

    page = browser.new_page()
    page.expose_function("answer", answer)
    state = {"controls": widget.controls, "settings": widget.settings, "first": widget.first, "places": ["one", "two"]}
    page.evaluate(MODEL, [widget._esm, state])
    yield page
    page.close()


@pytest.fixture
def one(page):
    """The first of the two views."""
    return page.locator("#one")


def test_every_control_is_named_and_reached_by_keyboard(page, one):
    """Tab visits slider, play button, choice, switch and boxes in order, each under its label."""
    visited = []
    for _ in range(7):
        page.keyboard.press("Tab")
        visited.append(page.evaluate("document.activeElement.closest('#one') && document.activeElement.type"))
    assert visited == ["range", "button", "select-one", "checkbox", "checkbox", "checkbox", "checkbox"]
    for role, name in (("slider", "Turn"), ("combobox", "Model"), ("checkbox", "With a cache"), ("group", "Leave out")):
        expect(one.get_by_role(role, name=name)).to_be_visible()
    expect(one.get_by_role("img")).to_have_attribute("aria-label", "Settings. turn 1, small, not cached, without []")


def test_each_control_changes_picture_and_words(one):
    """Slider, choice, switch and boxes all reach the view, and the sentence a screen reader hears says so."""
    words = one.get_by_role("status")
    one.get_by_role("slider").press("ArrowRight")
    expect(words).to_have_text("turn 2, small, not cached, without []")
    expect(one.get_by_role("slider")).to_have_attribute("aria-valuetext", "2 turns")
    one.get_by_role("combobox").select_option(label="large")
    one.get_by_role("checkbox", name="With a cache").press("Space")
    one.get_by_role("checkbox", name="3").press("Space")
    one.get_by_role("checkbox", name="1").press("Space")
    expect(words).to_have_text("turn 2, large, cached, without [1, 3]")
    expect(one.get_by_role("img")).to_have_attribute("aria-label", "Settings. turn 2, large, cached, without [1, 3]")


def test_a_narrow_page_has_its_own_picture(page, one):
    """At a phone's width the picture is the narrow form in letters of full size, and the wide one comes back."""
    picture = one.get_by_role("img")
    expect(picture).to_have_attribute("viewBox", re.compile("^0 0 680 "))
    page.set_viewport_size({"width": 390, "height": 800})
    expect(picture).to_have_attribute("viewBox", re.compile("^0 0 380 "))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(picture).to_have_attribute("viewBox", re.compile("^0 0 680 "))


def test_two_views_of_one_widget_agree(page, one):
    """A control moved in one place moves in the other, and so it does when code moves it."""
    two = page.locator("#two")
    one.get_by_role("slider").press("End")
    one.get_by_role("slider").press("ArrowLeft")
    expect(two.get_by_role("slider")).to_have_value("8")
    page.evaluate("model.set('settings', { turn: 3, model: 'large', cached: true, drop: [2] })")
    for place in (one, two):
        expect(place.get_by_role("status")).to_have_text("turn 3, large, cached, without [2]")
        expect(place.get_by_role("checkbox", name="2")).to_be_checked()


def test_an_error_is_a_sentence_and_goes_again(one):
    """A view that fails leaves its sentence in place of the picture, with the place it happened behind a fold."""
    one.get_by_role("slider").press("End")
    expect(one.get_by_role("status")).to_have_text("It could not be drawn: nine is too many")
    expect(one.locator("svg")).to_have_count(0)
    expect(one.get_by_text("Where it happened")).to_be_visible()
    one.get_by_role("slider").press("Home")
    expect(one.locator("svg")).to_have_count(1)
    expect(one.get_by_text("Where it happened")).to_be_hidden()


def test_keys_stay_in_the_widget(page, one):
    """A key pressed on a control is not heard by the page, where a notebook would take it for a command."""
    for key in ("ArrowDown", "x", "d", "d"):
        one.get_by_role("slider").press(key)
    assert page.evaluate("window.leaked") is None
    assert one.get_attribute("data-lm-suppress-shortcuts") == "true"


def test_the_play_button_walks_to_the_end(one):
    """Play moves the slider by itself until it is paused."""
    play = one.get_by_role("button")
    play.press("Enter")
    expect(play).to_have_text("Pause")
    expect(one.get_by_role("status")).to_contain_text("turn 3,")
    play.press("Enter")
    expect(play).to_have_accessible_name("Play: move Turn by itself")


def test_most_moves_need_no_kernel(page, one):
    """A step to a neighbour draws the picture fetched ahead, without asking the kernel."""
    one.locator(".labkit-picture").evaluate(CLOCK)
    for key in ["ArrowRight"] * 7 + ["ArrowLeft"] * 7:
        one.get_by_role("slider").press(key)
        page.wait_for_timeout(60)
    assert len(page.evaluate("window.times")) == 14
    asked = page.evaluate("window.asked")
    one.get_by_role("slider").press("ArrowRight")
    page.wait_for_timeout(60)
    assert page.evaluate("window.asked") == asked
