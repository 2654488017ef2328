"""``python -m conformance report``: its arguments, and what it does with them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from conformance.causes.cause import Cause
from conformance.causes.read import CauseError
from conformance.reporting import (
    badges,
    changes,
    html,
    loading_page,
    markdown,
    terminal,
    tuners_page,
)
from conformance.reporting.environments import Cell, combine
from conformance.reporting.inputs import (
    NEEDS,
    ReportError,
    causes_by_id,
    check_package,
    inside,
    to_disk,
)
from conformance.reporting.loading_page import LoadingError
from conformance.reporting.results import read as results_read
from conformance.reporting.results.read import ResultsError
from conformance.reporting.tuners_page import TunersError

RENDERED: dict[str, Callable[[Sequence[Cell], Mapping[str, Cause]], str]] = {
    "markdown": markdown.render,
    "html": html.render,
    "loading": loading_page.render,
    "tuners": tuners_page.render,
}


def add_to(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``report`` to the subcommands."""
    parser = subcommands.add_parser(
        "report",
        help="combine results files into one report",
        description="Combine the results files of one or more cells into one report. Exit status "
        "0: made; 1: --compare found a regression; 2: something was wrong, and one sentence "
        "says what.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run, parser=parser)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every argument of the report."""
    add = parser.add_argument
    add(
        "files",
        nargs="*",
        type=Path,
        metavar="FILES",
        help="results files, one a cell; of a folder, its *.jsonl and *.jsonl.gz",
    )
    add(
        "--format",
        choices=tuple(NEEDS),
        default="terminal",
        help="terminal (the default), markdown, html: one page that needs nothing else, loading: "
        "what became of plain checkpoints, or tuners: what each tuner does to a tied model",
    )
    add("-o", "--output", type=Path, metavar="FILE", help="where to write (default: stdout)")
    add("--badges", type=Path, metavar="DIR", help="also write a shields badge for each cell")
    add(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("BEFORE", "AFTER"),
        help="instead, say what changed between two cells; exits 1 on a regression",
    )
    add(
        "--known-failures",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="causes of my own, for their links",
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the report; an error says in one sentence what is wrong and exits with 2."""
    parser: argparse.ArgumentParser = arguments.parser
    try:
        with results_read.many():
            return _compare(arguments) if arguments.compare else _report(arguments)
    except (ReportError, LoadingError, TunersError, ResultsError, CauseError) as error:
        return parser.exit(2, f"{parser.prog}: error: {error}\n")


def _compare(arguments: argparse.Namespace) -> int:
    if arguments.files or arguments.badges:
        raise ReportError("--compare takes its two files alone, without FILES and --badges")
    before, after = (results_read.read(path) for path in arguments.compare)
    found = combine([before, after])
    first, second = (_of(run, found) for run in (before, after))
    text, worse = changes.render(first, second)
    _write(arguments.output, text)
    return int(worse)


def _of(run: results_read.Run, cells: Sequence[Cell]) -> Cell:
    return next(cell for cell in cells if cell.run is run)


def _report(arguments: argparse.Namespace) -> int:
    if not arguments.files:
        raise ReportError("give one or more results files")
    check_package(arguments.format)
    cells = combine([results_read.read(path) for path in _files(arguments.files)])
    known = causes_by_id(arguments.known_failures)
    if arguments.badges:
        to_disk(lambda: badges.write(cells, arguments.badges), arguments.badges)
    if arguments.format == "terminal":
        with ExitStack() as stack:
            to = None
            if arguments.output:
                path = arguments.output
                to = stack.enter_context(to_disk(lambda: path.open("w", encoding="utf-8"), path))
            terminal.render(cells, to)
        return 0
    _write(arguments.output, RENDERED[arguments.format](cells, known))
    return 0


def _files(given: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        found += inside(path) if path.is_dir() else [path]
    return found


def _write(path: Path | None, text: str) -> None:
    if path is None:
        sys.stdout.write(text)
    else:
        to_disk(lambda: path.write_text(text, encoding="utf-8"), path)
