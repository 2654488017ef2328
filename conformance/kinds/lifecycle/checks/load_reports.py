"""Promises about what loading reports."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.finding import Finding
from conformance.core.load_report import NEWLY, calls, untruths
from conformance.core.observation import Observation
from conformance.kinds.lifecycle.checks.registry import INVARIANTS


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
