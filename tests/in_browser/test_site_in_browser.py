"""The site in a real Chromium: each notebook gives what it stores, asks no other host, and goes on offline."""

import json
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from labkit.lab import ROOT
from labkit.teach.charts.chart import CHART_MIME

NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
START, RUN = 120_000, 300_000
"""Milliseconds for Python to start and for a notebook to run, on a busy machine."""
CELLS = "jupyterapp.shell.currentWidget.content.model.toJSON().cells"
RUN_ALL = "void jupyterapp.commands.execute('notebook:run-all-cells')"
OVER = f"""() => {{
  const cells = {CELLS}.filter(cell => cell.cell_type === "code");
  return cells.every(cell => cell.execution_count !== null)
    || cells.some(cell => cell.outputs.some(one => one.output_type === "error"));
}}"""
IDLE = "Python (Pyodide) | Idle"
HERE = ("another process: True", "another process: False")
"""The one line of the workbook that a browser, which starts no process, prints in another way."""


AS_FROM_AN_OLDER_EDITION = """async () => {
  const file = (await keptFiles()).find(one => one.path.endsWith("00_start_here.ipynb"));
  file.content.metadata.labkit_edition = "older";
  await inFiles("readwrite", store => done(store.put(file, file.path)));
}"""
"""Give the kept copy another mark than that of the site's notebook, as a new version of the site does."""


def opened(browser: Browser, address: str, name: str, app: str = "lab") -> Page:
    """A tab with a notebook in a fresh profile, its kernel idle."""
    page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.goto(f"{address}/{app}/index.html?path=notebooks/{name}.ipynb")
    page.get_by_text(IDLE).wait_for(timeout=START)
    return page


def shown(cell: dict[str, Any]) -> list[dict[str, Any]]:
    """The outputs of a cell that a browser and a desktop share: texts, tables and the data of charts, not pictures."""
    return [kept for output in cell.get("outputs", ()) if (kept := of_output(output))]


def of_output(output: dict[str, Any]) -> dict[str, Any]:
    """One output without what a browser has in another form; empty where nothing is left."""
    if output["output_type"] == "stream":
        return {output["name"]: joined(output["text"]).replace(*HERE)}
    data = {kind: joined(body) for kind, body in output.get("data", {}).items()}
    return {
        kind: plain(body)
        for kind, body in data.items()
        if (kind.startswith("text/") and "<svg" not in body) or kind == CHART_MIME
    }


def joined(body: Any) -> Any:
    """A text that is stored as lines, as one text."""
    return "".join(body) if isinstance(body, list) else body


def plain(body: Any) -> Any:
    """A value as it comes back from JavaScript, which has one kind of number and leaves out what is null."""
    if isinstance(body, dict):
        return {name: plain(value) for name, value in body.items() if value is not None}
    if isinstance(body, list):
        return [plain(value) for value in body]
    return float(body) if isinstance(body, int) and not isinstance(body, bool) else body


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_gives_what_it_stores(browser: Browser, address: str, name: str) -> None:
    """Run from the top, each cell gives the stored texts, tables and charts, and no request leaves the site."""
    asked: list[str] = []
    page = opened(browser, address, name)
    page.context.on("request", lambda request: asked.append(request.url))
    page.evaluate(RUN_ALL)
    page.wait_for_function(OVER, timeout=RUN, polling=500)
    page.get_by_text(IDLE).wait_for(timeout=START)
    stored = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))["cells"]
    for place, (before, after) in enumerate(zip(stored, page.evaluate(CELLS), strict=True)):
        assert shown(after) == shown(before), f"cell {place}"
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    page.context.close()


def test_all_is_loaded_and_works_without_the_server(
    browser: Browser, server: ThreadingHTTPServer, address: str
) -> None:
    """The front page, its names and contrast in order, loads the site; then a notebook runs with the server gone."""
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(address)
    page.get_by_text("All is loaded").wait_for(timeout=START)
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    server.shutdown()
    server.server_close()
    page.get_by_role("link", name="0 · Start here").click()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=START, state="attached")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.evaluate(RUN_ALL)
    page.wait_for_function(OVER, timeout=RUN, polling=500)
    outputs = [one for cell in page.evaluate(CELLS) for one in cell.get("outputs", ())]
    assert [one for one in outputs if one["output_type"] == "error"] == []
    page.context.close()


def test_work_is_kept_saved_loaded_and_hides_nothing_newer(browser: Browser, address: str, tmp_path: Path) -> None:
    """A changed notebook survives, is saved and loaded in one click, and both it and a newer one can be had."""
    page = opened(browser, address, "00_start_here")
    page.evaluate("jupyterapp.shell.currentWidget.content.model.cells.get(0).sharedModel.setSource('# Mine')")
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.goto(address)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save all my work").click()
    saving.value.save_as(tmp_path / "work.json")
    assert "# Mine" in (tmp_path / "work.json").read_text("utf-8")
    assert page.get_by_role("button", name="Have both").count() == 0
    page.evaluate(AS_FROM_AN_OLDER_EDITION)
    page.reload()
    page.get_by_role("button", name="Have both").click()
    page.get_by_text("Yours is now notebooks/00_start_here (mine 1).ipynb").wait_for()
    page.get_by_label("Load saved work").set_input_files(tmp_path / "work.json")
    page.get_by_text("files loaded").wait_for()
    (tmp_path / "broken.json").write_text("no work", "utf-8")
    page.get_by_label("Load saved work").set_input_files(tmp_path / "broken.json")
    page.get_by_text("Nothing was loaded from broken.json").wait_for()
    (tmp_path / "mine.jsonl").write_text("{}\n", "utf-8")
    page.get_by_label("Load saved work").set_input_files(tmp_path / "mine.jsonl")
    page.get_by_text("1 files loaded").wait_for()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save my progress").click()
    saving.value.save_as(tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_text("utf-8") == "{}\n"
    paths = [one["path"] for one in page.evaluate("keptFiles()")]
    assert {"notebooks/00_start_here.ipynb", "notebooks/00_start_here (mine 1).ipynb"} <= set(paths)
    page.evaluate(AS_FROM_AN_OLDER_EDITION)
    page.goto(f"{address}/notebooks/index.html?path=notebooks/00_start_here.ipynb")
    page.get_by_role("link", name="Have both").wait_for()
    page.context.close()
