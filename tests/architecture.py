"""The rules of the house as pure functions from source text to complaints, so that each can be seen to fail.

A module is named by its path below the package, with dots: `messages`, `offline.api`, `teach.charts.chart`; the
package's own `__init__` is `__init__`, and that of a part or a folder is its name. A place is a folder, or a module
that is in none.

Imports run downward when neither modules nor places need one another in a circle, whatever kind of import it is:
then both can be drawn as floors. `python tests/architecture.py` prints the floors.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median

PARTS = ("offline", "teach")
"""Folders whose own folders are places; of the rest of the core, a folder or a module is one."""
FAR_SIDE_NEIGHBOURS = {"clients", "__init__", "moved"}
SDK_USERS = {"clients"}
FILE_USERS = {"stores", "evidence.published_sets", "evidence.loop_files", "replay", "lab"}
FILE_MODULES = {"dbm", "portalocker", "redis", "shelve", "shutil", "sqlite3", "tempfile"}
ONLY_IN = {
    "plotly": {"teach.charts.hover"},
    "ipywidgets": {"teach.widgets.explore"},
    "anywidget": {"teach.widgets.explore", "teach.questions.quiz", "teach.questions.order"},
}
FUNCTION_LINES, FUNCTION_MEDIAN = 40, 7
MODULE_LINES, MODULE_MEDIAN = 300, 120

Functions = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One imported module: its full dotted name, its line, and when the import happens."""

    target: str
    line: int
    when: str  # "start", "call" or "types"


@dataclass(frozen=True)
class Module:
    """One source file of the package: its name below the package and its text."""

    name: str
    text: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed source."""
        return ast.parse(self.text)

    @property
    def part(self) -> str:
        """`offline`, `teach`, or nothing for the core."""
        first = self.name.split(".")[0]
        return first if first in PARTS else ""

    @property
    def place(self) -> str:
        """The folder of the module, or the module itself where it is in none."""
        return place_of(self.name)


def place_of(name: str) -> str:
    """The place of a module's name."""
    parts = name.split(".")
    return ".".join(parts[: 2 if parts[0] in PARTS else 1])


def package(folder: Path) -> list[Module]:
    """Every module below a package's folder."""
    return [
        Module(_name(path.relative_to(folder)), path.read_text("utf-8"), path.name == "__init__.py")
        for path in sorted(folder.rglob("*.py"))
    ]


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


@cache
def imports(module: Module, package_name: str = "labkit") -> list[Import]:
    """Every import of a module, wherever it is, relative ones and `import_module("…")` resolved."""
    return list(_imports(module.tree, module, package_name, "start"))


def _imports(node: ast.AST, module: Module, package_name: str, when: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=names):
                yield from (Import(alias.name, child.lineno, when) for alias in names)
            case ast.ImportFrom():
                yield from (Import(target, child.lineno, when) for target in _targets(child, module, package_name))
            case ast.Call(args=[ast.Constant(value=str(target)), *_]) if _last_name(child.func) == "import_module":
                yield Import(target, child.lineno, when)
            case ast.If(test=test) if "TYPE_CHECKING" in ast.unparse(test):
                for statement in child.body:
                    yield from _imports(ast.Module([statement], []), module, package_name, "types")
                for statement in child.orelse:
                    yield from _imports(ast.Module([statement], []), module, package_name, when)
                continue
        inside = "call" if isinstance(child, Functions | ast.Lambda) and when == "start" else when
        yield from _imports(child, module, package_name, inside)


def _last_name(node: ast.AST) -> str:
    return getattr(node, "attr", "") or getattr(node, "id", "")


def _targets(node: ast.ImportFrom, module: Module, package_name: str) -> list[str]:
    base = node.module or ""
    if node.level:
        here = [package_name, *(() if module.name == "__init__" else module.name.split("."))]
        is_package = module.is_package
        above = here[: len(here) - node.level + is_package]
        base = ".".join([*above, *([base] if base else [])])
    if base == package_name or base.startswith(f"{package_name}."):
        return [f"{base}.{alias.name}" for alias in node.names]
    return [base]


def _inside(target: str) -> str | None:
    """The module's name below the package (`labkit.messages.Message` is `messages`), or None for another's."""
    if target == "labkit":
        return "__init__"
    if not target.startswith("labkit."):
        return None
    return target.removeprefix("labkit.")


def sides(module: Module) -> Iterator[str]:
    """The far side imports nothing of the near side; only its neighbours import it, and nothing teach or lab."""
    for item in imports(module):
        target = _inside(item.target)
        if target is None:
            continue
        part = target.split(".")[0]
        where = f"{module.name}:{item.line}"
        if module.part == "offline" and part != "offline":
            yield f"{where}: the offline side imports {item.target} of the near side"
        if not module.part and part == "offline" and module.name not in FAR_SIDE_NEIGHBOURS:
            yield f"{where}: only {sorted(FAR_SIDE_NEIGHBOURS)} may import the offline side"
        if module.part != "teach" and part == "teach":
            yield f"{where}: imports {item.target}, which is for notebooks"
        if part == "lab" and module.place != "lab":
            yield f"{where}: imports the lab's start-up"


def third_parties(module: Module) -> Iterator[str]:
    """Charts, widgets and the SDK are imported only where they belong, the SDK of the core only inside functions."""
    for item in imports(module):
        top = item.target.split(".")[0]
        where = f"{module.name}:{item.line}"
        if item.when != "types" and module.name not in ONLY_IN.get(top, {module.name}):
            yield f"{where}: {top} belongs in {sorted(ONLY_IN[top])} alone"
        if top == "anthropic" and item.when != "types" and module.part != "offline":
            if module.name not in SDK_USERS:
                yield f"{where}: only {sorted(SDK_USERS)} and offline may use the SDK, others its types"
            elif item.when == "start":
                yield f"{where}: the SDK is imported inside the function that uses it"


def files(module: Module) -> Iterator[str]:
    """Of the core, only FILE_USERS read and write files and databases; data of the package is no such file."""
    if module.part or {module.name, module.place} & FILE_USERS:
        return
    for item in imports(module):
        if item.target.split(".")[0] in FILE_MODULES and item.when != "types":
            yield f"{module.name}:{item.line}: imports {item.target}, which is for persistence"
    shipped = {
        id(node)
        for function in functions(module)
        if "files(" in (ast.get_source_segment(module.text, function) or "")
        for node in ast.walk(function)
    }
    for node in ast.walk(module.tree):
        call = _file_call(node) if isinstance(node, ast.Call) else ""
        if call and not (call.startswith("read_") and id(node) in shipped):
            yield f"{module.name}:{node.lineno}: calls {call}(), which is for persistence"


def _file_call(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id="open"):
            return "open"
        case ast.Attribute(attr=("open" | "rename" | "replace") as attribute, value=ast.Name(id="os")):
            return f"os.{attribute}"
        case ast.Attribute(attr=("fdopen" | "mkdir" | "rename" | "touch" | "unlink") as attribute):
            return attribute
        case ast.Attribute(attr="open") if all(isinstance(argument, ast.Constant) for argument in node.args):
            return "open"
        case ast.Attribute(attr=("read_bytes" | "read_text" | "write_bytes" | "write_text") as attribute):
            return attribute
    return ""


def sizes(module: Module) -> Iterator[str]:
    """No function is longer than 40 lines, docstring included, and no module than 300 lines that are not blank."""
    for function in functions(module):
        if (length := lines(function)) > FUNCTION_LINES:
            yield f"{module.name}:{function.lineno}: {function.name} has {length} lines, at most {FUNCTION_LINES}"
    if (length := filled_lines(module)) > MODULE_LINES:
        yield f"{module.name}: {length} non-blank lines, at most {MODULE_LINES}"


def functions(module: Module) -> list[Functions]:
    """Every function of a module, methods and nested ones too."""
    return [node for node in ast.walk(module.tree) if isinstance(node, Functions)]


def lines(function: Functions) -> int:
    """The lines of a function, from `def` to its last."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def filled_lines(module: Module) -> int:
    """The lines of a module that are not blank."""
    return sum(1 for line in module.text.splitlines() if line.strip())


def documentation(module: Module) -> Iterator[str]:
    """Every module and every public definition says what it is for, methods and nested ones too."""
    if not ast.get_docstring(module.tree):
        yield f"{module.name}: has no docstring"
    for node in ast.walk(module.tree):
        if not isinstance(node, Functions | ast.ClassDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node) and not any("overload" in ast.unparse(d) for d in node.decorator_list):
            yield f"{module.name}:{node.lineno}: {node.name} has no docstring"


Rule = Callable[[Module], Iterable[str]]
RULES: Mapping[str, Rule] = {rule.__name__: rule for rule in (sides, third_parties, files, sizes, documentation)}


def middle_sizes(modules: Iterable[Module]) -> list[str]:
    """The typical function has at most 7 lines and the typical module at most 120 that are not blank."""
    modules = list(modules)
    function_lines = median(lines(function) for module in modules for function in functions(module))
    module_lines = median(filled_lines(module) for module in modules)
    complaints = []
    if function_lines > FUNCTION_MEDIAN:
        complaints.append(f"the median function has {function_lines:g} lines, at most {FUNCTION_MEDIAN}")
    if module_lines > MODULE_MEDIAN:
        complaints.append(f"the median module has {module_lines:g} non-blank lines, at most {MODULE_MEDIAN}")
    return complaints


def _loaded(target: str, importer: str, names: Set[str]) -> Iterator[str]:
    """The modules that an import loads: the target, and the packages around it that are not around the importer as
    well.
    """
    around = [name for name in _with_packages(target) if name in names]
    yield from (name for place, name in enumerate(around) if not place or name not in _with_packages(importer))


def _with_packages(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def circles(modules: Iterable[Module]) -> list[str]:
    """Name modules and places that need one another, by any import: at start, in a call or for types."""
    needs = needed(modules)
    places: dict[str, set[str]] = {}
    for name, others in needs.items():
        places.setdefault(place_of(name), set()).update({place_of(other) for other in others} - {place_of(name)})
    return [complaint for graph in (needs, places) for complaint in _circle(graph)]


def _circle(graph: Mapping[str, set[str]]) -> Iterator[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield "a circle of imports: " + " -> ".join(error.args[1])


def needed(modules: Iterable[Module]) -> dict[str, set[str]]:
    """The modules that each module imports, by name, with the `__init__` of the folders around them.

    The package's own `__init__` and those of its parts load names on demand, so nobody needs them for what they offer.
    """
    modules = list(modules)
    names = {module.name for module in modules} - {"__init__", *PARTS}
    return {
        module.name: {
            name
            for item in imports(module)
            if (target := _inside(item.target))
            for name in _loaded(_known(target, names), module.name, names)
            if name != module.name
        }
        for module in modules
        if module.name in names
    }


def _known(target: str, names: Set[str]) -> str:
    """The module of a target that may be a name in it: `steps.pruning.FIFO` is `steps.pruning`."""
    return next((name for name in _with_packages(target) if name in names), target)


def floors(modules: Iterable[Module]) -> list[list[str]]:
    """The places of each floor, the lowest first; every place is as low as what it imports lets it be."""
    places: dict[str, set[str]] = {}
    for name, others in needed(modules).items():
        places.setdefault(place_of(name), set()).update({place_of(other) for other in others} - {place_of(name)})
    sorter, found = TopologicalSorter(places), []
    sorter.prepare()
    while sorter:
        ready = sorter.get_ready()
        found.append(sorted(ready))
        sorter.done(*ready)
    return found


if __name__ == "__main__":
    for number, places in enumerate(floors(package(Path(__file__).parents[1] / "labkit"))):
        print(f"{number:2} {' '.join(places)}")
