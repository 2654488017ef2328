"""The lives in which a declared bug shows, from an empty database: no witness, no regression."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from conformance.core.case import STRATUM_FIELDS, Case
from conformance.core.grid import Stratum, fitting, strata
from conformance.core.observation import Observation
from conformance.core.options import PROFILES
from conformance.core.placements import PLACEMENTS
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.kind import BEYOND_EXAMPLES
from conformance.kinds.lifecycle.observe import observe
from conformance.kinds.lifecycle.proof import require_informative
from conformance.known_failures.entry import KnownFailure
from conformance.known_failures.read import KnownFailures
from conformance.running.drawn import drawn
from tiny_models.families import BEYOND, DECODERS

FEW, FEW_BEYOND = PROFILES["default"]["max_examples"], BEYOND_EXAMPLES["default"]
MANY = 32
"""Lives a stratum for a bug that is bound to what is drawn."""
GRID = strata(("cpu",), placements=tuple(PLACEMENTS))
DECIDED = {*STRATUM_FIELDS, "family", "shape", "embedding_name"}
"""What an option chooses, or follows from it: ``--stratum`` and ``--family``."""


def declared() -> tuple[KnownFailure, ...]:
    """The bugs declared of the installed versions that lives show, limitations apart."""
    return tuple(
        entry
        for entry in KnownFailures.load().entries
        if entry.kind == "bug" and type(entry.witness) is Case
    )


def lived(case: Case) -> Observation:
    """One life, as an item observes it."""
    seen = observe(case)
    require_informative(seen)
    return seen


def shows(entry: KnownFailure, seen: Observation) -> list[str]:
    """The promises that break in a life as the entry declares."""
    return [
        name
        for name in entry.invariant
        if any(entry.covers(name, found, seen) for found in INVARIANTS[name].judge(seen).findings)
    ]


def run(seed: int) -> list[Case]:
    """The lives of a run of the default profile on the CPU, in its order."""
    groups = ((DECODERS, FEW, ""), (BEYOND, FEW_BEYOND, "architecture"))
    return [
        case
        for families, examples, stream in groups
        for stratum in GRID
        if fitting(stratum, families)
        for case in drawn(stratum, examples, seed, families, stream)
    ]


def first_lives(entries: Iterable[KnownFailure], cases: Sequence[Case]) -> dict[str, int]:
    """The number of the first life that shows each bug; a life that can show none is not lived."""
    missing = {entry.id: entry for entry in entries}
    found: dict[str, int] = {}
    for number, case in enumerate(cases, start=1):
        possible = [entry for entry in missing.values() if entry.region_has(case)]
        seen = lived(case) if possible else None
        for entry in possible:
            if seen is not None and shows(entry, seen):
                found[entry.id] = number
                del missing[entry.id]
    return found


def first_of_many(entry: KnownFailure, seed: int) -> int | None:
    """The same in a run of the bug's own families, of more lives: the number in its stratum."""
    for stratum in its_strata(entry):
        cases = drawn(stratum, MANY, seed, its_families(entry, stratum))
        found = first_lives([entry], cases)
        if found:
            return found[entry.id]
    return None


def its_families(entry: KnownFailure, stratum: Stratum) -> tuple[str, ...]:
    """The families of the region that fit a stratum; none where the stratum is not in it."""
    wide = {name: one for name, one in entry.where.items() if name in DECIDED}
    region = replace(entry, where=wide)
    here = Case(stratum.device, stratum.tied, stratum.ensure, stratum.placement)
    fit = fitting(stratum, (*DECODERS, *BEYOND))
    return tuple(name for name in fit if region.region_has(replace(here, family=name)))


def its_strata(entry: KnownFailure) -> list[Stratum]:
    """The strata of the region, the witness's first."""
    seen = entry.witness
    assert isinstance(seen, Case)
    own = Stratum(seen.device, seen.tied, seen.ensure, seen.placement)
    every = [stratum for stratum in GRID if its_families(entry, stratum)]
    return sorted(every, key=lambda stratum: stratum != own)
