"""Promises about merging in place, twice, safely, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.core.bits import distance
from conformance.core.comparison import Comparison, Evidence
from conformance.core.finding import Finding
from conformance.core.observation import CYCLES, Observation
from conformance.core.tolerances import drowned, precision, strays, weight_allowance
from conformance.kinds.lifecycle.checks.logits import changed_weights, differ
from conformance.kinds.lifecycle.checks.registry import INVARIANTS

if TYPE_CHECKING:
    from torch import Tensor


def _close_weights(
    seen: Observation, one: str, other: str, *via: str, cycles: int = 1
) -> Iterator[Evidence]:
    before, after = seen.stages[one].weights, seen.stages[other].weights
    for name in sorted(before):
        if name not in after:
            what = f"{name} is gone at {other}"
            yield Finding("missing-key", what, stage=other, subject=seen.subject(name))
            continue
        sizes = [seen.stages[stage].weights[name] for stage in (one, other, *via)]
        delta = _rescaled_delta(seen, name.removesuffix(".weight"))
        rank = seen.case.rank
        allowed = weight_allowance(precision(seen), rank, *sizes, delta, cycles=cycles)
        amount = distance(before[name], after[name])
        what, subject = f"{name} at {other} is not as {one}", seen.subject(name)
        yield Comparison(what, amount, allowed, stage=other, subject=subject)


def _rescaled_delta(seen: Observation, module: str) -> Tensor | None:
    """What DoRA adds before it rescales the sum, (out, in): nothing else tells how large it was."""
    parts = seen.stages["trained"].weights
    if f"{module} lora_magnitude_vector" not in parts:
        return None
    kind = "lora_embedding" if f"{module} lora_embedding_A" in parts else "lora"
    first, second = (parts[f"{module} {kind}_{factor}"].double() for factor in "BA")
    return seen.case.scaling * first @ second


@INVARIANTS.check(
    "merge-in-place-keeps-logits",
    "Logits with the adapter merged in place equal logits before.",
    source="PEFT merge_adapter",
    needs=("trained", "merged-in-place"),
    applies=drowned,
)
def merge_in_place_keeps_logits(seen: Observation) -> Iterator[Comparison]:
    yield from differ(seen, "trained", "merged-in-place")


@INVARIANTS.check(
    "unmerge-restores",
    "merge_adapter then unmerge_adapter gives back logits and weights.",
    source="PEFT merge_adapter, unmerge_adapter",
    needs=("trained", "merged-in-place", "unmerged"),
)
def unmerge_restores(seen: Observation) -> Iterator[Evidence]:
    if not strays(seen):  # the weights are judged all the same
        yield from differ(seen, "trained", "unmerged")
    yield from _close_weights(seen, "trained", "unmerged", "merged-in-place")


def _unmerges(seen: Observation) -> str | None:
    """Why one cycle tells all that several do, or None."""
    if INVARIANTS["unmerge-restores"].judge(seen).findings:
        return "the weights are others after one cycle (unmerge-restores)"
    return None


@INVARIANTS.check(
    "drift-is-bounded",
    "However often it is merged and unmerged, weights drift no further than rounding takes them.",
    source="PEFT merge_adapter, unmerge_adapter; arithmetic of floating point",
    needs=("trained", "merged-in-place", "unmerged", "unmerged-often"),
    applies=_unmerges,
)
def drift_is_bounded(seen: Observation) -> Iterator[Evidence]:
    yield from _close_weights(seen, "trained", "unmerged-often", "merged-in-place", cycles=CYCLES)


@INVARIANTS.check(
    "merging-twice-changes-nothing",
    "A second merge of a merged adapter is a no-op.",
    source="PEFT #1355",
    needs=("merged-in-place", "merged-twice"),
)
def merging_twice_changes_nothing(seen: Observation) -> Iterator[Finding]:
    yield from changed_weights(seen, "merged-in-place", "merged-twice")


@INVARIANTS.check(
    "safe-merge-agrees",
    "Safe and plain merge give the same weights; a refused safe merge leaves them untouched.",
    source="PEFT merge_and_unload, safe_merge",
    needs=("merged", "merged-otherwise"),
    not_of_merge="another merger has no other way of merging",
)
def safe_merge_agrees(seen: Observation) -> Iterator[Evidence]:
    yield from _close_weights(seen, "merged", "merged-otherwise")
    if "merged-infinity" in seen.stages:
        what = "a safe merge wrote infinities into the weights"
        yield Finding("missing-error", what, stage="merged-infinity")
    if "after-refusal" in seen.stages:
        yield from changed_weights(seen, "before-refusal", "after-refusal")
