"""The claims of the README are so: its Python prints what it shows, its commands exist, its map is the folder."""

import contextlib
import inspect
import io
import json
import pydoc
import re
from pathlib import Path

import pytest
from notebook_rules import HEADER, text, words_of

ROOT = Path(__file__).resolve().parent.parent
README, CONTRIBUTING = ((ROOT / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md"))
HEADERS = {
    path.name: HEADER.match(text(json.loads(path.read_text("utf-8"))["cells"][0]["source"]))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
}


def blocks(language):
    """The README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_ten_lines_print_the_output_below_them():
    """The README's Python, at most ten lines of it, gives the output that the README shows."""
    (code,), (shown,) = blocks("python"), blocks("text")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue() == shown


def test_it_is_short():
    """At most 600 words, code included."""
    assert len(README.split()) <= 600


def test_the_map_is_the_folder():
    """Every notebook is in the map with the title and the minutes of its header, and nothing else is."""
    rows = re.findall(r"^\| (\d+) \| \[(.+?)\]\(notebooks/(.+?)\)(?:: .+?)? \| (\d+) \|$", README, re.MULTILINE)
    assert rows == [(match["number"], match["title"], name, match["minutes"]) for name, match in HEADERS.items()]


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)#]+)", README))
def test_its_links_lead_somewhere(target):
    """Every file that the README links to exists."""
    assert (ROOT / target).exists()


def test_its_make_commands_exist():
    """Every `make` target that it names, and that CONTRIBUTING names, is in the Makefile."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make (\w+)", README + CONTRIBUTING, re.MULTILINE))
    assert {"lab", "test", "check", "notebooks"} <= named <= targets


def test_ci_runs_the_readmes_test_command():
    """The last thing that CI does is the README's test command, so its exit code is CI's."""
    command = next(block.strip() for block in blocks("sh") if "test" in block)
    script = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert (script[0], script[-1]) == ("#!/usr/bin/env bash", command)
    assert "set -euo pipefail" in script


def test_the_conda_way_names_what_is_there():
    """The environment that the README activates is the one that environment.yml names."""
    name = re.search(r"^name: (\S+)$", (ROOT / "environment.yml").read_text("utf-8"), re.MULTILINE)[1]
    assert f"conda activate {name}\npython -m labkit.lab\n" in "".join(blocks("sh"))


def test_contributing_names_files_that_exist():
    """Every path in CONTRIBUTING's prose and commands exists."""
    paths = set(re.findall(r"\b(?:tests|labkit|notebooks|tools)/[\w/]+(?:\.\w+)?", CONTRIBUTING))
    assert paths
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_the_reading_order_names_functions_that_exist():
    """Ten functions, each with a docstring, in the order in which a message meets them."""
    section = CONTRIBUTING.partition("## Read these ten functions in this order")[2].partition("\n## ")[0]
    names = re.findall(r"^\d+\. `([\w.]+)`", section, re.MULTILINE)
    assert len(names) == 10
    assert all(inspect.getdoc(pydoc.locate(name)) for name in names)


def gaps(beginnings, names):
    """Names that no entry of a map begins, and entries that begin no name."""
    strange = [name for name in names if not name.startswith((*beginnings, "__", "py.typed"))]
    return strange + [entry for entry in beginnings if not any(name.startswith(entry) for name in names)]


def test_the_maps_of_contributing_are_the_folders():
    """Each file of a folder that has a map begins with one of the map's entries, and each entry begins a file."""
    maps = re.findall(r"^## Where what is in `(.+?)`\n([\s\S]+?)(?=^## )", CONTRIBUTING, re.MULTILINE)
    assert {"labkit", "labkit/offline", "labkit/teach"} <= {folder for folder, _ in maps}
    for folder, rows in maps:
        named = " ".join(re.findall(r"^\| (`.+?) \|", rows, re.MULTILINE))
        found = gaps(re.findall(r"`([\w]+)[^`]*`", named), [path.name for path in (ROOT / folder).iterdir()])
        assert found == [], f"{folder}: {found}"


def test_a_gap_in_a_map_is_seen():
    """A file without an entry, and an entry without a file."""
    assert gaps(["turn", "tokens"], ["turns.py", "tokens.py", "__init__.py"]) == []
    assert gaps(["turn", "tokens"], ["turns.py", "words.py"]) == ["words.py", "tokens"]


def test_the_words_are_counted_as_a_reader_reads():
    """Words in code blocks, tags and link targets are not prose."""
    assert words_of("One [two](three.md) <b>four</b>\n```\nfive\n```\n") == ["One", "two", "four"]
