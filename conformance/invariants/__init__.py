"""Invariants: promises judged over observations alone.

Importing this package registers all of them; adding a module means naming it here.
"""

from conformance.invariants import (  # noqa: F401
    checkpoint,
    config,
    contract,
    life,
    loading,
    logits,
    merging,
    training,
    tying,
    unloading,
    warning,
)
from conformance.invariants.invariant import INVARIANTS, Invariant, Judgement, Registry, joined

__all__ = ["INVARIANTS", "Invariant", "Judgement", "Registry", "joined"]
