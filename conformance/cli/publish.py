"""``python -m conformance publish``: results are kept and shown in a folder of docs."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from conformance.causes.read import CauseError
from conformance.core.versions import cell_name
from conformance.reporting.environments import Cell, combine
from conformance.reporting.inputs import (
    ReportError,
    check_package,
    to_disk,
)
from conformance.reporting.loading_page import LoadingError
from conformance.reporting.published import FOLDERS, KEPT, PAGES, _whole, published, rendered
from conformance.reporting.results import files, read
from conformance.reporting.results.read import ResultsError
from conformance.reporting.tuners_page import TunersError


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
        with read.many():
            publish(arguments.results, arguments.docs)
    except (ReportError, LoadingError, TunersError, ResultsError, CauseError) as error:
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


def _same(one: Cell, other: Cell) -> bool:
    return cell_name(one.run.header["versions"]) == cell_name(other.run.header["versions"])
