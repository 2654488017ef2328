"""Recorded cases: each must satisfy the invariants its file names."""

from __future__ import annotations

from conformance.invariants import Invariant
from conformance.outcome import conclude, tallied
from conformance.records import Record
from conformance.regressions.reader import Regression
from conformance.runner import judge_one
from conformance.session import Session


def test_regression(
    regression: Regression, invariant: Invariant, suite: Session, record: Record
) -> None:
    """The recorded case keeps the promise, or a known failure says that it does not."""
    __tracebackhide__ = True
    __tracebackhide__ = True
    record.kind, record.invariant = "regression", invariant.id
    with tallied(record) as tally:
        judge_one(regression.case, invariant, suite.observer, suite.known, tally)
    conclude(record, tally)
