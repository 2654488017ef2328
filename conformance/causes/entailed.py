"""What follows from a break by rule, and is declared nowhere.

That nobody warned in time follows from what breaks: where all of that is explained, so is the
missing warning. A file that is not plain, and a reader of its config that gets another model,
follow from a run that breaks a promise about logits or config otherwise: a model whose ties are
lost cannot be saved as if it had them. Merged in place the model is wrong as it is merged for good,
where both compute the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.comparison import broken
from conformance.core.finding import Finding
from conformance.core.kind import AnyObservation
from conformance.core.observation import Observation
from conformance.kinds.lifecycle.checks.logits import differ
from conformance.kinds.lifecycle.checks.registry import INVARIANTS
from conformance.kinds.lifecycle.checks.warnings import losses

WARNING = "trouble-is-announced-early"
OF_A_FILE = ("checkpoint-is-plain", "config-driven-loader-agrees")
MERGE, IN_PLACE = "merge-keeps-logits", "merge-in-place-keeps-logits"
ENTAILED = (WARNING, *OF_A_FILE, IN_PLACE)


def premises(invariant: str, seen: AnyObservation) -> Iterator[tuple[str, Finding]]:
    """The breaks of a run from which a break of this invariant follows; none where none does."""
    if invariant not in ENTAILED or not isinstance(seen, Observation):
        return
    if invariant == IN_PLACE:
        yield from _merged_alike(seen)
        return
    for name, finding in losses(seen):
        if name not in OF_A_FILE or invariant == WARNING:
            yield name, finding


def _merged_alike(seen: Observation) -> Iterator[tuple[str, Finding]]:
    """What is wrong with the merged model, if merged in place it computes the same."""
    alike = "merged" in seen.stages and not broken(differ(seen, "merged", "merged-in-place"))
    for finding in INVARIANTS[MERGE].judge(seen).findings if alike else ():
        yield MERGE, finding
