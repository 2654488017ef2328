"""A run of a suite on the package as it is: which items meet which mutants, and their cost."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.mutation.copies import watched
from benchmarks.mutation.forking import forked, pytest_main
from benchmarks.mutation.plugins import Recording
from benchmarks.mutation.sites import Site
from benchmarks.mutation.suites import Suite
from conformance.core.versions import versions


@dataclass(frozen=True)
class Record:
    """What the run said, as plain values: ``items`` by node id, and the run's CPU seconds."""

    items: Mapping[str, Mapping[str, Any]]
    outside: frozenset[int]
    cpu: float

    @property
    def sound(self) -> dict[str, Mapping[str, Any]]:
        """The items that do not fail on the package as it is."""
        return {name: row for name, row in self.items.items() if row["outcome"] != "failed"}

    def meeting(self, number: int) -> list[str]:
        """The items that a mutant can change, scopes together, the cheapest scopes first.

        What runs outside items, at import, can change all of them.
        """
        return self._ordered(lambda row: number in row["seen"] or number in self.outside)

    def whole(self) -> list[str]:
        """All of them, in that order."""
        return self._ordered(lambda _: True)

    def _ordered(self, wanted: Callable[[Mapping[str, Any]], bool]) -> list[str]:
        scopes: defaultdict[str, list[str]] = defaultdict(list)
        cost: defaultdict[str, float] = defaultdict(float)
        met = set()
        for name, row in self.sound.items():
            scopes[row["scope"]].append(name)
            cost[row["scope"]] += row["cpu"]
            if wanted(row):
                met.add(row["scope"])
        return [name for scope in sorted(met, key=cost.__getitem__) for name in scopes[scope]]


def recorded(suite: Suite, source: Path, chosen: Sequence[Site], folder: Path) -> Record:
    """The record kept in ``folder``, made where it is of other files or of other versions."""
    told = [
        _part(
            suite, (*files, *suite.options), folder / f"{suite.name}-{number}.json", source, chosen
        )
        for number, files in enumerate(suite.parts)
    ]
    return Record(
        {name: row for part in told for name, row in part["items"].items()},
        frozenset(number for part in told for number in part["outside"]),
        sum(part["cpu"] for part in told),
    )


def _part(
    suite: Suite, arguments: tuple[str, ...], kept: Path, source: Path, chosen: Sequence[Site]
) -> Mapping[str, Any]:
    """What one run said, or said before."""
    of = _of(suite, arguments, chosen)
    if kept.exists():
        before: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        if before["of"] == of:
            return before
    with watched(source, chosen) as copy:
        seen = copy / "seen.json"
        plugins = (*suite.plugins, Recording(seen, suite.scope, suite.forget))
        ended = forked(copy, lambda: pytest_main(suite.folder, arguments, plugins))
        if ended.code not in ({0} if suite.passes else {0, 1}):
            raise SystemExit(f"{suite.name} ends with {ended.code} as PEFT is:\n{ended.tail}")
        told = {**json.loads(seen.read_text(encoding="utf-8")), "of": of, "cpu": ended.cpu}
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(told), encoding="utf-8")
    return told


def _of(suite: Suite, arguments: tuple[str, ...], chosen: Sequence[Site]) -> str:
    """What a record is of: the suite's files and arguments, the mutants, and the versions."""
    digest = hashlib.sha256(repr((arguments, list(map(str, chosen)), versions())).encode())
    for file in suite.files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
