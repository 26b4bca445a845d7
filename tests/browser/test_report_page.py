"""The class report with plotly's charts, opened from a file: drawn on screen, pictures on paper, nothing asked for."""

import pytest
from playwright.sync_api import expect

from labkit.teach.report import __main__ as report
from labkit.teach.report.demo_class import write_class

pytestmark = pytest.mark.browser


def test_plotly_draws_on_the_screen_and_pictures_are_printed(browser, tmp_path):
    """Every chart is drawn without error or request; on paper, and with `--plain`, it is a picture."""
    write_class(tmp_path / "class", 3)
    for flags, drawn in ([], True), (["--plain"], False):
        assert report.main([str(tmp_path / "class"), "-o", str(tmp_path / "report.html"), *flags]) == 0
        page, told, asked = browser.new_page(), [], []
        page.on("console", lambda message, told=told: told.append(message.text))
        page.on("pageerror", lambda error, told=told: told.append(str(error)))
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto((tmp_path / "report.html").as_uri())
        pictures = page.locator("figure img")
        assert pictures.count() > 3
        expect(page.locator("figure .live .main-svg:first-child:visible")).to_have_count(drawn * pictures.count())
        assert page.locator("figure img:visible").count() == (not drawn) * pictures.count()
        if drawn:
            page.locator("figure .bars .point path").first.hover(force=True)
            expect(page.locator("figure .hoverlayer").first).to_contain_text("learners, right at first try")
        page.emulate_media(media="print")
        assert page.locator("figure img:visible").count() == pictures.count()
        assert (told, len([url for url in asked if not url.startswith("data:")])) == ([], 1)
        page.close()
