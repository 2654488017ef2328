"""What a load report got wrong, as findings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.core.finding import Finding
from conformance.core.observation import LoadReport

NEWLY = re.compile(r"newly initialized|MISSING|UNEXPECTED|MISMATCH", re.IGNORECASE)


def calls(report: LoadReport, stage: str, *kinds: str) -> Iterator[Finding]:
    """A finding for each key that the report of a stage names under one of these kinds."""
    for kind in kinds:
        for key in getattr(report, kind):
            what = f"the load report calls {key} {kind}"
            yield Finding("false-report", what, stage=stage, subject=key)


def false_alarms(report: LoadReport, stage: str) -> Iterator[Finding]:
    """A finding for each key called missing and restored."""
    for key in sorted(set(report.missing) - set(report.reinitialised)):
        what = f"{key} was called missing but was restored"
        yield Finding("false-report", what, stage=stage, subject=key)


def untruths(report: LoadReport, stage: str) -> Iterator[Finding]:
    """A finding for each key called missing and restored, or newly initialised in silence."""
    yield from false_alarms(report, stage)
    said, done = set(report.missing), set(report.reinitialised)
    for key in sorted(done - said):
        what = f"{key} was newly initialised and nobody said so"
        yield Finding("false-report", what, stage=stage, subject=key)
