"""Every notebook keeps the conventions of CONTRIBUTING.md, and each convention is seen to catch its violation."""

import copy
import json
import re
import socket
import tomllib
from pathlib import Path

import nbformat
import pytest
from notebook_rules import RULES, Notebook, bundle, coverage, practice

from labkit.teach.cells.source import stale_links
from labkit.teach.charts.chart import CHART_MIME
from labkit.teach.exercises import all_exercises
from labkit.teach.questions.files import predictions
from labkit.teach.results import syllabus

ROOT = Path(__file__).resolve().parent.parent
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CURRICULUM = tomllib.loads((ROOT / "labkit/teach/curriculum.toml").read_text("utf-8"))
FOLDER = {path.stem: json.loads(path.read_text("utf-8")) for path in PATHS}
NOTEBOOKS = [Notebook(path.stem, FOLDER[path.stem], path.stat().st_size, FOLDER, ROOT) for path in PATHS]

PRACTICE = {*all_exercises(), *syllabus.questions(), *predictions()}

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)


def test_there_are_notebooks():
    """The folder holds notebooks, each named by its number and one word or more."""
    assert PATHS
    assert [path.name for path in PATHS if not re.fullmatch(r"\d\d(_[a-z]+)+\.ipynb", path.name)] == []


@every_notebook
def test_the_file_is_a_valid_notebook(notebook):
    """The stored file keeps the notebook format, ids of cells included."""
    nbformat.validate(nbformat.from_dict(notebook.data))


@every_notebook
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_notebook_keeps_the_conventions(rule, notebook):
    """No notebook breaks a convention; each complaint names its cell."""
    complaints = list(rule(notebook))
    assert not complaints, "\n".join([notebook.name, *complaints])


@every_notebook
def test_the_curriculum_and_the_cells_agree(notebook):
    """Each row that the curriculum gives to a notebook is covered by one of its cells, and no cell claims another."""
    missing = list(coverage(notebook, CURRICULUM))
    assert not missing, "\n".join([notebook.name, *missing])


@every_notebook
def test_every_objective_is_practised(notebook):
    """Each objective of a header is practised by an exercise, a question or a prediction of its notebook."""
    missing = list(practice(notebook, PRACTICE))
    assert not missing, "\n".join([notebook.name, *missing])


@every_notebook
def test_links_to_the_glossary_say_what_it_says(notebook):
    """The meaning shown under the mouse is the glossary's own."""
    stale = [link for _, _, source in notebook.of("markdown") for link in stale_links(source)]
    assert not stale, "\n".join(stale)


@every_notebook
def test_every_stored_picture_has_its_data_beside_it(notebook):
    """A picture is a chart's: the words and numbers that it was drawn from stand beside it."""
    shown = [(place, set(bundle(output))) for place, output in notebook.outputs()]
    charts = {place for place, media in shown if CHART_MIME in media}
    assert {place for place, media in shown if "image/png" in media} <= charts


def code(source="total = 1 + 1", outputs=(), **metadata):
    """A code cell that will be given its execution count by `planted`."""
    return {
        "cell_type": "code",
        "source": source,
        "outputs": list(outputs),
        "metadata": metadata,
        "execution_count": 0,
    }


def prose(source="What we want, in a sentence.", **metadata):
    """A Markdown cell."""
    return {"cell_type": "markdown", "source": source, "metadata": metadata}


def shows(**data):
    """An output with the given media types, `text_plain` for text/plain."""
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {key.replace("_", "/", 1): v for key, v in data.items()},
    }


HEADER = (
    "# 1 · Statelessness\n"
    "**You will be able to** show what left the machine · drop a message and predict the answer.\n\n"
    "**You need** [Start here](00_start_here.ipynb). **Time** 30 min. **Code** `labkit/messages.py`\n\n"
    "[Next](02_strategies.ipynb)"
)


def planted(change=None, **different):
    """A notebook that keeps every convention, then changed."""
    data = {"metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    data["cells"] = [prose(HEADER), *(cell for _ in range(12) for cell in (prose(), code()))]
    data["cells"].append(prose("## What stays\nOn to [strategies](02_strategies.ipynb#Title)."))
    data = copy.deepcopy(data)
    if change:
        change(data["cells"])
    for count, cell in enumerate([cell for cell in data["cells"] if cell["cell_type"] == "code"], 1):
        cell["execution_count"] = count
    data["metadata"] |= different.get("metadata", {})
    folder = {"00_start_here": {"cells": []}, "01_statelessness": data, "02_strategies": {"cells": [prose("# Title")]}}
    return Notebook("01_statelessness", data, different.get("size", 20_000), folder, ROOT)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_good_notebook_passes(rule):
    """The notebook that the plants are planted in breaks no rule itself."""
    assert list(rule(planted())) == []


def cell(place, with_):
    """A change that puts another cell in a place (from 0)."""

    def change(cells):
        cells[place] = with_

    return change


def output(**data):
    """A change that gives the first code cell an output."""
    return cell(2, code(outputs=[shows(**data)]))


PLANTED = [
    ("header", cell(0, prose("# Statelessness")), "is not a header"),
    ("header", cell(0, code()), "is not a header"),
    ("header", cell(0, prose(HEADER.replace("# 1", "# 2"))), "the title's number is 2"),
    ("header", cell(0, prose(HEADER.replace("30 min", "90 min"))), "90 minutes"),
    ("header", lambda cells: cells.extend([prose("word " * 100)] * 62), "30 minutes, and reading it takes 3"),
    ("header", cell(0, prose(HEADER.replace("drop a message", "understand messages"))), "a verb that one can check"),
    ("header", cell(0, prose(HEADER.replace("show what", " · ".join(["run a"] * 4)))), "5 objectives"),
    ("header", cell(0, prose(HEADER.replace("messages.py", "nothing.py"))), "labkit/nothing.py, which does not exist"),
    ("lengths", lambda cells: cells.pop(3), None),
    ("lengths", lambda cells: cells.__delitem__(slice(1, 5)), "22 cells"),
    ("lengths", lambda cells: cells.extend([prose()] * 40), "66 cells"),
    ("lengths", lambda cells: cells.extend([prose(), code(exercise="01-a")] * 6 + [prose()] * 28), "66 cells"),
    ("lengths", lambda cells: cells.extend([prose(), code(exercise="01-a")] * 7 + [prose()] * 26), None),
    ("lengths", lambda cells: cells.extend([prose(), code(exercise="01-a")] * 7 + [prose()] * 51), "91 cells"),
    ("lengths", cell(2, code("x = 1\n" * 16)), "16 lines of code"),
    ("lengths", cell(1, prose("word " * 151)), "151 words"),
    ("lengths", lambda cells: cells.__setitem__(slice(4, 9), [code()] * 5), "code cells in a row"),
    ("execution", cell(2, code("  ")), "is empty"),
    ("execution", cell(2, code(outputs=[{"output_type": "error", "ename": "KeyError"}])), "KeyError"),
    (
        "execution",
        cell(2, code(outputs=[{"output_type": "stream", "name": "stderr", "text": "Warning"}])),
        "wrote to stderr",
    ),
    ("storage", cell(2, code(execution={"iopub.execute_input": "12:00"})), "stores when it was run"),
    ("storage", output(text_plain="line\n" * 31), "an output of 31 lines"),
    ("storage", output(text_html="x" * 20_001), "bytes beside its picture"),
    ("storage", output(text_plain="in /home/ada/notes.txt"), "a path: '/home/'"),
    ("storage", output(text_plain="in C:\\Users"), "a path"),
    ("storage", output(text_plain="<object at 0x7f3a2b1c>"), "an address"),
    ("storage", output(text_plain=f"on {socket.gethostname()}"), "the name of this machine"),
    ("storage", output(**{"application_vnd.jupyter.widget-view+json": {"model_id": "1"}}), "random id"),
    ("plain_code", cell(2, code(tags=["nbval-skip"])), "has the tag nbval-skip"),
    ("plain_code", cell(2, code("from labkit import *")), "imports * from labkit"),
    ("plain_code", cell(2, code("%run other.ipynb")), "uses %run"),
    ("plain_code", cell(2, code("%store key")), "uses %store"),
    ("plain_code", cell(2, code("!pip install x")), "uses !pip"),
    ("plain_code", cell(2, code("name = input()")), "calls input()"),
    ("pictures", cell(1, prose("![a chart](chart.png)")), "'a chart' has fewer than 8 words"),
    ("pictures", cell(1, prose('<img src="chart.png">')), "'' has fewer than 8 words"),
    ("pictures", output(image_png="aGk="), "without a sentence"),
    ("pictures", output(**{"application_vnd.plotly.v1+json": {}}), "without a sentence"),
    (
        "pictures",
        output(image_png="aGk=", text_plain="<Figure size 640x480 with 1 Axes and more>"),
        "without a sentence",
    ),
    ("links", cell(1, prose("[there](09_nowhere.ipynb)")), "09_nowhere.ipynb, which does not exist"),
    ("links", cell(1, prose("[there](02_strategies.ipynb#Nowhere)")), "no such heading"),
    ("links", cell(1, prose("[there](#Nowhere)")), "no such heading"),
    ("links", cell(0, prose(HEADER.replace("[Next](02_strategies.ipynb)", ""))), "has no link to 02_strategies"),
    ("links", cell(0, prose(HEADER.replace("[Start here](00_start_here.ipynb)", "none"))), "no link to 00_start"),
    ("links", cell(25, prose("The end.")), "cell 26: has no link to 02_strategies.ipynb"),
]


@pytest.mark.parametrize(("rule", "change", "complaint"), PLANTED)
def test_a_planted_violation_is_seen(rule, change, complaint):
    """Each rule catches each way of breaking it, and complains of nothing else that is allowed."""
    complaints = list(RULES[rule](planted(change)))
    assert complaints == [] if complaint is None else complaint in "\n".join(complaints)


def test_cells_out_of_order_are_seen():
    """A notebook whose cells were run twice, out of order or never is refused."""
    for counts in ([2, 1], [None, 1], [1, 3]):
        notebook = planted()
        for number, place in zip(counts, (2, 4), strict=True):
            notebook.data["cells"][place]["execution_count"] = number
        assert "was not run from top to bottom" in "\n".join(RULES["execution"](notebook))


def test_widget_state_and_size_are_seen():
    """Stored widget state and a notebook of more than 300 KB are refused."""
    notebook = planted(metadata={"widgets": {}}, size=300_001)
    assert list(RULES["storage"](notebook)) == ["stores widget state", "300,001 bytes, at most 300,000"]


ROWS = {
    "A1": {"line": "Each request stands alone.", "notebook": "01_statelessness"},
    "A2": {"line": "What is not sent never happened.", "notebook": "01_statelessness"},
    "B1": {"line": "Full history.", "notebook": "02_strategies"},
}


def test_gaps_in_the_curriculum_are_seen_by_name():
    """A row that no cell covers, a row of another notebook and an unknown row are each named."""
    assert list(coverage(planted(cell(1, prose(covers=["A1", "A2"]))), ROWS)) == []
    complaints = list(coverage(planted(cell(1, prose(covers=["A1", "B1", "Z9"]))), ROWS))
    assert complaints == [
        "cell 2: covers B1, which the curriculum gives to 02_strategies",
        "cell 2: covers Z9, which the curriculum does not have",
        "no cell covers A2: What is not sent never happened.",
    ]
    assert "not a list" in next(coverage(planted(cell(1, prose(covers="A1"))), ROWS))


def test_an_objective_without_practice_is_seen():
    """An objective without rows, with unknown rows or rows that no cell asks is named; so is a list too many."""

    def complaints(*lists, cells=('predict("01-drop", ...)', 'quiz("01")')):
        header = prose(HEADER, practised_by=list(lists))
        return [*practice(planted(lambda all: all.__setitem__(slice(0, 3), [header, *map(code, cells)])), PRACTICE)]

    assert complaints(["01-q1"], ["01-drop"]) == []
    assert "'drop a message and predict the answer' is practised by None" in complaints(["01-q1"])[0]
    assert "is practised by []" in complaints(["01-q1"], [])[0]
    assert "None is practised by ['01-q2']" in complaints(["01-q1"], ["01-drop"], ["01-q2"])[0]
    assert "by 01-q99, which no cell asks" in complaints(["01-q99"], ["01-drop"])[0]
    assert "by 02-q1, which no cell asks" in complaints(["02-q1"], ["01-drop"], cells=("1", 'quiz("01")'))[0]
    assert "by 01-drop, which no cell asks" in complaints(["01-q1"], ["01-drop"], cells=("1", 'quiz("01")'))[0]


def test_a_row_may_be_taught_in_two_notebooks():
    """A row that names a second notebook in `also` has to be covered there as well."""
    rows = ROWS | {"B1": ROWS["B1"] | {"also": ["01_statelessness"]}}
    assert list(coverage(planted(cell(1, prose(covers=["A1", "A2", "B1"]))), rows)) == []
    assert list(coverage(planted(cell(1, prose(covers=["A1", "A2"]))), rows)) == ["no cell covers B1: Full history."]
