"""The page of a lesson in Chromium: it shows what is new by itself, and names when they are asked for."""

import threading
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from test_report_watch import MISTAKE, missed, working

from labkit.teach.report import watch

pytestmark = pytest.mark.browser


def test_the_page_keeps_up_with_the_class(browser, tmp_path, monkeypatch):
    """A record that is written while the page is open appears without a touch; names come with a click and go again."""
    monkeypatch.setattr(watch, "AGAIN_SECONDS", 1)
    working(tmp_path, "Ada", (1, "attempt", "01-a", missed()), now=datetime.now(UTC))
    with watch.server(tmp_path) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        page = browser.new_page()
        told = []
        page.on("console", lambda message: told.append(message.text))
        page.goto(f"http://127.0.0.1:{serving.server_port}/")
        expect(page.get_by_text(MISTAKE)).to_be_visible()
        expect(page.locator("#places tbody tr")).to_have_count(1)
        working(tmp_path, "Ben", (1, "attempt", "01-a", missed()), now=datetime.now(UTC))
        expect(page.locator("#places tbody tr")).to_have_count(2)
        expect(page.get_by_text("Ada")).to_have_count(0)
        page.get_by_role("link", name="Show names").click()
        expect(page.get_by_role("rowheader", name="Ada")).to_be_visible()
        page.get_by_role("link", name="Hide names").click()
        expect(page.get_by_text("Ada")).to_have_count(0)
        serving.shutdown()
        page.close()
    assert told == []
