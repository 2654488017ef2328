"""Declared failures: each witness must still fail, and in the declared way, if not arguable."""

from __future__ import annotations

from conformance.core.invariant import Invariant
from conformance.core.record import Record
from conformance.known_failures.entry import KnownFailure
from conformance.running.context import Context
from conformance.running.witness import run_witness


def test_witness(
    entry: KnownFailure, invariant: Invariant, context: Context, record: Record
) -> None:
    """The witness breaks exactly this invariant as declared; fixed upstream means failing here."""
    __tracebackhide__ = True
    run_witness(entry, invariant, context, record)
