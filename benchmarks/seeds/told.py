"""What is said of the run of a seed: a line of counts, and one of each undeclared finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from benchmarks.seeds.nearest import case_of, nearest
from conformance.core.record import DECLARED, Record
from conformance.known_failures.entry import KnownFailure
from conformance.reporting.summary import label


def failed(record: Record) -> bool:
    """Whether an item failed its run: it broke in a way that nobody declared, or was an error."""
    return label(record) in ("fails", "error")


def counts(records: Iterable[Record]) -> dict[str, int]:
    """Items by how they ended."""
    found = dict.fromkeys(("passed", "failed", *DECLARED, "skipped"), 0)
    for record in records:
        if failed(record):
            found["failed"] += 1
        elif record.declared:
            found[record.declared] += 1
        else:
            found["passed" if record.result == "holds" else "skipped"] += 1
    return found


def head(seed: int, records: Iterable[Record], seconds: float) -> str:
    """The line of a seed."""
    told = ", ".join(f"{number} {name}" for name, number in counts(records).items())
    return f"seed {seed}: {told}; {seconds:.0f} s"


def lines(records: Iterable[Record], entries: Iterable[KnownFailure]) -> Iterator[str]:
    """A line of each undeclared finding; of a failed item that has none, why it failed."""
    every = tuple(entries)
    for record in filter(failed, records):
        for violation in record.violations or [_without_finding(record)]:
            yield " | ".join((f"  {record.item}", *_parts(violation, every)))


def _without_finding(record: Record) -> dict[str, str]:
    told = record.finding or f"{record.result}: {record.reason}"
    return {"invariant": record.invariant, "finding": told, "case": record.case}


def _parts(violation: dict[str, str], entries: tuple[KnownFailure, ...]) -> tuple[str, ...]:
    invariant, finding, text = (violation[name] for name in ("invariant", "finding", "case"))
    case = case_of(text)
    near = nearest(invariant, finding, case, entries) if case is not None else None
    told = f"nearest: {near or 'nothing is declared of this kind'}"
    return (invariant or "no invariant", finding, text or "no case", told)
