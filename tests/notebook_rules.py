"""The conventions of the notebooks: pure functions from a notebook to complaints, so each can be seen to fail."""

import ast
import re
import socket
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import unquote

CELLS, LAB_CELLS = range(25, 61), range(25, 91)
LAB_EXERCISES = 7
"""With so many exercises a notebook is a lab: it may be longer, and is done in several sittings."""
CODE_LINES, CODE_CELLS_IN_A_ROW, PROSE_WORDS, ALT_WORDS, OBJECTIVES = 15, 3, 150, 8, 4
OUTPUT_LINES, OUTPUT_BYTES, NOTEBOOK_BYTES = 30, 20_000, 300_000
MINUTES = range(5, 61)
TAGS = {"nbval-skip", "nbval-ignore-output", "nbval-check-output", "raises-exception", "skip-execution"}
VAGUE = {
    "appreciate",
    "be",
    "become",
    "discover",
    "explore",
    "know",
    "learn",
    "realise",
    "realize",
    "see",
    "understand",
}
HEADER = re.compile(
    r"# (?P<number>\d+) · (?P<title>.+)\n"
    r"\*\*You will be able to\*\* (?P<objectives>[\s\S]+?)\n+"
    r"\*\*You need\*\* (?P<needs>[\s\S]+?) \*\*Time\*\* (?P<minutes>\d+) min\. \*\*Code\*\* (?P<code>.+)"
)
PRIVATE = {
    "a path": re.compile(r"(?<![\w:/<])/(?:home|Users|root|tmp|work|mnt|opt|usr|var|private|srv)/|\b[A-Z]:\\\\?\w"),
    "an address": re.compile(r"\b0x[0-9a-f]{6,}\b"),
    "the name of this machine": re.compile(rf"\b{re.escape(socket.gethostname())}\b"),
}
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
LIVE = ("application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(\s*<?(?P<target>[^)\s>]*)>?(?:\s+\"[^\"]*\")?\s*\)")
IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\(")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
HTML_ALT = re.compile(r"\balt=([\"'])(?P<alt>.*?)\1", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Notebook:
    """A notebook as stored: its name without ending, its data, its size in bytes, and all notebooks of its folder."""

    name: str
    data: Mapping[str, Any]
    size: int
    folder: Mapping[str, Mapping[str, Any]]
    root: Path

    @cached_property
    def cells(self) -> list[Mapping[str, Any]]:
        """The cells in order."""
        return list(self.data["cells"])

    def of(self, kind: str) -> Iterator[tuple[int, Mapping[str, Any], str]]:
        """The cells of one kind with their place (from 1) and their source."""
        for place, cell in enumerate(self.cells, 1):
            if cell["cell_type"] == kind:
                yield place, cell, text(cell["source"])

    def outputs(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Every stored output with the place of its cell."""
        for place, cell, _ in self.of("code"):
            for output in cell["outputs"]:
                yield place, output

    def neighbour(self, step: int) -> str | None:
        """The file name of the notebook before (-1) or after (1) this one, if there is one."""
        names = sorted(self.folder)
        place = names.index(self.name) + step
        return f"{names[place]}.ipynb" if 0 <= place < len(names) else None


def text(stored: str | list[str]) -> str:
    """A stored text, which nbformat may keep as lines."""
    return stored if isinstance(stored, str) else "".join(stored)


def bundle(output: Mapping[str, Any]) -> dict[str, Any]:
    """The text of an output by media type; a stream counts as plain text."""
    if output["output_type"] == "stream":
        return {"text/plain": text(output["text"])}
    return {mime: text(shown) if mime.startswith("text/") else shown for mime, shown in output.get("data", {}).items()}


def words_of(markdown: str) -> list[str]:
    """The words a reader reads: no code blocks, tags or link targets."""
    prose = re.sub(r"(```|~~~)[\s\S]*?\1", " ", markdown)
    prose = re.sub(r"<[^>]+>", " ", re.sub(r"\]\([^)]*\)", "]", prose))
    return re.findall(r"[^\W_][\w'.,-]*", unescape(prose))


def header(notebook: Notebook) -> Iterator[str]:
    """The first cell is the header: number and title, checkable objectives, what it needs, minutes, code."""
    first = notebook.cells[0] if notebook.cells else {"cell_type": "none", "source": ""}
    match = HEADER.match(text(first["source"])) if first["cell_type"] == "markdown" else None
    if match is None:
        yield "cell 1: is not a header (# N · Title, **You will be able to**, **You need**, **Time** N min. **Code**)"
        return
    if int(match["number"]) != int(notebook.name[:2]):
        yield f"cell 1: the title's number is {match['number']}, the file's {notebook.name[:2]}"
    if int(match["minutes"]) not in MINUTES:
        yield f"cell 1: {match['minutes']} minutes, from {MINUTES[0]} to {MINUTES[-1]} are allowed"
    elif int(match["minutes"]) < minutes(notebook):
        yield f"cell 1: {match['minutes']} minutes, and reading it takes {minutes(notebook):.0f}"
    objectives = objectives_of(notebook)
    if len(objectives) > OBJECTIVES:
        yield f"cell 1: {len(objectives)} objectives, at most {OBJECTIVES}"
    for objective in objectives:
        verb = re.sub(r"\W", "", objective.split()[0]).lower() if objective.split() else ""
        if not verb or verb in VAGUE:
            yield f"cell 1: the objective {objective!r} does not begin with a verb that one can check"
    for path in re.findall(r"`([^`]+)`", match["code"]):
        if not (notebook.root / path).exists():
            yield f"cell 1: names the code {path}, which does not exist"


def minutes(notebook: Notebook) -> float:
    """Minutes to read a notebook's prose and code: 200 words a minute, 5 seconds a line of code, 0.7 a line of imports.

    The rates are those of a walk through the notebooks as a newcomer, November 2026; exercises take longer.
    """
    prose = sum(len(words_of(source)) for _, _, source in notebook.of("markdown"))
    lines = [line for _, _, source in notebook.of("code") for line in source.splitlines() if line.strip()]
    imports = sum(line.startswith(("import ", "from ")) for line in lines)
    return prose / 200 + (5 * (len(lines) - imports) + 0.7 * imports) / 60


def objectives_of(notebook: Notebook) -> list[str]:
    """The objectives of the header, in order."""
    match = HEADER.match(text(notebook.cells[0]["source"]))
    return [one.strip(" .\n") for one in match["objectives"].split("·")] if match else []


def lengths(notebook: Notebook) -> Iterator[str]:
    """Twenty-five to sixty cells (a lab more); short code cells, few in a row, a page of prose at most.

    Cells for practice (lighter steps, reasons, the review) are not counted: they are there to be worked on.
    """
    exercises = sum("exercise" in cell["metadata"] for cell in notebook.cells)
    allowed = LAB_CELLS if exercises >= LAB_EXERCISES else CELLS
    if (many := sum("practice" not in cell["metadata"] for cell in notebook.cells)) not in allowed:
        yield f"{many} cells, from {allowed[0]} to {allowed[-1]} are allowed"
    for place, _, source in notebook.of("code"):
        if (count := sum(1 for line in source.splitlines() if line.strip())) > CODE_LINES:
            yield f"cell {place}: {count} lines of code, at most {CODE_LINES}"
    for place, _, source in notebook.of("markdown"):
        if (count := len(words_of(source))) > PROSE_WORDS:
            yield f"cell {place}: {count} words, at most {PROSE_WORDS}"
    places = enumerate(notebook.cells, 1)
    for kind, run in groupby(places, lambda item: item[1]["cell_type"]):
        run = list(run)
        if kind == "code" and len(run) > CODE_CELLS_IN_A_ROW:
            yield f"cell {run[0][0]}: {len(run)} code cells in a row, at most {CODE_CELLS_IN_A_ROW}"


def execution(notebook: Notebook) -> Iterator[str]:
    """Every code cell was run, once, from top to bottom, without an error or a warning."""
    counts = [cell["execution_count"] for _, cell, _ in notebook.of("code")]
    if counts != list(range(1, len(counts) + 1)):
        yield f"was not run from top to bottom in one go: execution counts {counts}"
    for place, _, source in notebook.of("code"):
        if not source.strip():
            yield f"cell {place}: is empty"
    for place, output in notebook.outputs():
        if output["output_type"] == "error":
            yield f"cell {place}: ends in an error ({output['ename']})"
        if output.get("name") == "stderr":
            yield f"cell {place}: wrote to stderr: {text(output['text'])[:80]!r}"


def storage(notebook: Notebook) -> Iterator[str]:
    """Stored outputs are small and say nothing of the machine: no widget state, no times, no paths, no addresses."""
    if "widgets" in notebook.data["metadata"]:
        yield "stores widget state"
    if notebook.size > NOTEBOOK_BYTES:
        yield f"{notebook.size:,} bytes, at most {NOTEBOOK_BYTES:,}"
    for place, cell, _ in notebook.of("code"):
        if "execution" in cell["metadata"]:
            yield f"cell {place}: stores when it was run"
    for place, output in notebook.outputs():
        yield from (f"cell {place}: {complaint}" for complaint in _stored(bundle(output)))


def _stored(shown: Mapping[str, Any]) -> Iterator[str]:
    if LIVE[0] in shown:
        yield "stores a widget's random id"
    readable = {mime: data for mime, data in shown.items() if mime.startswith("text/")}
    for mime in ("text/plain", "text/markdown"):
        if (count := len(readable.get(mime, "").splitlines())) > OUTPUT_LINES:
            yield f"an output of {count} lines, at most {OUTPUT_LINES}"
    drawn = {mime: data for mime, data in shown.items() if mime not in PICTURES[:2]}
    if (size := len(repr(drawn).encode())) > OUTPUT_BYTES:
        yield f"an output of {size:,} bytes beside its picture, at most {OUTPUT_BYTES:,}"
    for what, pattern in PRIVATE.items():
        if found := pattern.search("\n".join(map(str, readable.values()))):
            yield f"an output holds {what}: {found.group()!r}"


def plain_code(notebook: Notebook) -> Iterator[str]:
    """Code in the open: no star imports, no magics that bring hidden code or state, nothing left out of the tests."""
    for place, cell, source in notebook.of("code"):
        for name in sorted(TAGS & set(cell["metadata"].get("tags", ()))):
            yield f"cell {place}: has the tag {name}"
        for magic in re.findall(r"^\s*(%\w+|%%\w+|![^=]\S*)", source, re.MULTILINE):
            yield f"cell {place}: uses {magic}"
        for node in ast.walk(_parsed(source)):
            match node:
                case ast.ImportFrom(names=[ast.alias(name="*")]):
                    yield f"cell {place}: imports * from {node.module}"
                case ast.Call(func=ast.Name(id="input" | "clear_output" | "interact" as name)):
                    yield f"cell {place}: calls {name}()"


def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module([], [])


def pictures(notebook: Notebook) -> Iterator[str]:
    """Every picture, chart and widget comes with a sentence that says what it shows."""
    for place, _, source in notebook.of("markdown"):
        alts = [match["alt"] for match in IMAGE.finditer(source)]
        for tag in HTML_IMAGE.findall(source):
            alts.append(found["alt"] if (found := HTML_ALT.search(tag)) else "")
        for alt in alts:
            if len(alt.split()) < ALT_WORDS:
                yield f"cell {place}: the picture's text {alt!r} has fewer than {ALT_WORDS} words"
    for place, output in notebook.outputs():
        shown = bundle(output)
        sentence = shown.get("text/plain", "")
        if any(mime in shown for mime in (*PICTURES, *LIVE)) and (
            len(sentence.split()) < ALT_WORDS or sentence.startswith(("<", "FigureWidget", "VBox(", "Figure("))
        ):
            yield f"cell {place}: a picture is stored without a sentence of {ALT_WORDS} words beside it"


def links(notebook: Notebook) -> Iterator[str]:
    """Links lead to files and headings that exist; the header leads to both neighbours, the last cell onward."""
    found: dict[int, list[str]] = {}
    for place, _, source in notebook.of("markdown"):
        found[place] = [match["target"] for match in LINK.finditer(re.sub(r"(```|~~~)[\s\S]*?\1", " ", source))]
        for target in found[place]:
            if not re.match(r"[a-z]+:", target) and (complaint := _dead(target, notebook)):
                yield f"cell {place}: {complaint}"
    for place, step in ((1, -1), (1, 1), (len(notebook.cells), 1)):
        neighbour = notebook.neighbour(step)
        if neighbour and neighbour not in [target.partition("#")[0] for target in found.get(place, [])]:
            yield f"cell {place}: has no link to {neighbour}"


def _dead(target: str, notebook: Notebook) -> str:
    path, _, anchor = unquote(target).partition("#")
    page: Mapping[str, Any] | None = notebook.data
    if path:
        if (
            not (notebook.root / "notebooks" / path).resolve().exists()
            and path.removesuffix(".ipynb") not in notebook.folder
        ):
            return f"links to {path}, which does not exist"
        page = notebook.folder.get(path.removesuffix(".ipynb"))
    if anchor and page is not None and anchor not in _headings(page):
        return f"links to {target}, where there is no such heading"
    return ""


def _headings(data: Mapping[str, Any]) -> set[str]:
    sources = [text(cell["source"]) for cell in data["cells"] if cell["cell_type"] == "markdown"]
    return {title.strip().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", "\n".join(sources), re.MULTILINE)}


Rule = Callable[[Notebook], Iterable[str]]
RULES: Mapping[str, Rule] = {
    rule.__name__: rule for rule in (header, lengths, execution, storage, plain_code, pictures, links)
}


def practice(notebook: Notebook, known: Collection[str]) -> Iterator[str]:
    """The header's metadata name for each objective, in `practised_by`, the exercises, questions and predictions of
    this notebook that practise it.
    """
    objectives, lists = objectives_of(notebook), notebook.cells[0]["metadata"].get("practised_by", [])
    sources = "\n".join(source for _, _, source in notebook.of("code"))
    for objective, ids in zip_longest(objectives, lists):
        if not objective or not ids:
            yield f"cell 1: {objective!r} is practised by {ids!r}: `practised_by` is a list of ids for each objective"
            continue
        for id in ids:
            asked = f'quiz("{id[:2]}"' if "-q" in id else f'"{id}"'
            if id not in known or asked not in sources:
                yield f"cell 1: {objective!r} is practised by {id}, which no cell asks"


def coverage(notebook: Notebook, curriculum: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The notebook's cells cover the rows of the curriculum that name it, as `notebook` or in `also`: all of them, and
    no others.
    """
    covered: dict[str, int] = {}
    for place, cell in enumerate(notebook.cells, 1):
        covers = cell["metadata"].get("covers", [])
        if not isinstance(covers, list):
            yield f"cell {place}: `covers` is {covers!r}, not a list of ids"
            continue
        covered |= dict.fromkeys(covers, place)
    for row, place in covered.items():
        if row not in curriculum:
            yield f"cell {place}: covers {row}, which the curriculum does not have"
        elif notebook.name not in _taught_in(curriculum[row]):
            yield f"cell {place}: covers {row}, which the curriculum gives to {curriculum[row]['notebook']}"
    for row, entry in curriculum.items():
        if notebook.name in _taught_in(entry) and row not in covered:
            yield f"no cell covers {row}: {entry['line']}"


def _taught_in(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return (entry["notebook"], *entry.get("also", ()))
