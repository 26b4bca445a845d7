"""The class report: `python -m labkit.teach.report FOLDER -o report.html`.

FOLDER holds what learners handed in: progress files (from `progress.export()`) and notebooks, best in one folder a
learner. Nothing leaves the machine, and no file of the folder is changed.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import count
from pathlib import Path

from tqdm import tqdm  # type: ignore[import-untyped]

from labkit.teach.cells.words import counted
from labkit.teach.record.progress import as_file_name
from labkit.teach.report.files import Class, files_below, read_class
from labkit.teach.report.grades import CANVAS, MOODLE, export
from labkit.teach.report.pages import class_page, learner_page
from labkit.teach.report.rerun import DEFAULT_LIMITS, FORGEABLE, rerun_class
from labkit.teach.report.sandbox import Limits, why_not
from labkit.teach.report.spreadsheet import write_csv
from labkit.teach.report.tables import tables
from labkit.teach.report.watch import watch

"""After so many seconds a line says how far the work has come."""

OPEN_ROOM = (
    "With --with-my-rights it runs all the same: learners' code can then read and change your files, use your keys and "
    "the network, and stay when the report ends; do that only in a container or under an account that owns nothing"
)

EPILOG = """\
One folder a learner is best (class/ada/..., class/ben/...); a progress file says whose it is, a notebook belongs to its
folder's learner. Broken, foreign, hidden and too large files, links and second files of one learner are named in the
report and skipped; files that were changed are counted and marked.

  python -m labkit.teach.report.demo_class class        a generated class to try this with
  python -m labkit.teach.report class -o report.html --csv --pages
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the report that the command line asks for and give the exit code: 0, or 1 when there is no learner."""
    asked = _parser().parse_args(arguments)
    out: Path = asked.output
    if out.suffix.lower() not in (".html", ".htm"):
        return _refused(f"-o is {out}: the report is a web page, so give a name that ends in .html")
    if on_path(asked.folder):
        return _refused(
            f"{asked.folder} is on Python's path, so that a file handed in there could run as one of Python's own "
            "modules: start the report from the folder of the workbook, or with python -P"
        )
    if asked.watch:
        return _watched(asked.folder, asked.port)
    if asked.rerun and not asked.with_my_rights and (missing := why_not()):
        return _refused(f"--rerun runs learners' code in a closed room, and there is none here: {missing}. {OPEN_ROOM}")
    try:
        paths = files_below(asked.folder)
    except NotADirectoryError as error:
        return _refused(str(error))
    class_ = read_class(asked.folder, tqdm(paths, unit="file", delay=2, leave=False, disable=None))
    if not class_.students:
        for one in class_.files:
            print(f"  {one.path}: {one.why}", file=sys.stderr)
        return _refused(f"no learner was found in {asked.folder}, which holds {len(paths):,} files")
    if asked.rerun:
        rerun_class(class_, Limits(asked.seconds, asked.megabytes), closed=not asked.with_my_rights)
        print(FORGEABLE, file=sys.stderr)
    try:
        for line in write(class_, out, csv_too=asked.csv, pages_too=asked.pages, plain=asked.plain):
            print(line)
        for form in asked.grades:
            print(export(class_.students, form, out.with_name(f"{out.stem}_grades"), asked.roster))
    except ValueError as error:
        return _refused(str(error))
    except OSError as error:
        return _refused(f"the report cannot be written to {error.filename} ({error.strerror}): give another -o")
    return 0


def write(
    class_: Class, out: Path, csv_too: bool = False, pages_too: bool = False, plain: bool = False
) -> Iterator[str]:
    """Write the report, its charts as pictures if `plain`, and when asked for, CSV files and learners' pages into
    folders beside it; gives a sentence for each. Raises OSError when they cannot be written.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    links: dict[str, str] = {}
    if pages_too:
        place = out.with_name(f"{out.stem}_pages")
        links = _write_pages(class_, place)
        yield f"{place}: {len(links):,} pages, one a learner"
    if csv_too:
        place = out.with_name(f"{out.stem}_csv")
        yield f"{place}: {', '.join(_write_csv(class_, place))}"
    out.write_text(class_page(class_, links, plain), "utf-8", "replace")
    skipped = sum(one.fate == "skipped" for one in class_.files)
    marked = sum(one.fate == "marked" for one in class_.files)
    read = f"{counted(len(class_.students), 'learner')}, {counted(len(class_.files), 'file')}"
    yield f"{out}: {read}, {skipped:,} skipped, {marked:,} marked"


def on_path(folder: Path) -> bool:
    """Say if Python looks for modules in this folder or below it, as it does where it was started there."""
    place = folder.resolve()
    return any(Path(entry or ".").resolve().is_relative_to(place) for entry in sys.path)


def _write_csv(class_: Class, place: Path) -> Iterable[str]:
    place.mkdir(parents=True, exist_ok=True)
    for table in tables(class_):
        write_csv(place / f"{table.name}.csv", table.head, table.rows)
        yield f"{table.name}.csv"


def _write_pages(class_: Class, place: Path) -> dict[str, str]:
    place.mkdir(parents=True, exist_ok=True)
    links: dict[str, str] = {}
    for student in tqdm(class_.students, unit="page", delay=2, leave=False, disable=None):
        name = _free_name(as_file_name(student.name), {link.rpartition("/")[2] for link in links.values()})
        (place / name).write_text(learner_page(student, class_.generated), "utf-8", "replace")
        links[student.name] = f"{place.name}/{name}"
    return links


def _free_name(stem: str, taken: Set[str]) -> str:
    """A file name of this stem that is not taken, numbered from the second on."""
    names = (f"{stem}{f'-{number}' if number > 1 else ''}.html" for number in count(1))
    return next(name for name in names if name not in taken)


def _watched(folder: Path, port: int) -> int:
    if not folder.is_dir():
        return _refused(f"{folder} is no folder: give the one that holds the class's progress folders")
    try:
        return watch(folder, port)
    except OSError as error:
        return _refused(f"port {port} cannot be had ({error.strerror}): give another --port")


def _refused(sentence: str) -> int:
    print(f"labkit.teach.report: {sentence}.", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m labkit.teach.report",
        description="Who learned what: one report from the progress files and notebooks that a class handed in.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the files of the class are")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("report.html"), metavar="FILE", help="default: report.html"
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="write nothing; serve a page to this machine alone: who is where, and the commonest wrong ideas of the "
        "last ten minutes, without names until asked",
    )
    parser.add_argument("--port", type=int, default=0, help="of --watch (default: a free one)")
    _add_what_is_written(parser)
    _add_rerun(parser)
    return parser


def _add_what_is_written(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--csv", action="store_true", help="also write every table as CSV, into FILE_csv/")
    parser.add_argument("--pages", action="store_true", help="also write one page a learner, into FILE_pages/")
    parser.add_argument(
        "--grades", action="append", default=[], choices=(CANVAS, MOODLE),
        help="also write what changed in the grades since the last export, in the form that this system imports, into "
        "FILE_grades/",
    )  # fmt: skip
    parser.add_argument(
        "--roster", type=Path, metavar="CSV", help="of --grades: the school's list, to find learners' ids in by name"
    )
    parser.add_argument(
        "--plain",
        action="store_true",
        help="charts as pictures and a page without scripts, five megabytes smaller",
    )


def _add_rerun(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rerun",
        action="store_true",
        help="execute each notebook from a clean kernel and take what its checks say, in a closed room of bounded "
        "time, memory and disk, without your files and the network; refused where the system has no such room",
    )
    parser.add_argument(
        "--with-my-rights",
        action="store_true",
        help="DANGEROUS, with --rerun: where there is no closed room, run learners' code with your rights, in reach of "
        "your files, your keys and the network",
    )
    parser.add_argument(
        "--seconds", type=float, default=DEFAULT_LIMITS.seconds, help="of a rerun, for each notebook (%(default)g)"
    )
    parser.add_argument(
        "--megabytes",
        type=int,
        default=DEFAULT_LIMITS.megabytes,
        help="of memory in a rerun, for each notebook (%(default)s)",
    )


if __name__ == "__main__":
    sys.exit(main())
