"""The plan of a run: which cases of the grid are lived first, so that each pair is met early."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import fields
from functools import lru_cache

from conformance.core.case import Case
from conformance.core.covering import Pick, Planned, covering, together
from conformance.core.grid import Stratum, fitting, strata
from conformance.core.placements import PLACEMENTS
from conformance.kinds.lifecycle.making import make

LONGEST = 16
"""Cases of a stratum that are planned at most; by then a plan shows little that chance does not."""
ALIKE = ("device", "crossing", "seed")
"""Fields that are no choice between ways of a life."""
TOGETHER = (
    ("dtype", "autocast", "is_trainable"),
    ("dtype", "autocast", "dora"),
    ("autocast", "is_trainable", "low_cpu_mem_usage"),
    ("placement", "base", "writing"),
    ("family", "placement", "base"),
    ("family", "placement", "writing"),
    ("family", "placement", "low_cpu_mem_usage"),
    ("family", "base", "tied"),
    ("family", "grown", "bias"),
)
"""Fields of which three decide together in the ``when`` of a cause; there the family stands for
what its architecture is like."""
CHOSEN = tuple(one.name for one in fields(Case) if one.name not in ALIKE)


def shown(case: Case) -> Iterator[Hashable]:
    """What a case meets together."""
    return together({name: getattr(case, name) for name in CHOSEN}, TOGETHER)


def planned(
    stratum: Stratum, families: tuple[str, ...], seed: int, group: str, number: int
) -> tuple[Planned[Case], ...]:
    """The first cases of a stratum, at most so many, whatever strata and device are chosen."""
    plan = _plan(stratum.device, families, seed, group, min(number, LONGEST))
    return plan[stratum]


@lru_cache(maxsize=16)
def _plan(
    device: str, families: tuple[str, ...], seed: int, group: str, rounds: int
) -> Mapping[Stratum, tuple[Planned[Case], ...]]:
    def made(on: str, choose: Pick) -> Case:
        return make(units[on], families, choose)

    every = strata((device,), placements=tuple(PLACEMENTS))
    # by its id without the device: every device lives the cases of the cpu
    units = {one.on_any_device: one for one in every if fitting(one, families)}
    found = covering(tuple(units), made, shown, rounds=rounds, seed=f"{seed}:{group}")
    return {units[name]: cases for name, cases in found.items()}
