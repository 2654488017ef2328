"""Observing a tuner's life once for all promises, and proof that it can break them."""

from __future__ import annotations

from conformance.case import Case
from conformance.invariants.warning import Argues, never
from conformance.observation import Observation
from conformance.observer import Observer, check_not_vacuous
from conformance.tuners.case import TunerCase
from conformance.tuners.invariants import TUNER_PROMISES, WRAPS, idle
from conformance.tuners.refusals import refused
from conformance.verdict import verdict_of


class TunerObserver(Observer):
    """The last life; the first of each tuner is lived twice."""

    def __init__(self) -> None:
        super().__init__(_observe)

    def stratum(self, case: Case) -> tuple[object, ...]:
        """The tuner: each has its own random numbers."""
        assert isinstance(case, TunerCase)
        return (case.tuner,)

    def check(self, seen: Observation) -> None:
        """Raise SuiteError where a life proves nothing; of a tuner on nothing, that is found."""
        if not idle(seen):
            check_not_vacuous(seen)

    def judged(self, seen: Observation, argues: Argues = never) -> str:
        """The verdict for people."""
        return tuner_verdict(seen, argues)


def tuner_verdict(seen: Observation, argues: Argues = never) -> str:
    """The verdict of one life.

    A tuner that stands on nothing without a word is silent, and only what says clearly what it
    cannot do is refused.
    """
    nowhere = TUNER_PROMISES[WRAPS].judge(seen).findings if idle(seen) else ()
    if any(not argues(WRAPS, finding, seen) for finding in nowhere):
        return "silent"
    verdict, ended = verdict_of(seen, argues), seen.ended_at()
    unclear = ended is not None and not refused(ended)
    return "not run" if verdict == "refused" and unclear else verdict


def _observe(case: Case) -> Observation:
    from conformance.tuners.life import observe_tuner  # imports torch: not before an item runs

    return observe_tuner(case)
