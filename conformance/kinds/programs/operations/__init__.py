"""Every operation that a program can take: one class each, and nothing else that knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from conformance.kinds.programs.operations import (
    adapters,
    base,
    batches,
    combining,
    files,
    native,
    switching,
    whole,
)
from conformance.kinds.programs.operations.operation import Operation, Step

__all__ = ["OPERATIONS", "Operation", "Step", "read"]

ROOMS = (adapters, switching, combining, files, base, batches, whole, native)
"""Where operations stand: in this order, and within each as they are written, they are told."""
OPERATIONS: Mapping[str, type[Operation]] = MappingProxyType(
    {
        one.id: one
        for room in ROOMS
        for one in vars(room).values()
        if isinstance(one, type) and one.__module__ == room.__name__ and hasattr(one, "id")
    }
)
"""Every operation by the name that a step starts with."""


def read(step: Step) -> Operation:
    """A step by name."""
    name, *arguments = step
    return OPERATIONS[name](*arguments)
