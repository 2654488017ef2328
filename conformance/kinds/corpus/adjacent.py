"""Which cells are beside each other: where a user goes from one to the other in one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.core.versions import minor

Minor = tuple[int, ...]
FIVE = (5,)
"""transformers 5 changed how weights are loaded: every step across that border counts."""


@dataclass(frozen=True)
class Place:
    """Where a cell stands: its minor releases of PEFT and transformers."""

    peft: Minor
    transformers: Minor

    @classmethod
    def of(cls, versions: Mapping[str, str]) -> Place:
        """The place of a set of versions."""
        return cls(minor(versions["peft"]), minor(versions["transformers"]))


def neighbours(here: Place, savers: Mapping[str, Place]) -> list[str]:
    """Names of the savers whose files are to be loaded here, in the order of their versions.

    Those are: with the same PEFT, transformers on the other side of 5, and the nearest 5 on this
    side; with the same transformers, the nearest PEFT before and after. Nearest is meant among
    the savers there are.
    """
    found = sorted(savers.items(), key=lambda pair: (pair[1].peft, pair[1].transformers))
    return [name for name, place in found if _beside(here, place, savers.values())]


def _beside(here: Place, there: Place, every: Iterable[Place]) -> bool:
    if here.peft == there.peft:
        if (here.transformers < FIVE) != (there.transformers < FIVE):
            return True
        line = [one.transformers for one in every if one.peft == here.peft]
        return here.transformers >= FIVE and _next(here.transformers, there.transformers, line)
    if here.transformers == there.transformers:
        line = [one.peft for one in every if one.transformers == here.transformers]
        return _next(here.peft, there.peft, line)
    return False


def _next(here: Minor, there: Minor, line: Iterable[Minor]) -> bool:
    low, high = sorted((here, there))
    return low != high and not any(low < one < high for one in line)
