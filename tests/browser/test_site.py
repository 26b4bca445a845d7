"""The static site: plain pages with pictures, words and folded questions, whose links work and which fetch nothing."""

import contextlib
import io
import re
from urllib.parse import unquote

import build_site
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

NAMES = sorted(path.stem for path in build_site.NOTEBOOKS.glob("*.ipynb"))
ELSEWHERE = re.compile(
    r"(?:src|srcset|data-src)=[\"'](?!data:)|<link\b(?![^>]*href=\"data:)|url\((?!data:)|@import|<script"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The site on disk, built by its command, which says what to open."""
    folder, said = tmp_path_factory.mktemp("site") / "pages", io.StringIO()
    with contextlib.redirect_stdout(said):
        build_site.main([str(folder)])
    assert str(folder / "index.html") in said.getvalue()
    return folder


@pytest.fixture(scope="module")
def site(folder):
    """Every page of the site by its file name, as text and read."""
    texts = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.html"))}
    return {name: (text, BeautifulSoup(text, "html.parser")) for name, text in texts.items()}


def test_there_is_a_page_for_every_notebook(site):
    """The first page links to each of them with its title and its minutes."""
    assert site.keys() == {"index.html", *(f"{name}.html" for name in NAMES)}
    linked = {link["href"] for link in site["index.html"][1].select("main a")}
    assert linked == {f"{name}.html" for name in NAMES}


def test_no_page_fetches_anything(site):
    """No script, and no picture, style or font that is not in the page itself."""
    assert {name: ELSEWHERE.findall(text) for name, (text, _) in site.items() if ELSEWHERE.search(text)} == {}


@pytest.mark.parametrize("planted", ['<img src="x.png">', '<script src="https://x.y/z.js">', "a{b:url(https://x.y)}"])
def test_a_planted_request_is_seen(planted):
    """The pattern above finds what a browser would fetch."""
    assert ELSEWHERE.search(planted)


def test_every_link_between_pages_leads_somewhere(site, folder):
    """A link to a page leads to a page that there is, and to a heading that it has; other files are there as text."""
    dead = []
    for name, (_, soup) in site.items():
        for link in soup.select("a[href]"):
            path, _, anchor = unquote(str(link["href"])).partition("#")
            if re.match(r"\w+:", path) or (path.endswith(".txt") and (folder / path).is_file()):
                continue
            target = site.get(path or name)
            if target is None or (anchor and target[1].find(id=anchor) is None):
                dead.append((name, link["href"]))
    assert dead == []


def test_every_picture_says_what_it_shows(site):
    """The text of a picture is a sentence of eight words or more."""
    pictures = [(name, picture.get("alt", "")) for name, (_, soup) in site.items() for picture in soup.select("img")]
    assert pictures
    assert [(name, alt) for name, alt in pictures if len(alt.split()) < 8] == []


def test_answers_are_folded(site):
    """The answers of a knowledge check stand behind a fold, closed, on every page that has one."""
    for name, (_, soup) in site.items():
        for fold in soup.select("details"):
            assert fold.find("summary"), name
            assert not fold.has_attr("open"), name


def test_a_picture_without_words_and_a_link_to_a_notebook():
    """Words become the picture's text and links lead to pages, where nbconvert would leave them as they are."""
    shown = new_output(
        "display_data", {"image/png": "aGk=", "text/plain": "Three bars, each taller than the one before it."}
    )
    cells = [new_markdown_cell("[on](02_strategies.ipynb#Title) [away](https://example.org/x.ipynb)")]
    body = build_site.converted(new_notebook(cells=[*cells, new_code_cell("draw()", outputs=[shown])]))
    assert 'alt="Three bars, each taller than the one before it."' in body
    assert 'href="02_strategies.html#Title"' in body
    assert 'href="https://example.org/x.ipynb"' in body


def test_a_page_runs_its_notebook_where_an_address_is_given(folder, tmp_path, monkeypatch):
    """With an address each notebook's page has one button that leads to its notebook there; without one, none has."""
    monkeypatch.setattr(build_site, "converted", lambda notebook: "")
    with contextlib.redirect_stdout(io.StringIO()):
        build_site.main([str(tmp_path), "https://workbook.example/lite/"])
    there = "https://workbook.example/lite/notebooks/index.html?path=notebooks"
    for name in NAMES:
        links = BeautifulSoup((tmp_path / f"{name}.html").read_text("utf-8"), "html.parser").select("a.run")
        assert [link["href"] for link in links] == [f"{there}/{name}.ipynb"]
        assert 'class="run"' not in (folder / f"{name}.html").read_text("utf-8")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_open_without_a_network(browser, folder, scheme):
    """No page asks for anything but itself, nothing is wider than a phone, and names and contrast are in order."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": 390, "height": 800})
    page, asked, errors = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    for path in sorted(folder.glob("*.html")):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path.name
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    page.goto((folder / "index.html").as_uri())
    page.get_by_role("link", name="1 · Statelessness").first.click()
    assert page.title() == "1 · Statelessness"
    assert {url for url in asked if not url.startswith(("file:", "data:"))} == set()
    assert errors == []
    context.close()


NARROW = "pictures => pictures.map(one => one.currentSrc === one.previousElementSibling.srcset)"


@pytest.mark.browser
@pytest.mark.parametrize(("width", "narrow"), [(390, True), (1280, False)])
def test_a_phone_shows_charts_in_their_narrow_form(browser, folder, width, narrow):
    """A chart is drawn again for a phone's width rather than shrunk until nobody can read it."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto((folder / "02_strategies.html").as_uri())
    assert set(page.locator("picture img").evaluate_all(NARROW)) == {narrow}
    page.close()


def test_every_output_shows_without_a_kernel():
    """GitHub runs nothing: each stored output has text, a table or a picture, what is drawn by a program as well."""
    plain, drawn = (
        {"text/plain", "text/html", "text/markdown", "image/png"},
        {"text/html", "text/markdown", "image/png"},
    )
    for name in NAMES:
        notebook = build_site.nbformat.read(build_site.NOTEBOOKS / f"{name}.ipynb", as_version=4)
        for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
            kinds = set(output.get("data", {"text/plain": ""}))
            programs = {kind for kind in kinds if kind.startswith("application/")}
            assert kinds & (drawn if programs else plain), f"{name}: {sorted(kinds)}"
