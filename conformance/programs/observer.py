"""Observing a program once for many promises, and proof that nothing is hidden by that."""

from __future__ import annotations

from conformance.compare import SUMMED_IN_THEMSELVES, distance, same_bits, visible_from
from conformance.draws import Draws
from conformance.programs.invariants import allowance
from conformance.programs.observation import ProgramObservation, StepSeen
from conformance.programs.program import Program, ProgramStratum
from conformance.programs.reach import within_reach
from conformance.trouble import SuiteError


class ProgramObserver:
    """Observations by program, for one stratum at a time.

    The first program of a stratum is observed twice; ``confirm`` observes one again.
    """

    def __init__(self) -> None:
        self._stratum: ProgramStratum | None = None
        self._seen: dict[Program, ProgramObservation] = {}
        self._reach: dict[Program, ProgramObservation] = {}
        self._repeated: set[ProgramStratum] = set()
        self.draws: Draws[Program] = Draws()

    def __call__(self, program: Program, *, repeat: bool = True) -> ProgramObservation:
        """The observation of ``program``, from the cache where it has been seen.

        ``repeat`` is False for a program that nobody drew, such as a witness.
        """
        if program.stratum != self._stratum:
            self._stratum, self._seen, self._reach = program.stratum, {}, {}
        if program not in self._seen:
            self._seen[program] = seen = self._observe(program)
            check_not_vacuous(seen)
            if repeat and program.stratum not in self._repeated:
                self._repeated.add(program.stratum)
                self.confirm(program)
        return self._seen[program]

    def within_reach(self, program: Program, *, repeat: bool = True) -> ProgramObservation:
        """The part of the observation that can be judged."""
        seen = self(program, repeat=repeat)
        if program not in self._reach:
            self._reach[program] = within_reach(seen)
        return self._reach[program]

    def _observe(self, program: Program) -> ProgramObservation:
        from conformance.programs.observe import observe_program  # torch: not before an item

        return observe_program(program)

    def confirm(self, program: Program) -> None:
        """Observe once more, without the cache; a difference is an error of the suite."""
        difference = first_difference(self._seen[program], self._observe(program))
        if difference is not None:
            raise SuiteError(f"two observations of {program!r} differ: {difference}")


def check_not_vacuous(seen: ProgramObservation) -> None:
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
    for name in ("state", "shares", "trainable", "base_trains", "active", "flags", "refused"):
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
