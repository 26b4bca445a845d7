"""One lab for all browser tests, and one Chromium for each file of them."""

import pytest
from browser_path import NO_BROWSER, chromium
from lab_page import LabPage, chromium_browser, lab_server


@pytest.fixture(scope="session")
def lab_folder(tmp_path_factory):
    """The folder that the lab shows."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session")
def server(lab_folder):
    """The address of a lab over a copy of the notebooks."""
    with lab_server(lab_folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium. While it is open an event loop runs here, which tests of async code cannot bear."""
    path = chromium()
    assert path, NO_BROWSER
    with chromium_browser(path) as browser:
        yield browser


@pytest.fixture(scope="module")
def lab_tab(browser, server):
    """One tab with the lab, in which one notebook after another is opened."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield LabPage(context.new_page(), server)
    context.close()
