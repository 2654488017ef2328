"""One case given with ``--case``: every invariant."""

from __future__ import annotations

from conformance.case import Case
from conformance.invariants import Invariant
from conformance.outcome import conclude, require, tallied
from conformance.records import Record
from conformance.runner import judge_one
from conformance.session import Session


def test_case(case: Case, invariant: Invariant, suite: Session, record: Record) -> None:
    """The invariant holds for this case, known failures apart."""
    __tracebackhide__ = True
    record.kind, record.invariant = "case", invariant.id
    require(case.device, suite, record)
    with tallied(record) as tally:
        judge_one(case, invariant, suite.observer, suite.known, tally)
    conclude(record, tally, suite.known)
