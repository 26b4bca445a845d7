"""The site's first page, and the worker that keeps the site for use without a network."""

import hashlib
import json
import re
from html import escape
from pathlib import Path
from string import Template

import nbformat

HERE = Path(__file__).resolve().parent
TITLE = re.compile(r"# (.+)")
MINUTES = re.compile(r"\*\*Time\*\* (\d+) min")
WORKER = "service-worker.js"
MARK = "labkit_edition"
"""The name in a notebook's metadata of the mark of its edition."""


def notebook_link(path: Path) -> str:
    """The line of one notebook: a link that opens it in the app for any width of screen, and its minutes."""
    header = str(nbformat.read(path, as_version=4).cells[0].source)
    title, minutes = TITLE.match(header), MINUTES.search(header)
    if title is None or minutes is None:
        raise SystemExit(f"{path.name} has no header: its first cell gives title and minutes.")
    address = f"notebooks/index.html?path=notebooks/{path.name}"
    return f'<li><a class="open" href="{address}">{escape(title[1])}</a> {minutes[1]} minutes</li>'


def edition(folder: Path) -> dict[str, object]:
    """The files of a site with their sizes in bytes, and a name that is another one as soon as one byte is."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    whole = hashlib.sha256()
    for name, path in files.items():
        whole.update(f"{name}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return {"name": whole.hexdigest()[:16], "files": {name: path.stat().st_size for name, path in files.items()}}


def marks(folder: Path) -> dict[str, str]:
    """The mark of each notebook. A copy that a learner changes keeps it, so that the site sees when it is old."""
    paths = sorted((folder / "files" / "notebooks").glob("*.ipynb"))
    return {f"notebooks/{path.name}": nbformat.read(path, as_version=4).metadata[MARK] for path in paths}


def write(folder: Path) -> None:
    """Put the front page and the worker into a site that JupyterLite has built."""
    (folder / WORKER).rename(folder / "jupyterlite-worker.js")
    for name in ("front.js", "kept.js"):
        (folder / name).write_text((HERE / name).read_text("utf-8"), "utf-8")
    links = "\n".join(map(notebook_link, sorted((folder / "files" / "notebooks").glob("*.ipynb"))))
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    page = Template((HERE / "front.html").read_text("utf-8"))
    text = page.substitute(notebooks=links, bytes=total, megabytes=round(total / 1e6))
    (folder / "index.html").write_text(text, "utf-8")
    for page_of_app in (folder / "lab" / "index.html", folder / "notebooks" / "index.html"):
        html = page_of_app.read_text("utf-8")
        page_of_app.write_text(html.replace("</body>", '<script src="../kept.js"></script></body>'), "utf-8")
    found = edition(folder) | {"notebooks": marks(folder)}
    worker = Template((HERE / WORKER).read_text("utf-8"))
    # $-signs of JavaScript's own stay as they are
    (folder / WORKER).write_text(worker.safe_substitute(edition=found["name"]), "utf-8")
    (folder / "edition.json").write_text(json.dumps(found, indent=0) + "\n", "utf-8")
