"""Roles: which modules of a live model are its embedding, head, attention and mlp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiny_models import compat

if TYPE_CHECKING:
    from torch import nn

    from tiny_models.families.family import Family


def module_names(model: nn.Module, entry: Family) -> dict[str, tuple[str, ...]]:
    """Full module names by role, in the model's own order.

    A role that the family lacks (attention in a state-space model) is absent.
    """
    found: dict[str, tuple[str, ...]] = {
        "embedding": (entry.embedding,),
        "head": (compat.live_path(model, entry.head),),
    }
    for role in ("attention", "mlp"):
        short = entry.roles[role]
        names = tuple(n for n, _ in model.named_modules() if n.rpartition(".")[2] in short)
        if names:
            found[role] = names
    return found
