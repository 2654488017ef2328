"""What is judged of another merger: the promises about what comes out of a merge.

All others speak of PEFT and transformers alone, and a run without ``--merger`` judges them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from conformance.comparison import Evidence
from conformance.invariants import Invariant, Registry
from conformance.invariants.invariant import Applies, Check
from conformance.observation import Observation

OTHERWISE = "says nothing of another merger: a run without --merger judges it"
# How these invariants begin what they found before anything was merged: it is not the merger's.
BEFORE = re.compile(
    r"(at )?(base|adapted|filled|trained|defined|disabled|enabled-again|adapter-saved)"
    r"( ended in|,)|\S+ of the adapter differs|\S+ (lora_\w+|saved \S+|trainable_tokens_delta) is "
)


def of_a_merger(invariants: Mapping[str, Invariant]) -> Registry:
    """The invariants as they judge a life with another merger."""
    found = Registry()
    for one in invariants.values():
        if one.of_merge:
            found.vary(one, check=_after_merging(one.check))
        else:
            found.vary(one, applies=_says_nothing(one.not_of_merge or OTHERWISE))
    return found


def _says_nothing(reason: str) -> Applies:
    return lambda _: reason


def _after_merging(check: Check) -> Check:
    def only(seen: Observation) -> Iterator[Evidence]:
        return (finding for finding in check(seen) if not BEFORE.match(finding.what))

    return only
