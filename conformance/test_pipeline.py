"""A diffusers pipeline: every promise about its text encoder, on every variant of it."""

from __future__ import annotations

from conformance.invariants import Invariant
from conformance.loading.printed import told
from conformance.loading.runner import judge_loading
from conformance.outcome import conclude, tallied
from conformance.pipeline.case import PipelineCase
from conformance.pipeline.printed import failure_text
from conformance.records import Record
from conformance.session import Session


def test_pipeline(
    pipeline: PipelineCase, promise: Invariant, suite: Session, record: Record
) -> None:
    """The promise holds when this pipeline is saved and loaded, known failures apart."""
    __tracebackhide__ = True
    record.kind, record.invariant, record.stratum = "pipeline", promise.id, pipeline.id
    seen = suite.pipelines(pipeline)
    with tallied(record) as tally:
        judge_loading(promise, seen, suite.known, tally, suite.pipelines, text=failure_text)
    if "loaded" in seen.stages:
        record.heard = told(seen)
    conclude(record, tally, suite.known)
