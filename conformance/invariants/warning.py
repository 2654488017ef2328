"""The promise about warnings: trouble is told while it can still be avoided."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.invariants.invariant import INVARIANTS, invariant
from conformance.observation import Observation
from conformance.violation import Finding

# What a user loses when they break.
LOGITS_PROMISES = (
    "merge-keeps-logits",
    "reload-keeps-logits",
    "adapter-keeps-logits",
    "config-tells-the-truth",
    "config-driven-loader-agrees",
)
EARLY = ("adapted",)
LATE = ("adapter-saved", "merged", "saved", "reloaded", "adapter-reloaded")


def announced(seen: Observation, *stages: str) -> bool:
    """Whether a tied base's user was told about the tie at one of the stages."""
    heard = seen.heard_at(*stages)
    return seen.case.tied and any(item.about_tying for item in heard)


def broken_promises(seen: Observation) -> list[str]:
    """The logits and config promises this life breaks."""
    return [name for name in LOGITS_PROMISES if INVARIANTS[name].judge(seen).verdict == "breaks"]


@invariant(
    "trouble-is-announced-early",
    "A life that breaks a logits or config promise was refused or warned about when wrapped.",
    source="maintainers' view in PEFT #2972",
    needs=("adapted", "trained", "merged"),
)
def trouble_is_announced_early(seen: Observation) -> Iterator[Finding]:
    broken = broken_promises(seen)
    if not broken or announced(seen, *EARLY):
        return
    listed = ", ".join(broken)
    if announced(seen, *LATE):
        yield Finding("late-warning", f"warned of only after training: {listed}")
    else:
        yield Finding("not-announced", f"nobody warned of: {listed}")
