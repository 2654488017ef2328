"""What a fault of sequences is, and all of them: each module of faults adds its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from peft.tuners.lora.layer import LoraLayer

UNTIED, ENSURED = "cpu-untied-default-programs", "cpu-tied-ensure-programs"
TIED = "cpu-tied-default-programs"


@dataclass(frozen=True)
class ProgramFault:
    """``needs`` are the operations without which no program can show it."""

    id: str
    plant: Callable[[], AbstractContextManager[None]]
    caught_by: str
    needs: frozenset[str]
    stratum: str


FAULTS: list[ProgramFault] = []
Plant = Callable[[], AbstractContextManager[None]]


def fault(caught_by: str, *needs: str, stratum: str = UNTIED) -> Callable[[Plant], Plant]:
    """Register the decorated function, which plants the fault that it is named after."""

    def register(plant: Plant) -> Plant:
        name = plant.__name__.replace("_", "-")
        FAULTS.append(ProgramFault(name, plant, caught_by, frozenset(needs), stratum))
        return plant

    return register


def lora_layers(model: Any) -> list[Any]:
    return [module for module in model.modules() if isinstance(module, LoraLayer)]
