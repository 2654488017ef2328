"""Loading: every promise on every kind of checkpoint of every family, no adapter involved."""

from __future__ import annotations

from conformance.invariants import Invariant
from conformance.loading.case import LoadingCase
from conformance.loading.printed import told
from conformance.loading.runner import judge_loading
from conformance.outcome import conclude, require, tallied
from conformance.records import Record
from conformance.session import Session


def test_loading(loading: LoadingCase, promise: Invariant, suite: Session, record: Record) -> None:
    """The promise holds when this checkpoint is loaded, known failures apart."""
    __tracebackhide__ = True
    record.kind, record.invariant, record.stratum = "loading", promise.id, loading.id
    require(loading.device, suite, record)
    seen = suite.loadings(loading)
    with tallied(record) as tally:
        judge_loading(promise, seen, suite.known, tally, suite.loadings)
    if "loaded" in seen.stages:
        record.heard = told(seen)
    conclude(record, tally, suite.known)
