"""From a finished item to its report and its record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from conformance.known_failures import KnownFailures
from conformance.runner import Tally
from conformance.violation import Violation

if TYPE_CHECKING:
    from conformance.records import Record
    from conformance.session import Session

LONGEST = 400  # characters of a warning that a record repeats
ITEM_RECORD: pytest.StashKey[Record] = pytest.StashKey()


def violations(error: BaseException | None) -> list[Violation]:
    """The violations an item raised; Hypothesis groups distinct ones."""
    if isinstance(error, Violation):
        return [error]
    grouped = getattr(error, "exceptions", ())
    found = [violation for inner in grouped for violation in violations(inner)]
    return found if len(found) == len(grouped) else []


def fill(record: Record, tally: Tally) -> None:
    """Copy what an item met into its record."""
    record.lives = len(tally.judged)
    record.judged = sum(verdict in {"holds", "breaks"} for verdict in tally.judged.values())
    record.known = tally.known
    record.verdicts = dict(tally.verdicts)
    if tally.worst is not None:
        record.worst, record.allowance = tally.worst.amount, tally.worst.allowance
    if tally.example is not None:
        case, told = tally.example
        record.case = repr(case)
        record.heard = list(dict.fromkeys(_on_one_line(heard.text) for heard in told))


def _on_one_line(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 3]}..."


@contextmanager
def tallied(record: Record) -> Iterator[Tally]:
    """A tally that is copied into the record however the item ends."""
    tally = Tally()
    try:
        yield tally
    finally:
        fill(record, tally)


def require(device: str, suite: Session, record: Record) -> None:
    """Skip the item, with the reason, where its device is not here."""
    __tracebackhide__ = True
    reason = suite.device_absent(device)
    if reason is not None:
        record.result, record.reason = "skipped", reason
        pytest.skip(reason)


def conclude(record: Record, tally: Tally, known: KnownFailures) -> None:
    """End an item in which nothing undeclared was found: pass, skip, or expected failure."""
    __tracebackhide__ = True
    record.result, record.reason = tally.outcome(known.arguable_ids)
    if record.result == "breaks":
        record.declared = tally.declared(known.arguable_ids)
        pytest.xfail(record.reason)
    if record.result != "holds":
        pytest.skip(f"{record.result}: {record.reason}")


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
        record.finding = "; ".join(sorted({_first_found(str(v)) for v in found}))
        record.violations = [_in_short(str(violation)) for violation in found]
    elif report.failed and not isinstance(error, pytest.fail.Exception):
        # what an item fails itself, such as a witness that is fixed, it has already described
        record.result, record.reason = "error", str(error).split("\n")[0]
    return record


def _in_short(text: str) -> dict[str, str]:
    """What a record keeps of a violation's text: the first lines of three of its headings."""
    parts = {"invariant": r"^INVARIANT (\S+):", "case": r"^CASE +(.*)$"}
    found = {name: re.search(pattern, text, re.MULTILINE) for name, pattern in parts.items()}
    told = {name: match[1] if match else "" for name, match in found.items()}
    return {**told, "finding": _first_found(text)}


def _first_found(text: str) -> str:
    match = re.search(r"^FOUND\s+(.*)$", text, re.MULTILINE)
    return re.sub(r" by .*$", "", match[1]) if match else ""
