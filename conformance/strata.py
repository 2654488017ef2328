"""Items of the grid: which strata each group of families has, and how one of them is run."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from conformance.options import BEYOND_EXAMPLES, stratum_seed
from conformance.outcome import conclude, require, tallied
from conformance.runner import run_item
from conformance.strategies import fitting

if TYPE_CHECKING:
    from conformance.grid import Stratum
    from conformance.invariants import Invariant
    from conformance.options import Options
    from conformance.records import Record
    from conformance.session import Session

FEW = 2
"""Lives a stratum of which none is lived again, but one of each placement."""
GROUPS = ("invariant", "architecture")
"""The groups, by the kind of their items: decoder-only families, and the others."""


def families_of(group: str, options: Options) -> tuple[str, ...]:
    """The chosen families of a group."""
    return options.decoders if group == "invariant" else options.beyond


def one_of(stratum: Stratum, families: tuple[str, ...]) -> tuple[str, ...]:
    """One of the families that fit, another in another stratum."""
    fit = fitting(stratum, families)
    return (fit[zlib.crc32(stratum.on_any_device.encode()) % len(fit)],)


def covered(group: str, options: Options) -> list[Stratum]:
    """The chosen strata that at least one of the chosen families of a group fits."""
    families = families_of(group, options)
    fit = [stratum for stratum in options.strata if fitting(stratum, families)]
    return fit[:: options.beyond_step] if group == "architecture" else fit


def run_stratum(
    group: str, stratum: Stratum, invariant: Invariant, suite: Session, record: Record
) -> None:
    """Judge one stratum by one invariant, for the families of a group."""
    from conformance import compat  # imports torch: not before an item runs

    __tracebackhide__ = True
    record.kind, record.invariant, record.stratum = group, invariant.id, stratum.id
    require(stratum.device, suite, record)
    unjudged = compat.not_surveyed() if group == "architecture" else ""
    if unjudged:
        record.result, record.reason = "not applicable", unjudged
        pytest.skip(f"not applicable: {unjudged}")
    families, examples = families_of(group, suite.options), suite.options.examples
    if group == "architecture":
        examples = examples or BEYOND_EXAMPLES[settings.get_current_profile_name()]
        if examples == 1:
            families = one_of(stratum, families)
    lives = examples or settings.default.max_examples  # type: ignore[union-attr]
    stream = "" if group == "invariant" else group
    with tallied(record) as tally:
        run_item(
            stratum,
            invariant,
            observer=suite.observer.brief if lives <= FEW else suite.observer,
            known=suite.known,
            families=families,
            stream=stratum_seed(suite.options.seed, stratum, stream),
            examples=examples,
            tally=tally,
        )
    conclude(record, tally, suite.known)
