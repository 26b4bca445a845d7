"""The browser that the browser tests drive, and the sentence where there is none."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
NO_BROWSER = (
    f"the browser tests were left out, because no Chromium was found (looked for {', '.join(NAMES)}); "
    "on Debian: apt install chromium"
)


def chromium() -> str | None:
    """The path of a Chromium or Chrome on this machine, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)
