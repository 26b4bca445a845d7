"""`explore(view, **controls)`: a picture that a learner moves, as one small widget for every notebook.

A view is a pure function from settings to a picture with words (a Chart). The controls are the browser's own inputs, so
they work by mouse, keyboard and screen reader; pictures are kept by settings and the neighbouring ones fetched ahead.
"""

import json
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

import anywidget
import traitlets

from labkit.teach.cells.front import front
from labkit.teach.charts.chart import png_metadata
from labkit.teach.widgets.controls import Choice, Control, Several, Slider, Switch, control, described

FRAMES_KEPT = 512
"""Pictures a widget keeps in the kernel, newest used first; each is about 5 to 20 kB."""


class Picture(Protocol):
    """The result of a view: a Chart, or anything else with words, SVG and PNG."""

    @property
    def words(self) -> str:
        """A sentence that says what the picture shows."""

    def svg(self, narrow: bool = False) -> str:
        """The picture as SVG (or HTML) in the colours of the page; `narrow` for a page of a phone's width."""

    def bundle(self, caption: bool = False) -> dict[str, Any]:
        """The stored form for readers without a kernel; `caption` puts the words into the picture."""


type View = Callable[..., Picture]


class Explorer(anywidget.AnyWidget):
    """The widget of `explore`: its `settings`, their `picture` and `words`, and `set` to move them from code."""

    _esm, _css = front(__file__)
    controls = traitlets.List().tag(sync=True)
    settings = traitlets.Dict().tag(sync=True)
    first = traitlets.Dict().tag(sync=True)

    def __init__(self, view: View, controls: Mapping[str, Control]) -> None:
        """Draw the view once with the controls' starting values; an error of the view is raised here."""
        self._view, self._controls = view, dict(controls)
        self._pictures: OrderedDict[str, Picture] = OrderedDict()
        settings = {name: one.value for name, one in controls.items()}
        self._draw(settings)
        shown = [described(name, one) for name, one in controls.items()]
        super().__init__(controls=shown, settings=settings, first=self._frame(settings))
        self.on_msg(self._answer)

    @property
    def picture(self) -> Picture:
        """The picture for the settings as they are now; an error of the view is raised."""
        return self._draw(self.settings)

    @property
    def words(self) -> str:
        """The sentence below the picture as it is now: what it shows, or why it could not be drawn."""
        frame = self._frame(self.settings)
        return str(frame.get("error") or frame["words"])

    def set(self, **settings: Any) -> None:
        """Move controls from code: `w.set(turns=5)`. Nothing moves when a value is not allowed (ValueError)."""
        moved = self._read({**self.settings, **settings})
        self._draw(moved)
        self.settings = moved

    def _read(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        if strange := [name for name in settings if name not in self._controls]:
            raise ValueError(f"there is no control {strange[0]!r}: this widget has {', '.join(self._controls)}")
        read = {}
        for name, one in self._controls.items():
            try:
                read[name] = one.read(settings.get(name, one.value))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return read

    def _draw(self, settings: Mapping[str, Any]) -> Picture:
        settings = self._read(settings)
        key = json.dumps(settings)
        if key not in self._pictures:
            self._pictures[key] = _checked(self._view(**settings))
        self._pictures.move_to_end(key)
        while len(self._pictures) > FRAMES_KEPT:
            self._pictures.popitem(last=False)
        return self._pictures[key]

    def _frame(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        try:
            picture = self._draw(settings)
            drawn = {"svg": picture.svg(), "narrow": picture.svg(narrow=True)}
            return {"settings": dict(settings), "words": picture.words, **drawn}
        except Exception as error:
            where = ", ".join(f"{name} = {value!r}" for name, value in settings.items())
            sentence = f"This view could not be drawn with {where}. {type(error).__name__}: {error}"
            return {"settings": dict(settings), "error": sentence, "trace": "".join(traceback.format_exception(error))}

    def _answer(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        for settings in content.get("want", []):
            self.send({"frame": self._frame(settings)})

    def __repr__(self) -> str:
        """The words, so that the stored notebook says what the widget showed."""
        return self.words

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget, and beside it the picture and its sentence for readers without a kernel."""
        data, metadata = super()._repr_mimebundle_() or ({}, {})
        if "error" in self._frame(self.settings):
            return {**data, "text/plain": self.words}, metadata
        return {**data, **self.picture.bundle(caption=True)}, {**metadata, **png_metadata(self.words)}


def _checked(picture: object) -> Picture:
    if not (hasattr(picture, "words") and hasattr(picture, "svg")):
        raise TypeError(
            f"a view gives back a Chart, but this one gave {type(picture).__name__}: does it end with return?"
        )
    return cast(Picture, picture)


def explore(view: View, **controls: Any) -> Explorer:
    """A widget that shows `view(**settings)` with a labelled control for each: `explore(view, turns=(1, 12))`.

    `view` is a pure function from settings to a Chart. Give each control as a plain value (see `control`) or
    as a Slider, Choice, Switch or Several. Raises ValueError when a control cannot be read; an error of the
    view with the first settings is raised too.
    """
    if not controls:
        raise ValueError("explore needs at least one control, such as turns=(1, 12): without any, call the view itself")
    return Explorer(view, {name: control(name, given) for name, given in controls.items()})


def live(html: str) -> dict[str, Any]:
    """The part of an output that only a live notebook shows: not stored, not compared, so it may differ by machine."""
    import ipywidgets  # type: ignore[import-untyped]

    shown: tuple[dict[str, Any], Any] | dict[str, Any] = ipywidgets.HTML(html)._repr_mimebundle_()
    return shown[0] if isinstance(shown, tuple) else shown


__all__: Sequence[str] = ["Choice", "Explorer", "Picture", "Several", "Slider", "Switch", "control", "explore", "live"]
