"""Running one item: every promise judges one life of a tuner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from conformance.invariants import Invariant, Judgement
from conformance.known_failures import KnownFailures, undeclared
from conformance.runner import Tally
from conformance.tuners.case import TunerCase
from conformance.tuners.observer import TunerObserver
from conformance.tuners.printed import failure_text
from conformance.violation import Violation, violation_class

WORST = ("breaks", "holds", "not run", "not judged", "not applicable")


class SeveralViolations(AssertionError):  # noqa: N818  what they are, not that they are errors
    """Broken promises of one life: each its own violation, none hidden behind another."""

    def __init__(self, exceptions: Sequence[Violation]) -> None:
        super().__init__("\n\n".join(str(one) for one in exceptions))
        self.exceptions = tuple(exceptions)


def judge_tuner(
    case: TunerCase,
    promises: Iterable[Invariant],
    observer: TunerObserver,
    known: KnownFailures,
    tally: Tally,
) -> None:
    """Judge and count one life; raises what nobody declared, one violation a kind of finding."""
    __tracebackhide__ = True
    seen = observer(case)
    judgements: list[Judgement] = []
    broken: list[Violation] = []
    for promise in promises:
        judgement = promise.judge(seen)
        judgements.append(judgement)
        findings, hit = undeclared(promise, judgement, seen, known)
        if judgement.verdict in {"holds", "breaks"}:
            tally.count(known.regions_of(promise.id, case), hit)
        for kind in dict.fromkeys(finding.kind for finding in findings):
            of_kind = [finding for finding in findings if finding.kind == kind]
            text = failure_text(promise, of_kind, seen)
            broken.append(violation_class(promise.id, kind)(text))
    tally.add(case, _together(judgements), observer.verdict(case, known.argues))
    if any(judgement.findings for judgement in judgements):
        tally.keep(seen, undeclared=bool(broken))
    if broken:
        observer.confirm(case)
        raise broken[0] if len(broken) == 1 else SeveralViolations(broken)


def _together(judgements: Sequence[Judgement]) -> Judgement:
    """What all promises say of one life together: the worst, with all findings."""
    verdicts = {judgement.verdict for judgement in judgements}
    worst = next((name for name in WORST if name in verdicts), "not applicable")
    found = tuple(finding for judgement in judgements for finding in judgement.findings)
    reasons = [one.reason for one in judgements if one.verdict == worst and one.reason]
    return Judgement(worst, found, reasons[0] if reasons else "")
