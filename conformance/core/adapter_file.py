"""What an adapter's file must hold beside the adapter's own tensors.

Source: PEFT's ``save_pretrained``, ``save_embedding_layers``: ``auto`` looks for embedding layers
among the targets, and for a vocabulary that is not the one of the base's own config; of those that
are to be saved, the targeted are, or both where none is.
"""

from __future__ import annotations

from conformance.core.case import Case
from conformance.core.expected_ties import adapters_tied
from conformance.core.placements import ENDS, LOOKED_FOR, PLACEMENTS
from tiny_models.families import FAMILIES
from tiny_models.spec import of_a_checkpoint


def silent_on(case: Case) -> str:
    """Why nothing is promised of embedding and head in the file, or ``""``."""
    placement = PLACEMENTS[case.placement]
    if placement.save or placement.tokens:
        return "saved modules and trained tokens have tensors of their own in the file"
    if FAMILIES[case.family].copies:
        return "where a copy of the embedding is in use PEFT saves that one"
    return ""


def owed_ends(case: Case) -> tuple[str, ...]:
    """Which of embedding and head have their base weight in the file, where that is promised."""
    if silent_on(case) or case.save_embedding_layers == "no":
        return ()
    from tiny_models.compat import matrices_here  # imports transformers

    matrices = matrices_here(FAMILIES[case.family])
    there = {r: path for r, path in matrices.items() if r in ENDS}
    targeted = tuple(
        role
        for role, path in there.items()
        if role in PLACEMENTS[case.placement].target and path.rpartition(".")[2] in LOOKED_FOR
    )
    if targeted or case.save_embedding_layers == "yes" or lengthened(case):
        return targeted or tuple(there)
    return ()


def allowed_ends(case: Case) -> tuple[str, ...]:
    """Those that may be in the file: both where both are asked for, else all that is adapted."""
    owed = owed_ends(case)
    if owed and (case.save_embedding_layers == "yes" or lengthened(case) or adapters_tied(case)):
        return ENDS
    return tuple(role for role in ENDS if owed and role in PLACEMENTS[case.placement].target)


def lengthened(case: Case) -> bool:
    """Whether the vocabulary is longer than that of the config in the base's folder."""
    return case.base == "resized" or (case.grown and of_a_checkpoint(case.base, case.dtype))
