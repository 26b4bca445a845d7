"""Reading along: labkit's own source shown where it is used, and the words of the trade explained where they are met.

`show` reads the source by inspection, so that what a notebook shows is what runs.
"""

import inspect
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from labkit.teach.cells.shown import Shown, table

GLOSSARY_PAGE = "01_statelessness.ipynb"
GLOSSARY_ANCHOR = "#Glossary"


def show(thing: Any) -> Shown:
    """The source of a function, class or module as it runs, in the notebook's own code colours.

    Raises TypeError for a value (show its class instead) and for what is not written in Python.
    """
    shown = inspect.unwrap(thing) if callable(thing) else thing
    if not (inspect.isclass(shown) or inspect.isroutine(shown) or inspect.ismodule(shown)):
        kind = type(thing).__name__
        raise TypeError(f"show takes a function, a class or a module, but got a {kind}: try show({kind})")
    try:
        source = inspect.getsource(shown).rstrip()
    except (OSError, TypeError):
        raise TypeError(
            f"the source of {shown!r} is not at hand: it is built in, or was typed where no file keeps it"
        ) from None
    home = shown.__name__ if inspect.ismodule(shown) else f"{shown.__module__}.{shown.__qualname__}"
    fence = "~~~" if "~~~" not in source else "~~~~~~"
    return Shown(f"# {home}\n{source}", f"`{home}`\n\n{fence}python\n{source}\n{fence}", "text/markdown")


class Term(NamedTuple):
    """One entry of the glossary: the term, the sentence shown under the mouse, and the rest."""

    name: str
    hover: str
    more: str


@cache
def terms() -> dict[str, Term]:
    """The glossary by term, in reading order."""
    text = files("labkit.teach.cells").joinpath("glossary.toml").read_text("utf-8")
    return {name: Term(name, **entry) for name, entry in tomllib.loads(text).items()}


def term(name: str) -> Shown:
    """One entry of the glossary, read in place; KeyError names the terms there are."""
    entry = _entry(name)
    return Shown(
        f"{entry.name}: {entry.hover} {entry.more}", f"**{entry.name}**: {entry.hover} {entry.more}", "text/markdown"
    )


def glossary() -> Shown:
    """The whole glossary as a table."""
    return table(["term", "meaning"], [(entry.name, f"{entry.hover} {entry.more}") for entry in terms().values()])


def link(name: str, page: str = GLOSSARY_PAGE, words: str = "") -> str:
    """The Markdown of a link to a term: its meaning under the mouse, the glossary one click away.

    Paste it into a text cell at the term's first use: `print(link("token"))`. `words` are shown in place of
    the term; inside the glossary's own notebook give `page=""`. KeyError names the terms there are.
    """
    entry = _entry(name)
    return f'[{words or entry.name}]({page}{GLOSSARY_ANCHOR} "{entry.hover}")'


def stale_links(markdown: str) -> Iterator[str]:
    """Every glossary link in a text whose hover sentence is not the glossary's any more, for a test to refuse."""
    meanings = {entry.hover for entry in terms().values()}
    for target, hover in re.findall(rf'\]\((\S*{GLOSSARY_ANCHOR})\s+"([^"]*)"\)', markdown):
        if hover not in meanings:
            yield f'{target} "{hover}"'


def _entry(name: str) -> Term:
    if name not in terms():
        raise KeyError(f"the glossary has no {name!r}: it explains {', '.join(terms())}")
    return terms()[name]
