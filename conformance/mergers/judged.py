"""What is judged of another merger: the promises about what comes out of a merge.

All others speak of PEFT and transformers alone, and a run without ``--merger`` judges them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from conformance.comparison import Evidence
from conformance.invariants import Invariant
from conformance.observation import Observation

JUDGED = frozenset(
    {
        "checkpoint-is-plain",
        "saving-is-repeatable",
        "dtype-is-kept",
        "device-is-kept",
        "config-tells-the-truth",
        "life-completes",
        "load-report-is-clean",
        "merge-keeps-logits",
        "config-driven-loader-agrees",
        "tied-stay-tied",
        "untied-stay-untied",
        "trouble-is-announced-early",
    }
)
REASONS = {
    "reload-keeps-logits": "what another merger made is judged as it was loaded from its folder",
    "unload-leaves-no-trace": "another merger's model was loaded from its folder, not unloaded",
    "safe-merge-agrees": "another merger has no other way of merging",
}
OTHERWISE = "says nothing of another merger: a run without --merger judges it"
# How these invariants begin what they found before anything was merged: it is not the merger's.
BEFORE = re.compile(
    r"(at )?(base|adapted|filled|trained|defined|disabled|enabled-again|adapter-saved)"
    r"( ended in|,)|\S+ of the adapter differs|\S+ (lora_\w+|saved \S+|trainable_tokens_delta) is "
)


def of_a_merger(invariants: Mapping[str, Invariant]) -> dict[str, Invariant]:
    """The invariants as they judge a life with another merger."""
    return {name: _judging(one) for name, one in invariants.items()}


def _judging(one: Invariant) -> Invariant:
    if one.id not in JUDGED:
        reason = REASONS.get(one.id, OTHERWISE)
        return replace(one, applies=lambda _: reason)

    def check(seen: Observation) -> Iterator[Evidence]:
        return (finding for finding in one.check(seen) if not BEFORE.match(finding.what))

    return replace(one, check=check)
