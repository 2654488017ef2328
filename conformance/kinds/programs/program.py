"""A program: a base model and the operations it goes through, as a frozen record of literals."""

from __future__ import annotations

from dataclasses import dataclass, fields

from conformance.core.case import Case
from conformance.core.grid import tie_id
from conformance.kinds.programs.operations import Operation, Step, read
from conformance.kinds.programs.operations.adapters import Add, Put


@dataclass(frozen=True, repr=False)
class Program:
    """What a user does to one model; the first three fields are its stratum.

    ``repr`` omits defaults, is valid Python and pastes back.
    """

    device: str = "cpu"
    tied: bool = True
    ensure: bool = False
    family: str = "llama"
    dtype: str = "float32"
    autocast: bool = True
    seed: int = 0
    steps: tuple[Step, ...] = ()

    def __repr__(self) -> str:
        parts = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if field.name in STRATUM_FIELDS or getattr(self, field.name) != field.default
        ]
        return f"Program({', '.join(parts)})"

    @property
    def base(self) -> Case:
        """A case with this program's base model."""
        return Case(
            device=self.device,
            tied=self.tied,
            ensure=self.ensure,
            placement="body",
            family=self.family,
            dtype=self.dtype,
            autocast=self.autocast,
            seed=self.seed,
        )

    @property
    def taken(self) -> tuple[Operation, ...]:
        """The steps by name."""
        return tuple(map(read, self.steps))

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations in order, without their arguments."""
        return tuple(one.id for one in self.taken)

    @property
    def placements(self) -> tuple[str, ...]:
        """Where its adapters stand."""
        return tuple(dict.fromkeys(one.placement for one in self.taken if isinstance(one, Put)))

    @property
    def added(self) -> tuple[str, ...]:
        """Where the adapters stand that came after a first one."""
        return tuple(dict.fromkeys(one.placement for one in self.taken if isinstance(one, Add)))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its adapters."""
        return tuple(dict.fromkeys(one.new for one in self.taken if one.new))

    @property
    def stratum(self) -> ProgramStratum:
        """The stratum it belongs to."""
        return ProgramStratum(self.device, tied=self.tied, ensure=self.ensure)


STRATUM_FIELDS = ("device", "tied", "ensure")


@dataclass(frozen=True)
class ProgramStratum:
    """One cell that programs always cover."""

    device: str
    tied: bool
    ensure: bool

    @property
    def id(self) -> str:
        """``<device>-<tied|untied>-<ensure|default>-programs``."""
        return f"{self.device}-{tie_id(tied=self.tied, ensure=self.ensure)}-programs"


def program_strata(devices: tuple[str, ...]) -> tuple[ProgramStratum, ...]:
    """All strata of programs on these devices."""
    return tuple(
        ProgramStratum(device, tied=tied, ensure=ensure)
        for device in devices
        for tied in (True, False)
        for ensure in (False, True)
    )
