"""``python -m conformance publish``: results as they are kept and shown in a folder of docs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from conformance.known_failures import OURS, KnownFailure, TableError
from conformance.report import markdown, page
from conformance.report.cells import Cell, combine
from conformance.report.command import (
    ReportError,
    check_package,
    inside,
    known_by_id,
    to_disk,
)
from conformance.results import files, reader
from conformance.results.reader import ResultsError
from conformance.versions import cell_name

KEPT = "results"
"""The folder of the docs that holds the results files."""
PAGES: dict[str, Callable[[Sequence[Cell], Mapping[str, KnownFailure]], str]] = {
    "matrix.md": markdown.render,
    "matrix.html": page.render,
}


def add_to(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``publish`` to the subcommands."""
    parser = subcommands.add_parser(
        "publish",
        help="put a matrix and the results it is made of into a folder of docs",
        description="From the results files in RESULTS make DOCS/matrix.html, DOCS/matrix.md and "
        "DOCS/results/<cell>.jsonl.gz, in place of those there. RESULTS may be DOCS/results.",
    )
    parser.add_argument("results", type=Path, metavar="RESULTS", help="a folder of results files")
    parser.add_argument("docs", type=Path, metavar="DOCS", help="the folder to write into")
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Publish; what is wrong is one sentence, nothing is written, and the exit status is 2."""
    parser: argparse.ArgumentParser = arguments.parser
    try:
        publish(arguments.results, arguments.docs)
    except (ReportError, ResultsError, TableError) as error:
        return parser.exit(2, f"{parser.prog}: error: {error}\n")
    return 0


def publish(results: Path, docs: Path) -> None:
    """Write the pages and the compressed results, and remove results that are of none of these."""
    check_package("html")
    if not results.is_dir():
        raise ReportError(f"{results} is not a folder")
    cells = combine(_whole(inside(results)))
    made: dict[Path, bytes] = {}
    for cell in cells:
        path = docs / KEPT / f"{cell_name(cell.run.header['versions'])}{files.COMPRESSED}"
        if path in made:
            told = ", ".join(str(one.run.path) for one in cells if _same(one, cell))
            raise ReportError(f"there is more than one results file of a cell: {told}")
        made[path] = files.compressed(files.content(cell.run.path))
    made |= {docs / name: rendered(name, cells).encode() for name in PAGES}
    to_disk(lambda: (docs / KEPT).mkdir(parents=True, exist_ok=True), docs / KEPT)
    for path, content in made.items():
        to_disk(partial(path.write_bytes, content), path)
    for path in files.inside(docs / KEPT):
        if path not in made:
            to_disk(path.unlink, path)


def rendered(name: str, cells: Sequence[Cell]) -> str:
    """One of the pages of a matrix."""
    return PAGES[name](cells, known_by_id((OURS,)))


def published(docs: Path) -> list[Cell]:
    """The cells whose results are kept in a folder of docs."""
    return combine(_whole(inside(docs / KEPT)))


def _whole(paths: Iterable[Path]) -> Iterable[reader.Run]:
    for path in paths:
        run = reader.read(path)
        if run.interrupted:
            raise ReportError(f"{path} is not of a whole run: {run.interrupted}")
        yield run


def _same(one: Cell, other: Cell) -> bool:
    return cell_name(one.run.header["versions"]) == cell_name(other.run.header["versions"])
