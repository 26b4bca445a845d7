"""The list of the API's rules: each a function that raises the error the API would send, with its evidence."""

from collections.abc import Callable
from typing import Any

REGISTRY: list[Callable[..., Any]] = []
"""Every rule, in the order in which the modules define them; RULES.md is made from it."""


def rule[F: Callable[..., Any]](function: F) -> F:
    """Put a rule on the list."""
    REGISTRY.append(function)
    return function
