"""Build the notebooks as plain pages, to read without Jupyter and without a network: `make site`.

Usage: python tools/build_site.py [FOLDER] [ADDRESS], by default site/. A page is one file: text, code, outputs,
pictures with their words, and questions folded; no script, and nothing is fetched from anywhere. With the address at
which the site of `make lite` is published, each page has a button that runs its notebook in the browser.
"""

import re
import sys
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from tqdm import tqdm

import labkit.lab

import nbformat  # isort: skip
from bs4 import BeautifulSoup, Tag  # isort: skip
from nbconvert import HTMLExporter  # isort: skip
from pygments.formatters import HtmlFormatter  # isort: skip

from labkit.teach.charts.chart import CHART_MIME, Chart  # isort: skip

NOTEBOOKS = labkit.lab.ROOT / "notebooks"
CSS = (Path(__file__).parent / "site.css").read_text("utf-8")
HEADER = re.compile(r"# (?P<title>.+)\n\*\*You will be able to\*\* (?P<objectives>[\s\S]+?)\n+\*\*You need")
PHONE = "(max-width: 520px)"
MINUTES = re.compile(r"\*\*Time\*\* (\d+) min")
PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" href="data:,">
<style>
$css</style>
</head>
<body>
<nav aria-label="Notebooks">$links</nav>
<main>
$body
</main>
</body>
</html>
""")


def converted(notebook: nbformat.NotebookNode) -> str:
    """The notebook's cells as HTML: each picture with the words stored beside it as its text, and links to pages."""
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    pictures = [output for output in shown if "image/png" in output.get("data", {})]
    for output in pictures:
        output.metadata.setdefault("image/png", {})["alt"] = output.data.get("text/plain", "")
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    soup = BeautifulSoup(body, "html.parser")
    for image, output in zip(soup.select("img[src^='data:image/png']"), pictures, strict=True):
        if CHART_MIME in output.data:
            image.wrap(soup.new_tag("picture")).insert(0, for_phones(soup, Chart.of(output.data[CHART_MIME])))
    return tidied(soup)


def for_phones(soup: BeautifulSoup, chart: Chart) -> Tag:
    """The chart in its narrow form, which a page of a phone's width shows in place of the wide one."""
    picture = b64encode(chart.png(narrow=True)).decode()
    return soup.new_tag("source", media=PHONE, srcset=f"data:image/png;base64,{picture}")


def tidied(soup: BeautifulSoup) -> str:
    """The page without scripts and what only nbconvert's own pages need; what may be too wide can be scrolled."""
    for gone in soup.select("script, style, .prompt, .anchor-link"):
        gone.decompose()
    for link in soup.select("a[href]"):
        target = re.sub(r"^(?!\w+:)([^#]*)\.ipynb(?=#|$)", r"\1.html", str(link["href"]))
        link["href"] = as_text(target) if (NOTEBOOKS / target).is_file() else target
        del link["target"]
    for table in soup.select("table"):
        table.wrap(soup.new_tag("div", attrs={"class": "scrolls", "tabindex": "0"}))
    for code in soup.select("pre"):
        code["tabindex"] = "0"
    return str(soup)


def as_text(target: str) -> str:
    """The place in the site of a file that a notebook links to: with the pages, as plain text."""
    return f"{Path(target).name}.txt"


def linked(notebooks: Iterable[nbformat.NotebookNode]) -> set[Path]:
    """The files of the workbook, other than notebooks, that text cells link to."""
    sources = "\n".join(cell.source for book in notebooks for cell in book.cells if cell.cell_type == "markdown")
    targets = {NOTEBOOKS / target for target in re.findall(r"\]\(([^)\s#]+)", sources) if ":" not in target}
    return {path.resolve() for path in targets if path.is_file() and path.suffix != ".ipynb"}


def colours() -> str:
    """The colours of code, for light and dark pages."""
    light, dark = (HtmlFormatter(style=style).get_style_defs(".highlight") for style in ("default", "github-dark"))
    return (
        f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n.highlight {{ background: none !important; }}\n"
    )


def page(title: str, body: str, titles: Mapping[str, str], here: str) -> str:
    """A whole page with its links to all others; `titles` by file name, `here` is this one."""
    links = " ".join(
        f'<a href="{name}"{" aria-current=page" if name == here else ""}>{escape(text)}</a>'
        for name, text in titles.items()
    )
    return PAGE.substitute(title=escape(title), css=CSS + colours(), links=links, body=body)


def front(notebooks: Mapping[str, nbformat.NotebookNode]) -> str:
    """The first page: every notebook with its minutes and what one can do afterwards, from its own header."""
    rows = []
    for name, notebook in notebooks.items():
        header = str(notebook.cells[0].source)
        match, minutes = HEADER.match(header), MINUTES.search(header)
        if match is None or minutes is None:
            raise SystemExit(f"{name} has no header: its first cell gives title, objectives and minutes.")
        objectives = "".join(f"<li>{escape(one.strip().rstrip('.'))}</li>" for one in match["objectives"].split("·"))
        rows.append(
            f'<h2><a href="{name}">{escape(match["title"])}</a></h2><p>{minutes[1]} minutes</p><ul>{objectives}</ul>'
        )
    return (
        "<h1>Conversation workbook</h1><p>The notebooks as plain pages, with their stored outputs. "
        "To run and change them, open the workbook with <code>make lab</code>. Claude's words are simulated by an "
        f"offline Claude, and its token counts are estimates.</p>{''.join(rows)}"
    )


def button(address: str, name: str) -> str:
    """The link of one page to its notebook in the site that runs in a browser; nothing without an address."""
    if not address:
        return ""
    target = f"{address.rstrip('/')}/notebooks/index.html?path=notebooks/{Path(name).stem}.ipynb"
    return f'<p><a class="run" href="{escape(target)}">Run this in your browser</a></p>'


def build(folder: Path, address: str = "") -> list[Path]:
    """Write a page for every notebook, and the first page, and what they link to; gives the pages' paths.

    `address` is that of the site that runs in a browser, if there is one.
    """
    read = {f"{path.stem}.html": nbformat.read(path, as_version=4) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    titles = {"index.html": "All notebooks"}
    titles |= {name: notebook.cells[0].source.splitlines()[0].lstrip("# ") for name, notebook in read.items()}
    folder.mkdir(parents=True, exist_ok=True)
    told = tqdm(read.items(), unit="page", leave=False, disable=None)
    pages = {"index.html": front(read)} | {name: button(address, name) + converted(notebook) for name, notebook in told}
    for name, body in pages.items():
        (folder / name).write_text(page(titles[name], body, titles, name), "utf-8")
    for path in linked(read.values()):
        (folder / as_text(path.name)).write_bytes(path.read_bytes())
    return [folder / name for name in pages]


def main(arguments: Sequence[str]) -> None:
    """Build into the folder that was named, and say where the first page is."""
    folder, address = (*arguments, "", "")[:2]
    pages = build(Path(folder or labkit.lab.ROOT / "site"), address)
    size = sum(path.stat().st_size for path in pages)
    print(f"{len(pages)} pages, {size / 1e6:.1f} MB: open {pages[0]}")


if __name__ == "__main__":
    main(sys.argv[1:])
