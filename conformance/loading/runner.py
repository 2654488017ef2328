"""Running one loading item: one promise judges one loading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from conformance.invariants import Invariant
from conformance.known_failures import KnownFailures
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
    undeclared = []
    hit: set[str] = set()
    for finding in judgement.findings:
        entries = known.covering(promise.id, finding, seen)
        hit.update(entry.id for entry in entries)
        if not entries:
            undeclared.append(finding)
    if judgement.verdict in {"holds", "breaks"}:
        for name in {*known.regions_of(promise.id, seen.case), *hit}:
            tally.known[name] = [int(name in hit), 1]
    if judgement.findings:
        observer.confirm(seen)
        tally.example = seen.case, ()
    if undeclared:
        raise violation_class(promise.id, undeclared[0].kind)(text(promise, undeclared, seen))
