"""The knowledge check in a real browser by keyboard alone: every kind of question, a retake, names and results.

The page is bare, and the far side is the real quiz in Python.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from labkit.teach.questions.files import questions_of
from labkit.teach.questions.quiz import quiz

pytestmark = pytest.mark.browser

MOST_TABS = 60
FRONT = """
async ([source, style, state]) => {
  const listeners = {};
  const tell = (name) => (listeners[`change:${name}`] || []).forEach((heard) => heard());
  const model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; },
    on: (event, heard) => (listeners[event] = [...(listeners[event] || []), heard]),
    off: (event, heard) => (listeners[event] = (listeners[event] || []).filter((other) => other !== heard)),
    save_changes: async () => {
      const now = await window.kernel({ given: state.given, seed: state.seed });
      const changed = Object.keys(now).filter((name) => JSON.stringify(now[name]) !== JSON.stringify(state[name]));
      Object.assign(state, now);
      changed.forEach(tell);
    },
  };
  const front = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  document.head.append(Object.assign(document.createElement("style"), { textContent: style }));
  const el = document.body.appendChild(document.createElement("main"));
  front.default.render({ model, el });
  document.addEventListener("keydown", (event) => { if (event.key !== "Tab") window.leaked = event.key; });
}
"""
FOCUSED = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
OPEN_NOTES = "all => all.filter(note => note.textContent).map(note => note.id)"


@pytest.fixture
def page(browser):
    """A bare page with the whole check of notebook 07, and the widget behind it."""
    widget = quiz("07")

    def kernel(sent):
        """The kernel's answer to a message of the browser's."""
        if sent["seed"] != widget.seed:
            widget.seed = sent["seed"]
        else:
            widget.given = sent["given"]
        return state()

    def state():
        """The state that is shared with the browser."""
        return {name: getattr(widget, name) for name in ("questions", "given", "results", "score", "seed")}

    page = browser.new_page(viewport={"width": 800, "height": 900})
    page.expose_function("kernel", kernel)
    page.set_content("<!doctype html><html lang=en><title>Quiz</title><body></body></html>")
    page.front = [widget._esm, widget._css, state()]
    page.evaluate(FRONT, page.front)
    page.widget = widget
    yield page
    page.close()


def tab_to(page, wanted):
    """Press Tab until the element that Python wants has the focus, as somebody without a mouse does."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement || element.contains(document.activeElement)"):
            return
    raise AssertionError(f"Tab never comes to {wanted}")


def choose(page, form, places):
    """Choose by space bar and arrow keys among radio buttons, by Tab and space bar among boxes."""
    inputs = form.locator("input")
    tab_to(page, inputs.first)
    if inputs.first.get_attribute("type") == "radio":
        page.keyboard.press("Space")
        for _ in range(places[0]):
            page.keyboard.press("ArrowDown")
        return
    for place in range(inputs.count()):
        if place:
            page.keyboard.press("Tab")
        if place in places:
            page.keyboard.press("Space")


def arrange(page, form, question):
    """Bring the steps into order with the buttons alone: the first one up to the top, then the second, and so on."""
    for place, option in enumerate(question.options):
        row = form.locator("li", has_text=option.text)
        up = row.get_by_role("button", name=f"Move up: {option.text}")
        page.evaluate("document.activeElement.blur()")
        tab_to(page, form)
        if not up.evaluate("element => element === document.activeElement"):
            tab_to(page, up)
        while row.locator(".labkit-place").inner_text() != f"{place + 1}.":
            page.keyboard.press("Enter")
            assert page.evaluate(FOCUSED) == f"Move up: {option.text}"
            expect(form.locator(".labkit-said")).to_contain_text(f"of {len(question.options)}.")


def mark(page, form, places):
    """Press the messages with Tab and the space bar."""
    buttons = form.locator(".labkit-mark")
    tab_to(page, buttons.first)
    for place in range(buttons.count()):
        if place:
            page.keyboard.press("Tab")
        if place in places:
            page.keyboard.press("Space")


def answer(page, form, question):
    """Give the right answer to a question of any kind, by keyboard."""
    right = [at for at, place in enumerate(question.shown) if question.options[place].right]
    match question.kind:
        case "number":
            tab_to(page, form.get_by_role("textbox"))
            page.keyboard.type(f"{question.answer:,}")
        case "order":
            arrange(page, form, question)
        case "messages":
            mark(page, form, right)
        case _:
            choose(page, form, right)


def check(page, form):
    """Go on to the button Check and press it."""
    tab_to(page, form.locator("button[type=submit]"))
    page.keyboard.press("Enter")


def test_the_whole_check_by_keyboard_alone(page):
    """All questions of all kinds are answered with Tab, space bar, arrows and Enter, and the score says so."""
    asked = questions_of("07")
    for form, question in zip(page.locator("form").all(), asked, strict=True):
        answer(page, form, question)
        check(page, form)
        expect(form.locator(".labkit-status")).to_have_text("✓ Right.")
    expect(page.locator(".labkit-score")).to_have_text(
        f"Score: {len(asked)} of {len(asked)} right, {len(asked)} answered."
    )
    assert {question.kind for question in asked} == {"one", "several", "number", "order", "messages"}
    assert page.evaluate("window.leaked") is None


def test_a_retake_by_keyboard_asks_with_other_numbers(page):
    """The last button draws other numbers, empties what was answered, keeps the focus and says which round it is."""
    before = page.locator("legend").all_inner_texts()
    again = page.get_by_role("button", name="Try again with other numbers")
    page.keyboard.press("Shift+Tab")
    expect(again).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".labkit-score")).to_contain_text("0 answered. Round 2.")
    expect(again).to_be_focused()
    assert page.locator("legend").all_inner_texts() != before
    second = questions_of("07", 1)[1]
    form = page.locator("form").nth(1)
    expect(form.locator("legend")).to_contain_text(second.ask)
    page.evaluate("document.activeElement.blur()")
    answer(page, form, second)
    check(page, form)
    expect(form.locator(".labkit-status")).to_have_text("✓ Right.")
    expect(page.locator(".labkit-score")).to_contain_text("Score: 1 of")


def test_a_step_at_the_end_says_so(page):
    """A step that cannot move further stays, and that is said; its buttons stay in the tab order."""
    form = page.locator("form:has(.labkit-steps)").first
    first = form.locator("li", has_text=form.locator(".labkit-step").first.inner_text())
    up = first.get_by_role("button").first
    expect(up).to_have_attribute("aria-disabled", "true")
    up.press("Enter")
    expect(form.locator(".labkit-said")).to_contain_text("already first of")
    first.get_by_role("button").nth(1).press("Enter")
    expect(form.locator(".labkit-said")).to_contain_text("now place 2 of")
    expect(up).to_have_attribute("aria-disabled", "false")


def test_a_screen_reader_has_names_states_and_reasons(page):
    """Each control has a name, a message says whether it is pressed, and a reason is tied to what it is about."""
    form = page.locator("form:has(.labkit-talk)").first
    first = form.locator(".labkit-mark").first
    expect(first).to_have_accessible_name("1 user: I am Ada, and I live in Bergen.")
    first.press("Space")
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(first.locator(".labkit-fate")).to_have_text("left out")
    form.locator("button[type=submit]").press("Enter")
    expect(form.get_by_role("status")).to_contain_text("✗ Not right yet. 5 right ones missing, 0 wrong ones chosen.")
    expect(first).to_have_accessible_description(
        "Left out: The oldest exchange goes first. With it Claude loses her name."
    )
    assert len(form.locator(".labkit-note").evaluate_all(OPEN_NOTES)) == 1
    form.get_by_role("button", name="Show the answer to question").press("Enter")
    expect(form.get_by_role("status")).to_have_text("The answer is shown; it does not count.")
    assert len(form.locator(".labkit-note").evaluate_all(OPEN_NOTES)) == 7


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(page, scheme):
    """Names, roles, structure and contrast of every kind of question, before and after an answer."""
    page.emulate_media(color_scheme=scheme)
    page.add_style_tag(content=":root { color-scheme: light dark } body { background: Canvas }")
    for form in page.locator("form").all():
        form.locator("button[type=submit]").press("Enter")
    found = Axe().run(page, ".labkit-quiz", {"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()


def test_two_checks_on_one_page_stay_apart(page):
    """A second check loads the file again and takes no id of the first: labels and reasons find their own."""
    page.evaluate(FRONT, page.front)
    ids = page.evaluate("[...document.querySelectorAll('main [id]')].map(element => element.id)")
    assert len(ids) == len(set(ids)) > len(questions_of("07"))


def test_the_key_is_not_in_the_page(page):
    """Before an answer neither the page nor what was sent to it holds a reason."""
    whole = page.content() + repr(page.widget.questions)
    assert [o.why for q in questions_of("07") for o in q.options if o.why in whole] == []
