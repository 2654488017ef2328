"""Covering: the cases of a run chosen so that each pair of values is met as early as can be.

Most faults need two things to come together, few need three: see D. R. Kuhn, D. R. Wallace and
A. M. Gallo, "Software fault interactions and implications for software testing", IEEE TSE 30(6),
2004. A pair is met by any case of the run, whatever its unit, so that what one unit has shown need
not be shown by the next.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, Protocol, TypeVar

C = TypeVar("C")
T = TypeVar("T")
U = TypeVar("U", bound=Hashable)

CANDIDATES = 30
"""Of how many cases made at random each case of a plan is the one that shows most."""


class Pick(Protocol):
    """Chooses one of several values, the first being the simplest."""

    def __call__(self, choices: Sequence[T], /) -> T:
        """The one that is chosen."""


@dataclass(frozen=True)
class Planned(Generic[C]):
    """A case of a plan, and the place of each choice that it was made by among its choices.

    Where there was no choice there is no place, so that ``places`` are what Hypothesis draws.
    """

    case: C
    places: tuple[int, ...]


def together(
    values: Mapping[str, Hashable], triples: Sequence[tuple[str, str, str]] = ()
) -> Iterator[Hashable]:
    """Each two of the values, and three where their names stand among ``triples``."""
    yield from combinations(values.items(), 2)
    yield from ((names, *(values[name] for name in names)) for names in triples)


def covering(
    units: Sequence[U],
    made: Callable[[U, Pick], C],
    parts: Callable[[C], Iterable[Hashable]],
    *,
    rounds: int,
    seed: str,
    candidates: int = CANDIDATES,
) -> dict[U, tuple[Planned[C], ...]]:
    """So many cases of each unit, round by round: k rounds are the first k of any more.

    ``made`` makes a case of a unit from what it is given to pick with, and ``parts`` says what a
    case shows. Each is the one of some candidates that shows most of what no case before it did.
    A unit's random numbers are its own, and those of a round.
    """
    bits: dict[Hashable, int] = {}
    met = 0

    def shown(case: C) -> int:
        found = 0
        for part in parts(case):
            found |= 1 << bits.setdefault(part, len(bits))
        return found

    plan: dict[U, list[Planned[C]]] = {unit: [] for unit in units}
    for number in range(rounds):
        for unit, chosen in plan.items():
            source = random.Random(f"{seed}:{unit}:{number}")  # noqa: S311  no secret
            some = [_candidate(unit, made, source) for _ in range(candidates)]
            each = [shown(one.case) for one in some]
            new = [(one & ~met).bit_count() for one in each]
            best = new.index(max(new))
            met |= each[best]
            chosen.append(some[best])
    return {unit: tuple(chosen) for unit, chosen in plan.items()}


def _candidate(unit: U, made: Callable[[U, Pick], C], source: random.Random) -> Planned[C]:
    places: list[int] = []

    def pick(choices: Sequence[T]) -> T:
        if len(choices) == 1:
            return choices[0]
        places.append(source.randrange(len(choices)))
        return choices[places[-1]]

    return Planned(made(unit, pick), tuple(places))
