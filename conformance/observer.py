"""Observing once for many invariants: a cache of one stratum, and proof that it hides nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from conformance.case import STRATUM_FIELDS, Case
from conformance.compare import distance, drowned, logits_allowance, same_bits, visible
from conformance.draws import Draws
from conformance.invariants.warning import Argues, never
from conformance.observation import Observation, Snapshot
from conformance.trouble import SuiteError
from conformance.verdict import verdict_of


class Observer:
    """Observations by case, for one stratum at a time.

    The first case of a stratum is observed twice; ``confirm`` observes a failing one again.
    ``brief`` is for strata of few lives: the first of a placement is observed twice.
    """

    def __init__(self, observe: Callable[[Case], Observation], *, brief: bool = False) -> None:
        self._observe = observe
        self._brief = brief
        self._stratum: tuple[object, ...] = ()
        self._seen: dict[Case, Observation] = {}
        self._verdicts: dict[Case, str] = {}
        self._repeated: set[tuple[object, ...]] = set()
        self.draws: Draws[Case] = Draws()

    @cached_property
    def brief(self) -> Observer:
        """One that observes the same, for strata of few lives."""
        return Observer(self._observe, brief=True)

    def stratum(self, case: Case) -> tuple[object, ...]:
        """What the lives have in common that are kept at one time."""
        return tuple(getattr(case, field) for field in STRATUM_FIELDS)

    def check(self, seen: Observation) -> None:
        """Raise SuiteError where an observation proves nothing."""
        check_not_vacuous(seen)

    def judged(self, seen: Observation, argues: Argues = never) -> str:
        """The verdict for people on an observation."""
        return verdict_of(seen, argues)

    def __call__(self, case: Case, *, repeat: bool = True) -> Observation:
        """The observation of ``case``, from the cache where it has been seen.

        ``repeat`` is False for a case that is no part of a stratum, such as a witness.
        """
        stratum = self.stratum(case)
        if stratum != self._stratum:
            self._stratum, self._seen, self._verdicts = stratum, {}, {}
        if case not in self._seen:
            self._seen[case] = seen = self._observe(case)
            self.check(seen)
            repeated = (case.placement,) if self._brief else stratum
            if repeat and repeated not in self._repeated:
                self._repeated.add(repeated)
                self.confirm(case)
        return self._seen[case]

    def verdict(self, case: Case, argues: Argues = never) -> str:
        """The verdict for people on a case that has been observed, worked out once.

        ``argues`` is that of the run's known failures, and the same for all its cases.
        """
        if case not in self._verdicts:
            self._verdicts[case] = self.judged(self._seen[case], argues)
        return self._verdicts[case]

    def confirm(self, case: Case) -> None:
        """Observe once more, without the cache; a difference is an error of the suite."""
        difference = first_difference(self._seen[case], self._observe(case))
        if difference is not None:
            raise SuiteError(f"two observations of {case!r} differ: {difference}")


def check_not_vacuous(seen: Observation) -> None:
    """Raise SuiteError unless this life can prove anything.

    The base must be tied or not as the case says, outputs finite, and the adapter must move the
    logits by far more than any allowance, unless it stands on nothing that the model calls, or
    nothing that it calls gets a gradient and with it a value: then ``adapter-takes-part`` or
    ``only-the-adapter-trains`` is broken, and what merging it does is to be seen.
    """
    base, trained = seen.stages.get("base"), seen.stages.get("trained")
    if base is None or base.logits is None:
        return
    if seen.tied_at(base) != seen.case.tied:
        raise SuiteError(f"the base of {seen.case!r} is not tied as the case says")
    if not bool(base.logits.isfinite().all()):
        raise SuiteError(f"the base of {seen.case!r} has logits that are not finite")
    if trained is None or trained.logits is None:
        return
    filled = {name.partition(" ")[0] for name in seen.reached if " " in name}
    if not filled & seen.called:
        return
    moved, least = visible(seen)
    if not moved > least and drowned(seen) is None:
        raise SuiteError(
            f"the adapter of {seen.case!r} moves the logits by {moved:.3g}, "
            f"no more than {least:.3g}, and would prove nothing"
        )


def first_difference(one: Observation, other: Observation) -> str | None:
    """What two observations do not have in common, or None.

    Weights and files are the same to the bit; logits are computed from them, and may be others
    where the same weights lie elsewhere in memory.
    """
    for name in ("lacks", "heard", "troubles", "names", "called", "loading", "plain_keys"):
        if getattr(one, name) != getattr(other, name):
            return name
    if one.stages.keys() != other.stages.keys() or one.saved.keys() != other.saved.keys():
        return "the stages reached"
    for stage, snapshot in one.stages.items():
        what = _differs(one, snapshot, other.stages[stage])
        if what:
            return f"{what} at {stage}"
    for folder, saved in one.saved.items():
        # configs name the life's temporary folder: tensors are what can be compared
        mine, theirs = saved.tensors, other.saved[folder].tensors
        if mine.keys() != theirs.keys() or not all(same_bits(mine[k], theirs[k]) for k in mine):
            return f"the files of {folder}"
    return None


def _differs(seen: Observation, one: Snapshot, other: Snapshot) -> str | None:
    for name in ("shares", "flags", "modules", "trainable", "devices", "traces"):
        if getattr(one, name) != getattr(other, name):
            return name
    if (one.logits is None) != (other.logits is None):
        return "logits"
    if one.logits is not None and other.logits is not None:
        allowed = logits_allowance(seen, one.logits, other.logits)
        if not distance(one.logits, other.logits) <= allowed.breaks:
            return "logits"
    for kind in ("weights", "buffers"):
        mine, theirs = getattr(one, kind), getattr(other, kind)
        if mine.keys() != theirs.keys():
            return kind
        for name in mine:
            if not same_bits(mine[name], theirs[name]):
                return str(name)
    return None
