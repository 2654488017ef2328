"""The closing summary: counts, distinct findings, known failures, and the verdict table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from conformance.grid import strata
from conformance.placements import PLACEMENTS
from conformance.records import Record
from conformance.verdict import SIGNS, worst

COLUMNS = ((True, False), (True, True), (False, False), (False, True))
HEADS = ("tied", "tied, ensure", "untied", "untied, ensure")
SHOWN = 3  # strata named with a finding
NARROW = 0.5  # a region of which fewer cases fail than this share is too wide


def summary_lines(records: Iterable[Record]) -> Iterator[str]:
    """The summary of a run, line by line."""
    found = list(records)
    counts = Counter(_label(record) for record in found)
    yield ", ".join(f"{counts[name]} {name}" for name in LABELS if counts[name]) or "nothing ran"
    for line in _findings(found):
        yield line
    for line in _regions(found):
        yield line
    table = verdict_table(found)
    if len(table) > 1:
        yield ""
        yield from _aligned(table)
        yield "  ".join(f"{sign} {name}" for name, sign in SIGNS.items())


LABELS = ("holds", "fails", "known", "fixed here", "not applicable", "not run", "error", "skipped")


def _label(record: Record) -> str:
    if record.result == "breaks":
        return "known" if record.reason.startswith("known: ") else "fails"
    return record.result


def _findings(records: list[Record]) -> Iterator[str]:
    seen: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.result == "breaks" and record.finding and _label(record) == "fails":
            seen[record.invariant, record.finding].append(record)
    for (invariant, finding), where in sorted(seen.items()):
        places = sorted({record.stratum for record in where if record.stratum})
        more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
        listed = ", ".join(places[:SHOWN]) + more
        yield f"finding: {invariant}, {finding} [{listed}]"


def _regions(records: list[Record]) -> Iterator[str]:
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for record in records:
        for name, (hits, judged) in record.known.items():
            totals[name][0] += hits
            totals[name][1] += judged
    for name, (hits, judged) in sorted(totals.items()):
        wide = " (too wide: narrow its region)" if judged and hits < NARROW * judged else ""
        yield f"known: {name} failed in {hits} of {judged} judged cases of its region{wide}"


def verdict_table(records: Iterable[Record], device: str = "") -> list[list[str]]:
    """Placements down, kinds of base across: the worst verdict of each stratum, with its share."""
    totals: dict[str, Counter[str]] = {}
    for record in records:
        if record.kind == "invariant" and record.verdicts:
            totals.setdefault(record.stratum, Counter(record.verdicts))
    devices = [device] if device else sorted({name.split("-")[0] for name in totals})
    rows = [["placement", *HEADS]]
    for name in devices:
        ids = {(s.placement, s.tied, s.ensure): s.id for s in strata((name,))}
        for placement in PLACEMENTS:
            cells = [totals.get(ids[(placement, *column)]) for column in COLUMNS]
            if any(cells):
                label = placement if len(devices) == 1 else f"{name} {placement}"
                rows.append([label, *(_cell(cell) for cell in cells)])
    return rows


def _cell(verdicts: Counter[str] | None) -> str:
    if not verdicts:
        return ""
    name = worst(dict(verdicts))
    total = sum(verdicts.values())
    share = "" if verdicts[name] == total else f" {verdicts[name]}/{total}"
    return f"{SIGNS[name]} {name}{share}"


def _aligned(table: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[n]) for row in table) for n in range(len(table[0]))]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
