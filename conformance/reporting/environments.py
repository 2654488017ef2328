"""Cells: the results of one set of versions, with a verdict for each stratum of the grid."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conformance.core.grid import Stratum, strata
from conformance.core.record import Record
from conformance.core.verdict import worst
from conformance.core.versions import minor, parsed
from conformance.reporting.results.read import Run, same_grid
from conformance.reporting.summary import label, met, share

OTHERS = " on other architectures"
"""What is added to a stratum's id for its lives of other families than decoder-only ones."""


@dataclass(frozen=True)
class Square:
    """One stratum in one cell: its verdict, the share of lives that met it, and why not judged."""

    verdict: str
    share: str = ""
    reason: str = ""
    lives: Mapping[str, int] | None = None


@dataclass(frozen=True, eq=False)
class Cell:
    """One set of versions: a row or column of a report.

    ``squares`` are of the decoder-only families, ``beyond`` of the others. ``items`` maps a
    stratum to its records by invariant; those of the others have it with ``OTHERS``.
    """

    name: str
    run: Run
    squares: Mapping[str, Square]
    beyond: Mapping[str, Square]
    items: Mapping[str, Mapping[str, Record]]

    def version(self, package: str) -> str:
        """The version of a package in this cell."""
        return str(self.run.header["versions"].get(package, "not installed"))

    def square(self, stratum: str) -> Square | None:
        """The square of a stratum, or of one with ``OTHERS``; None where it was not asked for."""
        if stratum.endswith(OTHERS):
            return self.beyond.get(stratum.removesuffix(OTHERS))
        return self.squares.get(stratum)

    @cached_property
    def counts(self) -> Counter[str]:
        """Items by how they ended."""
        return Counter(label(record) for record in self.run.records)

    @cached_property
    def hits(self) -> frozenset[str]:
        """Ids of the causes that were met here."""
        met = (one.known.items() for one in self.run.records if one.known)
        return frozenset(name for known in met for name, (failed, _) in known if failed)

    @property
    def undeclared(self) -> list[Record]:
        """Items that break without being declared, and errors of the suite."""
        return [one for one in self.run.records if label(one) in {"fails", "error"}]


def combine(runs: Iterable[Run]) -> list[Cell]:
    """The cells in order of their versions; raises ResultsError unless all cover one grid."""
    found = sorted(runs, key=_order)
    same_grid(found)
    names = _names(found)
    return [_cell(run, name) for run, name in zip(found, names, strict=True)]


def _order(run: Run) -> tuple[Any, ...]:
    versions = run.header["versions"]
    packages = ("peft", "transformers", "torch", "python")
    return (*(parsed(versions.get(name, "")) for name in packages), run.path.name)


def _names(runs: Sequence[Run]) -> list[str]:
    """PEFT and transformers, and where that is not enough what else tells the cells apart."""
    shown = [("peft", "transformers"), ("torch",), ("python",)]
    names = [""] * len(runs)
    for packages in shown:
        twice = {name for name, count in Counter(names).items() if count > 1 or not name}
        for number, run in enumerate(runs):
            if names[number] in twice:
                told = [f"{p} {run.header['versions'].get(p, 'not installed')}" for p in packages]
                names[number] = ", ".join(filter(None, [names[number], *told]))
    for number, run in enumerate(runs):
        if "merger" in run.header:  # other merge code than PEFT's own
            names[number] += f", merged by {run.header['merger']}"
    twice = {name for name, count in Counter(names).items() if count > 1}
    return [
        f"{name}, {run.path.name}" if name in twice else name
        for name, run in zip(names, runs, strict=True)
    ]


def _cell(run: Run, name: str) -> Cell:
    items: dict[str, dict[str, Record]] = defaultdict(dict)
    for record in run.records:
        if record.kind in {"invariant", "architecture"}:
            whose = OTHERS if record.kind == "architecture" else ""
            items[record.stratum + whose][record.invariant] = record
    lived = met(run.records)
    squares = {
        stratum.id: _square(run, lived.get(stratum.id), items.get(stratum.id, {}).values())
        for stratum in asked(run)
    }
    others = {one: _lived(lives) for one, lives in met(run.records, "architecture").items()}
    return Cell(name, run, squares, others, items)


def asked(run: Run) -> list[Stratum]:
    """The strata that a run was asked for, in the grid's order."""
    covered = set(run.header["strata"])
    return [one for one in strata(tuple(run.header["devices"])) if one.on_any_device in covered]


def _square(run: Run, lives: Counter[str] | None, items: Iterable[Record]) -> Square:
    if run.import_problem:
        return Square("error", reason=run.import_problem)
    if lives:
        return _lived(lives)
    records = list(items)
    by_result = {record.result: record.reason for record in records}
    if "error" in by_result:
        return Square("error", reason=by_result["error"])
    if records:
        return Square("not run", reason=records[0].reason or "no life was counted")
    return Square("not run", reason=run.interrupted or "no item of it was selected")


def _lived(lives: Counter[str]) -> Square:
    return Square(worst(dict(lives)), share(lives), lives=dict(lives))


def devices(cells: Sequence[Cell]) -> list[str]:
    """The devices on which anything was judged, or all where nothing was."""
    every = list(dict.fromkeys(name for cell in cells for name in cell.run.header["devices"]))
    judged = {
        stratum.partition("-")[0]
        for cell in cells
        for stratum, square in cell.squares.items()
        if square.verdict not in {"not run", "error"}
    }
    return [name for name in every if name in judged] or every


def newest(cells: Sequence[Cell]) -> Cell:
    """The newest cell that was judged, or the newest where none was."""
    return next((cell for cell in reversed(cells) if not cell.run.import_problem), cells[-1])


def since(cell: Cell, stratum: str, cells: Sequence[Cell]) -> str:
    """From which PEFT on a stratum holds with this transformers, without a break.

    Nothing where it does not hold, or where no older PEFT was run with this transformers.
    """
    column = minor(cell.version("transformers"))
    line = [one for one in cells if minor(one.version("transformers")) == column]
    older = line[line.index(cell) :: -1]
    holding = 0
    while holding < len(older) and _holds(older[holding], stratum):
        holding += 1
    if not holding or len(older) == 1:
        return ""
    first = older[holding - 1].version("peft")
    return f"since {first}" if holding < len(older) else f"since {first} or before"


def _holds(cell: Cell, stratum: str) -> bool:
    square = cell.square(stratum)
    return square is not None and square.verdict == "holds"
