"""Which promise says nothing about a case, told before a script is written."""

from __future__ import annotations

from conformance.core.case import Case
from conformance.core.documented_errors import REFUSALS
from conformance.core.observation import LoadReport, Observation
from conformance.core.versions import within
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.reproducer.writing import NotReproducible, Writing

JUDGED_WHEN_REFUSED = INVARIANTS.having("judged_when_refused")


def require_applicable(case: Case, invariant: str | None) -> None:
    """Raise NotReproducible where the invariant does not apply, or PEFT documents a refusal."""
    if invariant not in JUDGED_WHEN_REFUSED:
        for refusal in REFUSALS:
            if refusal.covers(case) and within("peft", refusal.peft):
                raise NotReproducible(
                    f"this case is refused at wrapping, as documented ({refusal.source}); "
                    f"only {' and '.join(JUDGED_WHEN_REFUSED)} can be reproduced"
                )
    if invariant is None:
        return
    reason = INVARIANTS[invariant].applies(_fields_alone(case))
    if reason is not None:
        raise NotReproducible(f"{invariant} does not apply to this case: {reason}")


def _fields_alone(case: Case) -> Observation:
    """What is known of a life before it is lived, enough to ask whether a promise applies."""
    writing = Writing(case)
    return Observation(
        case=case,
        names=writing.matrices,
        loading={"base": LoadReport()} if writing.loaded else {},
        plain_keys={case.tied: frozenset()},
    )
