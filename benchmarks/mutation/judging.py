"""A suite on one mutant: the items that can tell a difference, to the first failure."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from benchmarks.mutation.copies import SCOPE, mutant
from benchmarks.mutation.forking import Collected, Ended, forked, pytest_main, run_items
from benchmarks.mutation.plugins import Chosen
from benchmarks.mutation.recorded import Record
from benchmarks.mutation.sites import Site
from benchmarks.mutation.suites import Suite

KILLED = {1: "killed", 4: "killed at import"}  # pytest's exit statuses
Row = dict[str, Any]
Told = Callable[[Site, Row], None]


def judge(
    suite: Suite,
    record: Record,
    source: Path,
    chosen: Mapping[int, Site],
    *,
    imports: float,
    tell: Told,
    at_most: float = SCOPE["seconds"],
) -> None:
    """Run each mutant and tell of it; ``imports`` is what every run is charged.

    What ``at_most`` seconds stop before the scope's limit is left open: nothing is told of it.
    """

    def each(run: Callable[[Path, list[str], Path, float], Ended]) -> None:
        for number, site in chosen.items():
            wanted = record.meeting(number)
            if not wanted:
                tell(site, {"result": "survived", "by": "never met", "cpu": 0.0, "items": 0})
                continue
            with mutant(source, site) as folder:
                failed = folder / "failed.txt"
                limit = min(SCOPE["seconds"], at_most)
                ended = run(folder, wanted, failed, limit - imports)
                by = failed.read_text(encoding="utf-8") if failed.exists() else ""
            if ended.code != -signal.SIGXCPU or limit == SCOPE["seconds"]:
                tell(site, {**_row(ended, by, imports), "items": len(wanted)})

    if suite.imports_late:
        _collect_once(suite, each)
    else:
        each(
            lambda folder, wanted, failed, seconds: forked(
                folder,
                lambda: pytest_main(
                    suite.folder,
                    (*suite.arguments, "-x"),
                    (*suite.plugins, Chosen(wanted, failed)),
                ),
                seconds,
            )
        )


def _collect_once(
    suite: Suite, each: Callable[[Callable[[Path, list[str], Path, float], Ended]], None]
) -> None:
    """Collect in this process, where PEFT is not imported, and run items in forks of it."""

    def work(items: Mapping[str, pytest.Item]) -> None:
        each(
            lambda folder, wanted, failed, seconds: forked(
                folder, lambda: run_items([items[one] for one in wanted], failed), seconds
            )
        )

    sys.dont_write_bytecode = True
    with mock.patch("conformance.plugin.import_problem", return_value=None):
        code = pytest_main(suite.folder, suite.arguments, (*suite.plugins, Collected(work)))
    if code not in (0, 5):
        raise SystemExit(f"{suite.name} cannot be collected: pytest ends with {code}")


def _row(ended: Ended, by: str, imports: float) -> Row:
    result = KILLED.get(ended.code, "survived")
    if ended.code == -signal.SIGXCPU:
        by = f"no failure in {SCOPE['seconds']} s"
    elif result == "survived":
        by = "no failure" if ended.code == 0 else f"exit status {ended.code}"
    cpu = round(ended.cpu + imports, 1)
    return {"result": result, "by": by.partition("::")[2] or by, "cpu": cpu}
