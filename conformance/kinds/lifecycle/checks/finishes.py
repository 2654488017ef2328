"""The promise that a life goes on to its end."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.documented_errors import rightly_refused
from conformance.core.finding import Finding
from conformance.core.observation import Observation
from conformance.kinds.lifecycle.checks.registry import INVARIANTS


@INVARIANTS.check(
    "life-completes",
    "No stage ends in an error nobody documented.",
    source="PEFT and transformers documentation",
    of_merge=True,
)
def life_completes(seen: Observation) -> Iterator[Finding]:
    for trouble in seen.troubles:
        if trouble.branch != "reader" and not rightly_refused(seen.case, trouble):
            what = f"{trouble.stage} ended in {trouble.type} from {trouble.origin}"
            what = f"{what}: {trouble.message}"
            yield Finding("unexpected-error", what, stage=trouble.stage, subject=trouble.type)
