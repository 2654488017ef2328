"""The power that is left in half precision, where a third answer stands between the two others."""

from __future__ import annotations

from functools import cache

import pytest
from faults import FAULTS

from conformance.core.case import Case
from conformance.core.observation import Observation
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import observe

PLANTED = {
    "merge-keeps-logits": "merge-forgets-scaling",
    "adapter-keeps-logits": "adapter-file-is-ignored",
    "wrapping-keeps-logits": "lora-b-does-not-start-at-zero",
    "forward-follows-definition": "rslora-is-ignored-everywhere",
    "disabled-is-base": "disabling-forgets-saved-modules",
    "config-driven-loader-agrees": "saving-exchanges-two-tensors",
    "unmerge-restores": "unmerge-subtracts-nothing",
    "unload-restores-base": "unload-merges",
    "untied-stay-untied": "merge-drops-saved-modules",
}
"""For each invariant that compares numbers, a fault that is not seen in bits that were copied."""
FAMILIES = ("llama", "gpt2", "gpt-neox")


def cases(stratum: str, dtype: str) -> tuple[Case, ...]:
    """Lives of a stratum in this precision that can show any of the faults."""
    _, _, ensure, placement = stratum.split("-", 3)
    return tuple(
        Case(
            tied=False,
            ensure=ensure == "ensure",
            placement=placement,
            family=family,
            dtype=dtype,
            rank=4,
            alpha=8,
            rslora=ensure == "ensure",
        )
        for family in FAMILIES
    )


@cache
def healthy(case: Case) -> Observation:
    return observe(case)


def numbers(invariant: str, seen: Observation) -> str:
    """What the invariant's comparisons of numbers alone come to, worst first."""
    compared = INVARIANTS[invariant].judge(seen).comparisons
    if any(one.broken for one in compared):
        return "breaks"
    return "not judged" if any(one.doubtful for one in compared) else "holds"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("invariant", PLANTED)
def test_a_fault_is_seen_in_half_precision(invariant: str, dtype: str) -> None:
    fault = FAULTS[PLANTED[invariant]]
    chosen = cases(fault.strata[0], dtype)
    assert [numbers(invariant, healthy(case)) for case in chosen] == ["holds"] * len(FAMILIES)
    with fault.plant():
        found = [numbers(invariant, observe(case)) for case in chosen]
    assert "breaks" in found
    assert "holds" not in found
