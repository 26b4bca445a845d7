"""Two lighter steps before an exercise, made from its solution: fill in one blank, then put the lines in order."""

import io
import textwrap
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

INDENT = "    "
MOST_DECOYS = 2


@dataclass(frozen=True)
class Lighter:
    """The data of both steps: the `blank` in the solution, and wrong lines, the `decoys`, among those to be ordered.

    `spelled` is the solution in more lines, where the reference is too short to be put in order. Raises ValueError for
    more than two decoys.
    """

    blank: str
    decoys: tuple[str, ...] = ()
    spelled: str = ""

    def __post_init__(self) -> None:
        """Refuse too many decoys."""
        if len(self.decoys) > MOST_DECOYS:
            raise ValueError(f"{len(self.decoys)} decoys, at most {MOST_DECOYS}: {self.decoys}")


@dataclass(frozen=True)
class StepLine:
    """One logical line of a program, which may be several lines of text, and how many levels it is indented."""

    text: str
    indent: int


def logical_lines(source: str) -> list[StepLine]:
    """The logical lines of Python source, without its comments and its docstrings."""
    found, level = [], 0
    lines = source.splitlines()
    start: int | None = None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.INDENT, tokenize.DEDENT):
            level += 1 if token.type == tokenize.INDENT else -1
        elif token.type == tokenize.NEWLINE and start is not None:
            text = textwrap.dedent("\n".join(lines[start - 1 : token.start[0]]))
            if not text.startswith('"""'):
                found.append(StepLine(text, level))
            start = None
        elif token.type not in (tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER) and start is None:
            start = token.start[0]
    return found


def program(lines: Sequence[StepLine]) -> str:
    """Python source with these lines."""
    return "\n".join(textwrap.indent(line.text, INDENT * line.indent) for line in lines) + "\n"


def blanked(solution: str, blank: str) -> str:
    """The solution without docstrings, with three dots in place of the blank.

    Raises ValueError where the blank occurs never or more than once.
    """
    source = program(logical_lines(solution))
    if (many := source.count(blank)) != 1:
        raise ValueError(f"the blank {blank!r} occurs {many} times in the solution, not once")
    return source.replace(blank, "...")


@dataclass(frozen=True)
class Puzzle:
    """The lines to put in order: `fixed` come first as they are, `shuffled` are movable, decoys among them."""

    fixed: tuple[StepLine, ...]
    shuffled: tuple[str, ...]

    @classmethod
    def of(cls, solution: str, decoys: Sequence[str], seed: str) -> "Puzzle":
        """Shuffle a solution's lines with the decoys; everything up to the last `def` line stays fixed."""
        lines = logical_lines(solution)
        last = max(place for place, line in enumerate(lines) if line.text.startswith("def "))
        movable = [line.text for line in lines[last + 1 :]] + list(decoys)
        right = list(movable)
        while movable == right:
            Random(seed).shuffle(movable)
            seed += "."
        return cls(tuple(lines[: last + 1]), tuple(movable))

    def assembled(self, placed: Sequence[tuple[int, int]]) -> str:
        """The program of the lines placed: pairs of a line's number and its levels below the `def`."""
        base = self.fixed[-1].indent + 1
        return program([*self.fixed, *(StepLine(self.shuffled[number], base + level) for number, level in placed)])


def solved(puzzle: Puzzle, solution: str) -> Iterator[tuple[int, int]]:
    """The places that give back the solution."""
    base = puzzle.fixed[-1].indent + 1
    free = list(range(len(puzzle.shuffled)))
    for line in logical_lines(solution)[len(puzzle.fixed) :]:
        number = next(number for number in free if puzzle.shuffled[number] == line.text)
        free.remove(number)
        yield number, line.indent - base
