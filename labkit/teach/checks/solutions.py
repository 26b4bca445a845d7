"""The reference solution of an exercise as code that runs in the notebook, written as the stub is written."""

import ast
import builtins
import inspect
import re
import sys
from collections.abc import Iterator
from textwrap import dedent
from types import ModuleType
from typing import Any

import labkit

type Span = tuple[int, int, bytes]

_HEAD = re.compile(r"^(?:class|def) ", re.MULTILINE)


def runnable(reference: Any, stub: str) -> str:
    """Return a reference solution without annotations, with the imports and constants that it needs.

    Everything that the stub has before its class or function comes first, and the class keeps the stub's bases.
    """
    head = _HEAD.search(stub)
    before = stub[: head.start()].strip() if head else ""
    source = without_annotations(dedent(inspect.getsource(reference)).strip())
    if bases := re.search(r"^class \w+(\(.*?\)):", stub, re.MULTILINE):
        source = re.sub(r"^(class \w+)\(.*?\):", rf"\1{bases[1]}:", source, count=1)
    text = f"{before}\n\n\n{source}" if before else source
    needed = [_as_code(name, vars(sys.modules[reference.__module__])[name]) for name in _missing(text, reference)]
    lines = [*sorted(line for line in needed if " = " not in line), *(line for line in needed if " = " in line)]
    return "\n".join([*lines, *([""] if before else ["", ""]) * bool(lines), text])


def _missing(text: str, reference: Any) -> list[str]:
    """Names that the text uses and does not define, which the module of the reference has."""
    nodes = list(ast.walk(ast.parse(text)))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    defined = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    defined |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    defined |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    defined |= {
        (alias.asname or alias.name).split(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return sorted((used - defined) & vars(sys.modules[reference.__module__]).keys() - vars(builtins).keys())


def _as_code(name: str, value: object) -> str:
    """The import or the assignment that gives a name its value."""
    if isinstance(value, ModuleType):
        return f"import {value.__name__}"
    if name in labkit.__all__:
        return f"from labkit import {name}"
    if callable(value):
        return f"from {value.__module__} import {name}"
    return f"{name} = {value:_}" if isinstance(value, int) else f"{name} = {value!r}"


def without_annotations(source: str) -> str:
    """Return Python source with its annotations removed, and everything else as it is."""
    data = source.encode()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for first, last, put in sorted(_annotations(ast.parse(source), starts, data), reverse=True):
        data = data[:first] + put + data[last:]
    return data.decode()


def _annotations(tree: ast.AST, starts: list[int], data: bytes) -> Iterator[Span]:
    """The bytes of each annotation, and the bytes that take their place."""

    def end(node: ast.expr | ast.arg) -> int:
        """The byte after a node."""
        return starts[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)

    def start(node: ast.expr | ast.arg) -> int:
        """The first byte of a node."""
        return starts[node.lineno - 1] + node.col_offset

    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(target=target, annotation=annotation, value=value) if value:
                yield end(target), end(annotation), b""
            case ast.FunctionDef(args=given, returns=returns):
                if returns:
                    yield data.rindex(b")", 0, start(returns)) + 1, end(returns), b""
                positional = [*given.posonlyargs, *given.args]
                defaults = [None] * (len(positional) - len(given.defaults)) + given.defaults
                named = [
                    *zip(positional, defaults, strict=True),
                    *zip(given.kwonlyargs, given.kw_defaults, strict=True),
                ]
                for argument, default in named:
                    if argument.annotation:
                        after = start(argument) + len(argument.arg.encode())
                        yield (after, start(default), b"=") if default else (after, end(argument), b"")
                for rest in (given.vararg, given.kwarg):
                    if rest and rest.annotation:
                        yield start(rest) + len(rest.arg.encode()), end(rest), b""
