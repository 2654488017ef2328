"""What a case promises, read off its fields alone: who is tied to whom, who is independent.

Source: PEFT's documentation, LoRA reference, "Weight tying"; PEFT #2864.
"""

from __future__ import annotations

from conformance.core.case import Case
from conformance.core.placements import MATRICES, PLACEMENTS

# A list is short for a mapping with the input embedding as its only key.
TOKENS_TIED_BY_DEFAULT = ("list", "embedding", "same")


def adapters_tied(case: Case) -> bool:
    """Whether the documentation promises one adapter for all members of the tie together."""
    if not case.tied:
        return False
    if case.tied_by_itself:
        return True
    placement = PLACEMENTS[case.placement]
    if placement.tokens in TOKENS_TIED_BY_DEFAULT and "head" not in placement.target:
        return True
    if not case.ensure or placement.tokens:
        return False
    kinds = [set(placement.target), set(placement.save)]
    named = [kind & set(MATRICES) for kind in kinds]
    # one of the two ways of adapting, not a mix: the tables have no row for mixes
    return any(named) and not all(named)


def base_tie_survives(case: Case) -> bool:
    """Whether all members are still one tensor after merging, by what is documented."""
    return case.tied and (adapters_tied(case) or not PLACEMENTS[case.placement].touches)


def separate(case: Case) -> bool:
    """Whether embedding and head are to be treated as two, whatever they were."""
    return not base_tie_survives(case)
