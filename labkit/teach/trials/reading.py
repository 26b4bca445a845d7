"""The results of a learner's methods, with stubs, forgotten returns and other shapes distinguished."""

from collections.abc import Callable, Mapping
from typing import Any

from labkit.teach.checks.check import NotYet, WrongShape
from labkit.teach.trials.claude import Wire

USAGE = {
    "total_input_tokens": "total_input",
    "total_output_tokens": "total_output",
    "message_count": "messages",
}
"""The numbers of get_token_usage(), which the module names in two ways; either is taken."""


def result_of(value: Any, name: str, may_be_none: bool = False) -> Any:
    """Return the result of a learner's method; raises NotYet for the stub's three dots, WrongShape for a forgotten
    return.
    """
    if value is ...:
        raise NotYet(name)
    if value is None and not may_be_none:
        raise WrongShape("gave back None: end each path in a return, or in a raise where an error has to go on")
    return value


def listed(value: Any, name: str) -> list[Wire]:
    """A list of messages; raises WrongShape for anything else."""
    if not isinstance(result_of(value, name.removesuffix("()")), list | tuple):
        raise WrongShape(f"has {type(value).__name__} where {name} is to be a list of messages")
    return list(value)


def written[T](read: Callable[[], T]) -> T | None:
    """Return the value that reading a method gives, None while it is still the stub."""
    try:
        return read()
    except NotYet:
        return None


def stored(manager: Any) -> list[Wire]:
    """The messages that a manager keeps."""
    return listed(manager.messages, "the attribute messages")


def usage_of(manager: Any) -> tuple[int, ...]:
    """Input tokens, output tokens and number of messages as get_token_usage() tells them, in either spelling."""
    usage = result_of(manager.get_token_usage(), "get_token_usage")
    if not isinstance(usage, Mapping):
        raise WrongShape(f"gave back {type(usage).__name__} from get_token_usage(); give back a dict")
    found = [usage.get(name, usage.get(other)) for name, other in USAGE.items()]
    for name, value in zip(USAGE, found, strict=True):
        if not isinstance(value, int):
            raise WrongShape(f"has no number under {name!r} in what get_token_usage() gives back")
    return tuple(found)
