"""Proof that an observation of a lifecycle run can prove anything, and that it is repeatable."""

from __future__ import annotations

from conformance.core.bits import distance, same_bits
from conformance.core.errors import SuiteError
from conformance.core.observation import Observation, Snapshot, adapted_modules
from conformance.core.tolerances import drowned, logits_allowance, visible


def require_informative(seen: Observation) -> None:
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
    filled = adapted_modules(seen.reached)
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


def _no_numbers(one: Snapshot, other: Snapshot) -> bool:
    """Whether neither has a number, as what is left on the meta device."""
    return all(of.logits is not None and bool(of.logits.isnan().all()) for of in (one, other))


def _differs(seen: Observation, one: Snapshot, other: Snapshot) -> str | None:
    for name in ("shares", "flags", "modules", "trainable", "devices", "traces"):
        if getattr(one, name) != getattr(other, name):
            return name
    if (one.logits is None) != (other.logits is None):
        return "logits"
    if one.logits is not None and other.logits is not None and not _no_numbers(one, other):
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
