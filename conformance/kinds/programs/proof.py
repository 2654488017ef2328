"""Proof that an observation of a program can prove anything, and that it is repeatable."""

from __future__ import annotations

from conformance.core.bits import distance, same_bits
from conformance.core.errors import SuiteError
from conformance.core.tolerances import SUMMED_IN_THEMSELVES, visible_from
from conformance.kinds.programs.checks import allowance
from conformance.kinds.programs.observation import ProgramObservation, StepSeen


def require_informative(seen: ProgramObservation) -> None:
    """Raise SuiteError unless this program can prove anything.

    Logits must be finite, and a new adapter must move them by far more than any allowance; in
    half precision rounding may hide it.
    """
    for step in seen.steps:
        if not bool(step.logits.expected.isfinite().all()):
            raise SuiteError(f"after step {step.number} of {seen.case!r} nothing is finite")
        if step.step[0] != "wrap" or step.precision not in SUMMED_IN_THEMSELVES:
            continue
        moved = distance(step.logits.base, step.logits.expected)
        least = visible_from(allowance(seen, step, step.logits))
        if not moved > least:
            raise SuiteError(
                f"the adapter of step {step.number} of {seen.case!r} moves the logits by "
                f"{moved:.3g}, no more than {least:.3g}, and would prove nothing"
            )


def first_difference(one: ProgramObservation, other: ProgramObservation) -> str | None:
    """What two observations do not have in common, or None: logits may differ by rounding."""
    for name in ("lacks", "names", "heard", "troubles"):
        if getattr(one, name) != getattr(other, name):
            return name
    if len(one.steps) != len(other.steps):
        return "the steps reached"
    for mine, theirs in zip(one.steps, other.steps, strict=True):
        what = _differs(one, mine, theirs)
        if what:
            return f"{what} after step {mine.number}"
    return None


def _differs(seen: ProgramObservation, one: StepSeen, other: StepSeen) -> str | None:
    for name in (
        "state",
        "shares",
        "trainable",
        "base_trains",
        "active",
        "flags",
        "refused",
        "strangers",
    ):
        if getattr(one, name) != getattr(other, name):
            return name
    amount = distance(one.logits.found, other.logits.found)
    if not amount <= allowance(seen, one, one.logits).breaks:
        return "logits"
    if one.parts.keys() != other.parts.keys():
        return "the adapters' parts"
    return next(
        (" ".join(key) for key, part in one.parts.items() if not same_bits(part, other.parts[key])),
        None,
    )
