"""The README's promises for the first minutes are kept: a fresh clone, a real set-up, a real Chromium, a clock."""

import re
from pathlib import Path

import pytest
from browser_path import NO_BROWSER, chromium
from first_minutes import first_minutes, fresh_copy

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
PROMISE = re.compile(
    r"takes at most (\d+) seconds to your first result, (\d+) to a widget that moves and (\d+) to a checked exercise, "
    r"downloads and reading left out; later (\d+), (\d+) and (\d+)"
)
STEPS = ("result", "widget", "check")


def promised() -> dict[str, dict[str, int]]:
    """The README's seconds to each step, for the first `make lab` and for a later one."""
    found = PROMISE.search(" ".join(README.split()))
    assert found, "the README promises no times"
    numbers = list(map(int, found.groups()))
    return {
        name: dict(zip(STEPS, part, strict=True)) for name, part in (("first", numbers[:3]), ("later", numbers[3:]))
    }


def late(seconds: dict[str, float], limits: dict[str, int]) -> list[str]:
    """The steps that took longer than they may."""
    return [step for step, limit in limits.items() if seconds[step] > limit]


@pytest.mark.skipif(chromium() is None, reason=NO_BROWSER)
def test_the_first_minutes_are_as_short_as_the_readme_promises(tmp_path: Path) -> None:
    """The first `make lab`, set-up included, and a second one; a promise of one second would be broken."""
    clone = fresh_copy(tmp_path / "a first clone")
    for name, limits in promised().items():
        seconds = first_minutes(clone, tmp_path / name)
        print(name, {step: round(taken, 1) for step, taken in seconds.items()})
        assert late(seconds, limits) == []
        assert late(seconds, dict.fromkeys(STEPS, 1)) == list(STEPS)
