"""The plan of a run: which programs come first, so that what can come together does so early."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from functools import lru_cache
from itertools import product

from conformance.core.covering import Pick, Planned, covering
from conformance.kinds.programs.hazards import met_at
from conformance.kinds.programs.making import make
from conformance.kinds.programs.operations import read
from conformance.kinds.programs.operations.adapters import Put
from conformance.kinds.programs.plan import beginning, outcomes
from conformance.kinds.programs.program import Program, ProgramStratum, program_strata
from conformance.kinds.programs.stale import still_stale
from conformance.kinds.programs.turn import Turn

LONGEST = 60
"""Programs of a stratum that are planned at most."""
WORTH = 12
"""What a situation counts for: as much as the steps that would follow if nothing went wrong."""
CANDIDATES = 5
"""Of how many programs each is the best: to make one takes longer than to make another case."""


def shown(program: Program) -> Iterator[Hashable]:
    """What comes together in a program, up to the first step that may be known to go wrong.

    Two steps after one another, with where they put an adapter, and three operations; each step
    with the family, the precision and the stratum, and so each situation that is met.
    """
    settings = (program.family, program.dtype, program.stratum)
    before, stale = beginning(program), frozenset[str]()
    labels: list[tuple[str, str]] = []
    for step, found in outcomes(program):
        taken = read(step)
        labels.append((taken.id, taken.placement if isinstance(taken, Put) else ""))
        yield from ((labels[-1], one) for one in settings)
        yield tuple(labels[-2:])
        yield tuple(name for name, _ in labels[-3:])
        if found is None:
            return
        turn = Turn(before, taken, found.state, stale)
        met = tuple(met_at(before, taken, found.state, stale))
        yield from product(met, settings, range(WORTH))
        if met:
            return
        before, stale = found.state, still_stale(turn)


def planned(
    stratum: ProgramStratum, families: tuple[str, ...], seed: int, most: int, number: int
) -> tuple[Planned[Program], ...]:
    """The first programs of a stratum, at most so many, whatever device is chosen."""
    return _plan(stratum.device, families, seed, most, min(number, LONGEST))[stratum]


@lru_cache(maxsize=16)
def _plan(
    device: str, families: tuple[str, ...], seed: int, most: int, rounds: int
) -> Mapping[ProgramStratum, tuple[Planned[Program], ...]]:
    # the seed knows nothing of the device: every device lives the programs of the cpu
    units = {(one.tied, one.ensure): one for one in program_strata((device,))}

    def made(unit: tuple[bool, bool], choose: Pick) -> Program:
        return make(units[unit], families, most, choose)

    found = covering(
        tuple(units), made, shown, rounds=rounds, seed=f"{seed}:programs", candidates=CANDIDATES
    )
    return {units[unit]: programs for unit, programs in found.items()}
