"""A user's own configuration: every promise on its life."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.invariants import Invariant
from conformance.outcome import conclude, tallied
from conformance.own.items import ANSWER, judge_own
from conformance.records import Record
from conformance.session import Session


def test_own(
    own: Invariant,
    suite: Session,
    record: Record,
    record_property: Callable[[str, object], None],
) -> None:
    """The promise holds for this model with this adapter."""
    __tracebackhide__ = True
    assert suite.own is not None
    record.kind, record.invariant = "own", own.id
    record_property(ANSWER, suite.own.told)
    if suite.own.vacuous:
        record.result, record.reason = "not run", suite.own.vacuous
        if own.id == "life-completes":
            pytest.fail(f"not judged: {suite.own.vacuous}", pytrace=False)
        pytest.skip(f"not run: {suite.own.vacuous}")
    with tallied(record) as tally:
        judge_own(own, suite.own, tally)
    conclude(record, tally, suite.known)
