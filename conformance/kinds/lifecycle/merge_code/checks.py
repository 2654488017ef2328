"""What is judged of another merger: the promises about what comes out of a merge.

All others speak of PEFT and transformers alone, and a run without ``--merger`` judges them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.core.comparison import Evidence
from conformance.core.finding import of_an_adapter
from conformance.core.invariant import Applies, Check, Invariant, Registry
from conformance.core.observation import Observation

OTHERWISE = "says nothing of another merger: a run without --merger judges it"
BEFORE = (
    "base",
    "adapted",
    "filled",
    "trained",
    "defined",
    "disabled",
    "enabled-again",
    "adapter-saved",
)
"""The stages before anything is merged: what is found there is not the merger's."""


def is_the_mergers(found: Evidence) -> bool:
    """Whether it may have come out of the merge, and not of PEFT's own adapter."""
    return found.stage not in BEFORE and not of_an_adapter(found.subject)


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
        return filter(is_the_mergers, check(seen))

    return only
