"""The strategy race and the budget bar as a separate page, served by Voila and moved by key."""

import re
import subprocess
import sys

import pytest
import show_views
from controls import by_key, controls
from lab_page import wait_for
from playwright.sync_api import expect

from labkit import lab

ELSEWHERE = re.compile(r"^https?://(?!127\.0\.0\.1)")


@pytest.fixture
def address(tmp_path):
    """The address of a running Voila, started as `make voila` does."""
    port, log = lab.free_port(), tmp_path / "voila.log"
    command = [sys.executable, show_views.__file__, "--no-browser", f"--port={port}"]
    with log.open("w") as said, subprocess.Popen(command, stdout=said, stderr=said) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/voila/static/voila.js", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.mark.browser
def test_both_views_answer_without_any_code(browser, address):
    """Both widgets come up, no code is shown, and the first control of each changes words and picture."""
    page = browser.new_page()
    page.route(ELSEWHERE, lambda route: route.abort())
    page.goto(address)
    widgets = page.locator(".labkit-explore")
    expect(widgets).to_have_count(2, timeout=60_000)
    expect(page.get_by_role("heading", name="The budget bar")).to_be_visible()
    assert page.get_by_text("import anthropic").count() == 0
    for widget in widgets.all():
        kind, control = controls(widget)[0]
        assert len(set(by_key(widget, kind, control))) > 1
    page.close()


def test_a_view_takes_along_what_it_needs_and_nothing_else():
    """Cells are taken for the names that they make, and for the names that those cells use."""
    sources = ["import a, b.c", "x = a.f()", "y = 1", "def g():\n    return x", "x", "explore(g)"]
    assert show_views.needed(sources, 5) == ["import a, b.c", "x = a.f()", "def g():\n    return x"]


def test_a_missing_voila_says_what_to_do(monkeypatch):
    """The sentence names the extra that brings Voila where it is not installed."""
    monkeypatch.setitem(sys.modules, "voila.app", None)
    with pytest.raises(SystemExit, match=r"pip install -e '\.\[voila\]'"):
        show_views.main([])
