"""What a failure of a tuner prints."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.invariants import Invariant
from conformance.observation import Observation
from conformance.printed import entry_text, found_lines, indented
from conformance.tuners.case import TunerCase
from conformance.versions import one_line
from conformance.violation import Finding

ITEM = "conformance/test_tuners.py::test_tuner"


def failure_text(promise: Invariant, findings: Sequence[Finding], seen: Observation) -> str:
    """INVARIANT, CASE, FOUND, SOURCE, WITH, RERUN and KNOWN, in that order."""
    case = seen.case
    assert isinstance(case, TunerCase)
    return "\n".join(
        [
            f"INVARIANT {promise.id}: {promise.promise}",
            f"CASE      {case!r}",
            *found_lines(findings, seen),
            f"SOURCE    {promise.source}",
            f"WITH      {one_line()}",
            f"RERUN     {rerun(case, promise.id)}",
            "KNOWN     an entry for known_failures.toml:",
            *indented(known(case, promise.id, findings[0]).splitlines()),
        ]
    )


def rerun(case: TunerCase, promise: str) -> str:
    """A command that judges this life alone; declared failures fail too."""
    return f'pytest conformance --no-known-failures --invariant {promise} --case "{case!r}"'


def known(case: TunerCase, promise: str, finding: Finding) -> str:
    """The text of a known-failure entry for this tuner and placement."""
    region = ", ".join(
        [
            f"tied = {str(case.tied).lower()}",
            f"ensure = {str(case.ensure).lower()}",
            f'placement = "{case.placement}"',
            f'family = "{case.family}"',
            f'tuner = "{case.tuner}"',
            *([] if case.dtype == "float32" else [f'dtype = "{case.dtype}"']),
        ]
    )
    return entry_text(case, promise, finding, region)
