"""Invariants: promises judged over observations alone.

Importing this package registers all of them; adding a module means naming it here.
"""

from __future__ import annotations

from conformance.kinds.lifecycle.checks import (  # noqa: F401
    checkpoint,
    config,
    contract,
    finishes,
    load_reports,
    logits,
    merging,
    training,
    tying,
    unloading,
    warnings,
)
from conformance.kinds.lifecycle.checks.registry import INVARIANTS

__all__ = ["INVARIANTS"]
