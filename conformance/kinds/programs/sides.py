"""Where a program's model has the modules of each role, and how small their matrices are."""

from __future__ import annotations

import sys
from functools import cache

from conformance.kinds.programs.program import Program
from tiny_models.families import FAMILIES

MLP_FIRST = frozenset({"falcon-h1"})
"""Families whose layers hold their MLP before their attention."""


@cache
def smallest_side(family: str, role: str) -> int:
    """The fewest rows or columns of any matrix with this role: the highest rank that all can have.

    The model is made without values, from the config of every program of the family. No rank is too
    high for a family that this transformers does not have: its programs are planned, and not lived.
    """
    import torch

    from tiny_models.build import config, model_class
    from tiny_models.compat import has_family
    from tiny_models.roles import module_names

    if not has_family(FAMILIES[family]):
        return sys.maxsize
    spec = Program(family=family).base.model
    with torch.device("meta"):
        model = model_class(spec)(config(spec))
    names = module_names(model, FAMILIES[family])[role]
    shapes = (model.get_parameter(f"{name}.weight").shape for name in names)
    return min(map(min, shapes))


def order_of(family: str) -> tuple[str, ...]:
    """In which order a model holds the modules of these roles."""
    inside = ("mlp", "attention") if family in MLP_FIRST else ("attention", "mlp")
    return ("embedding", *inside, "head")
