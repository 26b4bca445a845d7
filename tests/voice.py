"""The voice of docstrings, names and guides, as far as a rule can hold it: first words, and words with a plainer one.

`python tests/voice.py [FOLDER OR FILE ...]` prints the complaints, by default for the whole workbook.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIRST = ("What", "Who", "Where", "How", "Whether", "That", "Which", "Why", "Whose", "Whatever", "Whoever")
"""A docstring begins with a verb or with the thing itself, never with a clause in place of a noun."""
PLAINER = {
    "told": "said, given, named",
    "stands": "is",
    "stood": "was",
    "anew": "again",
    "mend": "fix, repair",
    "mends": "fixes, repairs",
    "mended": "fixed, repaired",
    "dear": "expensive",
    "dearer": "more expensive",
    "dearest": "most expensive",
    "of its own": "own",
    "of their own": "own",
    "of one's own": "own",
}
WORDS = re.compile(r"\b(" + "|".join(sorted(PLAINER, key=len, reverse=True)) + r")\b", re.IGNORECASE)
CODE = re.compile(r"```.*?```|`[^`]*`|\$[^$]*\$|\]\([^)]*\)", re.DOTALL)


def docstrings(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of each docstring of a module, and of each string that describes the assignment above it."""
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            match statement:
                case ast.Expr(value=ast.Constant(value=str(words))):
                    yield statement.lineno, words


def complaints_about_code(text: str) -> Iterator[tuple[int, str]]:
    """Line and complaint for each docstring that begins with a clause, and for each word that has a plainer one in a
    docstring or in the name of a function or class.
    """
    for line, words in docstrings(text):
        first = re.match(r"\w+", words.strip())
        if first and first[0] in FIRST:
            yield line, f"begins with {first[0]}: begin with a verb or the thing itself"
        yield from ((line, complaint) for complaint in complaints_about_words(words))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            words = node.name.replace("_", " ")
            yield from ((node.lineno, f"a name {complaint}") for complaint in complaints_about_words(words))


def complaints_about_words(text: str) -> Iterator[str]:
    """A complaint for each word that has a plainer one; code is no prose."""
    for found in WORDS.finditer(CODE.sub("", text)):
        yield f"says {found[0]!r}: say {PLAINER[found[0].lower()]}"


def complaints(path: Path) -> list[str]:
    """The complaints about a Python file or a guide, each with its place."""
    text, where = path.read_text("utf-8"), path.relative_to(ROOT)
    if path.suffix == ".py":
        return [f"{where}:{line}: {complaint}" for line, complaint in complaints_about_code(text)]
    return [f"{where}: {complaint}" for complaint in complaints_about_words(text)]


def files(*places: Path) -> list[Path]:
    """The Python files and guides below some places, generated pages left out."""
    found = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*.py")))]
    return [path for path in found if not {".venv", "node_modules"} & set(path.parts)]


GUIDES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "INSTRUCTORS.md", "ELSEWHERE.md")]
WHOLE = (ROOT / "labkit", ROOT / "tests", ROOT / "tools", ROOT / "conftest.py", *GUIDES)


if __name__ == "__main__":
    asked = [Path(name).resolve() for name in sys.argv[1:]] or WHOLE
    for path in files(*asked):
        print(*complaints(path), sep="\n", end="\n" * bool(complaints(path)))
