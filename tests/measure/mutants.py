"""The changes that tests.measure.mutate makes to comparisons, sums, conditions, numbers and truth values of labkit."""

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OTHER = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.In: "not in",
    ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is", ast.And: "or", ast.Or: "and", ast.Add: "-", ast.Sub: "+",
    ast.Mult: "+", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "+",
}  # fmt: skip
LARGE = 100
"""A number up to this becomes one more; a larger one is doubled, because one more in thousands is hardly a change."""


@dataclass(frozen=True)
class Change:
    """One change: in this file, on this line, the text between two columns becomes another."""

    path: str
    line: int
    start: int
    end: int
    text: str

    def applied(self, source: str) -> str:
        """The source with the change."""
        lines = source.splitlines(keepends=True)
        old = lines[self.line - 1]
        lines[self.line - 1] = old[: self.start] + self.text + old[self.end :]
        return "".join(lines)

    def in_words(self, source: str) -> str:
        """The place, and the line before and after."""
        lines = self.line - 1
        return (
            f"{self.path}:{self.line}\n  - {source.splitlines()[lines].strip()}\n"
            f"  + {self.applied(source).splitlines()[lines].strip()}"
        )


def changes(path: str, source: str) -> Iterator[Change]:
    """Every change that can be made to a module: comparisons, sums, conditions, small numbers, truth values."""
    tree = ast.parse(source)
    spared = {id(node) for one in ast.walk(tree) for node in _spared(one)}
    for node in ast.walk(tree):
        if id(node) not in spared:
            yield from (Change(path, *place, text) for place, text in _replacements(node, source.splitlines()))


def _spared(node: ast.AST) -> Iterator[ast.AST]:
    """Code that does not run for its result: annotations, decorators, the words of errors, whom a warning names, and
    `zip(strict=True)`, an assertion that no input brings to fail.
    """
    parts = [getattr(node, "annotation", None), getattr(node, "returns", None), *getattr(node, "decorator_list", ())]
    for part in parts:
        if part is not None:
            yield from ast.walk(part)
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.TypeAlias):
        yield from ast.walk(node)
    if isinstance(node, ast.keyword) and node.arg in ("stacklevel", "strict"):
        yield from ast.walk(node)
    if isinstance(node, ast.If) and ast.unparse(node.test) in ("__name__ == '__main__'", "TYPE_CHECKING"):
        yield from (node, *ast.walk(node.test))


def _replacements(node: ast.AST, lines: list[str]) -> Iterator[tuple[tuple[int, int, int], str]]:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OTHER:
            yield from _between(left, right, OTHER[type(op)], lines)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OTHER:
            yield from _between(left, right, OTHER[type(op)], lines)
        case ast.BoolOp(op=op, values=[left, right, *_]):
            yield from _between(left, right, OTHER[type(op)], lines)
        case ast.UnaryOp(op=ast.Not(), operand=operand) if node.lineno == operand.lineno:
            yield (node.lineno, node.col_offset, operand.col_offset), ""
        case ast.Constant(value=bool() as value):
            yield (node.lineno, node.col_offset, node.end_col_offset or 0), str(not value)
        case ast.Constant(value=int() as value):
            other = value + 1 if value <= LARGE else 2 * value
            yield (node.lineno, node.col_offset, node.end_col_offset or 0), str(other)
        case ast.If(test=test) | ast.IfExp(test=test) if test.lineno == test.end_lineno:
            place = (test.lineno, test.col_offset, test.end_col_offset or 0)
            yield place, f"not ({lines[place[0] - 1][place[1] : place[2]]})"


def _between(
    left: ast.expr, right: ast.expr, text: str, lines: list[str]
) -> Iterator[tuple[tuple[int, int, int], str]]:
    """The operator between two operands on one line; operands in brackets are left alone."""
    if left.end_lineno == right.lineno and left.end_col_offset is not None:
        place = (right.lineno, left.end_col_offset, right.col_offset)
        if not set(lines[place[0] - 1][place[1] : place[2]]) & set("()"):
            yield place, f" {text} "


def sampled(root: Path, lines: int, seed: int) -> list[Change]:
    """One change on each of so many random lines of labkit, the same for the same seed."""
    by_line: dict[tuple[str, int], list[Change]] = {}
    for path in sorted((root / "labkit").rglob("*.py")):
        source = path.read_text("utf-8")
        if source.isascii():
            for change in changes(path.relative_to(root).as_posix(), source):
                by_line.setdefault((change.path, change.line), []).append(change)
    rng = random.Random(seed)
    return [rng.choice(by_line[place]) for place in rng.sample(sorted(by_line), min(lines, len(by_line)))]


def run_for(source: str, change: Change) -> range:
    """The lines that stand for a change: from its statement's first to its own; none when it is run by import."""
    place, inside, first = (change.line, change.start), False, change.line
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            body = node.body if isinstance(node, ast.Lambda) else node.body[0]
            inside |= (body.lineno, body.col_offset) <= place < (node.end_lineno, node.end_col_offset)
        if isinstance(node, ast.stmt) and node.lineno <= change.line <= (node.end_lineno or 0):
            first = node.lineno  # the walk goes from the outside in
    return range(first, change.line + 1) if inside else range(0)
