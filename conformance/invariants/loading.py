"""Promises about what loading reports."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.invariants.invariant import invariant
from conformance.observation import Observation
from conformance.violation import Finding

NEWLY = re.compile(r"newly initialized|MISSING|UNEXPECTED|MISMATCH", re.IGNORECASE)


@invariant(
    "load-report-is-clean",
    "Reloading reports no missing, unexpected or mismatched key and no newly initialised weight.",
    source="transformers output_loading_info; the UMT5 load reports",
    needs=("reloaded",),
)
def load_report_is_clean(seen: Observation) -> Iterator[Finding]:
    report = seen.loading["reloaded"]
    for kind in ("missing", "unexpected", "mismatched", "errors"):
        for key in getattr(report, kind):
            yield Finding("false-report", f"the load report calls {key} {kind}")
    for heard in seen.heard_at("reloaded"):
        if NEWLY.search(heard.text):
            line = next(line for line in heard.text.splitlines() if NEWLY.search(line))
            yield Finding("false-report", f"loading said: {line.strip()}")


@invariant(
    "base-load-tells-the-truth",
    "Whatever loading a base newly initialised was reported, and nothing else was.",
    source="transformers #43992; the UMT5 load reports",
    needs=("base",),
    applies=lambda seen: None if "base" in seen.loading else "the base was not loaded",
)
def base_load_tells_the_truth(seen: Observation) -> Iterator[Finding]:
    report = seen.loading["base"]
    said, done = set(report.missing), set(report.reinitialised)
    for key in sorted(said - done):
        yield Finding("false-report", f"{key} was called missing but was restored")
    for key in sorted(done - said):
        yield Finding("false-report", f"{key} was newly initialised and nobody said so")
    for kind in ("unexpected", "mismatched", "errors"):
        for key in getattr(report, kind):
            yield Finding("false-report", f"the load report calls {key} {kind}")
