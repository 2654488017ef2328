"""pytest plugins of the two kinds of run: what each item meets, and chosen items alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mutation.probes import MODULE


class Recording:
    """Writes what every item came to: its scope, CPU seconds, outcome, and the probes it met.

    Items of one scope share observations, so what the first meets belongs to all of them. At the
    start of a scope nothing may be left from the one before: ``forget`` sees to that.
    """

    def __init__(self, file: Path, scope: Callable[[str], str], forget: Any = None) -> None:
        self._file, self._scope, self._forget = file, scope, forget
        self._last = ""
        self._items: dict[str, dict[str, Any]] = {}
        self._outside: set[int] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Take the probes of one item."""
        scope = self._scope(item.nodeid)
        if self._forget and scope != self._last:
            self._forget(item.config)
        self._last = scope
        seen: set[int] = import_module(MODULE).SEEN
        self._outside |= seen
        seen.clear()
        before = time.process_time()
        result = yield
        row = self._items.setdefault(item.nodeid, {"outcome": "passed"})
        row |= {"scope": scope, "cpu": round(time.process_time() - before, 4)}
        row["seen"] = sorted(seen)
        seen.clear()
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst outcome of setup, call and teardown."""
        row = self._items.setdefault(report.nodeid, {"outcome": "passed"})
        if report.outcome != "passed" and row["outcome"] != "failed":
            row["outcome"] = report.outcome

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        told = {"items": self._items, "outside": sorted(self._outside)}
        self._file.write_text(json.dumps(told), encoding="utf-8")


class Chosen:
    """Runs these items in this order, and writes which was the first to fail."""

    def __init__(self, wanted: Sequence[str], file: Path) -> None:
        self._wanted = {nodeid: number for number, nodeid in enumerate(wanted)}
        self._file = file

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out the others."""
        others = [item for item in items if item.nodeid not in self._wanted]
        kept = [item for item in items if item.nodeid in self._wanted]
        kept.sort(key=lambda item: self._wanted[item.nodeid])
        items[:] = kept
        config.hook.pytest_deselected(items=others)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the first failure."""
        if report.failed and not self._file.exists():
            self._file.write_text(report.nodeid, encoding="utf-8")
