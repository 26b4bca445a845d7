"""The controls of a widget as plain values: what a learner may move, and what each position means.

No front end is needed here, so that a wrong value is refused in the kernel as it is in the browser.
"""

from dataclasses import asdict, dataclass
from typing import Any

from labkit.teach.charts.layout import number


@dataclass(frozen=True, slots=True)
class Slider:
    """A number from `minimum` to `maximum` in steps; starts at `value` (left out: the minimum).

    `unit` is said after the number ("5 turns"); `play` adds a button that moves the slider by itself.
    """

    minimum: float
    maximum: float
    step: float = 1
    value: float | None = None
    label: str = ""
    unit: str = ""
    play: bool = False

    def __post_init__(self) -> None:
        """Refuse an empty range, a step that leads nowhere and a start outside."""
        if not (self.minimum < self.maximum and self.step > 0):
            given = f"{number(self.minimum)} to {number(self.maximum)} in steps of {number(self.step)}"
            raise ValueError(f"a slider goes from a smaller number to a larger one in steps above 0, but got {given}")
        object.__setattr__(self, "value", self.read(self.minimum if self.value is None else self.value))

    def read(self, value: Any) -> float:
        """The value as a number on the slider; ValueError when it is not one."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value!r} is not a number from {number(self.minimum)} to {number(self.maximum)}")
        landed = self.minimum + round((value - self.minimum) / self.step) * self.step
        if abs(landed - value) > 1e-9 * max(1, abs(value)):
            grid = f"the slider goes in steps of {number(self.step)} from {number(self.minimum)}"
            raise ValueError(f"{value!r} is between two steps: {grid}")
        return landed if isinstance(landed, int) else round(landed, 10)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several options, texts or numbers; starts at `value` (left out: the first)."""

    options: tuple[str | float, ...]
    value: str | float | None = None
    label: str = ""

    def __post_init__(self) -> None:
        """Refuse an empty list and a start that is not in it."""
        object.__setattr__(self, "options", tuple(self.options))
        _check_options(self.options)
        object.__setattr__(self, "value", self.read(self.options[0] if self.value is None else self.value))

    def read(self, value: Any) -> str | float:
        """The option; ValueError when it is not one of them."""
        if value not in self.options:
            raise ValueError(f"{value!r} is not one of {', '.join(map(repr, self.options))}")
        return self.options[self.options.index(value)]


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off."""

    value: bool = False
    label: str = ""

    def read(self, value: Any) -> bool:
        """The value as a bool; ValueError for anything else."""
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is neither True nor False")
        return value


@dataclass(frozen=True, slots=True)
class Several:
    """Any number of options, each with a box to tick; the view gets the ticked ones as a tuple, in the order
    of `options`.
    """

    options: tuple[str | float, ...]
    value: tuple[str | float, ...] = ()
    label: str = ""

    def __post_init__(self) -> None:
        """Refuse a start with options that are not in the list."""
        object.__setattr__(self, "options", tuple(self.options))
        _check_options(self.options)
        object.__setattr__(self, "value", self.read(self.value))

    def read(self, value: Any) -> tuple[str | float, ...]:
        """The ticked options in order; ValueError when one is not in the list."""
        given = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
        if strange := [item for item in given if item not in self.options]:
            raise ValueError(f"{strange[0]!r} is not one of {', '.join(map(repr, self.options))}")
        return tuple(option for option in self.options if option in given)


type Control = Slider | Choice | Switch | Several


def control(name: str, given: Any) -> Control:
    """Read a control from a plain value.

    `(1, 12)` and `range(1, 13)` are sliders (a third number is the step), a bool is a switch, a list or tuple
    of texts a choice. Raises ValueError when the value says no control.
    """
    match given:
        case Slider() | Choice() | Switch() | Several():
            return given
        case bool():
            return Switch(given)
        case range() if len(given) > 1:
            return Slider(given[0], given[-1], given.step)
        case list() | (str(), *_):
            return Choice(tuple(given))
        case (int() | float(), int() | float()) | (int() | float(), int() | float(), int() | float()):
            return Slider(*given)
    raise ValueError(
        f"the control {name!r} is {given!r}: give (least, most), a range, True or False, a list of texts, "
        "or a Slider, Choice, Switch or Several"
    )


def described(name: str, one: Control) -> dict[str, Any]:
    """A control as the front end reads it: its kind, name and settings; a name without a label makes one."""
    label = one.label or name.replace("_", " ").capitalize()
    return {**asdict(one), "name": name, "kind": type(one).__name__.lower(), "label": label}


def _check_options(options: tuple[object, ...]) -> None:
    strange = [option for option in options if not isinstance(option, str | int | float)]
    if strange or not options:
        raise ValueError(f"options are texts or numbers, at least one, but got {strange[0] if strange else 'none'!r}")
