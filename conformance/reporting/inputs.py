"""What reports are made of: files that were named, packages, the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from conformance.causes.cause import Cause
from conformance.causes.read import ours, read
from conformance.reporting.results import files

Anything = TypeVar("Anything")
NEEDS = {"terminal": "rich", "markdown": "", "html": "jinja2", "loading": "", "tuners": ""}
"""Formats, and the package each needs."""


class ReportError(ValueError):
    """A report that cannot be made; one sentence says why."""


def check_package(form: str) -> None:
    """Raise ReportError where what a format needs is not installed."""
    package = NEEDS[form]
    if package and find_spec(package) is None:
        extra = "pip install 'peft-conformance[report]'"
        raise ReportError(f"--format {form} needs {package}: {extra} brings it")


def inside(folder: Path) -> list[Path]:
    """The results files of a folder; raises ReportError where there is none."""
    found = files.inside(folder)
    if not found:
        raise ReportError(f"the folder {folder} holds no *.jsonl and no *.jsonl.gz")
    return found


def causes_by_id(files: Iterable[Path] = ()) -> dict[str, Cause]:
    """Our causes and those of a user's files, which reports link to; raises CauseError."""
    every = (*ours(), *(cause for path in files for cause in read(path)))
    return {cause.id: cause for cause in every}


def to_disk(action: Callable[[], Anything], path: Path) -> Anything:
    """Do what writes; raises ReportError where the disk does not let it."""
    try:
        return action()
    except OSError as error:
        raise ReportError(f"cannot write {path}: {error.strerror or error}") from None
