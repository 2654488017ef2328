"""What an adapter's file must hold beside the adapter's own tensors.

Source: PEFT's ``save_pretrained``, ``save_embedding_layers``: ``auto`` looks for embedding layers
among the targets; of those that are to be saved, the targeted are, or both where none is.
"""

from __future__ import annotations

from conformance.core.case import Case
from conformance.core.placements import ENDS, LOOKED_FOR, PLACEMENTS
from tiny_models.families import FAMILIES


def owed_ends(case: Case) -> tuple[str, ...]:
    """Which of embedding and head have their base weight in the file.

    None where nothing is promised: saved modules and trained tokens have tensors of their own
    there, full paths, which ensure_weight_tying writes too, are names that PEFT does not look for,
    and where a copy of the embedding is in use PEFT saves that one.
    """
    placement, family = PLACEMENTS[case.placement], FAMILIES[case.family]
    if placement.save or placement.tokens or family.copies:
        return ()
    there = {role: path for role, path in family.matrices.items() if role in ENDS}
    targeted = tuple(
        role
        for role, path in there.items()
        if role in placement.target and path.rpartition(".")[2] in LOOKED_FOR
    )
    if case.save_embedding_layers == "yes":
        return targeted or tuple(there)
    paths = case.writing == "paths" or case.ensure
    return targeted if case.save_embedding_layers == "auto" and not paths else ()
