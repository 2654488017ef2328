"""What is said of the run of a seed: a line of counts, and one of each undeclared finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.causes.cause import NARROW, Cause
from conformance.core.record import DECLARED, Record
from conformance.reporting.summary import label

SELDOM = 3
"""A cause that rests on fewer broken cases of a run may be missed by another one."""


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


def lines(records: Iterable[Record]) -> Iterator[str]:
    """A line of each undeclared finding; of a failed item that has none, why it failed."""
    for record in filter(failed, records):
        for violation in record.violations or [_without_finding(record)]:
            yield " | ".join((f"  {record.item}", *_parts(violation)))


def _without_finding(record: Record) -> dict[str, str]:
    told = record.finding or f"{record.result}: {record.reason}"
    return {"invariant": record.invariant, "finding": told, "case": record.case}


def _parts(violation: dict[str, str]) -> tuple[str, ...]:
    invariant, finding, text = (violation[name] for name in ("invariant", "finding", "case"))
    told = f"nearest: {violation.get('nearest') or 'no cause is about such a finding'}"
    return (invariant or "no invariant", finding, text or "no case", told)


@dataclass
class Met:
    """A cause over some seeds: in how many runs it was met, and broken of judged cases.

    A case counts once in each item that judges it: a life once for each invariant that the cause
    explains something of, a tuner's life once. A program ends where it first breaks: it counts for
    what it breaks, and where it breaks nothing for all causes that are about it.
    """

    runs: int = 0
    broken: int = 0
    judged: int = 0
    fewest: int = 0
    """Broken cases in the run that has fewest of them."""

    @property
    def share(self) -> float:
        """How many of the judged cases that its ``when`` has break as it says."""
        return self.broken / self.judged if self.judged else 0.0


def met(runs: Iterable[Iterable[Record]]) -> dict[str, Met]:
    """What each cause came to over several runs."""
    every = [_of_a_run(records) for records in runs]
    names = dict.fromkeys(name for here in every for name in here)
    each = {name: [here.get(name, (0, 0)) for here in every] for name in names}
    return {
        name: Met(
            runs=sum(bool(hits) for hits, _ in counts),
            broken=sum(hits for hits, _ in counts),
            judged=sum(judged for _, judged in counts),
            fewest=min(hits for hits, _ in counts),
        )
        for name, counts in each.items()
    }


def _of_a_run(records: Iterable[Record]) -> dict[str, tuple[int, int]]:
    """Broken and judged cases of each cause."""
    here: dict[str, tuple[int, int]] = {}
    for record in records:
        for name, (hits, judged) in record.known.items():
            before = here.get(name, (0, 0))
            here[name] = (before[0] + hits, before[1] + judged)
    return here


def shares(found: Mapping[str, Met], runs: int, causes: Mapping[str, Cause]) -> Iterator[str]:
    """A line of each cause, the widest first, with why it is wide where that is known."""
    for name, one in sorted(found.items(), key=lambda item: item[1].share):
        cause = causes.get(name)
        wide = ""
        if cause and one.share < NARROW:
            wide = "  too wide" if cause.too_wide(one.broken, one.judged) else f"  {cause.wide}"
        told = f"{one.broken} of {one.judged} judged ({one.share:.0%})"
        seldom = f", seldom: {one.fewest} in a run" if one.fewest < SELDOM else ""
        yield f"{name}: met in {one.runs} of {runs} runs, {told}{seldom}{wide}"
