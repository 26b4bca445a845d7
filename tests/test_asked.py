"""Every question that people ask in public leads to a cell that answers it."""

import json

import pytest

from labkit.lab import ROOT
from labkit.teach.results.asked import asked_in_public, public_questions
from labkit.teach.results.syllabus import objectives

CELLS = {path.name[:2]: json.loads(path.read_text("utf-8"))["cells"] for path in (ROOT / "notebooks").glob("*.ipynb")}


@pytest.mark.parametrize("question", public_questions(), ids=lambda one: one["ask"][:40])
def test_a_cell_answers_it(question):
    """Each row of a question is in the curriculum, and a cell of its notebook covers it."""
    assert question["ask"].endswith("?")
    for row in question["rows"]:
        notebook = objectives()[row].notebook
        assert any(row in cell["metadata"].get("covers", ()) for cell in CELLS[notebook])


def test_each_question_is_listed_once_with_links():
    """All of them, none twice, each with a link to a notebook."""
    asks = [one["ask"] for one in public_questions()]
    assert len(set(asks)) == len(asks) == 29
    lines = asked_in_public().rich.splitlines()
    assert len(lines) == 29
    assert all(".ipynb" in line for line in lines)
