"""What changed from one cell to another: verdicts, and promises that broke or were mended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.reporting.environments import Cell
from conformance.reporting.markdown import table, word
from conformance.reporting.summary import label

# how bad a verdict is for a user; what was not judged is on no scale
SEVERITY = {
    "holds": 0,
    "not applicable": 1,
    "refused": 1,
    "announced": 2,
    "late": 3,
    "silent": 4,
}
BAD = {"fails", "error"}


@dataclass(frozen=True)
class Change:
    """One difference: where, what it was, what it is, and whether that is a regression."""

    where: str
    before: str
    after: str
    regression: bool


def changes(before: Cell, after: Cell) -> list[Change]:
    """All differences, regressions first."""
    found = [*_verdicts(before, after), *_items(before, after)]
    return sorted(found, key=lambda change: not change.regression)


def _verdicts(before: Cell, after: Cell) -> Iterator[Change]:
    for stratum, was in before.squares.items():
        now = after.squares.get(stratum)
        if now is None or now.verdict == was.verdict:
            continue
        yield Change(stratum, word(was), word(now), _worse(was.verdict, now.verdict))


def _worse(was: str, now: str) -> bool:
    if was not in SEVERITY:
        return False
    return now not in SEVERITY or SEVERITY[now] > SEVERITY[was]


def _items(before: Cell, after: Cell) -> Iterator[Change]:
    told_before = {record.item: label(record) for record in before.run.records}
    told_after = {record.item: label(record) for record in after.run.records}
    for item, now in told_after.items():
        was = told_before.get(item, "absent")
        if (was in BAD) != (now in BAD):
            yield Change(item.rpartition("::")[2], was, now, now in BAD)
    for item, was in told_before.items():
        if item not in told_after and was in BAD:
            yield Change(item.rpartition("::")[2], was, "absent", regression=False)


def render(before: Cell, after: Cell) -> tuple[str, bool]:
    """The differences as Markdown, and whether one is a regression."""
    found = changes(before, after)
    lines = [f"From {before.name} to {after.name}:"]
    if not found:
        lines.append("nothing changed.")
        return " ".join(lines) + "\n", False
    worse = sum(change.regression for change in found)
    lines[0] += f" {worse} of {len(found)} changes are regressions."
    rows = [
        (change.where, change.before, change.after, "regression" if change.regression else "")
        for change in found
    ]
    lines.append(table(("where", "before", "after", ""), rows))
    return "\n\n".join(lines) + "\n", worse > 0
