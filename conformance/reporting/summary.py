"""The closing summary: counts, distinct findings, causes, and the verdict table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from conformance.causes.cause import SEVERITIES, Cause
from conformance.core.grid import strata
from conformance.core.placements import PLACEMENTS
from conformance.core.record import Record
from conformance.core.verdict import SIGNS, worst

COLUMNS = ((True, False), (True, True), (False, False), (False, True))
HEADS = ("tied", "tied, ensure", "untied", "untied, ensure")
TABLES = {"invariant": "placement", "architecture": "beyond decoders"}
"""The groups of families whose strata have a table of their own, and its first heading."""
SHOWN = 3  # strata named with a finding
MOST = 38  # causes listed, so that they come to at most 40 lines
ORDER = (*SEVERITIES, "documented", "arguable")


def summary_lines(
    records: Iterable[Record], causes: Mapping[str, Cause] | None = None, *, whole: bool = False
) -> Iterator[str]:
    """The summary of a run, line by line, with so many of the causes; ``whole`` lists all."""
    found = list(records)
    counts = Counter(label(record) for record in found)
    yield ", ".join(f"{counts[name]} {name}" for name in LABELS if counts[name]) or "nothing ran"
    for line in _findings(found):
        yield line
    for line in _causes(found, causes or {}, len(found) if whole else MOST):
        yield line
    tables = [table for kind in TABLES if len(table := verdict_table(found, kind=kind)) > 1]
    for table in tables:
        yield ""
        yield from _aligned(table)
    if tables:
        yield "  ".join(f"{sign} {name}" for name, sign in SIGNS.items())


LABELS = (
    "holds",
    "fails",
    "known",
    "arguable",
    "fixed here",
    "not applicable",
    "not judged",
    "not run",
    "error",
    "skipped",
)


def label(record: Record) -> str:
    """How an item ended, declared failures apart."""
    if record.result == "breaks":
        return record.declared or "fails"
    return record.result


def _findings(records: list[Record]) -> Iterator[str]:
    seen: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.result == "breaks" and record.finding and label(record) == "fails":
            seen[record.invariant, record.finding].append(record)
    for (invariant, finding), where in sorted(seen.items()):
        places = sorted({record.stratum for record in where if record.stratum})
        more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
        listed = ", ".join(places[:SHOWN]) + more
        told = f"{invariant}, {finding}" if invariant else finding  # a tuner's life is one item
        yield f"finding: {told} [{listed}]"


def _causes(records: list[Record], causes: Mapping[str, Cause], most: int) -> Iterator[str]:
    """The causes that were met, worst first, with how many items each breaks."""
    items: Counter[str] = Counter()
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for record in records:
        for name, (hits, judged) in record.known.items():
            items[name] += bool(hits)
            totals[name][0] += hits
            totals[name][1] += judged
    found = sorted((name for name in totals if items[name]), key=lambda n: _order(n, items, causes))
    for name in found[:most]:
        hits, judged = totals[name]
        cause = causes.get(name)
        what = f"{_standing(cause)}: " if cause else ""
        wide = "; its when is too wide" if cause and cause.too_wide(hits, judged) else ""
        link = f"; {cause.link}" if cause else ""
        told = f"{items[name]} items, {hits} of {judged} judged cases{wide}{link}"
        yield f"{what}{name}: {told}"
    if len(found) > most:
        yield f"and {len(found) - most} more causes: -v lists them"
    unmet = sorted(name for name in totals if not items[name])
    if unmet:
        yield f"causes whose cases all hold: {', '.join(unmet)}"


def _standing(cause: Cause) -> str:
    """How bad a cause is, or that nobody agrees that it is."""
    return cause.severity if cause.stands == "confirmed" else cause.stands


def _order(name: str, items: Counter[str], causes: Mapping[str, Cause]) -> tuple[int, int, str]:
    cause = causes.get(name)
    place = ORDER.index(_standing(cause)) if cause else len(ORDER)
    return place, -items[name], name


def verdict_table(
    records: Iterable[Record], device: str = "", *, kind: str = "invariant"
) -> list[list[str]]:
    """Placements down, kinds of base across: the worst verdict of each stratum, with its share."""
    totals = met(records, kind)
    devices = [device] if device else sorted({name.split("-")[0] for name in totals})
    rows = [[TABLES[kind], *HEADS]]
    for name in devices:
        every = strata((name,), placements=tuple(PLACEMENTS))
        ids = {(s.placement, s.tied, s.ensure): s.id for s in every}
        for placement in PLACEMENTS:
            cells = [totals.get(ids[(placement, *column)]) for column in COLUMNS]
            if any(cells):
                head = placement if len(devices) == 1 else f"{name} {placement}"
                rows.append([head, *(_cell(cell) for cell in cells)])
    return rows


def met(records: Iterable[Record], kind: str = "invariant") -> dict[str, Counter[str]]:
    """The lives of each stratum by verdict, from the item of a group that counted most of them.

    Lives that the versions cannot live do not count, unless they can live none of the stratum.
    """
    longest: dict[str, Record] = {}
    for record in records:
        if record.kind == kind and record.verdicts:
            before = longest.setdefault(record.stratum, record)
            if record.lives > before.lives:
                longest[record.stratum] = record
    return {stratum: _lived(record.verdicts) for stratum, record in longest.items()}


def _lived(verdicts: Mapping[str, int]) -> Counter[str]:
    lived = Counter({name: n for name, n in verdicts.items() if name != "not applicable"})
    return lived or Counter(verdicts)


def share(verdicts: Mapping[str, int]) -> str:
    """How many of the lives met the worst verdict, where not all did."""
    hits, total = verdicts[worst(dict(verdicts))], sum(verdicts.values())
    return "" if hits == total else f"{hits}/{total}"


def _cell(verdicts: Counter[str] | None) -> str:
    if not verdicts:
        return ""
    name = worst(dict(verdicts))
    return f"{SIGNS[name]} {name} {share(verdicts)}".rstrip()


def _aligned(table: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[n]) for row in table) for n in range(len(table[0]))]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
