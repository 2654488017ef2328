"""The grid: every invariant on every stratum, for decoder-only families."""

from __future__ import annotations

from conformance.grid import Stratum
from conformance.invariants import Invariant
from conformance.records import Record
from conformance.session import Session
from conformance.strata import run_stratum


def test_invariant(stratum: Stratum, invariant: Invariant, suite: Session, record: Record) -> None:
    """The invariant holds for every drawn life of the stratum, known failures apart."""
    __tracebackhide__ = True
    run_stratum("invariant", stratum, invariant, suite, record)
