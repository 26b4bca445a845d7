"""A widget's controls as a learner finds them on the page, each moved by keyboard and by mouse."""

from playwright.sync_api import Locator, expect

KINDS = {
    "slider": 'input[type="range"]',
    "choice": "select",
    "switch": 'input[type="checkbox"]',
    "several": 'input[type="checkbox"]',
}
PATIENCE = 10_000


def drawn(widget: Locator) -> tuple[str, str]:
    """The words and the picture for the settings as they are, once both are there; the view may not have failed."""
    expect(widget).to_have_attribute("aria-busy", "false", timeout=PATIENCE)
    words = widget.locator("p[role=status]").inner_text()
    assert not widget.locator("details").is_visible(), f"the view failed: {words}"
    name = widget.locator("svg[role=img]").get_attribute("aria-label") or ""
    assert name.endswith(words), f"the picture is called {name!r}, the words are {words!r}"
    return words, widget.locator(".labkit-picture").inner_html()


def controls(widget: Locator) -> list[tuple[str, Locator]]:
    """Every control with its kind, in the order of the page."""
    found = []
    for control in widget.locator(".labkit-control").all():
        classes = (control.get_attribute("class") or "").split()
        kind = next(one for one in KINDS if f"labkit-{one}" in classes)
        found.append((kind, control))
    return found


def label(control: Locator) -> str:
    """The label of a control."""
    return control.locator("label, legend").first.inner_text()


def by_key(widget: Locator, kind: str, control: Locator) -> list[tuple[str, str]]:
    """Move a control by keyboard as far as it goes and back; gives what was drawn on the way, the start first and
    last.
    """
    field = control.locator(KINDS[kind]).first
    states = [drawn(widget)]
    start = field.input_value()
    field.focus()
    keys = {"slider": ("Home", "End"), "choice": ("Home", "End", "ArrowUp")}.get(kind, ("Space", "Space"))
    for key in keys:
        field.press(key)
        states.append(drawn(widget))
    if kind == "slider":
        field.fill(start)
    elif kind == "choice":
        field.select_option(start)
    return [*states, drawn(widget)]


def by_mouse(widget: Locator, kind: str, control: Locator) -> list[tuple[str, str]]:
    """Move a control by mouse and back: a slider is dragged, of a choice each option is taken, a box is clicked."""
    field = control.locator(KINDS[kind]).first
    states = [drawn(widget)]
    start = field.input_value()
    if kind == "slider":
        _drag(field, 0.1, 0.9)
        states.append(drawn(widget))
        field.fill(start)
    elif kind == "choice":
        for option in field.locator("option").all():
            field.select_option(option.get_attribute("value"))
            states.append(drawn(widget))
        field.select_option(start)
    else:
        for _ in range(2):
            field.click()
            states.append(drawn(widget))
    return [*states, drawn(widget)]


def _drag(slider: Locator, start: float, end: float) -> None:
    slider.scroll_into_view_if_needed()
    box, mouse = slider.bounding_box(), slider.page.mouse
    assert box
    mouse.move(box["x"] + start * box["width"], box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + end * box["width"], box["y"] + box["height"] / 2, steps=4)
    mouse.up()
