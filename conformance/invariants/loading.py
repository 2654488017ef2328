"""Promises about what loading reports."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.invariants.invariant import INVARIANTS
from conformance.observation import LoadReport, Observation
from conformance.violation import Finding

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


@INVARIANTS.check(
    "load-report-is-clean",
    "Reloading reports no missing, unexpected or mismatched key and no newly initialised weight.",
    source="transformers output_loading_info; the UMT5 load reports",
    needs=("reloaded",),
    of_merge=True,
)
def load_report_is_clean(seen: Observation) -> Iterator[Finding]:
    report = seen.loading["reloaded"]
    yield from calls(report, "reloaded", "missing", "unexpected", "mismatched", "errors")
    for heard in seen.heard_at("reloaded"):
        if NEWLY.search(heard.text):
            line = next(line for line in heard.text.splitlines() if NEWLY.search(line))
            yield Finding("false-report", f"loading said: {line.strip()}", stage="reloaded")


@INVARIANTS.check(
    "base-load-tells-the-truth",
    "Whatever loading a base newly initialised was reported, and nothing else was.",
    source="transformers #43992; the UMT5 load reports",
    needs=("base",),
    applies=lambda seen: None if "base" in seen.loading else "the base was not loaded",
    judged_when_refused=True,
)
def base_load_tells_the_truth(seen: Observation) -> Iterator[Finding]:
    yield from untruths(seen.loading["base"], "base")
    yield from calls(seen.loading["base"], "base", "unexpected", "mismatched", "errors")
