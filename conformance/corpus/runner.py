"""Running one item of a corpus: one promise judges every kept life of a stratum."""

from __future__ import annotations

from conformance.corpus.observer import CorpusObserver
from conformance.corpus.printed import failure_text
from conformance.grid import Stratum
from conformance.invariants import Invariant
from conformance.known_failures import KnownFailures
from conformance.runner import Tally, judge
from conformance.violation import violation_class


def run_corpus_item(
    stratum: Stratum,
    promise: Invariant,
    *,
    observer: CorpusObserver,
    known: KnownFailures,
) -> Tally:
    """Judge the kept lives of a stratum; raises a Violation for the first undeclared finding."""
    __tracebackhide__ = True
    tally, corpus = Tally(), observer.corpus
    broken = []
    for life in corpus.lives.values():
        if life.stratum == stratum.id:
            seen, findings = judge(promise, life.case, observer, known, tally)
            if findings:
                broken.append((findings, seen))
    if broken:
        findings, seen = broken[0]
        text = failure_text(promise, findings, seen, corpus)
        if broken[1:]:
            others = "\n".join(f"          {other.case!r}" for _, other in broken[1:])
            text += f"\nALSO      on {len(broken) - 1} more of the stratum's lives:\n{others}"
        raise violation_class(promise.id, findings[0].kind)(text)
    return tally
