"""Recorded cases: each must satisfy the invariants its file names."""

from __future__ import annotations

from conformance.invariants import Invariant
from conformance.loading.case import LoadingCase
from conformance.loading.runner import judge_loading
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
    record.kind, record.invariant = "regression", invariant.id
    case = regression.case
    with tallied(record) as tally:
        if isinstance(case, LoadingCase):
            seen = suite.loadings(case)
            judge_loading(invariant, seen, suite.known, tally, suite.loadings)
        else:
            judge_one(case, invariant, suite.observer, suite.known, tally)
    conclude(record, tally, suite.known)
