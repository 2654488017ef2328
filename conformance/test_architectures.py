"""The grid on architectures beyond decoders: more members of a tie, other inputs, other tasks."""

from __future__ import annotations

from conformance.grid import Stratum
from conformance.invariants import Invariant
from conformance.records import Record
from conformance.session import Session
from conformance.strata import run_stratum


def test_architecture(
    stratum: Stratum, invariant: Invariant, suite: Session, record: Record
) -> None:
    """The invariant holds for every drawn life of the stratum, known failures apart."""
    __tracebackhide__ = True
    run_stratum("architecture", stratum, invariant, suite, record)
