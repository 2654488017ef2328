"""The grid: strata, their ids, and the choice of some of them."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from conformance.core.case import fits
from conformance.core.placements import PLACEMENTS

ORDINARY = tuple(name for name, row in PLACEMENTS.items() if not row.sides)
"""The placements that every family with a head has modules for."""


@dataclass(frozen=True)
class Stratum:
    """One cell of the finite grid the suite always covers."""

    device: str
    tied: bool
    ensure: bool
    placement: str

    @property
    def id(self) -> str:
        """``<device>-<tied|untied>-<ensure|default>-<placement>``."""
        return f"{self.device}-{self.on_any_device}"

    @property
    def on_any_device(self) -> str:
        """The id without its device."""
        return f"{tie_id(tied=self.tied, ensure=self.ensure)}-{self.placement}"


def tie_id(*, tied: bool, ensure: bool) -> str:
    """``<tied|untied>-<ensure|default>``."""
    return f"{'tied' if tied else 'untied'}-{'ensure' if ensure else 'default'}"


def strata(
    devices: tuple[str, ...], pattern: str = "*", placements: tuple[str, ...] = ORDINARY
) -> list[Stratum]:
    """All strata on ``devices`` whose id matches the shell-style ``pattern``, in a fixed order."""
    every = [
        Stratum(device, tied, ensure, placement)
        for device in devices
        for tied in (True, False)
        for ensure in (False, True)
        for placement in placements
    ]
    return [stratum for stratum in every if fnmatchcase(stratum.id, pattern)]


def fitting(stratum: Stratum, families: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the families that have what the stratum is about."""
    return tuple(f for f in families if fits(f, stratum.placement, tied=stratum.tied))
