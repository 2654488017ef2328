"""A suite on one mutant: the items that can tell a difference, to the first failure."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import pytest

from benchmarks.mutation.copies import SCOPE, mutant
from benchmarks.mutation.forking import Collected, Ended, forked, pytest_main, run_items
from benchmarks.mutation.plugins import Chosen
from benchmarks.mutation.recorded import Record
from benchmarks.mutation.sites import Site
from benchmarks.mutation.suites import Suite
from conformance.upstream import tuner_types

KILLED = {1: "killed", 4: "killed at import"}  # pytest's exit statuses
Row = dict[str, Any]
Told = Callable[[Site, Row], None]


Run = Callable[[Path, list[str], Path, float], Ended]


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

    def each(run: Run) -> None:
        for number, site in chosen.items():
            wanted = record.meeting(number)
            if not wanted:
                tell(site, {"result": "survived", "by": "never met", "cpu": 0.0, "items": 0})
                continue
            limit = min(SCOPE["seconds"], at_most)
            ended, by = _one(run, source, site, wanted, limit - imports)
            if ended.code != -signal.SIGXCPU or limit == SCOPE["seconds"]:
                tell(site, {**_row(ended, by, imports), "items": len(wanted)})

    _prepared(suite, each)


def control(suite: Suite, record: Record, source: Path) -> str:
    """The item that fails, run as for a mutant, on a copy that no one changed; none should."""
    failed: list[str] = []

    def once(run: Run) -> None:
        ended, by = _one(run, source, None, record.whole(), 0)
        failed.append(by if ended.code else "")

    _prepared(suite, once)
    return failed[0]


def _one(
    run: Run, source: Path, site: Site | None, wanted: list[str], seconds: float
) -> tuple[Ended, str]:
    """A run of items on one copy, and the item that failed."""
    with mutant(source, site) as folder:
        failed = folder / "failed.txt"
        ended = run(folder, wanted, failed, seconds)
        by = failed.read_text(encoding="utf-8") if failed.exists() else ended.tail
    return ended, by


def _prepared(suite: Suite, use: Callable[[Run], None]) -> None:
    """Hand over how items of a suite are run."""
    if suite.imports_late:
        _collect_once(suite, use)
    else:
        use(
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


def _collect_once(suite: Suite, use: Callable[[Run], None]) -> None:
    """Collect in this process, where PEFT is not imported, and run items in forks of it.

    The items of the tuners depend on which tuners PEFT has: a fork that may import it says.
    """

    def work(items: Mapping[str, pytest.Item]) -> None:
        use(
            lambda folder, wanted, failed, seconds: forked(
                folder, lambda: run_items([items[one] for one in wanted], failed), seconds
            )
        )

    sys.dont_write_bytecode = True
    with (
        mock.patch("conformance.hooks.import_problem", return_value=None),
        mock.patch("conformance.upstream.tuner_types.tuners", return_value=_tuners()),
    ):
        code = pytest_main(suite.folder, suite.arguments, (*suite.plugins, Collected(work)))
    if code not in (0, 5):
        raise SystemExit(f"{suite.name} cannot be collected: pytest ends with {code}")


def _tuners() -> dict[str, str]:
    """What ``compat.tuners`` says, asked in a fork."""
    with TemporaryDirectory(prefix="tuners-") as folder:
        told = Path(folder) / "tuners.json"

        def ask() -> int:
            told.write_text(json.dumps(dict(tuner_types.tuners())), encoding="utf-8")
            return 0

        forked(Path(folder), ask)
        found: dict[str, str] = json.loads(told.read_text(encoding="utf-8"))
        return found


def _row(ended: Ended, by: str, imports: float) -> Row:
    result = KILLED.get(ended.code, "survived")
    if result != "survived":
        by = by.partition("::")[2]
    elif ended.code == -signal.SIGXCPU:
        by = f"no failure in {SCOPE['seconds']} s"
    else:
        by = "no failure" if ended.code == 0 else f"exit status {ended.code}"
    cpu = round(ended.cpu + imports, 1)
    return {"result": result, "by": by, "cpu": cpu}
