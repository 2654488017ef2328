"""The grid: every invariant on every stratum."""

from __future__ import annotations

import pytest

from conformance.grid import Stratum
from conformance.invariants import Invariant
from conformance.options import stratum_seed
from conformance.outcome import conclude, tallied
from conformance.records import Record
from conformance.runner import run_item
from conformance.session import Session


def test_invariant(stratum: Stratum, invariant: Invariant, suite: Session, record: Record) -> None:
    """The invariant holds for every drawn life of the stratum, known failures apart."""
    __tracebackhide__ = True
    record.kind, record.invariant, record.stratum = "invariant", invariant.id, stratum.id
    reason = suite.device_absent(stratum.device)
    if reason is not None:
        record.result, record.reason = "skipped", reason
        pytest.skip(reason)
    with tallied(record) as tally:
        run_item(
            stratum,
            invariant,
            observer=suite.observer,
            known=suite.known,
            families=suite.options.lived,
            stream=stratum_seed(suite.options.seed, stratum),
            examples=suite.options.examples,
            tally=tally,
        )
    conclude(record, tally)
