"""The site that `make lite` builds, served on a free port of this machine, and a Chromium that reaches nothing else."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import build_lite
import pytest
from browser_path import NO_BROWSER, chromium
from playwright.sync_api import Browser, sync_playwright


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each request."""

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, as `make lite` has just built it, or built now."""
    folder = build_lite.ROOT / "lite-site"
    if not (folder / "edition.json").is_file():
        build_lite.main([])
    return folder


@pytest.fixture
def server(site: Path) -> Iterator[ThreadingHTTPServer]:
    """A server of the site; its address is that of `address`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def address(server: ThreadingHTTPServer) -> str:
    """The address of the site."""
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium that finds no other host than this machine."""
    path = chromium()
    if not path:
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        closed = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", closed])
        yield browser
        browser.close()
