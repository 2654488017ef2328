"""``python -m conformance publish``: results as they are kept and shown in a folder of docs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from conformance.known_failures import OURS, KnownFailure, TableError
from conformance.report import loading, markdown, page, tuners
from conformance.report.cells import Cell, combine
from conformance.report.command import (
    ReportError,
    check_package,
    inside,
    known_by_id,
    to_disk,
)
from conformance.report.loading import LoadingError
from conformance.report.tuners import TunersError
from conformance.results import files, reader
from conformance.results.reader import ResultsError
from conformance.versions import cell_name

KEPT = "results"
"""The folder of the docs that holds the results files."""
LOADS = "loads"
"""A folder among results files: runs of the loading items alone, one for each transformers."""
TUNERS = "tuners"
"""Another: runs of the tuners' items alone."""
PAGES: dict[str, Callable[[Sequence[Cell], Mapping[str, KnownFailure]], str]] = {
    "matrix.md": markdown.render,
    "matrix.html": page.render,
    "loading.md": loading.render,
    "tuners.md": tuners.render,
}
FOLDERS = {"loading.md": LOADS, "tuners.md": TUNERS}
"""The pages that are made of a folder among the results."""


def add_to(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``publish`` to the subcommands."""
    parser = subcommands.add_parser(
        "publish",
        help="put a matrix and the results it is made of into a folder of docs",
        description="From the results files in RESULTS make DOCS/matrix.html, DOCS/matrix.md and "
        "DOCS/results/<cell>.jsonl.gz, in place of those there, from those in RESULTS/loads "
        "DOCS/loading.md and DOCS/results/loads, and from those in RESULTS/tuners DOCS/tuners.md "
        "and DOCS/results/tuners. RESULTS may be DOCS/results.",
    )
    parser.add_argument("results", type=Path, metavar="RESULTS", help="a folder of results files")
    parser.add_argument("docs", type=Path, metavar="DOCS", help="the folder to write into")
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Publish; what is wrong is one sentence, nothing is written, and the exit status is 2."""
    parser: argparse.ArgumentParser = arguments.parser
    try:
        with reader.many():
            publish(arguments.results, arguments.docs)
    except (ReportError, LoadingError, TunersError, ResultsError, TableError) as error:
        return parser.exit(2, f"{parser.prog}: error: {error}\n")
    return 0


def publish(results: Path, docs: Path) -> None:
    """Write the pages and the compressed results, and remove results that are of none of these."""
    check_package("html")
    if not results.is_dir():
        raise ReportError(f"{results} is not a folder")
    kept = docs / KEPT
    possible = [
        name for name in PAGES if name not in FOLDERS or files.inside(results / FOLDERS[name])
    ]
    made = _kept(results, kept)
    for name in FOLDERS.values():
        made |= _kept(results / name, kept / name)
    made |= {docs / name: rendered(name, published(results, name)).encode() for name in possible}
    for folder in dict.fromkeys(path.parent for path in made):
        to_disk(partial(folder.mkdir, parents=True, exist_ok=True), folder)
    for path, content in made.items():
        to_disk(partial(path.write_bytes, content), path)
    every = (kept, *(kept / name for name in FOLDERS.values()))
    for path in [one for folder in every for one in files.inside(folder)]:
        if path not in made:
            to_disk(path.unlink, path)


def _kept(results: Path, kept: Path) -> dict[Path, bytes]:
    """The results files of a folder, compressed, by where they are kept."""
    made: dict[Path, bytes] = {}
    found = files.inside(results)
    cells = combine(_whole(found)) if found else []
    for cell in cells:
        path = kept / f"{cell_name(cell.run.header['versions'])}{files.COMPRESSED}"
        if path in made:
            told = ", ".join(str(one.run.path) for one in cells if _same(one, cell))
            raise ReportError(f"there is more than one results file of a cell: {told}")
        made[path] = files.compressed(files.content(cell.run.path))
    return made


def rendered(name: str, cells: Sequence[Cell]) -> str:
    """One of the pages."""
    return PAGES[name](cells, known_by_id((OURS,)))


def published(results: Path, page: str) -> list[Cell]:
    """The cells of a folder of results that a page is made of."""
    return combine(_whole(inside(results / FOLDERS.get(page, ""))))


def _whole(paths: Iterable[Path]) -> Iterable[reader.Run]:
    for path in paths:
        run = reader.read(path)
        if run.interrupted:
            raise ReportError(f"{path} is not of a whole run: {run.interrupted}")
        yield run


def _same(one: Cell, other: Cell) -> bool:
    return cell_name(one.run.header["versions"]) == cell_name(other.run.header["versions"])
