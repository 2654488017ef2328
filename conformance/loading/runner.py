"""Running one loading item: one promise judges one loading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from conformance.invariants import Invariant
from conformance.known_failures import KnownFailures, undeclared
from conformance.loading.observation import LoadingObservation
from conformance.loading.observer import LoadingObserver
from conformance.loading.printed import failure_text
from conformance.runner import Tally
from conformance.violation import Finding, violation_class

FailureText = Callable[[Invariant, Sequence[Finding], Any], str]
"""What a failure prints; of an observation of its own kind."""


def judge_loading(
    promise: Invariant,
    seen: LoadingObservation,
    known: KnownFailures,
    tally: Tally,
    observer: LoadingObserver,
    *,
    text: FailureText = failure_text,
) -> None:
    """Judge and count one loading; raises a Violation for what nobody declared."""
    __tracebackhide__ = True
    judgement = promise.judge(seen)
    tally.add(seen.case, judgement, verdict="")
    findings, hit = undeclared(promise, judgement, seen, known)
    if judgement.verdict in {"holds", "breaks"}:
        tally.count(known.regions_of(promise.id, seen.case), hit)
    if judgement.findings:
        observer.confirm(seen)
        tally.example = seen.case, ()
    if findings:
        raise violation_class(promise.id, findings[0].kind)(text(promise, findings, seen))
