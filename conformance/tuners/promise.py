"""Promises that are made of tuners alone: their registry."""

from __future__ import annotations

from collections.abc import Callable

from conformance.invariants.invariant import (
    INVARIANTS,
    Applies,
    Check,
    Invariant,
    always,
    registering,
)
from conformance.loading.invariants import LOADING
from conformance.observation import Observation

ONLY_TUNERS: dict[str, Invariant] = {}


def idle(seen: Observation) -> bool:
    """Whether the tuner stands on nothing, so that no promise about logits says anything."""
    adapted = seen.stages.get("adapted")
    return adapted is not None and not adapted.trainable


def promise(
    id: str,  # noqa: A002  the word of the vocabulary
    text: str,
    *,
    source: str,
    needs: tuple[str, ...],
    applies: Applies = always,
) -> Callable[[Check], Check]:
    """Register the decorated generator of findings as the check of a new promise."""

    def made(check: Check) -> Invariant:
        return Invariant(id, text, source, check, applies, needs)

    return registering(made, ONLY_TUNERS, INVARIANTS, LOADING)
