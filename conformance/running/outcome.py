"""From an item to its record and its report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from conformance.causes.known import Known
from conformance.core.errors import UnusableInput
from conformance.core.finding import Finding, Violation
from conformance.core.kind import Drawn, Item, Kind
from conformance.running.judge import judge_item
from conformance.running.tally import Tally

if TYPE_CHECKING:
    from conformance.core.record import Record
    from conformance.running.context import Context

LONGEST = 400  # characters of a warning that a record repeats
ITEM_RECORD: pytest.StashKey[Record] = pytest.StashKey()


def run_item(kind: Kind[Any, Any], item: Item[Any], context: Context, record: Record) -> None:
    """Judge an item, and end it: passed, skipped, an expected failure, or a Violation."""
    __tracebackhide__ = True
    record.kind, record.invariant, record.stratum = item.group, item.invariant, item.stratum
    require(item.device, context, record)
    unjudged = item.unjudged()
    if unjudged is not None:
        leave(record, unjudged.result, unjudged.reason, fails=unjudged.fails)
    cache = context.cache(kind)
    try:
        with tallied(record, kind) as tally:
            judge_item(kind, item, context.known, cache=cache, tally=tally)
    except UnusableInput as error:
        record.reason = str(error)
        pytest.fail(str(error), pytrace=False)
    if not isinstance(item.cases, Drawn) and len(item.cases) == 1:
        record.heard = kind.afterwards(cache(item.cases[0])) or record.heard
    conclude(record, tally, context.known)


def leave(record: Record, result: str, reason: str, *, fails: bool = False) -> None:
    """End an item that is not judged."""
    __tracebackhide__ = True
    record.result, record.reason = result, reason
    if fails:
        pytest.fail(f"not judged: {reason}", pytrace=False)
    pytest.skip(reason if result == "skipped" else f"{result}: {reason}")


def require(device: str, context: Context, record: Record) -> None:
    """Skip the item, with the reason, where its device is not here."""
    __tracebackhide__ = True
    reason = context.device_absent(device)
    if reason is not None:
        leave(record, "skipped", reason)


@contextmanager
def tallied(record: Record, kind: Kind[Any, Any]) -> Iterator[Tally]:
    """A tally that is copied into the record however the item ends."""
    tally = Tally()
    try:
        yield tally
    finally:
        fill(record, tally, kind)


def fill(record: Record, tally: Tally, kind: Kind[Any, Any]) -> None:
    """Copy what an item met into its record."""
    record.lives = len(tally.judged)
    record.judged = sum(verdict in {"holds", "breaks"} for verdict in tally.judged.values())
    record.known = tally.known
    record.verdicts = dict(tally.verdicts)
    if tally.worst is not None:
        record.worst, record.allowance = tally.worst.amount, tally.worst.allowance
    if tally.example is not None:
        case, told = tally.example
        record.case = kind.written(case)
        record.heard = list(dict.fromkeys(_on_one_line(text) for text in told))


def _on_one_line(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 3]}..."


def conclude(record: Record, tally: Tally, known: Known) -> None:
    """End an item in which nothing undeclared was found: pass, skip, or expected failure."""
    __tracebackhide__ = True
    record.result, record.reason = tally.outcome(known.arguable_ids)
    if record.result == "breaks":
        record.declared = tally.declared(known.arguable_ids)
        pytest.xfail(record.reason)
    if record.result != "holds":
        pytest.skip(f"{record.result}: {record.reason}")


def violations(error: BaseException | None) -> list[Violation]:
    """The violations an item raised; Hypothesis groups distinct ones."""
    if isinstance(error, Violation):
        return [error]
    grouped = getattr(error, "exceptions", ())
    found = [violation for inner in grouped for violation in violations(inner)]
    return found if len(found) == len(grouped) else []


def rewrite_report(
    report: pytest.TestReport, item: pytest.Item, call: pytest.CallInfo[None]
) -> Record:
    """Print violations as their own text and nothing else; returns the item's record."""
    record = item.stash[ITEM_RECORD]
    error = call.excinfo.value if call.excinfo else None
    found = violations(error)
    if report.failed and found:
        report.longrepr = "\n\n".join(str(violation) for violation in found)
        record.result = "breaks"
        record.finding = "; ".join(sorted({_in_short(one.finding) for one in found}))
        record.violations = [
            {
                "invariant": one.invariant,
                "case": one.case,
                "finding": _in_short(one.finding),
                "nearest": one.nearest,
            }
            for one in found
        ]
    elif report.failed and not isinstance(error, pytest.fail.Exception):
        # what an item fails itself, such as a witness that is fixed, it has already described
        record.result, record.reason = "error", str(error).split("\n")[0]
    return record


def _in_short(finding: Finding | None) -> str:
    """A finding without its amount, which another machine may see otherwise, on one line."""
    return f"{finding.kind}: {finding.what}".splitlines()[0] if finding else ""
