"""Measure how soon a widget redraws in the browser: from the key that moves a slider to the picture on the page."""

import statistics

from playwright.sync_api import Locator

MOST_MILLISECONDS = 50
CLOCK = """
(picture) => {
  window.times = [];
  let pressed = 0;
  window.press && document.removeEventListener("keydown", window.press, true);
  document.addEventListener("keydown", (window.press = () => (pressed = performance.now())), true);
  const redrawn = () => requestAnimationFrame(() => window.times.push(performance.now() - pressed));
  window.watch?.disconnect();
  window.watch = new MutationObserver(redrawn);
  window.watch.observe(picture, { childList: true });
}
"""


def median_redraw(widget: Locator, control: Locator, moves: int = 4, pause: float = 100) -> float:
    """Milliseconds from keydown to redraw in the median of `moves` steps to the right and as many to the left.

    `control` holds the slider; between two moves there are `pause` milliseconds, quicker than anybody steps by hand
    who looks at the picture.
    """
    slider, page = control.locator('input[type="range"]'), widget.page
    start, room = slider.input_value(), slider.evaluate("one => Math.round((one.max - one.min) / one.step)")
    slider.press("Home")
    page.wait_for_timeout(2 * pause)
    widget.locator(".labkit-picture").evaluate(CLOCK)
    steps = min(moves, room)
    for key in ["ArrowRight"] * steps + ["ArrowLeft"] * steps:
        slider.press(key)
        page.wait_for_timeout(pause)
    times = page.evaluate("window.times")
    slider.fill(start)
    assert len(times) == 2 * steps, f"of {2 * steps} moves {len(times)} redrew the picture"
    median = statistics.median(times)
    print(
        f"{control.locator('label').inner_text()}: median {median:.1f} ms of {len(times)}, longest {max(times):.0f} ms"
    )
    return median
