"""Adapters other than LoRA: where they stand is the user's, their sizes are the table's smallest.

The sizes of a tuner are its own (ranks, blocks, frequencies, banks), and which of them fit a tiny
model is known of one config each, that of ``conformance.kinds.tuners.table``. Its options that are
true or false are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.core.invariant import Invariant
from conformance.core.observation import Observation
from conformance.core.user_files import InputError
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.tuners.case import TunerCase, tuner_case
from conformance.kinds.tuners.checks import TUNER_PROMISES
from conformance.kinds.tuners.table import TUNERS
from conformance.kinds.user_config.fields import BOOKKEEPING, OF_TUNERS


def tuner_of(kind: str, what: str) -> str:
    """The line of the table that a kind has; raises InputError where no life can be made of it."""
    from conformance.kinds.tuners.subject import lacks_tuner  # imports torch
    from conformance.upstream import tuner_types

    reason = tuner_types.tuners()[kind]
    name = next((name for name, tuner in TUNERS.items() if tuner.kind == kind), "")
    if reason or not name:
        why = reason or "no config of it that fits a tiny model is known here"
        raise InputError(f"{what}: peft_type {kind} is not judged: {why}")
    why = TUNERS[name].skipped or lacks_tuner(tuner_case(tuner=name))
    if why:
        raise InputError(f"{what}: peft_type {kind} is not judged: {why}")
    return name


def sizes_of(name: str, raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Arguments besides where it stands, and notes on what of the user's is not followed."""
    from conformance.upstream import tuner_types as upstream_tuner_types

    tuner = TUNERS[name]
    fields = upstream_tuner_types.tuner_fields(tuner.kind)
    smallest = dict(tuner.fitting(fields) or {})
    flags = {
        field: value
        for field, value in raw.items()
        if isinstance(value, bool) and field in fields - smallest.keys() and _is_option(field)
    }
    theirs = [
        field
        for field, value in raw.items()
        if field in fields and field not in flags and _is_option(field)
        if value not in (None, False, {}, [], smallest.get(field))
    ]
    notes = [
        f"{', '.join(theirs)}: not followed; lived with the smallest sizes known of {tuner.kind}"
    ]
    return smallest | flags, notes if theirs else []


def _is_option(field: str) -> bool:
    """Whether a field says neither where the tuner stands, nor how it starts or is kept."""
    kept = BOOKKEEPING | {*OF_TUNERS, "progressbar"}
    return field not in kept and not field.startswith("init")


def promises_of(seen: Observation) -> Mapping[str, Invariant]:
    """What is promised of the kind of adapter that was lived."""
    return TUNER_PROMISES if isinstance(seen.case, TunerCase) else INVARIANTS
