"""Find a learner's answer: in a cell of the notebook, or in a file of the learner's in the same folder."""

import linecache
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from labkit.teach.checks.check import Outcome, bounded


@dataclass(frozen=True)
class Own:
    """A learner's own file as it was read: its bytes, and the module, or the trouble that running it led to."""

    source: bytes
    outcome: Outcome


SECONDS = 5.0
"""Processor seconds that a file may use; it imports the packages that it needs."""

_read: dict[Path, Own] = {}


def in_notebook(name: str) -> object:
    """The notebook's object of this name; None when there is none."""
    return vars(sys.modules["__main__"]).get(name)


def in_file(name: str, file: str) -> Outcome | None:
    """The object of this name in a file of the notebook's folder, read again whenever the file changed.

    None when there is no such file; an outcome with the trouble when it does not run, and one whose value is None when
    it has nothing by that name. The file is imported under its own name, so that the notebook can import it as well.
    """
    path = Path.cwd() / file
    try:
        source = path.read_bytes()
    except OSError:
        return None
    known = _read.get(path)
    if known is None or known.source != source or known.outcome.unfinished:
        known = _read[path] = Own(source, bounded(lambda: _run(path, source), SECONDS))
    if known.outcome.trouble:
        return known.outcome
    return Outcome(vars(known.outcome.value).get(name))


def _run(path: Path, source: bytes) -> ModuleType:
    """Run the file as a module, without the bytecode that a change within the same second would leave stale."""
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    linecache.checkcache(str(path))
    code = compile(source, str(path), "exec")
    sys.modules[path.stem] = module
    exec(code, vars(module))
    return module


def borrowed(answer: object) -> str:
    """A sentence that names the notebook's own texts and lists that a function reads in place of its parameters."""
    code, known = getattr(answer, "__code__", None), getattr(answer, "__globals__", {})
    named = (name for name in (code.co_names if code else ()) if not name.startswith("__"))
    read = " and ".join(name for name in named if isinstance(known.get(name), str | list | dict))
    return f"It reads {read} of the notebook; the check calls it with other values: use the parameters." if read else ""
