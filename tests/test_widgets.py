"""The widget is a pure view and some controls: it can be moved and read from code, and it never hides an error."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jupyter_client.manager import start_new_kernel

from labkit.teach.charts.chart import CHART_MIME, Chart, Series
from labkit.teach.widgets.explore import Choice, Several, Slider, Switch, control, explore

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def view(turns=1, model="small", cached=False, drop=()):
    """A chart whose words say its settings."""
    words = f"turns={turns} model={model} cached={cached} drop={drop}"
    return Chart(title="Settings", words=words, categories=["1"], series=[Series("history", [turns])])


def widget():
    """A widget with a control of each kind."""
    return explore(view, turns=(1, 12), model=["small", "large"], cached=False, drop=Several((1, 2, 3)))


@pytest.mark.parametrize(
    ("plain", "meant"),
    [
        ((1, 12), Slider(1, 12)),
        ((0.0, 1.0, 0.1), Slider(0.0, 1.0, 0.1)),
        (range(2, 11, 2), Slider(2, 10, 2)),
        (True, Switch(True)),
        (["full", "window"], Choice(("full", "window"))),
        (("full", "window"), Choice(("full", "window"))),
        ([2, 4, 8], Choice((2, 4, 8))),
        (Several(("a",)), Several(("a",))),
    ],
)
def test_plain_values_say_the_control(plain, meant):
    """Pairs and ranges are sliders, a bool is a switch, a list is a choice, and a control is itself; nothing plays."""
    assert control("setting", plain) == meant
    assert not getattr(meant, "play", False)


@pytest.mark.parametrize("plain", [None, 5, "text", (1,), (1, 2, 3, 4), range(3, 4), {"a": 1}])
def test_other_values_are_refused_with_what_is_allowed(plain):
    """A value that says no control is answered with all the ways to say one."""
    with pytest.raises(ValueError, match=r"the control 'setting' is .* give \(least, most\)"):
        control("setting", plain)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Slider(5, 5), "but got 5 to 5 in steps of 1"),
        (lambda: Slider(1, 5, 0), "in steps above 0, but got 1 to 5 in steps of 0"),
        (lambda: Slider(1, 5, value=9), "9 is not a number from 1 to 5"),
        (lambda: Slider(0, 10, 5, value=3), "3 is between two steps: the slider goes in steps of 5 from 0"),
        (lambda: Choice(()), "options are texts or numbers, at least one, but got 'none'"),
        (lambda: Choice((None,)), "options are texts or numbers, at least one, but got None"),
        (lambda: Choice(("a", "b"), "c"), "'c' is not one of 'a', 'b'"),
        (lambda: Several((1, 2), (3,)), "3 is not one of 1, 2"),
        (lambda: Switch().read(1), "1 is neither True nor False"),
        (lambda: explore(view), "explore needs at least one control"),
    ],
)
def test_controls_that_lead_nowhere_are_refused(make, complaint):
    """A control says what it was given and what is allowed."""
    with pytest.raises(ValueError, match=complaint):
        make()


@given(st.integers(-100, 100), st.integers(1, 50), st.sampled_from([1, 2, 5, 0.1, 0.25]))
def test_every_step_of_a_slider_can_be_read(start, steps, step):
    """Each position from least to most is a value, however the browser rounds it; halves of a step are not."""
    slider = Slider(start, start + steps * step, step)
    for place in range(steps + 1):
        assert slider.read(round(start + place * step, 10)) == pytest.approx(start + place * step)
    with pytest.raises(ValueError, match="between two steps"):
        slider.read(start + step / 2)


@given(st.sets(st.integers(1, 8)))
def test_ticked_options_keep_their_order(ticked):
    """A view gets the ticked options as a tuple in the order of the options, however they were given."""
    several = Several(tuple(range(1, 9)))
    assert several.read(list(ticked)) == several.read(ticked) == tuple(sorted(ticked))


def test_the_widget_starts_where_its_controls_start():
    """Before anything is moved, the words are those of the first settings."""
    assert widget().words == "turns=1 model=small cached=False drop=()"


@given(st.integers(1, 12), st.sampled_from(["small", "large"]), st.booleans(), st.sets(st.integers(1, 3)))
@settings(max_examples=20, deadline=None)
def test_moving_from_code_shows_what_the_view_says(turns, model, cached, drop):
    """`set` moves any controls, and words and picture are the view's for all settings together."""
    moved = widget()
    moved.set(turns=turns, model=model)
    moved.set(cached=cached, drop=drop)
    expected = view(turns, model, cached, tuple(sorted(drop)))
    assert moved.words == repr(moved) == expected.words
    assert moved.picture == expected


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"turns": 13}, "turns: 13 is not a number from 1 to 12"),
        ({"turns": 2, "model": "huge"}, "model: 'huge' is not one of 'small', 'large'"),
        ({"turn": 3}, "there is no control 'turn': this widget has turns, model, cached, drop"),
    ],
)
def test_a_wrong_move_changes_nothing(wrong, complaint):
    """A move outside a control is refused by name, and no other control of the same call moves."""
    moved = widget()
    moved.set(turns=5)
    with pytest.raises(ValueError, match=complaint):
        moved.set(**wrong)
    assert moved.words == "turns=5 model=small cached=False drop=()"


def halves(n):
    """A view that fails at zero."""
    return Chart(title="Halves", words=f"1/{n} is {1 / n}.", categories=["1"], series=[Series("reply", [1 / n])])


def test_an_error_of_the_view_reaches_whoever_moves_from_code():
    """From code the view's own error is raised, and the widget stays where it was."""
    moved = explore(halves, n=Slider(0, 4, value=2))
    with pytest.raises(ZeroDivisionError):
        moved.set(n=0)
    assert moved.words == "1/2 is 0.5."
    with pytest.raises(ZeroDivisionError):
        explore(halves, n=(0, 4))


def test_a_view_without_a_chart_is_named():
    """A view that forgot its return gets a sentence, not an empty picture."""
    with pytest.raises(
        TypeError, match="a view gives back a Chart, but this one gave NoneType: does it end with return"
    ):
        explore(lambda turns: None, turns=(1, 3))


def test_what_is_stored_beside_the_widget_can_be_read_without_it():
    """The bundle holds the live view, the words, a picture with the words in it, and the data of that picture."""
    shown = widget()
    shown.set(turns=7)
    data, metadata = shown._repr_mimebundle_()
    assert data["text/plain"] == shown.words
    assert data["image/png"] == shown.picture.bundle(caption=True)["image/png"]
    assert Chart.of(data[CHART_MIME]) == shown.picture
    assert WIDGET_VIEW in data
    assert metadata["image/png"]["alt"] == shown.words


def test_every_control_has_a_label():
    """A label is made from the name where none is given, so that no input is nameless."""
    given_names = explore(view, turns=(1, 3), model=Choice(("small",), label="Model of Claude"))
    assert [described["label"] for described in given_names.controls] == ["Turns", "Model of Claude"]


class Page:
    """A front end for a real kernel: runs code, sends a widget what the browser would send, reads the answers."""

    def __init__(self, client):
        """Talk to the kernel of this client."""
        self.client = client

    def run(self, code):
        """Run code and give the comm id of the widget that it opened with settings."""
        self.client.execute(code)
        opened = {}
        for message in self.messages(
            lambda seen: seen["msg_type"] == "status" and seen["content"]["execution_state"] == "idle"
        ):
            assert message["msg_type"] != "error", message["content"]
            if message["msg_type"] == "comm_open" and "settings" in message["content"]["data"].get("state", {}):
                opened = message["content"]
        return opened

    def messages(self, last):
        """The kernel's messages, up to and with the one that `last` knows."""
        while True:
            message = self.client.get_iopub_msg(timeout=20)
            yield message
            if last(message):
                return

    def want(self, comm, *wanted):
        """Ask for pictures, one message as the widget sends it, and give the frames and the seconds they took."""
        data = {"method": "custom", "content": {"want": list(wanted)}}
        started = time.perf_counter()
        self.client.shell_channel.send(self.client.session.msg("comm_msg", {"comm_id": comm["comm_id"], "data": data}))
        frames = []
        for message in self.messages(lambda seen: len(frames) == len(wanted) and seen["msg_type"] == "comm_msg"):
            if message["msg_type"] == "comm_msg":
                frames.append(message["content"]["data"]["content"]["frame"])
        return frames, time.perf_counter() - started


@pytest.fixture(scope="module")
def page():
    """A real kernel and the front end's side of its protocol."""
    manager, client = start_new_kernel()
    yield Page(client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_the_kernel_answers_the_browser(page):
    """Pictures asked for come back under their settings, in the order asked, and a failing one as a sentence."""
    code = "from labkit.teach.widgets.explore import explore, Slider\n"
    code += "from labkit.teach.charts.chart import Chart, Series\n"
    code += "def halves(n):\n    words = f'{1 / n}'\n"
    code += "    return Chart(title='t', words=words, categories=['1'], series=[Series('reply', [1])])\n"
    comm = page.run(code + "w = explore(halves, n=Slider(0, 4, value=4))")
    state = comm["data"]["state"]
    assert state["settings"] == {"n": 4}
    assert state["first"]["words"] == "0.25"
    (two, zero), _ = page.want(comm, {"n": 2}, {"n": 0})
    assert (two["settings"], two["words"]) == ({"n": 2}, "0.5")
    assert two["svg"].startswith("<svg ")
    assert zero["error"] == "This view could not be drawn with n = 0. ZeroDivisionError: division by zero"
    assert "in halves" in zero["trace"]
    (outside,), _ = page.want(comm, {"n": 99})
    assert "n: 99 is not a number from 0 to 4" in outside["error"]


def test_a_widget_carries_little(page):
    """Opening a widget sends less than 40 kB, so that a notebook may have several."""
    code = "from labkit import user, assistant\nfrom labkit.teach.views.statelessness import payload\n"
    code += "from labkit.teach.widgets.explore import explore\ntalk = [user('hi'), assistant('hello')] * 6\n"
    comm = page.run(code + "explore(lambda turn: payload(talk, turn), turn=(1, 6))")
    assert len(json.dumps(comm)) < 40_000
