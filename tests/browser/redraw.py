"""How soon a widget redraws in the browser: from the key that moves a slider to the picture on the page."""

import statistics

from playwright.sync_api import Locator

MOST_MILLISECONDS = 50
CLOCK = """
(picture) => {
  window.times = [];
  let pressed = 0;
  picture.ownerDocument.addEventListener("keydown", () => (pressed = performance.now()), true);
  const redrawn = () => requestAnimationFrame(() => window.times.push(performance.now() - pressed));
  window.watch?.disconnect();
  window.watch = new MutationObserver(redrawn);
  window.watch.observe(picture, { childList: true });
}
"""


def median_redraw(widget: Locator, name: str, moves: int = 12, pause: float = 150) -> float:
    """Milliseconds from keydown to redraw in the median of `moves` steps to the right and as many to the left.

    `name` is the slider's label; between two moves there are `pause` milliseconds, quicker than anybody steps by hand
    who looks at the picture.
    """
    slider, page = widget.get_by_role("slider", name=name, exact=True), widget.page
    slider.press("Home")
    page.wait_for_timeout(500)
    widget.locator(".labkit-picture").evaluate(CLOCK)
    for key in ["ArrowRight"] * moves + ["ArrowLeft"] * moves:
        slider.press(key)
        page.wait_for_timeout(pause)
    times = page.evaluate("window.times")
    assert len(times) >= moves, f"of {2 * moves} moves only {len(times)} redrew the picture"
    print(f"{name}: median {statistics.median(times):.1f} ms of {len(times)} moves, longest {max(times):.0f} ms")
    return statistics.median(times)
