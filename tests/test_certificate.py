"""An objective is reached by a threshold, and a learner can state what they reached."""

from datetime import date

import pytest

from labkit.teach.record import progress
from labkit.teach.results.certificate import certificate
from labkit.teach.results.standing import missing, points, reached, where_you_stand
from labkit.teach.results.syllabus import objectives
from labkit.teach.results.tally import tally


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Keep what the tests record away from a learner's own progress."""
    monkeypatch.setenv(progress.FOLDER_VARIABLE, str(tmp_path / "progress"))
    monkeypatch.chdir(tmp_path)


def answer(id):
    """Record a right answer."""
    progress.record("answer", id, right=True, given=0, shown=False, seed=0)


def done():
    """The learner's records, counted."""
    return tally(progress.records())


def test_seven_tenths_of_the_points_reach_an_objective():
    """One answer fewer is not enough, and the words say how many are missing."""
    one = next(one for one in objectives().values() if len(one.questions) >= 3 and not one.exercises)
    need = -(-7 * len(one.questions) // 10)
    for number, id in enumerate(one.questions[:need]):
        assert not reached(done(), one)
        assert missing(done(), one).startswith(f"{need - number} right answer")
        answer(id)
    assert reached(done(), one)
    assert missing(done(), one) == ""


def test_one_right_exercise_reaches_an_objective():
    """Without any answered question."""
    one = next(one for one in objectives().values() if one.exercises and one.questions)
    assert one.exercises[0] in missing(done(), one)
    progress.record("attempt", one.exercises[0], ok=True, mistake="", missed=[], untouched=False)
    assert reached(done(), one)
    assert points(done(), one)[0] == 1


def test_the_statement_says_whose_it_is_and_names_what_was_reached():
    """Name, date, links of the file and objectives; markup in a name is shown as text."""
    one = next(one for one in objectives().values() if one.exercises)
    progress.record("attempt", one.exercises[0], ok=True, mistake="", missed=[], untouched=False)
    page = certificate(name="Ada <b>", day=date(2026, 12, 1)).read_text("utf-8")
    assert "Ada &lt;b&gt;" in page
    assert "learner's own statement" in page
    assert "2026-12-01" in page
    assert one.line.replace("'", "&#x27;") in page
    copy = progress.export(name="Ada").read_text("utf-8")
    assert page.split("<code>")[1].split("<")[0] in copy


def test_nothing_recorded_is_refused_and_a_tour_has_no_empty_table():
    """Both say what to do or what it is."""
    with pytest.raises(FileNotFoundError, match="nothing is recorded yet"):
        certificate()
    assert "without objectives" in str(where_you_stand("00")) or "objective" in str(where_you_stand("00"))
