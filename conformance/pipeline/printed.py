"""What a failure of a pipeline prints."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.invariants import Invariant
from conformance.loading.printed import laid_out
from conformance.pipeline.available import PACKAGE
from conformance.pipeline.observation import PipelineObservation
from conformance.printed import entry_text
from conformance.versions import installed
from conformance.violation import Finding

ITEM = "conformance/test_pipeline.py::test_pipeline"


def failure_text(promise: Invariant, findings: Sequence[Finding], seen: PipelineObservation) -> str:
    """INVARIANT, CASE, FOUND, SOURCE, WITH, RERUN and KNOWN, in that order."""
    where = f'variant = "{seen.case.variant}"'
    return laid_out(
        promise,
        findings,
        seen,
        again=rerun(seen, promise.id),
        entry=entry_text(seen.case, promise.id, findings[0], where),
        versions=f", {PACKAGE} {installed(PACKAGE)}",
    )


def rerun(seen: PipelineObservation, promise: str) -> str:
    """A command that judges this pipeline alone; declared failures fail too."""
    return f"pytest --no-known-failures '{ITEM}[{seen.case.id}-{promise}]'"
