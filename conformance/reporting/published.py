"""The pages in a folder of docs, and the results they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from conformance.causes.cause import Cause
from conformance.reporting import html, loading_page, markdown, tuners_page
from conformance.reporting.environments import Cell, combine
from conformance.reporting.inputs import (
    ReportError,
    causes_by_id,
    inside,
)
from conformance.reporting.results import read

KEPT = "results"
"""The folder of the docs that holds the results files."""
LOADS = "loads"
"""A folder among results files: runs of the loading items alone, one for each transformers."""
TUNERS = "tuners"
"""Another: runs of the tuners' items alone."""
PAGES: dict[str, Callable[[Sequence[Cell], Mapping[str, Cause]], str]] = {
    "matrix.md": markdown.render,
    "matrix.html": html.render,
    "loading.md": loading_page.render,
    "tuners.md": tuners_page.render,
}
FOLDERS = {"loading.md": LOADS, "tuners.md": TUNERS}
"""The pages that are made of a folder among the results."""


def rendered(name: str, cells: Sequence[Cell]) -> str:
    """One of the pages."""
    return PAGES[name](cells, causes_by_id())


def published(results: Path, page: str) -> list[Cell]:
    """The cells of a folder of results that a page is made of."""
    return combine(_whole(inside(results / FOLDERS.get(page, ""))))


def _whole(paths: Iterable[Path]) -> Iterable[read.Run]:
    for path in paths:
        run = read.read(path)
        if run.interrupted:
            raise ReportError(f"{path} is not of a whole run: {run.interrupted}")
        yield run
